/* edgegrad-device: the device library as a program that plays a log over a pseudo-terminal. See options.c for its use. */
#define _XOPEN_SOURCE 600

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "options.h"

#define LABELS_MAX 4096 /* not acknowledged yet; the oldest is given up */
#define LABEL_TRIES 20
#define QUEUE_FULL 8192
#define STATS_EVERY 1000 /* rows */

typedef struct waiting_label {
  uint64_t play; /* which row, counted from the start of the program */
  double sent_ms;
  unsigned tries;
} waiting_label;

static options given;
static log_file played;
static eg_column columns[EG_COLUMNS_MAX];
static size_t source[EG_COLUMNS_MAX];
static uint8_t column_count;
static device_link wire;
static uint8_t tx[4 * 256], rx[EG_RX_BYTES(56)];
static eg_config config;
static eg_device device;

static uint64_t next_play;   /* the row to come */
static uint64_t boot_play;   /* the first row of this boot */
static double boot_us;       /* the log's time of this boot */
static double due_us;        /* the log's time of the row to come */
static double clock_us;      /* the log's time now */
static double start_ms;
static uint64_t reboots, stalls, labels_sent, labels_given_up, dropped_rows, rx_frames, rx_bad, acks, outputs;
static waiting_label waiting[LABELS_MAX];
static unsigned waiting_count;
static bool is_stdin_open = true;
static volatile sig_atomic_t is_stopped;

static void stop(int signal) {
  (void)signal;
  is_stopped = 1;
}

static double real_ms(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

/* ---- what the library asks for ---- */

static uint32_t now_us(void *ctx) {
  (void)ctx;
  const double us = (clock_us - boot_us) * (1 + 1e-6 * given.drift_ppm);
  return (uint32_t)(int64_t)(us < 0 ? us - 0.5 : us + 0.5);
}

static uint32_t on_rate(void *ctx, uint32_t period_us) {
  (void)ctx;
  if (given.time == NULL && period_us > 0) given.period_us = period_us;
  return given.period_us;
}

static void print_number(const char *before, float value) {
  if (value != value || value - value != 0) fprintf(stderr, "%snull", before);
  else fprintf(stderr, "%s%.9g", before, (double)value);
}

static void on_output(void *ctx, const eg_output *output) {
  (void)ctx;
  outputs++;
  if (!given.prints_output) return;
  fprintf(stderr, "{\"row\":%lu", (unsigned long)output->row);
  print_number(",\"score\":", output->score);
  fprintf(stderr, ",\"warmingUp\":%s,\"alarm\":%s,\"values\":[", output->is_warming_up ? "true" : "false",
          output->is_alarm ? "true" : "false");
  for (uint8_t i = 0; i < output->count; i++) print_number(i == 0 ? "" : ",", eg_output_value(output, i));
  fprintf(stderr, "]}\n");
}

static void on_label_ack(void *ctx, uint32_t row) {
  (void)ctx;
  acks++;
  for (unsigned i = 0; i < waiting_count; i++) {
    if (waiting[i].play - boot_play != row) continue;
    waiting[i] = waiting[--waiting_count];
    return;
  }
}

/* ---- sending ---- */

static const double *row_of(uint64_t play) { return played.values + (size_t)(play % played.rows) * played.columns; }

static void send_label(uint64_t play) {
  float values[EG_COLUMNS_MAX];
  const double *row = row_of(play);
  unsigned count = 0, known = 0;
  for (unsigned i = device.row_columns; i < column_count; i++) {
    values[count++] = (float)row[source[i]];
    if (row[source[i]] == row[source[i]]) known++;
  }
  if (known == 0) return;
  wire.row_count = 0;
  eg_send_label(&device, (uint32_t)(play - boot_play), values, 0);
  labels_sent++;
}

static void label(uint64_t play) {
  if (device.row_columns == column_count || play < boot_play) return;
  send_label(play);
  if (given.label_repeat_ms == 0) return;
  if (waiting_count == LABELS_MAX) {
    labels_given_up++;
    memmove(waiting, waiting + 1, --waiting_count * sizeof *waiting);
  }
  waiting[waiting_count++] = (waiting_label){play, real_ms(), 1};
}

static void repeat_labels(void) {
  const double now = waiting_count > 0 ? real_ms() : 0;
  for (unsigned i = 0; i < waiting_count && wire.queued < QUEUE_FULL; i++) {
    if (now - waiting[i].sent_ms < (double)given.label_repeat_ms) continue;
    if (waiting[i].tries == LABEL_TRIES) {
      labels_given_up++;
      waiting[i--] = waiting[--waiting_count];
      continue;
    }
    waiting[i].tries++;
    waiting[i].sent_ms = now;
    send_label(waiting[i].play);
  }
}

/* Hears and answers the host, gives the terminal what it takes; waits for either at most timeout_ms. */
static void serve(int timeout_ms) {
  struct pollfd fds[2] = {{wire.master, POLLIN, 0}, {given.ends_with_stdin && is_stdin_open ? 0 : -1, POLLIN, 0}};
  uint8_t bytes[4096];
  ssize_t n = 0;
  if (wire.queued > 0) fds[0].events |= POLLOUT;
  if (given.speed > 0) {
    const double log_us = 1e3 * (real_ms() - start_ms) * given.speed;
    clock_us = log_us < due_us && log_us > clock_us ? log_us : clock_us;
  }
  if (poll(fds, 2, timeout_ms) < 0) return;
  if ((fds[0].revents & POLLIN) != 0) n = read(wire.master, bytes, sizeof bytes);
  wire.row_count = 0;
  eg_poll(&device, bytes, n > 0 ? (size_t)n : 0);
  repeat_labels();
  if (!link_flush(&wire)) is_stopped = 1;
  if ((fds[1].revents & (POLLIN | POLLHUP)) != 0 && read(0, bytes, sizeof bytes) <= 0) is_stopped = 1;
}

/* Adds what this boot has counted to what all have. */
static void add_counters(void) {
  dropped_rows += device.count.dropped_rows;
  rx_frames += device.count.rx_frames;
  rx_bad += device.count.rx_bad;
}

static bool start_device(uint32_t boot) {
  wire.boot = boot;
  wire.row_count = 0;
  waiting_count = 0;
  boot_play = next_play;
  boot_us = clock_us;
  const eg_status status = eg_init(&device, &config, boot, given.period_us);
  if (status != EG_OK) {
    fprintf(stderr, "edgegrad-device: the columns make rows of more than 236 bytes\n");
    return false;
  }
  eg_poll(&device, NULL, 0); /* HELLO first */
  eg_log(&device, 2, "edgegrad-device: started");
  return true;
}

/* The log's time of a row, in microseconds from its first one. */
static double time_of(uint64_t play, size_t time_column, double loop_us) {
  const double first = played.values[time_column];
  return loop_us * (double)(play / played.rows) + 1e6 * (row_of(play)[time_column] - first);
}

/* Plays `count` rows, which all are in one frame. */
static void send_rows(unsigned count, double step_us) {
  float values[255 * EG_COLUMNS_MAX];
  const unsigned n = device.row_columns;
  for (unsigned r = 0; r < count; r++) {
    const double *row = row_of(next_play + r);
    for (unsigned i = 0; i < n; i++) values[r * n + i] = (float)row[source[i]];
  }
  eg_poll(&device, NULL, 0); /* a HELLO that is due now is not of this row */
  wire.first_row = eg_next_row(&device);
  wire.row_count = count;
  if (given.batch > 1) eg_send_batch(&device, now_us(NULL), (uint32_t)step_us, (uint8_t)count, values);
  else eg_send_floats(&device, values);
  wire.row_count = 0;
}

static void play(void) {
  const size_t time_column = given.time == NULL ? played.columns : log_column(&played, given.time);
  const bool has_time = time_column < played.columns;
  const double last_us = has_time ? time_of(played.rows - 1, time_column, 0) : 0;
  const double step_us = has_time && played.rows > 1 ? time_of(1, time_column, 0) : given.period_us;
  const uint64_t total = given.loops == 0 ? UINT64_MAX : (uint64_t)played.rows * given.loops;
  const uint64_t delay = given.label_delay;
  uint64_t labelled = 0;
  while (next_play < total && !is_stopped) {
    unsigned count = given.batch;
    if (count > total - next_play) count = (unsigned)(total - next_play);
    if (has_time) {
      const double t = time_of(next_play, time_column, last_us + step_us);
      if (t == t) due_us = t; /* a row without a time is of the time before */
    }
    while (given.speed > 0 && !is_stopped) {
      const double wait_ms = due_us / given.speed / 1e3 - (real_ms() - start_ms);
      if (wait_ms <= 0) break;
      serve(wait_ms > 100 ? 100 : wait_ms < 1 ? 1 : (int)wait_ms);
    }
    while (wire.queued > QUEUE_FULL && !given.drops && !is_stopped) serve(100);
    link_reseed(&wire, next_play);
    if (given.stall > 0 && link_random(&wire) < given.stall) {
      const struct timespec time = {(time_t)(given.stall_ms / 1000), (long)(given.stall_ms % 1000) * 1000000};
      link_flush(&wire);
      nanosleep(&time, NULL);
      stalls++;
    }
    clock_us = due_us;
    if (given.reboot > 0 && link_random(&wire) < given.reboot) {
      reboots++;
      add_counters();
      start_device(wire.boot + 1);
    }
    send_rows(count, given.batch > 1 && !has_time ? given.period_us : step_us);
    if (next_play / STATS_EVERY != (next_play + count) / STATS_EVERY) eg_send_stats(&device, 0xFFFF);
    next_play += count;
    due_us += (double)count * (has_time ? 0 : (double)given.period_us);
    for (; labelled + delay < next_play; labelled++) label(labelled);
    if (given.speed > 0 || wire.queued > 4096) serve(0);
  }
  for (; labelled < next_play && !is_stopped; labelled++) {
    label(labelled);
    while (wire.queued > QUEUE_FULL && !is_stopped) serve(100);
  }
}

/* Until the host has read everything, and has had a moment to answer. */
static void finish(void) {
  unsigned quiet = 0;
  while (!is_stopped && quiet < 3) {
    const uint64_t heard = outputs + acks;
    serve(20);
    if (!link_is_drained(&wire) || waiting_count > 0 || outputs + acks != heard) quiet = 0;
    else {
      const struct timespec moment = {0, 15000000};
      nanosleep(&moment, NULL);
      quiet++;
    }
  }
}

int main(int argc, char **argv) {
  struct sigaction action;
  const int code = options_read(&given, argc, argv, &played, columns, source, &column_count);
  if (code >= 0) return code;
  if (given.time != NULL && played.rows > 1) {
    const size_t t = log_column(&played, given.time);
    const double period_us = 1e6 * (row_of(1)[t] - row_of(0)[t]);
    given.period_us = period_us > 0 && period_us < 4294967295.0 ? (uint32_t)period_us : 0;
  }
  memset(&action, 0, sizeof action);
  action.sa_handler = stop;
  sigaction(SIGTERM, &action, NULL);
  sigaction(SIGHUP, &action, NULL);
  sigaction(SIGINT, &action, NULL);
  if (!link_open(&wire)) return 1;
  wire.faults = given.link;
  wire.drops = given.drops;
  wire.seed = given.seed;
  link_reseed(&wire, UINT64_MAX);
  wire.other_random = wire.random;
  if (given.report != NULL && (wire.report = fopen(given.report, "w")) == NULL) {
    fprintf(stderr, "edgegrad-device: %s: %s\n", given.report, strerror(errno));
    return 1;
  }
  config = (eg_config){
    .columns = columns, .column_count = column_count, .firmware = "edgegrad-device 1", .tx = tx, .tx_bytes = sizeof tx,
    .rx = rx, .rx_bytes = sizeof rx, .now_us = now_us, .write = link_write, .on_rate = on_rate, .on_output = on_output,
    .on_label_ack = on_label_ack, .ctx = &wire,
  };
  printf("%s\n", wire.path);
  fflush(stdout);
  if (given.starts_with_stdin) {
    char line;
    if (read(STDIN_FILENO, &line, 1) <= 0) return 0;
  }
  if (!start_device(given.boot)) return 2;
  if (given.batch > 1 && given.batch * device.row_bytes + 5u > EG_PAYLOAD_MAX) {
    fprintf(stderr, "edgegrad-device: --batch: at most %u rows of these columns fit a frame\n", 231u / device.row_bytes);
    return 2;
  }
  start_ms = real_ms();
  play();
  finish();
  add_counters();
  fprintf(stderr,
          "{\"rows\":%llu,\"droppedRows\":%llu,\"frames\":%llu,\"bytes\":%llu,\"labels\":%llu,\"labelsGivenUp\":%llu,"
          "\"labelAcks\":%llu,\"outputs\":%llu,\"rxFrames\":%llu,\"rxBad\":%llu,\"damagedRows\":%llu,\"faults\":{\"flip\":%llu,"
          "\"lose\":%llu,\"duplicate\":%llu,\"cut\":%llu,\"cutBytes\":%llu,\"reboot\":%llu,\"stall\":%llu}}\n",
          (unsigned long long)next_play, (unsigned long long)dropped_rows, (unsigned long long)wire.count.frames,
          (unsigned long long)wire.count.bytes, (unsigned long long)labels_sent, (unsigned long long)labels_given_up,
          (unsigned long long)acks, (unsigned long long)outputs, (unsigned long long)rx_frames, (unsigned long long)rx_bad,
          (unsigned long long)wire.count.damaged_rows, (unsigned long long)wire.count.flipped,
          (unsigned long long)wire.count.lost, (unsigned long long)wire.count.duplicated, (unsigned long long)wire.count.cuts,
          (unsigned long long)wire.count.cut_bytes, (unsigned long long)reboots, (unsigned long long)stalls);
  if (wire.report != NULL) fclose(wire.report);
  return 0;
}
