#include "host.h"

#include <math.h>
#include <string.h>

#define BODY_MAX 250
#define WIRE_MAX 251

const char *const host_reason_names[HOST_REASONS] = {
  "tooLong", "cobs", "tooShort", "crc", "unknownType", "length", "schema", "duplicate", "range",
};

static uint32_t crc32(const uint8_t *bytes, size_t n) {
  uint32_t crc = ~(uint32_t)0;
  while (n-- > 0) {
    crc ^= *bytes++;
    for (int bit = 0; bit < 8; bit++) crc = (crc & 1) != 0 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
  }
  return ~crc;
}

static uint16_t get16(const uint8_t *p) { return (uint16_t)(p[0] | p[1] << 8); }
static uint32_t get32(const uint8_t *p) { return get16(p) | (uint32_t)get16(p + 2) << 16; }
static void set16(uint8_t *p, uint16_t v) { p[0] = (uint8_t)v, p[1] = (uint8_t)(v >> 8); }
static void set32(uint8_t *p, uint32_t v) { set16(p, (uint16_t)v), set16(p + 2, (uint16_t)(v >> 16)); }

static float get_float(const uint8_t *p) {
  const uint32_t bits = get32(p);
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

static double get_half(const uint8_t *p) {
  const unsigned bits = get16(p), exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double size = exponent == 0    ? ldexp(mantissa, -24)
                      : exponent == 31 ? (mantissa != 0 ? NAN : INFINITY)
                                       : ldexp(1024 + mantissa, (int)exponent - 25);
  return (bits & 0x8000) != 0 ? -size : size;
}

static unsigned type_bytes(unsigned type) {
  static const unsigned bytes[] = {0, 4, 2, 4, 2, 2, 1, 1};
  return type < sizeof bytes / sizeof *bytes ? bytes[type] : 0;
}

/* ---- encoding ---- */

size_t host_encode(uint8_t *out, uint8_t type, uint8_t flags, uint16_t seq, uint32_t t_us, const void *payload, size_t n) {
  uint8_t body[BODY_MAX];
  size_t code = 0, at = 1;
  body[0] = type;
  body[1] = flags;
  set16(body + 2, seq);
  set32(body + 4, t_us);
  set16(body + 8, 0);
  if (n > 0) memcpy(body + 10, payload, n);
  set32(body + 10 + n, crc32(body, 10 + n));
  for (size_t i = 0; i < n + 14; i++) {
    if (body[i] != 0) {
      out[at++] = body[i];
      continue;
    }
    out[code] = (uint8_t)(at - code);
    code = at++;
  }
  out[code] = (uint8_t)(at - code);
  out[at++] = 0;
  return at;
}

/* ---- schema ---- */

static size_t put_text(uint8_t *out, const char *text) {
  const size_t n = strlen(text);
  out[0] = (uint8_t)n;
  memcpy(out + 1, text, n);
  return n + 1;
}

bool host_finish_schema(host_schema *schema) {
  uint8_t bytes[64 * 57];
  size_t n = 0;
  schema->row_columns = schema->row_bytes = schema->label_bytes = 0;
  for (unsigned i = 0; i < schema->columns; i++) {
    const host_column *c = &schema->column[i];
    const bool is_scaled = c->scale != 1 || c->offset != 0;
    bytes[n++] = (uint8_t)(c->type | (c->is_label ? 0x40 : 0) | (is_scaled ? 0x80 : 0));
    if (is_scaled) {
      uint32_t bits;
      memcpy(&bits, &c->scale, 4);
      set32(bytes + n, bits);
      memcpy(&bits, &c->offset, 4);
      set32(bytes + n + 4, bits);
      n += 8;
    }
    n += put_text(bytes + n, c->name);
    n += put_text(bytes + n, c->unit);
    if (c->is_label) {
      schema->label_bytes += type_bytes(c->type);
    } else {
      if (schema->label_bytes > 0) return false;
      schema->row_columns++;
      schema->row_bytes += type_bytes(c->type);
    }
  }
  schema->hash = (uint16_t)crc32(bytes, n);
  if (schema->hash == 0) schema->hash = 1;
  return schema->row_bytes <= BODY_MAX - 14;
}

/* Reads one column from p[0, n); returns its bytes, 0 where it is none. */
static size_t get_column(const uint8_t *p, size_t n, host_column *out) {
  size_t at = 1;
  memset(out, 0, sizeof *out);
  if (n < 1) return 0;
  out->type = p[0] & 15;
  out->is_label = (p[0] & 0x40) != 0;
  out->scale = 1;
  if (type_bytes(out->type) == 0) return 0;
  if ((p[0] & 0x80) != 0) {
    if (n < 9) return 0;
    out->scale = get_float(p + 1);
    out->offset = get_float(p + 5);
    at = 9;
  }
  if (at >= n || p[at] < 1 || p[at] > 31 || at + 1 + p[at] > n) return 0;
  memcpy(out->name, p + at + 1, p[at]);
  at += 1u + p[at];
  if (at >= n || p[at] > 15 || at + 1 + p[at] > n) return 0;
  memcpy(out->unit, p + at + 1, p[at]);
  return at + 1 + p[at];
}

/* ---- events ---- */

static void emit(host_receiver *host, host_event *event, host_event_kind kind) {
  event->kind = kind;
  if (host->on_event != NULL) host->on_event(host->ctx, event);
}

static void reject(host_receiver *host, host_reason reason) {
  host_event event = {.reason = reason};
  host->rejected[reason]++;
  emit(host, &event, HOST_ON_REJECT);
}

static void gap(host_receiver *host, host_gap kind, uint32_t lost) {
  host_event event = {.gap = kind, .lost = lost};
  emit(host, &event, HOST_ON_GAP);
}

static void text(host_receiver *host, const uint8_t *bytes, size_t n) {
  host_event event = {.text = bytes, .count = (unsigned)n};
  if (n > 0) emit(host, &event, HOST_ON_TEXT);
}

/* ---- frames ---- */

static void restart(host_receiver *host) {
  gap(host, HOST_RESTART, 0);
  host->has_time = host->has_row_time = false;
}

/* Values of `count` columns from `first` on. Returns whether they are all finite or missing. */
static bool get_values(const host_schema *schema, unsigned first, unsigned count, const uint8_t *raw, const uint8_t *mask, float *out) {
  bool is_finite = true;
  for (unsigned i = 0; i < count; i++) {
    const host_column *c = &schema->column[first + i];
    double value = 0;
    switch (c->type) {
      case 1: value = get_float(raw); break;
      case 2: value = get_half(raw); break;
      case 3: value = (int32_t)get32(raw); break;
      case 4: value = (int16_t)get16(raw); break;
      case 5: value = get16(raw); break;
      case 6: value = raw[0]; break;
      default: value = raw[0] != 0;
    }
    raw += type_bytes(c->type);
    if (isnan(value) || (mask != NULL && (mask[i / 8] >> i % 8 & 1) != 0)) {
      out[i] = NAN;
      continue;
    }
    out[i] = (float)(value * (double)c->scale + (double)c->offset);
    if (!isfinite(out[i])) is_finite = false;
  }
  return is_finite;
}

static bool has_length(const host_receiver *host, const uint8_t *body, size_t n) {
  const uint8_t *payload = body + 10;
  const bool knows = host->has_schema && get16(body + 8) == host->schema.hash;
  const host_schema *s = &host->schema;
  switch (body[0]) {
    case HOST_ROW: return !knows || n == s->row_bytes + ((body[1] & 1) != 0 ? (s->row_columns + 7) / 8 : 0);
    case HOST_ROW_BATCH: return n >= 5 && payload[0] > 0 && (!knows || n == 5 + (size_t)payload[0] * s->row_bytes);
    case HOST_LOG: return n >= 1;
    case HOST_STATS: return n >= 22;
    case HOST_PONG: return n == 8;
    case HOST_LABEL: return n >= 4 && (!knows || n == 4 + s->label_bytes);
    default: break;
  }
  if (n >= 1 && payload[0] != 1) return true; /* another protocol: nothing more is known of it */
  if (n < 17 || payload[16] > 31) return false;
  size_t at = 17u + payload[16];
  if (payload[3] < 1 || payload[3] > 64 || payload[1] + payload[2] > payload[3]) return false;
  for (unsigned i = 0; i < payload[2]; i++) {
    host_column column;
    const size_t bytes = at < n ? get_column(payload + at, n - at, &column) : 0;
    if (bytes == 0) return false;
    at += bytes;
  }
  return at <= n;
}

/* Compares the number of the next row. Returns how many rows the frame is behind, 0 when it is not. */
static unsigned follow(host_receiver *host, uint32_t rows, bool is_full) {
  const bool compares_full = is_full && host->has_high;
  const uint32_t d = compares_full ? rows - host->expected : (uint16_t)(rows - host->expected);
  const uint32_t span = compares_full ? 0 : 65536;
  const uint32_t jump = compares_full ? 0x80000000u : 32768;
  if (!host->has_row) {
    host->has_row = true;
    host->has_high = is_full;
    host->expected = rows;
    return 0;
  }
  if (d >= span - 1024) return span - d;
  if (d >= jump) {
    restart(host);
    host->expected = rows;
    host->has_high = is_full;
    return 0;
  }
  if (d > 0) gap(host, HOST_LOST, d);
  host->expected = is_full ? rows : host->expected + d;
  if (is_full) host->has_high = true;
  return 0;
}

/* `old`: how many of its rows have come before. */
static void take_rows(host_receiver *host, const uint8_t *body, unsigned old) {
  const host_schema *s = &host->schema;
  const bool is_batch = body[0] == HOST_ROW_BATCH;
  const uint8_t *payload = body + 10, *mask = NULL;
  const unsigned count = is_batch ? payload[0] : 1;
  const uint32_t step_us = is_batch ? get32(payload + 1) : 0;
  const uint8_t *raw = is_batch ? payload + 5 : payload;
  float values[64];
  host_event event = {.values = values, .count = s->row_columns};
  if (!is_batch && (body[1] & 1) != 0) {
    mask = payload;
    raw += (s->row_columns + 7) / 8;
  }
  if (old == 0) {
    for (unsigned i = 0; i < count; i++) {
      if (get_values(s, 0, s->row_columns, raw + i * s->row_bytes, mask, values)) continue;
      reject(host, HOST_RANGE);
      break;
    }
  }
  for (unsigned i = old; i < count; i++) {
    const uint64_t time_us = host->time_us + (uint64_t)i * step_us;
    if (host->has_row_time && time_us < host->row_us) gap(host, HOST_CLOCK, 0);
    host->has_row_time = true;
    host->row_us = time_us;
    event.row = host->expected++;
    event.time_us = time_us;
    if (get_values(s, 0, s->row_columns, raw + i * s->row_bytes, mask, values)) emit(host, &event, HOST_ON_ROW);
  }
}

static void take_hello(host_receiver *host, const uint8_t *body, size_t n) {
  const uint8_t *payload = body + 10;
  size_t at = 17u + payload[16];
  host_schema *next = &host->next;
  host_event event = {.boot = get32(payload + 4), .row = get32(payload + 8), .period_us = get32(payload + 12)};
  emit(host, &event, HOST_ON_HELLO);
  if (host->has_schema && host->schema.hash == get16(body + 8)) return;
  if (next->hash != get16(body + 8) || next->columns != payload[3]) {
    memset(host->has_next, 0, sizeof host->has_next);
    next->hash = get16(body + 8);
    next->columns = payload[3];
  }
  for (unsigned i = 0; i < payload[2]; i++) {
    at += get_column(payload + at, n - at, &next->column[payload[1] + i]);
    host->has_next[payload[1] + i] = true;
  }
  for (unsigned i = 0; i < next->columns; i++) {
    if (!host->has_next[i]) return;
  }
  memset(host->has_next, 0, sizeof host->has_next);
  if (!host_finish_schema(next) || next->hash != get16(body + 8)) return;
  host->schema = *next;
  host->has_schema = true;
  emit(host, &event, HOST_ON_SCHEMA);
}

/* A body with the right CRC. */
static void take(host_receiver *host, const uint8_t *body, size_t bytes) {
  const uint8_t *payload = body + 10, type = body[0], bits = body[1] >> 4;
  const size_t n = bytes - 14;
  const bool is_row = type == HOST_ROW || type == HOST_ROW_BATCH;
  float values[64];
  host_event event = {.t_us = get32(body + 4)};

  if (host->has_bits && bits != host->boot_bits) {
    restart(host);
    host->expected = 0;
    host->has_row = host->has_high = true;
    host->has_boot = false;
  }
  host->has_bits = true;
  host->boot_bits = bits;

  if (type < HOST_HELLO || type > HOST_LABEL) {
    reject(host, HOST_UNKNOWN_TYPE);
    return;
  }
  if (!has_length(host, body, n)) {
    reject(host, HOST_LENGTH);
    return;
  }
  if ((is_row || type == HOST_LABEL) && (!host->has_schema || get16(body + 8) != host->schema.hash)) {
    reject(host, HOST_SCHEMA);
    return;
  }
  if (type == HOST_HELLO && payload[0] != 1) {
    host->has_schema = false;
    host->frames++;
    return;
  }
  if (type == HOST_HELLO) {
    const uint32_t boot = get32(payload + 4);
    if (host->has_boot && boot != host->boot) {
      restart(host);
      host->expected = 0;
      host->has_row = host->has_high = true;
    }
    host->has_boot = true;
    host->boot = boot;
  }
  const bool is_full = type == HOST_HELLO || type == HOST_STATS;
  const unsigned old = follow(host, is_full ? get32(payload + (type == HOST_HELLO ? 8 : 0)) : get16(body + 2), is_full);
  if (is_row && old > 0) {
    reject(host, HOST_DUPLICATE);
    if (type == HOST_ROW || old >= payload[0]) return;
  }
  host->frames++;
  const uint32_t back = get32(body + 4) - (uint32_t)host->time_us;
  if (!host->has_time) host->time_us = get32(body + 4);
  else if (back < 0x80000000u) host->time_us += back;
  else if (host->time_us >= (uint32_t)-back) host->time_us -= (uint32_t)-back;
  else host->time_us += back;
  host->has_time = true;

  switch (type) {
    case HOST_ROW:
    case HOST_ROW_BATCH: take_rows(host, body, old); break;
    case HOST_HELLO: take_hello(host, body, n); break;
    case HOST_LOG:
      event.level = payload[0];
      event.text = payload + 1;
      event.count = (unsigned)n - 1;
      emit(host, &event, HOST_ON_LOG);
      break;
    case HOST_STATS:
      event.row = get32(payload);
      event.dropped_rows = get32(payload + 4);
      event.dropped_frames = get32(payload + 8);
      event.rx_frames = get32(payload + 12);
      event.rx_bad = get32(payload + 16);
      event.free_ram = get16(payload + 20);
      emit(host, &event, HOST_ON_STATS);
      break;
    case HOST_PONG:
      event.token = get32(payload);
      event.rx_us = get32(payload + 4);
      emit(host, &event, HOST_ON_PONG);
      break;
    default:
      event.row = get32(payload);
      event.values = values;
      event.count = host->schema.columns - host->schema.row_columns;
      if (get_values(&host->schema, host->schema.row_columns, event.count, payload + 4, NULL, values)) {
        emit(host, &event, HOST_ON_LABEL);
      } else {
        reject(host, HOST_RANGE);
      }
  }
}

/* ---- bytes ---- */

/* Takes p[0, n) apart. Returns HOST_REASONS and the body where it is a frame, else what is wrong. */
static host_reason unstuff(const uint8_t *p, size_t n, uint8_t *body, size_t *out_bytes) {
  size_t at = 0, out = 0;
  if (n > WIRE_MAX) return HOST_TOO_LONG;
  while (at < n) {
    const unsigned code = p[at];
    if (at + code > n) return HOST_COBS;
    memcpy(body + out, p + at + 1, code - 1);
    out += code - 1;
    at += code;
    if (at < n) body[out++] = 0;
  }
  if (out < 14) return HOST_TOO_SHORT;
  if (crc32(body, out - 4) != get32(body + out - 4)) return HOST_CRC;
  *out_bytes = out;
  return HOST_REASONS;
}

static bool is_printable(uint8_t b) { return (b >= 0x20 && b != 0x7F) || b == '\t' || b == '\r' || b == '\n'; }

static void take_chunk(host_receiver *host, const uint8_t *p, size_t n) {
  uint8_t body[WIRE_MAX];
  size_t bytes = 0, at;
  bool has_line = false;
  const host_reason reason = unstuff(p, n, body, &bytes);
  if (reason == HOST_REASONS) {
    take(host, body, bytes);
    return;
  }
  for (at = 0; at < n && is_printable(p[at]); at++) {
    if (p[at] != '\n') continue;
    has_line = true;
    if (unstuff(p + at + 1, n - at - 1, body, &bytes) != HOST_REASONS) continue;
    text(host, p, at + 1);
    take(host, body, bytes);
    return;
  }
  if (at == n && has_line) text(host, p, n);
  else reject(host, reason);
}

void host_receive(host_receiver *host, const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) {
    if (bytes[i] != 0) {
      if (host->chunk_bytes < HOST_CHUNK_MAX) host->chunk[host->chunk_bytes++] = bytes[i];
      else host->is_chunk_long = true;
      continue;
    }
    if (host->is_chunk_long) reject(host, HOST_TOO_LONG);
    else if (host->chunk_bytes > 0) take_chunk(host, host->chunk, host->chunk_bytes);
    host->chunk_bytes = 0;
    host->is_chunk_long = false;
  }
}
