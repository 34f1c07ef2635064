/*
 * A host in C for a tty: listen PATH [--ack] [--output] [--rows]
 *
 * Asks for the schema, listens until the other end is gone, and prints one JSON object of what it heard. --ack
 * acknowledges labels, --output answers each row with a prediction of its first value, --rows prints each row.
 */
#define _XOPEN_SOURCE 600

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "host.h"

static host_receiver host;
static int tty;
static bool acks, outputs, prints_rows;
static uint16_t seq;
static unsigned long rows, lost, restarts, clocks, labels, pongs, hellos, texts;
static uint32_t token;

static void answer(uint8_t type, const void *payload, size_t n) {
  uint8_t wire[252];
  const size_t bytes = host_encode(wire, type, 0, seq++, 0, payload, n);
  for (size_t sent = 0; sent < bytes;) {
    const ssize_t k = write(tty, wire + sent, bytes - sent);
    if (k > 0) sent += (size_t)k;
    else if (errno != EAGAIN && errno != EINTR) return;
    else poll(&(struct pollfd){tty, POLLOUT, 0}, 1, 10);
  }
}

static void on_row(const host_event *event) {
  rows++;
  if (prints_rows) {
    printf("%lu %llu", (unsigned long)event->row, (unsigned long long)event->time_us);
    for (unsigned i = 0; i < event->count; i++) printf(" %.9g", (double)event->values[i]);
    printf("\n");
  }
  if (outputs) {
    const float score = 0.5f;
    uint8_t payload[13];
    memcpy(payload, &event->row, 4);
    memcpy(payload + 4, &score, 4);
    payload[8] = 1;
    memcpy(payload + 9, event->values, 4);
    answer(HOST_OUTPUT, payload, sizeof payload);
  }
}

static void on_event(void *ctx, const host_event *event) {
  (void)ctx;
  switch (event->kind) {
    case HOST_ON_ROW: on_row(event); break;
    case HOST_ON_HELLO: hellos++; break;
    case HOST_ON_PONG: pongs++; break;
    case HOST_ON_TEXT: texts++; break;
    case HOST_ON_GAP:
      lost += event->lost;
      restarts += event->gap == HOST_RESTART;
      clocks += event->gap == HOST_CLOCK;
      break;
    case HOST_ON_LABEL:
      labels++;
      if (acks) answer(HOST_LABEL_ACK, &event->row, 4);
      break;
    default: break;
  }
}

int main(int argc, char **argv) {
  struct termios raw;
  uint8_t bytes[65536];
  for (int i = 2; i < argc; i++) {
    acks = acks || strcmp(argv[i], "--ack") == 0;
    outputs = outputs || strcmp(argv[i], "--output") == 0;
    prints_rows = prints_rows || strcmp(argv[i], "--rows") == 0;
  }
  tty = argc > 1 ? open(argv[1], O_RDWR | O_NOCTTY | O_NONBLOCK) : -1;
  if (tty < 0 || tcgetattr(tty, &raw) != 0) {
    fprintf(stderr, "usage: listen TTY [--ack] [--output] [--rows]\n");
    return 2;
  }
  raw.c_iflag = raw.c_oflag = raw.c_lflag = 0;
  tcsetattr(tty, TCSANOW, &raw);
  host.on_event = on_event;
  answer(HOST_HELLO_REQ, NULL, 0);
  for (;;) {
    poll(&(struct pollfd){tty, POLLIN, 0}, 1, 1000);
    const ssize_t n = read(tty, bytes, sizeof bytes);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      answer(HOST_PING, &token, 4);
      token++;
      continue;
    }
    if (n <= 0) break;
    host_receive(&host, bytes, (size_t)n);
  }
  printf("{\"rows\":%lu,\"lost\":%lu,\"restarts\":%lu,\"clocks\":%lu,\"labels\":%lu,\"hellos\":%lu,\"pongs\":%lu,\"texts\":%lu", rows,
         lost, restarts, clocks, labels, hellos, pongs, texts);
  for (unsigned i = 0; i < HOST_REASONS; i++) printf(",\"%s\":%lu", host_reason_names[i], (unsigned long)host.rejected[i]);
  printf("}\n");
  return 0;
}
