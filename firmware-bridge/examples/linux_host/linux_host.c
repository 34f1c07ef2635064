/*
 * A Linux machine as a device: load and free memory, once a second, over stdin and stdout or a tty.
 *
 *   cc -I../../include linux_host.c ../../src/eg_*.c -o linux_host
 *   ./linux_host             stdin and stdout
 *   ./linux_host /dev/ttyS1  a serial port
 *
 * Predictions that come back are printed on stderr.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "edgegrad.h"

static const eg_column columns[] = {
  {"load1", "", EG_F32, 1, 0, false},
  {"load5", "", EG_F32, 1, 0, false},
  {"mem_available", "MiB", EG_F32, 1, 0, false},
};

static int in_fd = 0, out_fd = 1;
static uint32_t period_us = 1000000;

static uint64_t real_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint32_t now_us(void *ctx) {
  (void)ctx;
  return (uint32_t)real_us();
}

static size_t write_bytes(void *ctx, const uint8_t *bytes, size_t n) {
  (void)ctx;
  const ssize_t taken = write(out_fd, bytes, n);
  return taken > 0 ? (size_t)taken : 0;
}

static uint32_t on_rate(void *ctx, uint32_t wanted_us) {
  (void)ctx;
  return period_us = wanted_us < 10000 ? 10000 : wanted_us;
}

static void on_output(void *ctx, const eg_output *output) {
  (void)ctx;
  fprintf(stderr, "row %lu:", (unsigned long)output->row);
  for (uint8_t i = 0; i < output->count; i++) fprintf(stderr, " %g", (double)eg_output_value(output, i));
  fprintf(stderr, "%s%s\n", output->is_warming_up ? ", warming up" : "", output->is_alarm ? ", ALARM" : "");
}

/* Both leave NaN, a missing value, where the kernel does not tell. */
static void read_load(float *out) {
  FILE *in = fopen("/proc/loadavg", "r");
  if (in == NULL) return;
  if (fscanf(in, "%f %f", &out[0], &out[1]) < 2) out[1] = 0.0f / 0.0f;
  fclose(in);
}

static void read_memory(float *out) {
  FILE *in = fopen("/proc/meminfo", "r");
  char line[128];
  unsigned long kib;
  if (in == NULL) return;
  while (fgets(line, sizeof line, in) != NULL) {
    if (sscanf(line, "MemAvailable: %lu", &kib) == 1) *out = (float)kib / 1024;
  }
  fclose(in);
}

int main(int argc, char **argv) {
  static uint8_t tx[256], rx[EG_RX_BYTES(4)];
  static const eg_config config = {
    .columns = columns, .column_count = 3, .firmware = "linux_host 1", .tx = tx, .tx_bytes = sizeof tx, .rx = rx,
    .rx_bytes = sizeof rx, .now_us = now_us, .write = write_bytes, .on_rate = on_rate, .on_output = on_output,
  };
  static eg_device device;
  struct termios raw;
  if (argc > 1) {
    in_fd = out_fd = open(argv[1], O_RDWR | O_NOCTTY);
    if (in_fd < 0) {
      fprintf(stderr, "%s: %s\n", argv[1], strerror(errno));
      return 1;
    }
  }
  if (tcgetattr(in_fd, &raw) == 0) {
    raw.c_iflag = raw.c_oflag = raw.c_lflag = 0;
    raw.c_cflag |= CS8 | CREAD | CLOCAL;
    cfsetispeed(&raw, B115200);
    cfsetospeed(&raw, B115200);
    tcsetattr(in_fd, TCSANOW, &raw);
  }
  fcntl(out_fd, F_SETFL, fcntl(out_fd, F_GETFL) | O_NONBLOCK);
  if (eg_init(&device, &config, (uint32_t)time(NULL), period_us) != EG_OK) return 1;

  uint64_t next_us = real_us();
  for (;;) {
    struct pollfd fd = {in_fd, POLLIN, 0};
    uint8_t bytes[256];
    ssize_t n = 0;
    const int64_t wait_us = (int64_t)(next_us - real_us());
    /* Bytes that wait to be written are tried again soon. */
    poll(&fd, 1, wait_us <= 0 ? 0 : eg_tx_waits(&device) > 0 ? 1 : (int)(wait_us / 1000) + 1);
    if (fd.revents != 0) {
      n = read(in_fd, bytes, sizeof bytes);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return 0; /* nobody is there any more */
    }
    eg_poll(&device, bytes, n > 0 ? (size_t)n : 0);
    if (real_us() < next_us) continue;
    next_us += period_us;
    float row[3] = {0.0f / 0.0f, 0.0f / 0.0f, 0.0f / 0.0f};
    read_load(row);
    read_memory(&row[2]);
    eg_send_floats(&device, row);
  }
}
