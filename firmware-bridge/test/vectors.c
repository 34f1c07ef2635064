/*
 * Passes protocol/vectors/binary.txt, named on the command line: what a device sends is encoded by the library and
 * decoded by host.c, what a host sends the other way round; bad frames are refused for the reason given; streams give
 * the events given; and each frame is refused with any one of its bits flipped.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/edgegrad.h"
#include "host.h"

#define LINE_MAX_BYTES 70000
#define TOKENS_MAX 400

static unsigned failures, checks;
static char where[200];

static void check(bool is_right, const char *what) {
  checks++;
  if (is_right) return;
  failures++;
  printf("FAILED %s: %s\n", where, what);
}

/* ---- tokens ---- */

static char line[LINE_MAX_BYTES];
static char *token[TOKENS_MAX];
static unsigned tokens;

static void split(void) {
  tokens = 0;
  for (char *p = strtok(line, " \n"); p != NULL; p = strtok(NULL, " \n")) {
    if (tokens < TOKENS_MAX) token[tokens++] = p;
  }
}

static uint32_t number(unsigned i) { return (uint32_t)strtoul(token[i], NULL, 10); }

/* Hexadecimal, "-" for nothing. */
static size_t hex(const char *text, uint8_t *out) {
  size_t n = 0;
  if (strcmp(text, "-") == 0) return 0;
  for (; text[0] != 0; text += 2) {
    const char digits[3] = {text[0], text[1], 0};
    out[n++] = (uint8_t)strtoul(digits, NULL, 16);
  }
  return n;
}

static float from_bits(const char *text) {
  const uint32_t bits = (uint32_t)strtoul(text, NULL, 16);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* The same bits; any NaN for any NaN. */
static bool is_same(float a, float b) { return (isnan(a) && isnan(b)) || memcmp(&a, &b, sizeof a) == 0; }

/* ---- schemas ---- */

typedef struct known_schema {
  char name[40];
  uint16_t hash;
  host_schema host;
  eg_column columns[64];
} known_schema;

static known_schema schemas[16];
static unsigned schema_count;

static known_schema *find_schema(const char *name) {
  for (unsigned i = 0; i < schema_count; i++) {
    if (strcmp(schemas[i].name, name) == 0) return &schemas[i];
  }
  return NULL;
}

static void add_schema(void) {
  known_schema *s = &schemas[schema_count++];
  snprintf(s->name, sizeof s->name, "%s", token[1]);
  s->hash = (uint16_t)number(2);
}

static void add_column(void) {
  known_schema *s = &schemas[schema_count - 1];
  host_column *c = &s->host.column[s->host.columns];
  eg_column *e = &s->columns[s->host.columns++];
  c->name[hex(token[1], (uint8_t *)c->name)] = 0;
  c->unit[hex(token[2], (uint8_t *)c->unit)] = 0;
  c->type = (uint8_t)number(3);
  c->scale = from_bits(token[4]);
  c->offset = from_bits(token[5]);
  c->is_label = number(6) != 0;
  memcpy(e->name, c->name, sizeof e->name);
  memcpy(e->unit, c->unit, sizeof e->unit);
  e->type = c->type;
  e->scale = c->scale;
  e->offset = c->offset;
  e->is_label = c->is_label;
}

/* ---- a device that sends into memory ---- */

static uint8_t sent[16384];
static size_t sent_bytes;
static uint32_t clock_first, clock_then;
static unsigned clock_reads;

static uint32_t now_us(void *ctx) {
  (void)ctx;
  return clock_reads++ == 0 ? clock_first : clock_then;
}

static size_t write_bytes(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  if (sent_bytes + n > sizeof sent) return 0;
  memcpy(sent + sent_bytes, bytes, n);
  sent_bytes += n;
  return n;
}

static eg_output heard_output;
static uint8_t heard_values[256];
static uint32_t heard_rate, heard_ack;

static uint32_t on_rate(void *ctx, uint32_t period_us) {
  (void)ctx;
  heard_rate = period_us;
  return period_us;
}

static void on_output(void *ctx, const eg_output *output) {
  (void)ctx;
  heard_output = *output;
  for (uint8_t i = 0; i < output->count; i++) {
    const float value = eg_output_value(output, i);
    memcpy(heard_values + 4 * i, &value, 4);
  }
}

static void on_label_ack(void *ctx, uint32_t row) {
  (void)ctx;
  heard_ack = row;
}

static uint8_t tx[1024], rx[255];
static char firmware[32];
static eg_config config = {
  .firmware = firmware, .tx = tx, .tx_bytes = sizeof tx, .rx = rx, .rx_bytes = sizeof rx, .now_us = now_us,
  .write = write_bytes, .on_rate = on_rate, .on_output = on_output, .on_label_ack = on_label_ack,
};
static eg_device device;

/* A device that has said hello and has sent nothing since. */
static void start(const known_schema *s, uint32_t boot, uint32_t rows, uint32_t t_us) {
  config.columns = s->columns;
  config.column_count = (uint8_t)s->host.columns;
  clock_first = clock_then = t_us;
  clock_reads = 0;
  check(eg_init(&device, &config, boot, 0) == EG_OK, "eg_init");
  check(eg_schema(&device) == s->hash, "schema hash");
  eg_poll(&device, NULL, 0);
  device.count.rows = rows;
  sent_bytes = 0;
}

static void check_sent(const uint8_t *wire, size_t n) {
  size_t from = 0;
  while (from < sent_bytes && sent[from] == 0) from++;
  check(sent_bytes - from == n && memcmp(sent + from, wire, n) == 0, "encoded otherwise");
}

/* ---- a host that keeps events ---- */

typedef struct kept {
  host_event event;
  float values[64];
  uint8_t text[256];
} kept;

static host_receiver host;
static kept events[600];
static unsigned event_count;
static uint8_t heard_text[65536];
static size_t heard_text_bytes;

static void keep_event(void *ctx, const host_event *event) {
  (void)ctx;
  if (event->kind == HOST_ON_TEXT) {
    memcpy(heard_text + heard_text_bytes, event->text, event->count);
    heard_text_bytes += event->count;
    return;
  }
  kept *k = &events[event_count++];
  k->event = *event;
  if (event->values != NULL) memcpy(k->values, event->values, event->count * sizeof(float));
  if (event->text != NULL) memcpy(k->text, event->text, event->count);
}

static void listen(const known_schema *s) {
  memset(&host, 0, sizeof host);
  host.on_event = keep_event;
  event_count = 0;
  heard_text_bytes = 0;
  if (s == NULL) return;
  host.schema = s->host;
  host.has_schema = host_finish_schema(&host.schema);
  check(host.schema.hash == s->hash, "schema hash of the host");
}

static const kept *only_event(host_event_kind kind) {
  static const kept none;
  const bool is_right = event_count > 0 && events[event_count - 1].event.kind == kind;
  check(is_right, "decoded otherwise");
  return is_right ? &events[event_count - 1] : &none;
}

static void check_values(const kept *k, unsigned first, unsigned count) {
  check(k->event.count == count, "number of values");
  for (unsigned i = 0; i < count && i < k->event.count; i++) check(is_same(k->values[i], from_bits(token[first + i])), "value");
}

/* ---- one frame ---- */

static void flip_device_frame(const known_schema *s, const uint8_t *wire, size_t n) {
  uint8_t flipped[300];
  static const uint8_t zero;
  for (size_t bit = 0; bit < 8 * n; bit++) {
    listen(s);
    memcpy(flipped, wire, n);
    flipped[bit / 8] ^= (uint8_t)(1 << bit % 8);
    host_receive(&host, flipped, n);
    host_receive(&host, &zero, 1);
    if (host.frames != 0) check(false, "taken with a flipped bit");
  }
  checks++;
}

static void flip_host_frame(const uint8_t *wire, size_t n) {
  uint8_t flipped[300];
  static const uint8_t zero;
  start(&schemas[0], 1, 0, 0);
  for (size_t bit = 0; bit < 8 * n; bit++) {
    memcpy(flipped, wire, n);
    flipped[bit / 8] ^= (uint8_t)(1 << bit % 8);
    eg_poll(&device, flipped, n);
    eg_poll(&device, &zero, 1);
  }
  check(eg_count(&device)->rx_frames == 0, "taken with a flipped bit");
}

/* device MESSAGE name wire schema boot rows t_us … */
static void device_frame(void) {
  uint8_t wire[300], raw[256], mask[8];
  const size_t n = hex(token[3], wire);
  const char *message = token[1];
  const known_schema *s = find_schema(token[4]);
  const uint32_t boot = number(5), rows = number(6), t_us = number(7);
  firmware[0] = 0;
  start(s, boot, rows, t_us);
  listen(s);
  host_receive(&host, wire, n);
  check(host.frames == 1, "not taken");
  check((uint16_t)host.expected == (uint16_t)(rows + (strcmp(message, "ROW") == 0)) || strcmp(message, "ROW_BATCH") == 0, "row number");

  if (strcmp(message, "HELLO") == 0) {
    const kept *k = only_event(HOST_ON_HELLO);
    firmware[hex(token[9], (uint8_t *)firmware)] = 0;
    check(k->event.boot == boot && k->event.row == rows && k->event.period_us == number(8), "numbers of the hello");
    device.period_us = number(8);
    device.hello_next = (uint8_t)number(10);
    device.hello_left = (uint8_t)number(11);
    eg_poll(&device, NULL, 0);
  } else if (strcmp(message, "ROW") == 0) {
    const size_t mask_bytes = hex(token[8], mask);
    check(hex(token[9], raw) == eg_row_bytes(&device), "row size");
    check_values(only_event(HOST_ON_ROW), 10, s->host.columns == 0 ? 0 : host.schema.row_columns);
    check(eg_send_row(&device, raw, mask_bytes > 0 ? mask : NULL) == EG_OK, "eg_send_row");
    check(eg_next_row(&device) == rows + 1, "next row");
  } else if (strcmp(message, "ROW_BATCH") == 0) {
    const unsigned count = number(9), columns = host.schema.row_columns;
    const uint32_t step_us = number(8);
    hex(token[10], raw);
    check(event_count == count, "rows of the batch");
    for (unsigned r = 0; r < count && r < event_count; r++) {
      check_values(&events[r], 11 + r * columns, columns);
      check(events[r].event.time_us == (uint64_t)t_us + (uint64_t)r * step_us, "time of a row");
    }
    check(eg_send_batch(&device, t_us, step_us, (uint8_t)count, raw) == EG_OK, "eg_send_batch");
    check(eg_next_row(&device) == rows + count, "next row");
  } else if (strcmp(message, "LOG") == 0) {
    const size_t bytes = hex(token[9], raw);
    const kept *k = only_event(HOST_ON_LOG);
    raw[bytes] = 0;
    check(k->event.level == number(8) && k->event.count == bytes && memcmp(k->text, raw, bytes) == 0, "log");
    check(eg_log(&device, (uint8_t)number(8), (const char *)raw) == EG_OK, "eg_log");
  } else if (strcmp(message, "STATS") == 0) {
    const host_event *e = &only_event(HOST_ON_STATS)->event;
    device.count = (eg_counters){rows, number(8), number(9), number(10), number(11)};
    check(e->row == rows && e->dropped_rows == number(8) && e->dropped_frames == number(9), "sent");
    check(e->rx_frames == number(10) && e->rx_bad == number(11) && e->free_ram == number(12), "received");
    check(eg_send_stats(&device, (uint16_t)number(12)) == EG_OK, "eg_send_stats");
  } else if (strcmp(message, "PONG") == 0) {
    uint8_t ping[64], token_bytes[4];
    const host_event *e = &only_event(HOST_ON_PONG)->event;
    const uint32_t value = number(8);
    check(e->token == value && e->rx_us == number(9) && e->t_us == t_us, "pong");
    memcpy(token_bytes, &value, 4);
    clock_reads = 0;
    clock_first = number(9);
    eg_poll(&device, ping, host_encode(ping, HOST_PING, 0, 0, 0, token_bytes, 4));
  } else if (strcmp(message, "LABEL") == 0) {
    const kept *k = only_event(HOST_ON_LABEL);
    hex(token[9], raw);
    check(k->event.row == number(8), "row of the label");
    check_values(k, 10, host.schema.columns - host.schema.row_columns);
    check(eg_send_label(&device, number(8), raw, 0) == EG_OK, "eg_send_label");
  } else {
    check(false, "no such message");
  }
  check_sent(wire, n);
  flip_device_frame(s, wire, n);
}

/* host MESSAGE name wire seq t_us … */
static void host_frame(void) {
  uint8_t wire[300], encoded[300], payload[256];
  const size_t n = hex(token[3], wire);
  const char *message = token[1];
  uint32_t argument = 0;
  uint8_t type = HOST_HELLO_REQ, flags = 0;
  size_t bytes = 0;
  start(&schemas[0], 1, 0, 0);
  eg_poll(&device, wire, n);
  check(eg_count(&device)->rx_frames == 1 && eg_count(&device)->rx_bad == 0, "not taken by the device");
  if (strcmp(message, "OUTPUT") == 0) {
    const float score = from_bits(token[8]);
    const uint32_t row = number(7);
    const unsigned count = number(9);
    type = HOST_OUTPUT;
    flags = (uint8_t)number(6);
    memcpy(payload, &row, 4);
    memcpy(payload + 4, &score, 4);
    payload[8] = (uint8_t)count;
    bytes = 9 + 4 * count;
    check(heard_output.row == row && is_same(heard_output.score, score) && heard_output.count == count, "output");
    check(heard_output.is_warming_up == ((flags & 1) != 0) && heard_output.is_alarm == ((flags & 2) != 0), "flags");
    for (unsigned i = 0; i < count; i++) {
      const float value = from_bits(token[10 + i]);
      float heard;
      memcpy(payload + 9 + 4 * i, &value, 4);
      memcpy(&heard, heard_values + 4 * i, 4);
      check(is_same(heard, value), "value of the output");
    }
  } else if (strcmp(message, "HELLO_REQ") == 0) {
    check(sent_bytes > 0, "no hello for a hello request");
  } else {
    argument = number(6);
    bytes = 4;
    memcpy(payload, &argument, 4);
    if (strcmp(message, "RATE") == 0) {
      type = HOST_RATE;
      check(heard_rate == argument && eg_period_us(&device) == argument && sent_bytes > 0, "rate");
    } else if (strcmp(message, "PING") == 0) {
      type = HOST_PING;
      check(sent_bytes > 0, "no pong for a ping");
    } else {
      type = HOST_LABEL_ACK;
      check(heard_ack == argument, "acknowledged row");
    }
  }
  check(host_encode(encoded, type, flags, (uint16_t)number(4), number(5), payload, bytes) == n && memcmp(encoded, wire, n) == 0,
        "encoded otherwise by the host");
  flip_host_frame(wire, n);
}

/* reject direction name schema reason wire */
static void reject_frame(void) {
  static uint8_t wire[2000];
  const size_t n = hex(token[5], wire);
  if (strcmp(token[1], "host") == 0) {
    start(&schemas[0], 1, 0, 0);
    eg_poll(&device, wire, n);
    check(eg_count(&device)->rx_frames == 0 && eg_count(&device)->rx_bad == 1, "taken by the device");
    return;
  }
  listen(find_schema(token[3]));
  host_receive(&host, wire, n);
  check(host.frames == 0 || strcmp(token[4], "range") == 0, "taken");
  for (unsigned i = 0; i < HOST_REASONS; i++) {
    check(host.rejected[i] == (strcmp(host_reason_names[i], token[4]) == 0), host_reason_names[i]);
  }
}

/* ---- streams ---- */

static unsigned next_event;

/* sequence name wire text */
static void sequence(void) {
  static uint8_t wire[LINE_MAX_BYTES], text[LINE_MAX_BYTES];
  const size_t n = hex(token[2], wire), text_bytes = hex(token[3], text);
  listen(NULL);
  host_receive(&host, wire, n);
  check(heard_text_bytes == text_bytes && memcmp(heard_text, text, text_bytes) == 0, "text");
  next_event = 0;
}

static void one_event(void) {
  static const char *const gaps[] = {"lost", "restart", "clock"};
  const kept *k = &events[next_event++];
  const host_event *e = &k->event;
  const char *kind = token[1];
  check(next_event <= event_count, "an event is missing");
  if (next_event > event_count) return;
  if (strcmp(kind, "row") == 0) {
    check(e->kind == HOST_ON_ROW && e->row == number(2) && e->time_us == strtoull(token[3], NULL, 10), "row");
    if (e->kind == HOST_ON_ROW) check_values(k, 4, tokens - 4);
  } else if (strcmp(kind, "label") == 0) {
    check(e->kind == HOST_ON_LABEL && e->row == number(2), "label");
    if (e->kind == HOST_ON_LABEL) check_values(k, 3, tokens - 3);
  } else if (strcmp(kind, "gap") == 0) {
    check(e->kind == HOST_ON_GAP && strcmp(gaps[e->gap], token[2]) == 0 && e->lost == number(3), "gap");
  } else if (strcmp(kind, "reject") == 0) {
    check(e->kind == HOST_ON_REJECT && strcmp(host_reason_names[e->reason], token[2]) == 0, "reject");
  } else if (strcmp(kind, "hello") == 0) {
    check(e->kind == HOST_ON_HELLO && e->boot == number(2) && e->row == number(3) && e->period_us == number(4), "hello");
  } else if (strcmp(kind, "schema") == 0) {
    check(e->kind == HOST_ON_SCHEMA, "schema");
  } else if (strcmp(kind, "log") == 0) {
    check(e->kind == HOST_ON_LOG && e->level == number(2) && memcmp(k->text, token[3], strlen(token[3])) == 0, "log");
  } else if (strcmp(kind, "stats") == 0) {
    check(e->kind == HOST_ON_STATS && e->row == number(2) && e->dropped_rows == number(3) && e->free_ram == number(7), "stats");
  } else if (strcmp(kind, "pong") == 0) {
    check(e->kind == HOST_ON_PONG && e->token == number(2) && e->rx_us == number(3) && e->t_us == number(4), "pong");
  } else {
    check(false, "no such event");
  }
}

int main(int argc, char **argv) {
  FILE *in = argc == 2 ? fopen(argv[1], "r") : NULL;
  unsigned cases = 0;
  if (in == NULL) {
    fprintf(stderr, "usage: vectors binary.txt\n");
    return 2;
  }
  while (fgets(line, sizeof line, in) != NULL) {
    split();
    if (tokens == 0) continue;
    if (strcmp(token[0], "event") != 0 && strcmp(token[0], "end") != 0 && strcmp(token[0], "column") != 0) {
      snprintf(where, sizeof where, "%s %s %s", token[0], token[1], tokens > 2 ? token[2] : "");
      where[120] = 0;
      cases++;
    }
    if (strcmp(token[0], "schema") == 0) add_schema();
    else if (strcmp(token[0], "column") == 0) add_column();
    else if (strcmp(token[0], "device") == 0) device_frame();
    else if (strcmp(token[0], "host") == 0) host_frame();
    else if (strcmp(token[0], "reject") == 0) reject_frame();
    else if (strcmp(token[0], "sequence") == 0) sequence();
    else if (strcmp(token[0], "event") == 0) one_event();
    else if (strcmp(token[0], "end") == 0) check(next_event == event_count, "more events than there should be");
    else check(false, "no such line");
  }
  fclose(in);
  printf("vectors: %u cases, %u checks, %u failures\n", cases, checks, failures);
  return failures == 0 && cases > 100 ? 0 : 1;
}
