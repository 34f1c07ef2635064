/*
 * The host's side of protocol/binary.md in C: decodes what a device sends, encodes what a host answers. For tests and
 * for whoever wants to read a device without Node. Its own implementation: it shares nothing with the device's side.
 */
#ifndef HOST_H
#define HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { HOST_HELLO = 1, HOST_ROW, HOST_ROW_BATCH, HOST_LOG, HOST_STATS, HOST_PONG, HOST_LABEL };
enum { HOST_HELLO_REQ = 0x81, HOST_RATE, HOST_PING, HOST_OUTPUT, HOST_LABEL_ACK };

typedef enum host_reason {
  HOST_TOO_LONG, HOST_COBS, HOST_TOO_SHORT, HOST_CRC, HOST_UNKNOWN_TYPE, HOST_LENGTH, HOST_SCHEMA, HOST_DUPLICATE,
  HOST_RANGE, HOST_REASONS
} host_reason;
extern const char *const host_reason_names[HOST_REASONS];

typedef enum host_gap { HOST_LOST, HOST_RESTART, HOST_CLOCK } host_gap;

typedef enum host_event_kind {
  HOST_ON_HELLO, HOST_ON_SCHEMA, HOST_ON_ROW, HOST_ON_GAP, HOST_ON_REJECT, HOST_ON_LOG, HOST_ON_STATS, HOST_ON_PONG,
  HOST_ON_LABEL, HOST_ON_TEXT
} host_event_kind;

/* What has come. Everything pointed to is borrowed until the callback returns. */
typedef struct host_event {
  host_event_kind kind;
  host_gap gap;
  host_reason reason;
  uint32_t row;         /* of a row or a label; of HELLO and STATS the next one */
  uint32_t lost;        /* rows, of a gap that is HOST_LOST */
  uint64_t time_us;     /* of a row: the device's clock, 64 bits wide */
  const float *values;  /* of a row or a label; NaN where missing */
  unsigned count;       /* of values, or bytes of text */
  const uint8_t *text;  /* of a log, or of text between frames */
  uint8_t level;        /* of a log */
  uint32_t boot, period_us;                                   /* HELLO */
  uint32_t dropped_rows, dropped_frames, rx_frames, rx_bad;   /* STATS */
  uint16_t free_ram;                                          /* STATS */
  uint32_t token, rx_us, t_us;                                /* PONG */
} host_event;

typedef struct host_column {
  char name[32];
  char unit[16];
  uint8_t type;
  bool is_label;
  float scale;
  float offset;
} host_column;

typedef struct host_schema {
  uint16_t hash;
  unsigned columns;
  unsigned row_columns;
  unsigned row_bytes;
  unsigned label_bytes;
  host_column column[64];
} host_schema;

#define HOST_CHUNK_MAX 65536

/* A receiver: all zeros, then on_event and ctx. About 80 KB. */
typedef struct host_receiver {
  void (*on_event)(void *ctx, const host_event *event);
  void *ctx;

  uint32_t frames; /* taken */
  uint32_t rejected[HOST_REASONS];

  bool has_schema;
  host_schema schema;
  host_schema next; /* being put together */
  bool has_next[64];

  bool has_row;      /* a frame has been taken */
  bool has_high;     /* all 32 bits of `expected` are right */
  uint32_t expected;
  bool has_bits, has_boot;
  uint32_t boot;
  uint8_t boot_bits;
  bool has_time, has_row_time;
  uint64_t time_us, row_us;

  bool is_chunk_long;
  size_t chunk_bytes;
  uint8_t chunk[HOST_CHUNK_MAX];
} host_receiver;

void host_receive(host_receiver *host, const uint8_t *bytes, size_t n);

/* Finishes a schema made by hand: hash and sizes. False where it is none. */
bool host_finish_schema(host_schema *schema);

/* Writes a frame of at most 252 bytes, with its 0x00; returns how many. */
size_t host_encode(uint8_t *out, uint8_t type, uint8_t flags, uint16_t seq, uint32_t t_us, const void *payload, size_t n);

#endif
