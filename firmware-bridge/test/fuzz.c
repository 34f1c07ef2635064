/*
 * Hostile bytes for both decoders: the device library's and host.c. Deterministic: prints its seed.
 *
 *   fuzz [runs] [seed] [seconds]     defaults: 10000000 runs, seed 1, at most 300 seconds
 *
 * A run is one input: random bytes, good frames of random payloads, frames the other side really sends, and damage to
 * all of them. Sanitizers watch memory; the checks here watch that nothing grows and that counters say what happened.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../include/edgegrad.h"
#include "host.h"

static uint64_t state;

static uint32_t random32(void) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 16);
}

static uint32_t below(uint32_t n) { return random32() % n; }

static void fail(const char *what) {
  printf("fuzz: FAILED: %s\n", what);
  exit(1);
}

/* ---- the two sides ---- */

static const eg_column columns[] EG_FLASH = {
  {"x", "g", EG_F32, 0, 0, false}, {"s", "", EG_I16, 0.5f, 1, false}, {"b", "", EG_BOOL, 0, 0, false}, {"l", "", EG_U8, 0, 0, true},
};
static const char firmware[] EG_FLASH = "fuzz";
/* Guard bytes on both sides of the buffers. */
static uint8_t tx[100 + 16], rx[EG_RX_BYTES(3) + 16];
static uint32_t clock_us;
static uint8_t wire[4096];
static size_t wire_bytes;

static uint32_t now_us(void *ctx) {
  (void)ctx;
  return clock_us += random32() % 5000;
}

static size_t link_write(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  n = below((uint32_t)n + 1);
  if (wire_bytes + n > sizeof wire) wire_bytes = 0;
  memcpy(wire + wire_bytes, bytes, n);
  wire_bytes += n;
  return n;
}

static uint32_t on_rate(void *ctx, uint32_t period_us) {
  (void)ctx;
  return period_us / 2;
}

static void on_output(void *ctx, const eg_output *output) {
  (void)ctx;
  volatile float sum = 0;
  if (output->count > 3) fail("more values than rx holds");
  for (uint8_t i = 0; i < output->count; i++) sum += eg_output_value(output, i);
}

static const eg_config config = {
  .columns = columns, .column_count = 4, .firmware = firmware, .tx = tx + 8, .tx_bytes = sizeof tx - 16, .rx = rx + 8,
  .rx_bytes = sizeof rx - 16, .now_us = now_us, .write = link_write, .on_rate = on_rate, .on_output = on_output,
};
static eg_device device;
static host_receiver host;
static uint64_t events;

static void on_event(void *ctx, const host_event *event) {
  (void)ctx;
  events++;
  if (event->kind == HOST_ON_ROW || event->kind == HOST_ON_LABEL) {
    if (event->count > 64) fail("more values than a schema has");
    for (unsigned i = 0; i < event->count; i++) {
      if (isinf(event->values[i])) fail("an infinite value");
    }
  }
  if ((event->kind == HOST_ON_LOG && event->count > 235)) fail("a log longer than a frame");
}

/* ---- inputs ---- */

static uint8_t input[1024];
static size_t input_bytes;

static void add_random(void) {
  const uint32_t n = 1 + below(60);
  for (uint32_t i = 0; i < n; i++) input[input_bytes++] = (uint8_t)(below(4) == 0 ? below(8) : random32());
}

static void add_text(void) {
  const uint32_t n = 1 + below(60);
  for (uint32_t i = 0; i < n; i++) input[input_bytes++] = (uint8_t)(below(12) == 0 ? '\n' : 32 + below(95));
}

/* A frame with the right CRC, its payload anything. */
static void add_frame(bool is_from_host) {
  static const uint8_t sizes[] = {0, 4, 8, 9, 13, 17, 18, 22, 24};
  uint8_t payload[236];
  const uint32_t n = below(3) == 0 ? below(237) : sizes[below(sizeof sizes)];
  const uint8_t type = (uint8_t)((is_from_host ? 0x80 : 0) + below(9));
  for (uint32_t i = 0; i < n; i++) payload[i] = (uint8_t)(below(3) == 0 ? below(5) : random32());
  if (type == HOST_HELLO && n > 20 && below(2) == 0) payload[0] = 1, payload[16] = (uint8_t)below(4);
  if (type == HOST_OUTPUT && n >= 9 && below(4) != 0) payload[8] = (uint8_t)((n - 9) / 4);
  /* Most of them from the start the host knows, with a number near the one it expects. */
  const uint8_t flags = (uint8_t)(below(8) == 0 ? random32() : (1 << 4 | below(4)));
  const uint16_t seq = (uint16_t)(below(8) == 0 ? random32() : eg_next_row(&device) + below(40) - 20);
  input_bytes += host_encode(input + input_bytes, type, flags, seq, clock_us, payload, n);
}

/* What the device has really sent. */
static void add_sent(void) {
  uint8_t row[7];
  for (unsigned i = 0; i < sizeof row; i++) row[i] = (uint8_t)random32();
  if (below(50) == 0) memcpy(row, "\0\0\x80\x7F", 4); /* infinity */
  switch (below(8)) {
    case 0: eg_send_batch(&device, clock_us, below(1000), 1, row); break;
    case 1: eg_log(&device, 2, "line\nof text"); break;
    case 2: eg_send_stats(&device, 1); break;
    case 3: eg_send_label(&device, below(9), row, 0); break;
    case 4: eg_set_period(&device, random32()); break;
    case 5: eg_send_row(&device, row, row); break;
    default: eg_send_row(&device, row, NULL);
  }
  eg_poll(&device, NULL, 0);
  if (input_bytes + wire_bytes > sizeof input) wire_bytes = 0;
  memcpy(input + input_bytes, wire, wire_bytes);
  input_bytes += wire_bytes;
  if (below(8) != 0) wire_bytes = 0; /* else it is heard again */
}

static void damage(void) {
  const uint32_t at = below((uint32_t)input_bytes), kind = below(4);
  if (kind == 0) {
    input[at] ^= (uint8_t)(1u << below(8));
  } else if (kind == 1) {
    input[at] = 0;
  } else if (kind == 2) {
    memmove(input + at, input + at + 1, --input_bytes - at);
  } else if (input_bytes < sizeof input) {
    memmove(input + at + 1, input + at, input_bytes++ - at);
  }
}

static void make_input(void) {
  const uint32_t parts = 1 + below(2);
  input_bytes = 0;
  if (below(4) != 0) input[input_bytes++] = 0;
  for (uint32_t i = 0; i < parts; i++) {
    switch (below(8)) {
      case 0: add_random(); break;
      case 1: add_text(); break;
      case 2:
      case 3: add_frame(true); break;
      case 4:
      case 5: add_frame(false); break;
      default: add_sent();
    }
  }
  if (below(2) == 0) input[input_bytes++] = 0;
  while (input_bytes > 1 && below(4) == 0) damage();
}

static void check_guards(const uint8_t *buffer, size_t n) {
  for (size_t i = 0; i < 8; i++) {
    if (buffer[i] != 0xA5 || buffer[n - 1 - i] != 0xA5) fail("a guard byte was written");
  }
}

int main(int argc, char **argv) {
  const unsigned long long runs = argc > 1 ? strtoull(argv[1], NULL, 10) : 10000000;
  const unsigned long long seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
  const time_t limit = argc > 3 ? strtol(argv[3], NULL, 10) : 300, begun = time(NULL);
  unsigned long long run = 0, bytes = 0;
  state = seed * 0x9E3779B97F4A7C15ull + 1;
  memset(tx, 0xA5, sizeof tx);
  memset(rx, 0xA5, sizeof rx);
  host.on_event = on_event;
  printf("fuzz: seed %llu, %llu runs, at most %lld seconds\n", seed, runs, (long long)limit);
  if (eg_init(&device, &config, 1, 0) != EG_OK) fail("eg_init");
  for (; run < runs; run++) {
    if (run % 4096 == 0) {
      if (time(NULL) - begun >= limit) break;
      check_guards(tx, sizeof tx);
      check_guards(rx, sizeof rx);
    }
    make_input();
    eg_poll(&device, input, input_bytes);
    host_receive(&host, input, input_bytes);
    bytes += input_bytes;
    if (eg_tx_waits(&device) > config.tx_bytes) fail("tx overflowed");
  }
  if (run > 10000 && (eg_count(&device)->rx_frames == 0 || host.frames == 0 || host.rejected[HOST_CRC] == 0)) {
    fail("the inputs reach nothing");
  }
  printf("fuzz: %llu runs, %llu bytes, %lld s; device took %lu frames and refused %lu; host took %lu, events %llu, refused", run,
         bytes, (long long)(time(NULL) - begun), (unsigned long)eg_count(&device)->rx_frames,
         (unsigned long)eg_count(&device)->rx_bad, (unsigned long)host.frames, (unsigned long long)events);
  for (unsigned i = 0; i < HOST_REASONS; i++) printf(" %s %lu", host_reason_names[i], (unsigned long)host.rejected[i]);
  printf("\n");
  return 0;
}
