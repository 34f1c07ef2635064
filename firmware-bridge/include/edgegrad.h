/*
 * edgegrad.h: the device's side of the binary protocol (../protocol/binary.md).
 *
 * A device declares its columns, sends rows, and hears back what the host predicts from them:
 *
 *   static const eg_column columns[] EG_FLASH = {{"x", "g", EG_F32}, {"y", "g", EG_F32}, {"truth", "g", EG_F32, 1, 0, true}};
 *   static const char firmware[] EG_FLASH = "demo 1.0";
 *   static uint8_t tx[EG_TX_BYTES_MIN], rx[EG_RX_BYTES(1)];
 *   static const eg_config config = {.columns = columns, .column_count = 3, .firmware = firmware, .tx = tx, …};
 *   static eg_device device;
 *
 *   eg_init(&device, &config, boot, period_us);
 *   for (;;) {
 *     eg_poll(&device, received, count);       often: sends what waits, answers the host
 *     if (time for a row) eg_send_floats(&device, values);
 *   }
 *
 * C99, no heap, no globals, no stdio. All memory is the caller's and must stay where it is: the configuration, the
 * column table, both buffers and the device. Nothing waits. The on_… callbacks may send, but not poll; no function may
 * be called from an interrupt.
 *
 * Rows are sent as they lie in memory, packed and little-endian, as AVR, ARM, RISC-V and x86 hold them.
 */
#ifndef EDGEGRAD_H
#define EDGEGRAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EG_PROTOCOL 1

/*
 * Tables that never change. On AVR they lie in flash and must be declared with EG_FLASH, since they are read with
 * other instructions than RAM; elsewhere EG_FLASH is empty and `const` is enough.
 */
#ifdef __AVR__
#include <avr/pgmspace.h>
#define EG_FLASH PROGMEM
#define EG_READ(to, from, n) memcpy_P(to, from, n)
#define EG_READ_TEXT(to, from, n) strncpy_P(to, from, n)
#else
#include <string.h>
#define EG_FLASH
#define EG_READ(to, from, n) memcpy(to, from, n)
#define EG_READ_TEXT(to, from, n) strncpy(to, from, n)
#endif

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "edgegrad sends rows as they lie in memory, which must be little-endian"
#endif

/* ---- columns ---- */

#define EG_COLUMNS_MAX 64
#define EG_PAYLOAD_MAX 236 /* bytes of a row with its mask, of a batch with its head, … */

/* How a column's raw value lies in a row. The numbers are those on the wire. */
enum { EG_F32 = 1, EG_F16, EG_I32, EG_I16, EG_U16, EG_U8, EG_BOOL };

/* One column. Its value is raw · scale + offset; a row holds raw. */
typedef struct eg_column {
  char name[32];  /* UTF-8, 1 to 31 bytes and a zero */
  char unit[16];  /* UTF-8, at most 15 bytes and a zero; empty for none */
  uint8_t type;   /* EG_F32 … EG_BOOL */
  float scale;    /* units of the value for each unit of raw; 0, or left out, is 1 */
  float offset;   /* in units of the value; default 0 */
  bool is_label;  /* false: in every row. true: sent on its own by eg_send_label; must stand behind all row columns */
} eg_column;

/* ---- configuration ---- */

/* What the host predicted. Borrowed: only good during the callback. */
typedef struct eg_output {
  uint32_t row;          /* the number of the row it was predicted from */
  float score;           /* skill of late: 1 perfect, 0 as good as the naive guess, NaN while unknown */
  bool is_warming_up;    /* do not act on it yet */
  bool is_alarm;
  uint8_t count;         /* of values */
  const uint8_t *values; /* read them with eg_output_value */
} eg_output;

typedef struct eg_config {
  const eg_column *columns; /* [column_count], in flash (EG_FLASH): row columns, then label columns */
  uint8_t column_count;     /* 1 to 64 */
  const char *firmware;     /* name and version for the host, in flash (EG_FLASH), at most 31 bytes and a zero */

  /*
   * Frames wait here until `write` takes them. A frame of n payload bytes needs n + 16 (a HELLO one more). It must hold
   * one row, and a HELLO with the longest column: EG_TX_BYTES_MIN is enough for any column, eg_init says whether less is
   * enough. What is larger holds more frames when the link is slow, and packs more columns into one HELLO.
   */
  uint8_t *tx;
  uint16_t tx_bytes;

  uint8_t *rx;      /* the frame that is coming in; longer ones are counted as bad */
  uint8_t rx_bytes; /* EG_RX_BYTES(n) for predictions of n values; at least EG_RX_BYTES(0) */

  uint32_t (*now_us)(void *ctx); /* the clock: microseconds, wrapping at 2^32 */
  /* Takes as many of n bytes as it can without waiting and returns how many: 0 to n. */
  size_t (*write)(void *ctx, const uint8_t *bytes, size_t n);

  /* Callbacks, from within eg_poll; NULL where nobody wants to know. */
  /* The host wants a row every period_us. Returns the period there will be, which the host is told. NULL: as it was. */
  uint32_t (*on_rate)(void *ctx, uint32_t period_us);
  void (*on_output)(void *ctx, const eg_output *output);
  void (*on_label_ack)(void *ctx, uint32_t row); /* the label of that row has arrived */

  void *ctx; /* handed to each of them */
} eg_config;

#define EG_TX_BYTES_MIN 122 /* a HELLO of one column, all its names as long as they may be */
#define EG_RX_BYTES(values) (23 + 4 * (values))

/* ---- device ---- */

/* What a device has counted since its start, in the order of STATS. */
typedef struct eg_counters {
  uint32_t rows;           /* the number of the next row: rows taken, sent or not */
  uint32_t dropped_rows;   /* rows there was no room for */
  uint32_t dropped_frames; /* frames there was no room for, those of rows included */
  uint32_t rx_frames;      /* good frames received */
  uint32_t rx_bad;         /* what else came between two 0x00 */
} eg_counters;

/* The header of the frame being written, in the order of the wire. */
typedef struct eg_header {
  uint8_t type;
  uint8_t flags;
  uint16_t seq;
  uint32_t t_us;
  uint16_t schema;
} eg_header;

/* A device. Its fields are the library's; read them through the functions. */
typedef struct eg_device {
  const eg_config *config;
  uint32_t crc;     /* of the frame being written */
  uint16_t tx_used; /* whole frames in tx */
  uint16_t tx_out;  /* where the next byte of the frame being written goes */
  uint16_t tx_code; /* where the length of its last block goes */
  uint16_t schema;
  uint8_t row_columns;
  uint8_t row_bytes;
  uint8_t label_bytes;
  uint8_t hello_next; /* the column the next HELLO begins with */
  uint8_t hello_left; /* columns still to be said */
  bool is_hello_due;  /* a frame has gone before a HELLO that waits: it is the HELLO's turn */
  uint8_t rx_used;    /* decoded bytes in rx */
  uint8_t rx_left;    /* bytes up to the end of the block */
  uint8_t rx_state;
  eg_header header;
  eg_counters count;
  uint32_t boot;
  uint32_t period_us;
  uint32_t hello_us; /* when the last HELLO began */
  /* What repeats the label; only linked into programs that send one. NULL: no label waits. */
  void (*repeat_label)(struct eg_device *device, uint32_t t_us);
  const uint8_t *label;
  uint32_t label_row;
  uint32_t label_us;
  uint32_t label_sent_us;
  uint32_t label_repeat_us;
} eg_device;

typedef enum eg_status {
  EG_OK = 0,
  EG_DROPPED,      /* no room in tx: the link is slower than the rows. Nothing of it is sent; counted; row numbers are used */
  EG_LABEL_WAITS,  /* the label before is not acknowledged yet; nothing was changed */
  EG_TOO_LARGE,    /* could never be sent: more than EG_PAYLOAD_MAX bytes or than tx holds; nothing was changed */
  EG_BAD_COLUMNS,  /* eg_init: none or more than 64; an empty name; no such type; a label before a row column; rows above 236 bytes */
  EG_TX_TOO_SMALL, /* eg_init: tx cannot hold a row, a label or the HELLO of one column */
  EG_RX_TOO_SMALL  /* eg_init */
} eg_status;

/*
 * Prepares a device. The first HELLO goes with the next eg_poll.
 *
 * boot       differs from one start to the next (a counter in EEPROM, a hardware random number, noise)
 * period_us  the time between rows that is aimed at, 0 for none
 * returns    EG_OK, or what is wrong with the configuration; the device must not be used then
 */
eg_status eg_init(eg_device *device, const eg_config *config, uint32_t boot, uint32_t period_us);

/*
 * Does what is due: takes n received bytes (0 is fine), answers HELLO_REQ, PING and RATE, calls back, says HELLO every
 * ten seconds, repeats a label, and hands waiting bytes to `write`. To be called often, at least once a millisecond for
 * good PONGs. The bytes are not kept.
 */
void eg_poll(eg_device *device, const uint8_t *bytes, size_t n);

/* ---- rows. EG_OK or EG_DROPPED; a row that is dropped uses its number, so the host sees the gap. ---- */

/*
 * Sends a row, taken now.
 *
 * raw      the row columns in order, packed: eg_row_bytes() of them
 * missing  one bit a row column, from bit 0 of the first byte on, 1 where the value is missing; NULL: none is
 */
eg_status eg_send_row(eg_device *device, const void *raw, const uint8_t *missing);

/*
 * Sends count rows, 1 to 255, packed one behind the other. Row i was taken at t_us + i · step_us.
 * EG_TOO_LARGE where count rows and 5 bytes are more than EG_PAYLOAD_MAX or than tx holds.
 */
eg_status eg_send_batch(eg_device *device, uint32_t t_us, uint32_t step_us, uint8_t count, const void *raw);

/*
 * Sends a row from values in the columns' units, [row columns]: raw = (value − offset) / scale, rounded to nearest; of
 * integers and halves limited to the largest there are; a bool is 1 where the value is not 0. NaN is a missing value.
 * Brings floating-point division with it; eg_send_row does not.
 */
eg_status eg_send_floats(eg_device *device, const float *values);

/* The IEEE half nearest to a float (to even between two), limited to ±65504; infinity and NaN stay what they are. */
uint16_t eg_half(float value);

/* ---- other frames. EG_OK or EG_DROPPED. ---- */

/* level: 0 error, 1 warning, 2 info, 3 debug. text: UTF-8 up to a zero; cut to what tx can hold, at most 235 bytes. */
eg_status eg_log(eg_device *device, uint8_t level, const char *text);

/* What was sent, dropped and received since the start. free_ram in bytes, 0xFFFF where unknown. */
eg_status eg_send_stats(eg_device *device, uint16_t free_ram);

/*
 * Sends the truth of a row that has gone before.
 *
 * raw        the label columns in order, packed
 * repeat_us  0: sent once. Else eg_poll repeats it that often until the host has it: raw must stay as it is until
 *            eg_label_waits() is false, and EG_LABEL_WAITS is returned for the next one. EG_DROPPED means here that it
 *            goes later.
 */
eg_status eg_send_label(eg_device *device, uint32_t row, const void *raw, uint32_t repeat_us);

/* Tells the host of another period. */
void eg_set_period(eg_device *device, uint32_t period_us);

/* ---- reading ---- */

static inline const eg_counters *eg_count(const eg_device *device) { return &device->count; }
static inline uint32_t eg_next_row(const eg_device *device) { return device->count.rows; }
static inline uint8_t eg_row_bytes(const eg_device *device) { return device->row_bytes; }
static inline uint32_t eg_period_us(const eg_device *device) { return device->period_us; }
static inline bool eg_label_waits(const eg_device *device) { return device->repeat_label != NULL; }
static inline uint16_t eg_schema(const eg_device *device) { return device->schema; }
/* Bytes that `write` has not taken yet. */
static inline uint16_t eg_tx_waits(const eg_device *device) { return device->tx_used; }

/* Value i of a prediction, i < output->count; in the units of the target, or the probability of class i. */
float eg_output_value(const eg_output *output, uint8_t i);

#ifdef __cplusplus
}
#endif

#endif
