#define _XOPEN_SOURCE 600
#define _DEFAULT_SOURCE

#include "link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

bool link_open(device_link *link) {
  struct termios raw;
  const char *name = NULL;
  link->master = posix_openpt(O_RDWR | O_NOCTTY);
  if (link->master >= 0 && grantpt(link->master) == 0 && unlockpt(link->master) == 0) name = ptsname(link->master);
  if (name != NULL) {
    snprintf(link->path, sizeof link->path, "%s", name);
    link->slave = open(name, O_RDWR | O_NOCTTY);
  }
  if (name == NULL || link->slave < 0 || tcgetattr(link->slave, &raw) != 0) {
    fprintf(stderr, "edgegrad-device: no pseudo-terminal: %s\n", strerror(errno));
    return false;
  }
  /* Raw, before anyone opens it: an echo would come back as if the host had sent it. */
  raw.c_iflag = 0;
  raw.c_oflag = 0;
  raw.c_lflag = 0;
  raw.c_cflag = CS8 | CREAD | CLOCAL;
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  cfsetispeed(&raw, B115200);
  cfsetospeed(&raw, B115200);
  tcsetattr(link->slave, TCSANOW, &raw);
  fcntl(link->master, F_SETFL, O_NONBLOCK);
  fcntl(link->master, F_SETFD, FD_CLOEXEC);
  fcntl(link->slave, F_SETFD, FD_CLOEXEC);
  return true;
}

/* splitmix64 */
void link_reseed(device_link *link, uint64_t n) {
  uint64_t x = (link->seed + 1) * 0x9E3779B97F4A7C15ull + n * 0xD1342543DE82EF95ull;
  x = (x ^ x >> 30) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ x >> 27) * 0x94D049BB133111EBull;
  link->random = (x ^ x >> 31) | 1;
}

double link_random(device_link *link) {
  link->random ^= link->random << 13;
  link->random ^= link->random >> 7;
  link->random ^= link->random << 17;
  return (double)(link->random >> 11) / 9007199254740992.0;
}

static bool happens(device_link *link, double rate) { return rate > 0 && link_random(link) < rate; }

static void report(device_link *link, const char *fault) {
  for (uint32_t i = 0; i < link->row_count; i++) {
    link->count.damaged_rows++;
    if (link->report == NULL) continue;
    fprintf(link->report, "{\"boot\":%lu,\"row\":%lu,\"fault\":\"%s\"}\n", (unsigned long)link->boot,
            (unsigned long)(link->first_row + i), fault);
  }
}

static void enqueue(device_link *link, uint8_t byte) {
  if (link->queued < LINK_QUEUE_BYTES) link->queue[link->queued++] = byte;
  link->recent[link->recent_at] = byte;
  link->recent_at = (link->recent_at + 1) % sizeof link->recent;
  if (link->recent_bytes < sizeof link->recent) link->recent_bytes++;
}

/* Sends the last bytes again. */
static void duplicate(device_link *link) {
  const size_t size = sizeof link->recent;
  const size_t n = (size_t)(link_random(link) * (double)link->recent_bytes);
  uint8_t again[sizeof link->recent];
  for (size_t i = 0; i < n; i++) again[i] = link->recent[(link->recent_at + size - n + i) % size];
  for (size_t i = 0; i < n; i++) enqueue(link, again[i]);
  link->count.duplicated++;
}

/* One frame, damaged. */
static void send_frame(device_link *link, const uint8_t *bytes, size_t n) {
  const char *fault = link->is_next_damaged ? "frame before" : NULL;
  size_t cut_at = n;
  link->is_next_damaged = false;
  if (link->cut_left == 0 && happens(link, link->faults.cut)) {
    cut_at = (size_t)(link_random(link) * (double)n);
    link->count.cuts++;
  }
  for (size_t i = 0; i < n; i++) {
    uint8_t byte = bytes[i];
    const char *what = NULL;
    if (i == cut_at) link->cut_left = 1 + (size_t)(link_random(link) * 2000);
    if (link->cut_left > 0) {
      link->cut_left--;
      link->count.cut_bytes++;
      what = "cut";
    } else if (happens(link, link->faults.lose)) {
      link->count.lost++;
      what = "lose";
    } else {
      if (happens(link, link->faults.flip)) {
        byte ^= (uint8_t)(1u << (unsigned)(link_random(link) * 8));
        link->count.flipped++;
        what = "flip";
      }
      enqueue(link, byte);
    }
    if (what == NULL) continue;
    if (fault == NULL) fault = what;
    if (i == n - 1) link->is_next_damaged = true;
  }
  if (fault != NULL) report(link, fault);
  if (happens(link, link->faults.duplicate)) duplicate(link);
}

size_t link_write(void *ctx, const uint8_t *bytes, size_t n) {
  device_link *link = ctx;
  if (link->drops && link->queued > 0) {
    link_flush(link);
    if (link->queued > 0) return 0;
  }
  /* Room for the frame and what may be repeated behind it. Whoever sends sees to it that there is. */
  if (LINK_QUEUE_BYTES - link->queued < n + sizeof link->recent) return 0;
  link->count.frames += n > 1; /* a 0x00 alone is none */
  link->count.bytes += n;
  if (link->row_count > 0) {
    send_frame(link, bytes, n);
  } else {
    const uint64_t random = link->random;
    link->random = link->other_random;
    send_frame(link, bytes, n);
    link->other_random = link->random;
    link->random = random;
  }
  return n;
}

bool link_flush(device_link *link) {
  size_t sent = 0;
  while (sent < link->queued) {
    const ssize_t n = write(link->master, link->queue + sent, link->queued - sent);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno != EAGAIN) return false;
    if (n <= 0) break;
    sent += (size_t)n;
  }
  memmove(link->queue, link->queue + sent, link->queued -= sent);
  return true;
}

bool link_is_drained(device_link *link) {
  int waiting = 0;
  return link->queued == 0 && ioctl(link->slave, FIONREAD, &waiting) == 0 && waiting == 0;
}
