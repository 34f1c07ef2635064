/* What the files of the library share. Not for sketches. */
#ifndef EG_INTERNAL_H
#define EG_INTERNAL_H

#include <string.h>

#include "../include/edgegrad.h"

enum {
  EG_HELLO = 0x01, EG_ROW, EG_ROW_BATCH, EG_LOG, EG_STATS, EG_PONG, EG_LABEL,
  EG_HELLO_REQ = 0x81, EG_RATE, EG_PING, EG_OUTPUT, EG_LABEL_ACK
};

/* Where a copy in each place would cost more flash than calls do. */
#ifdef __AVR__
#define EG_NOINLINE __attribute__((noinline))
#else
#define EG_NOINLINE
#endif

#define EG_HEADER_BYTES 10
#define EG_BODY_MIN (EG_HEADER_BYTES + 4)
/* A frame's bytes on the wire beside its payload: header, CRC, one of stuffing, the 0x00. */
#define EG_FRAME_BYTES (EG_BODY_MIN + 2)

#define EG_KIND_LABEL 0x40
#define EG_KIND_SCALED 0x80

/* CRC-32, ISO-HDLC: start with EG_CRC_START, add each byte; the CRC is the complement. */
#define EG_CRC_START 0xFFFFFFFFu
/* What is left after a body and its own CRC. */
#define EG_CRC_RESIDUE 0xDEBB20E3u
uint32_t eg_crc_add(uint32_t crc, uint8_t byte);

/*
 * A frame is written into tx byte by byte: eg_begin, eg_put… for as many bytes of payload as were promised, eg_end.
 * Where there is no room, also after `write` has taken what it can, eg_begin counts a dropped frame and returns false.
 *
 * type  the message, and EG_MASKED
 */
#define EG_MASKED 0x100
bool eg_begin(eg_device *device, uint16_t type, uint16_t payload_bytes);
/* The same with a time other than now. */
bool eg_begin_at(eg_device *device, uint16_t type, uint32_t t_us, uint16_t payload_bytes);
void eg_put(eg_device *device, uint8_t byte);
void eg_put32(eg_device *device, uint32_t value);
void eg_put_bytes(eg_device *device, const void *bytes, uint8_t n);
eg_status eg_end(eg_device *device);

/* Instead of eg_begin: what is put is not written, only counted in tx_out and added to crc. */
void eg_begin_dry(eg_device *device);

/* Hands waiting bytes to `write`. */
void eg_flush(eg_device *device);

/* Whether an empty tx could hold a frame of this payload. */
bool eg_fits(const eg_device *device, uint16_t payload_bytes);

/* The clock. */
uint32_t eg_now(const eg_device *device);

/* Ends a frame with rows, where one has begun. The rows use their numbers in any case. */
eg_status eg_end_rows(eg_device *device, bool has_begun, uint8_t rows);

/* HELLO: every column is to be said (again), and: as much of it as there is room for now. */
void eg_ask_hello(eg_device *device);
void eg_say_hello(eg_device *device);

/* Takes one received byte. */
void eg_receive(eg_device *device, uint8_t byte);

/* Bytes of a value of a type; 0 where there is no such type. */
uint8_t eg_type_bytes(uint8_t type);

#endif
