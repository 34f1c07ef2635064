/* The wire: a pseudo-terminal of its own, a queue before it, and damage on purpose. */
#ifndef LINK_H
#define LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Rates, 0 to 1. */
typedef struct link_faults {
  double flip;      /* each byte: one of its bits is turned */
  double lose;      /* each byte: does not arrive */
  double duplicate; /* each frame: up to 400 bytes that have just been sent come again behind it */
  double cut;       /* each frame: from somewhere in it on, up to 2000 bytes do not arrive */
} link_faults;

typedef struct link_counters {
  uint64_t frames, bytes; /* as given, before damage */
  uint64_t flipped, lost, duplicated, cuts, cut_bytes;
  uint64_t damaged_rows;
} link_counters;

#define LINK_QUEUE_BYTES 65536

typedef struct device_link {
  int master;
  int slave; /* held open: a host may come and go without a hang-up */
  char path[128];
  bool drops; /* take only what the terminal takes now, as a device does that cannot wait */
  link_faults faults;
  link_counters count;
  uint64_t seed;
  uint64_t random;
  uint64_t other_random; /* of frames without rows: how many there are depends on the host */
  FILE *report; /* damaged rows, one JSON object a line; NULL: none */

  /* The rows of the frame being sent; count 0: it has none. */
  uint32_t boot, first_row, row_count;

  size_t cut_left;
  bool is_next_damaged; /* the 0x00 of the frame before did not arrive */
  uint8_t recent[400]; /* what was sent last, a ring */
  size_t recent_at, recent_bytes;

  uint8_t queue[LINK_QUEUE_BYTES];
  size_t queued;
} device_link;

/* Opens the terminal in raw mode. Prints what is wrong and returns false where there is none to be had. */
bool link_open(device_link *link);

/* Random numbers from here on are those of `seed` and n, so that what happens to row n does not depend on the host. */
void link_reseed(device_link *link, uint64_t n);

/* A random number, 0 to below 1: xorshift, the same for the same seed everywhere. */
double link_random(device_link *link);

/* eg_config.write: takes a frame into the queue, with what faults do to it. ctx is the link. */
size_t link_write(void *ctx, const uint8_t *bytes, size_t n);

/* Gives the terminal what it takes now. Returns false where it is gone. */
bool link_flush(device_link *link);

/* Whether everything has been read at the other end. */
bool link_is_drained(device_link *link);

#endif
