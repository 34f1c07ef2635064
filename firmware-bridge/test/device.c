/* What the device library does over time: slow links, repeated labels, conversions, refused configurations. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../include/edgegrad.h"
#include "host.h"

static unsigned failures, checks;

static void check(bool is_right, const char *what) {
  checks++;
  if (is_right) return;
  failures++;
  printf("FAILED %s\n", what);
}

/* ---- a link with a host at its end ---- */

static uint32_t clock_us;
static size_t room; /* bytes the link still takes */
static host_receiver host;
static unsigned hellos, schemas, rows, labels, logs, pongs;
static uint32_t lost, last_row, acked;
static float last_values[64];
static char last_log[256];
static uint8_t first_byte;
static size_t link_bytes;

static void on_event(void *ctx, const host_event *event) {
  (void)ctx;
  switch (event->kind) {
    case HOST_ON_HELLO: hellos++; break;
    case HOST_ON_SCHEMA: schemas++; break;
    case HOST_ON_ROW:
      rows++;
      last_row = event->row;
      memcpy(last_values, event->values, event->count * sizeof(float));
      break;
    case HOST_ON_GAP: lost += event->lost; break;
    case HOST_ON_LABEL: labels++; break;
    case HOST_ON_LOG:
      logs++;
      memcpy(last_log, event->text, event->count);
      last_log[event->count] = 0;
      break;
    case HOST_ON_PONG: pongs++; break;
    default: check(false, "no damage on a link without any");
  }
}

static uint32_t now_us(void *ctx) {
  (void)ctx;
  return clock_us;
}

static size_t link_write(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  if (n > room) n = room;
  room -= n;
  if (link_bytes == 0 && n > 0) first_byte = bytes[0];
  link_bytes += n;
  host_receive(&host, bytes, n);
  return n;
}

static void on_label_ack(void *ctx, uint32_t row) {
  (void)ctx;
  acked = row;
}

static const eg_column columns[] EG_FLASH = {
  {"f", "", EG_F32, 0, 0, false},      {"h", "", EG_F16, 0, 0, false},       {"i", "", EG_I32, 0, 0, false},
  {"s", "", EG_I16, 0.5f, 1, false},   {"u", "", EG_U16, 0, 0, false},       {"b", "", EG_U8, 0, -10, false},
  {"o", "", EG_BOOL, 0, 0, false},     {"truth", "", EG_F32, 0, 0, true},
};
static const char firmware[] EG_FLASH = "test 1.0";
static uint8_t tx[200], rx[EG_RX_BYTES(2)];
static eg_config config;
static eg_device device;

static eg_config usual(void) {
  return (eg_config){
    .columns = columns, .column_count = 8, .firmware = firmware, .tx = tx, .tx_bytes = sizeof tx, .rx = rx,
    .rx_bytes = sizeof rx, .now_us = now_us, .write = link_write, .on_label_ack = on_label_ack,
  };
}

static void start(void) {
  config = usual();
  memset(&host, 0, sizeof host);
  host.on_event = on_event;
  hellos = schemas = rows = labels = logs = pongs = 0;
  lost = last_row = acked = 0;
  link_bytes = 0;
  clock_us = 0xFFFFF000u; /* the clock wraps soon */
  room = 1000000;
  check(eg_init(&device, &config, 7, 1000) == EG_OK, "eg_init");
}

static void from_host(uint8_t type, const void *payload, size_t n) {
  uint8_t wire[252];
  eg_poll(&device, wire, host_encode(wire, type, 0, 0, 0, payload, n));
}

/* ---- */

static void says_hello(void) {
  start();
  eg_poll(&device, NULL, 0);
  check(hellos == 1 && schemas == 1, "a hello at the start");
  check(first_byte == 0, "a zero before the first frame");
  for (unsigned s = 1; s <= 30; s++) {
    clock_us += 1000000;
    eg_poll(&device, NULL, 0);
  }
  check(hellos == 4, "a hello every ten seconds, past a wrap of the clock");
  from_host(HOST_HELLO_REQ, NULL, 0);
  check(hellos == 5, "a hello when asked for");
  const uint32_t period = 20000;
  from_host(HOST_RATE, &period, 4);
  check(hellos == 6 && eg_period_us(&device) == 1000, "a rate without a callback: as it was, and said");
  eg_set_period(&device, 5000);
  eg_poll(&device, NULL, 0);
  check(hellos == 7 && eg_period_us(&device) == 5000, "another period is said");
}

static void slow_link(void) {
  const float values[7] = {1, 2, 3, 4, 5, 6, 1};
  unsigned dropped = 0;
  start();
  room = 0;
  for (unsigned i = 0; i < 1000; i++) {
    room += 11; /* a row is 34 bytes and more: two of three find no room */
    eg_poll(&device, NULL, 0);
    if (eg_send_floats(&device, values) == EG_DROPPED) dropped++;
    if (i == 300) from_host(HOST_HELLO_REQ, NULL, 0);
  }
  room = 1000000;
  eg_poll(&device, NULL, 0);
  eg_log(&device, 2, "end");
  check(dropped > 500 && dropped < 900, "rows are dropped on a slow link");
  check(rows + dropped == 1000 && eg_count(&device)->dropped_rows == dropped, "each row is sent or counted");
  check(eg_count(&device)->dropped_frames == dropped, "frames counted");
  check(lost == dropped && eg_next_row(&device) == 1000, "the host sees each dropped row as a gap");
  check(hellos >= 2 && hellos <= 9 && schemas == 1 && device.hello_left == 0, "hellos find their way between rows");
}

static void hello_in_parts(void) {
  start();
  config.tx_bytes = 17 + 16 + 9 + 8 + 3 + 8; /* one or two columns at a time */
  check(eg_init(&device, &config, 7, 0) == EG_OK, "a small tx");
  room = 0;
  for (unsigned i = 0; i < 200; i++) {
    room += 7;
    eg_poll(&device, NULL, 0);
    if (i == 60) eg_set_period(&device, 9);
  }
  check(schemas == 1 && hellos > 8, "a schema in many hellos");
  check(eg_tx_waits(&device) == 0 && eg_count(&device)->dropped_frames == 0, "nothing waits, nothing is dropped");
}

static void labels_repeat(void) {
  float truth = 21.5f;
  start();
  eg_poll(&device, NULL, 0);
  check(eg_send_label(&device, 5, &truth, 100000) == EG_OK && labels == 1, "a label");
  check(eg_send_label(&device, 6, &truth, 100000) == EG_LABEL_WAITS && labels == 1, "one label at a time");
  for (unsigned i = 0; i < 10; i++) {
    clock_us += 50000;
    eg_poll(&device, NULL, 0);
  }
  check(labels == 6, "repeated every tenth of a second");
  uint32_t row = 4;
  from_host(HOST_LABEL_ACK, &row, 4);
  check(eg_label_waits(&device) && acked == 4, "another row's acknowledgement");
  row = 5;
  from_host(HOST_LABEL_ACK, &row, 4);
  check(!eg_label_waits(&device) && acked == 5, "acknowledged");
  clock_us += 1000000;
  eg_poll(&device, NULL, 0);
  check(labels == 6, "not repeated any more");
  check(eg_send_label(&device, 6, &truth, 0) == EG_OK && labels == 7 && !eg_label_waits(&device), "sent once");
}

static void logs_are_cut(void) {
  char text[400];
  memset(text, 'a', sizeof text);
  text[399] = 0;
  start();
  eg_poll(&device, NULL, 0);
  check(eg_log(&device, 0, text) == EG_OK && strlen(last_log) == sizeof tx - 17, "a log as long as tx");
  memcpy(text + sizeof tx - 18, "\xC3\xBC", 2); /* the last character that fits only by half */
  check(eg_log(&device, 0, text) == EG_OK && strlen(last_log) == sizeof tx - 18, "cut between characters");
  check(eg_log(&device, 0, "") == EG_OK && last_log[0] == 0 && logs == 3, "an empty log");
}

static void receives(void) {
  uint8_t output[9 + 12] = {0}, noise[600];
  start();
  eg_poll(&device, NULL, 0);
  output[8] = 3;
  from_host(HOST_OUTPUT, output, sizeof output);
  check(eg_count(&device)->rx_bad == 1 && eg_count(&device)->rx_frames == 0, "an output with more values than rx holds");
  output[8] = 2;
  from_host(HOST_OUTPUT, output, 17);
  check(eg_count(&device)->rx_frames == 1, "an output that fits, without a callback");
  memset(noise, 0x55, sizeof noise);
  eg_poll(&device, noise, sizeof noise);
  const uint32_t token = 1;
  from_host(HOST_PING, &token, 4);
  check(pongs == 0 && eg_count(&device)->rx_bad == 2, "noise swallows the frame behind it");
  from_host(HOST_PING, &token, 4);
  check(pongs == 1 && eg_count(&device)->rx_frames == 2, "and no other");
}

static void converts(void) {
  /* f, h, i, s = (v − 1) / 0.5, u, b = v + 10, o */
  static const struct { float in[7], out[7]; } cases[] = {
    {{0.1f, 0.5f, 7, 7, 7, 7, 1}, {0.1f, 0.5f, 7, 7, 7, 7, 1}},
    {{-0.0f, 1e9f, 3e9f, 1e9f, 65536, 1000, -3}, {-0.0f, 65504, 2147483648.0f, 16384.5f, 65535, 245, 1}},
    {{1e-45f, -1e9f, -3e9f, -1e9f, -1, -1000, 0}, {1e-45f, -65504, -2147483648.0f, -16383, 0, -10, 0}},
    {{3, 3, 2.5f, 1.25f, 2.5f, 2.4f, 0.1f}, {3, 3, 3, 1.5f, 3, 2, 1}},
    {{3, 3, -2.5f, 0.75f, 0.49f, -9.5f, 0}, {3, 3, -3, 0.5f, 0, -9, 0}},
    {{3, 3, 16777215, 0, 0, 0, 0}, {3, 3, 16777215, 0, 0, 0, 0}},
    {{NAN, NAN, 1, 2, 3, 4, 1}, {NAN, NAN, 1, 2, 3, 4, 1}},
    {{1, 2, NAN, 4, 5, 6, NAN}, {1, 2, NAN, 4, 5, 6, NAN}},
    {{NAN, NAN, NAN, NAN, NAN, NAN, NAN}, {NAN, NAN, NAN, NAN, NAN, NAN, NAN}},
  };
  start();
  eg_poll(&device, NULL, 0);
  for (unsigned k = 0; k < sizeof cases / sizeof *cases; k++) {
    check(eg_send_floats(&device, cases[k].in) == EG_OK && rows == k + 1, "a row of floats");
    for (unsigned i = 0; i < 7; i++) {
      char what[80];
      const float want = cases[k].out[i], got = last_values[i];
      snprintf(what, sizeof what, "case %u column %u: %g became %g", k, i, (double)cases[k].in[i], (double)got);
      check(want == got || (isnan(want) && isnan(got)), what);
    }
  }
}

static double half_value(unsigned half) {
  const unsigned exponent = half >> 10 & 31, mantissa = half & 1023;
  const double size = exponent == 0 ? ldexp(mantissa, -24) : ldexp(1024 + mantissa, (int)exponent - 25);
  return (half & 0x8000) != 0 ? -size : size;
}

static void halves(void) {
  bool is_right = true;
  for (unsigned half = 0; half < 0x7BFF; half++) {
    const float low = (float)half_value(half), high = (float)half_value(half + 1);
    const float middle = (float)(((double)low + (double)high) / 2);
    const unsigned even = half % 2 == 0 ? half : half + 1;
    if (eg_half(low) != half || eg_half(-low) != (half | 0x8000)) is_right = false;
    if (eg_half(middle) != even) is_right = false;
    if (eg_half(nextafterf(middle, 0)) != half || eg_half(nextafterf(middle, 1e9f)) != half + 1) is_right = false;
  }
  check(is_right, "every half, and the floats between them");
  check(eg_half(65504) == 0x7BFF && eg_half(65519) == 0x7BFF && eg_half(1e30f) == 0x7BFF, "the largest half");
  check(eg_half(INFINITY) == 0x7C00 && eg_half(-INFINITY) == 0xFC00 && (eg_half(NAN) & 0x7FFF) > 0x7C00, "infinity and NaN");
}

static void refuses(void) {
  static eg_column many[65];
  static uint8_t raw[236];
  for (unsigned i = 0; i < 65; i++) many[i] = (eg_column){"c", "", EG_F32, 0, 0, false};
  start();
  host.on_event = NULL; /* rows without a hello */
  config = usual();
  config.column_count = 0;
  check(eg_init(&device, &config, 1, 0) == EG_BAD_COLUMNS, "no columns");
  config.columns = many;
  config.column_count = 65;
  check(eg_init(&device, &config, 1, 0) == EG_BAD_COLUMNS, "65 columns");
  config.column_count = 60;
  check(eg_init(&device, &config, 1, 0) == EG_BAD_COLUMNS, "rows of 240 bytes");
  config.column_count = 47;
  check(eg_init(&device, &config, 1, 0) == EG_TX_TOO_SMALL, "rows longer than tx");
  config.column_count = 46;
  check(eg_init(&device, &config, 1, 0) == EG_OK, "rows as long as tx");
  check(eg_send_row(&device, raw, raw) == EG_TOO_LARGE && eg_next_row(&device) == 0, "no room for the mask");
  config.column_count = 2;
  check(eg_init(&device, &config, 1, 0) == EG_OK, "two columns");
  check(eg_send_batch(&device, 0, 0, 0, raw) == EG_TOO_LARGE, "a batch of nothing");
  check(eg_send_batch(&device, 0, 0, 23, raw) == EG_TOO_LARGE, "a batch longer than tx");
  check(eg_send_batch(&device, 0, 0, 22, raw) == EG_OK && eg_next_row(&device) == 22, "a batch as long as tx");
  many[0].type = 0;
  check(eg_init(&device, &config, 1, 0) == EG_BAD_COLUMNS, "type 0");
  many[0].type = 8;
  check(eg_init(&device, &config, 1, 0) == EG_BAD_COLUMNS, "type 8");
  many[0].type = EG_U8;
  many[0].name[0] = 0;
  check(eg_init(&device, &config, 1, 0) == EG_BAD_COLUMNS, "an empty name");
  many[0] = (eg_column){"l", "", EG_F32, 0, 0, true};
  check(eg_init(&device, &config, 1, 0) == EG_BAD_COLUMNS, "a label before a row column");
  config = usual();
  config.tx_bytes = 17 + 16 + 9 + 11;
  check(eg_init(&device, &config, 1, 0) == EG_TX_TOO_SMALL, "tx smaller than a hello");
  config = usual();
  config.rx_bytes = EG_RX_BYTES(0) - 1;
  check(eg_init(&device, &config, 1, 0) == EG_RX_TOO_SMALL, "rx smaller than a rate");
  for (unsigned i = 0; i < 2; i++) {
    memset(&many[i], 'x', sizeof many[i].name + sizeof many[i].unit);
    many[i].name[31] = many[i].unit[15] = 0;
    many[i].type = EG_F32;
    many[i].scale = 2;
    many[i].is_label = false;
  }
  config.columns = many;
  config.column_count = 2;
  config.firmware = "0123456789012345678901234567890";
  config.rx_bytes = sizeof rx;
  config.tx_bytes = EG_TX_BYTES_MIN;
  check(eg_init(&device, &config, 1, 0) == EG_OK, "EG_TX_BYTES_MIN holds any column");
  config.tx_bytes = EG_TX_BYTES_MIN - 1;
  check(eg_init(&device, &config, 1, 0) == EG_TX_TOO_SMALL, "and one byte less does not");
}

int main(void) {
  says_hello();
  slow_link();
  hello_in_parts();
  labels_repeat();
  logs_are_cut();
  receives();
  converts();
  halves();
  refuses();
  printf("device: %u checks, %u failures\n", checks, failures);
  return failures == 0 ? 0 : 1;
}
