#include "options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
  "usage: edgegrad-device [options] log.csv\n"
  "\n"
  "Plays a log as a device does that speaks edgegrad's binary protocol, over a pseudo-terminal of its own. The first\n"
  "line on stdout is its path. Ends with 0 when the log is over and everything has been read, or at SIGTERM or SIGHUP;\n"
  "what it did is one JSON object on stderr.\n"
  "\n"
  "  --time NAME          the column with seconds, which says when rows are taken\n"
  "  --period-us N        microseconds between rows, without --time (default 10000)\n"
  "  --speed max|N        times as fast as the log (default 1); max: as fast as the host reads\n"
  "  --label NAME         this column is a label: sent on its own (may be given more than once)\n"
  "  --label-delay N      so many rows later (default 0)\n"
  "  --label-repeat MS    again every MS milliseconds until the host has it (default 0: once)\n"
  "  --omit NAME          not sent at all (may be given more than once)\n"
  "  --unit NAME=UNIT     the unit of a column; also from a header like \"name [unit]\"\n"
  "  --type NAME=TYPE[,SCALE[,OFFSET]]  f32 (default), f16, i32, i16, u16, u8 or bool\n"
  "  --batch N            N rows a frame; all columns must be f32 (default 1)\n"
  "  --loop N             play the log N times, 0 for ever (default 1)\n"
  "  --boot N             boot id (default: from the time of day); a reboot adds 1\n"
  "  --drop               drop rows the terminal has no room for, as a device does that cannot wait\n"
  "  --faults LIST        comma-separated: flip=RATE lose=RATE (each byte), duplicate=RATE cut=RATE (each frame),\n"
  "                       reboot=RATE stall=RATE (each row), stall-ms=N (default 200), drift=PPM\n"
  "  --seed N             of the faults (default 1): the same seed does the same to the same rows\n"
  "  --report FILE        the rows that were damaged, one JSON object a line\n"
  "  --print-output       predictions that come back, one JSON object a line on stderr\n"
  "  --starts-with-stdin  switched on by a byte on standard input, when the host has opened the terminal\n"
  "  --ends-with-stdin    end when standard input does\n";

static int wrong(const char *what, const char *value) {
  fprintf(stderr, "edgegrad-device: %s: %s\n", what, value);
  return 2;
}

static bool read_number(const char *text, double low, double high, double *out) {
  char *end;
  *out = strtod(text, &end);
  return end != text && *end == 0 && *out >= low && *out <= high;
}

static bool read_faults(options *o, char *list) {
  for (char *item = strtok(list, ","); item != NULL; item = strtok(NULL, ",")) {
    char *value = strchr(item, '=');
    double number;
    if (value == NULL) return false;
    *value++ = 0;
    const bool is_ms = strcmp(item, "stall-ms") == 0, is_drift = strcmp(item, "drift") == 0;
    if (!read_number(value, is_drift ? -1e5 : 0, is_drift ? 1e5 : is_ms ? 1e6 : 1, &number)) return false;
    if (strcmp(item, "flip") == 0) o->link.flip = number;
    else if (strcmp(item, "lose") == 0) o->link.lose = number;
    else if (strcmp(item, "duplicate") == 0) o->link.duplicate = number;
    else if (strcmp(item, "cut") == 0) o->link.cut = number;
    else if (strcmp(item, "reboot") == 0) o->reboot = number;
    else if (strcmp(item, "stall") == 0) o->stall = number;
    else if (is_ms) o->stall_ms = (unsigned long)number;
    else if (is_drift) o->drift_ppm = number;
    else return false;
  }
  return true;
}

static uint8_t type_of(const char *name) {
  static const char *const names[] = {"", "f32", "f16", "i32", "i16", "u16", "u8", "bool"};
  for (uint8_t i = 1; i < 8; i++) {
    if (strcmp(names[i], name) == 0) return i;
  }
  return 0;
}

/* Options that speak of a column, kept until the log has been read. */
typedef struct column_option {
  char kind;
  char *name;
} column_option;

static int make_columns(const options *o, const log_file *log, column_option *given, unsigned count, eg_column *columns,
                        size_t *source, uint8_t *out_count) {
  bool is_label[LOG_COLUMNS_MAX] = {false}, is_omitted[LOG_COLUMNS_MAX] = {false};
  const char *unit[LOG_COLUMNS_MAX], *scaling[LOG_COLUMNS_MAX] = {NULL};
  uint8_t type[LOG_COLUMNS_MAX];
  unsigned made = 0, rows = 0;
  for (size_t i = 0; i < log->columns; i++) unit[i] = log->units[i], type[i] = EG_F32;
  if (o->time != NULL && log_column(log, o->time) == log->columns) return wrong("no such column", o->time);
  for (unsigned k = 0; k < count; k++) {
    char *value = NULL;
    if (given[k].kind == 'u' || given[k].kind == 't') {
      value = strchr(given[k].name, '=');
      if (value == NULL) return wrong("a column, = and a value are needed", given[k].name);
      *value++ = 0;
    }
    const size_t i = log_column(log, given[k].name);
    if (i == log->columns) return wrong("no such column", given[k].name);
    if (given[k].kind == 'l') is_label[i] = true;
    if (given[k].kind == 'o') is_omitted[i] = true;
    if (given[k].kind == 'u') unit[i] = value;
    if (given[k].kind == 't') {
      char *rest = strchr(value, ',');
      if (rest != NULL) *rest++ = 0;
      scaling[i] = rest;
      type[i] = type_of(value);
      if (type[i] == 0) return wrong("no such type", value);
      if (is_label[i] || o->batch > 1) return wrong("only f32 can be a label or go in batches", given[k].name);
    }
  }
  for (int labels = 0; labels < 2; labels++) {
    for (size_t i = 0; i < log->columns; i++) {
      if (is_omitted[i] || is_label[i] != (labels == 1)) continue;
      if (made == EG_COLUMNS_MAX) return wrong("more than 64 columns", o->log_path);
      if (strlen(log->names[i]) > 31) return wrong("a name of more than 31 bytes", log->names[i]);
      if (strlen(unit[i]) > 15) return wrong("a unit of more than 15 bytes", unit[i]);
      eg_column *c = &columns[made];
      memset(c, 0, sizeof *c);
      strcpy(c->name, log->names[i]);
      strcpy(c->unit, unit[i]);
      c->type = type[i];
      c->is_label = is_label[i];
      c->scale = 1;
      if (scaling[i] != NULL) {
        char *end;
        c->scale = strtof(scaling[i], &end);
        if (*end == ',') c->offset = strtof(end + 1, &end);
        if (*end != 0 || c->scale == 0) return wrong("no scale or offset", scaling[i]);
      }
      source[made++] = i;
      if (!is_label[i]) rows++;
    }
  }
  *out_count = (uint8_t)made;
  return rows > 0 ? -1 : wrong("no columns are left for rows", o->log_path);
}

int options_read(options *o, int argc, char **argv, log_file *log, eg_column *columns, size_t *source, uint8_t *out_count) {
  column_option given[4 * LOG_COLUMNS_MAX];
  unsigned count = 0;
  memset(o, 0, sizeof *o);
  o->period_us = 10000;
  o->speed = 1;
  o->loops = 1;
  o->batch = 1;
  o->seed = 1;
  o->stall_ms = 200;
  o->boot = (uint32_t)time(NULL);
  for (int i = 1; i < argc; i++) {
    const char *name = argv[i];
    double number = 0;
    if (strcmp(name, "--help") == 0) {
      fputs(usage, stdout);
      return 0;
    }
    if (strcmp(name, "--drop") == 0) o->drops = true;
    else if (strcmp(name, "--print-output") == 0) o->prints_output = true;
    else if (strcmp(name, "--starts-with-stdin") == 0) o->starts_with_stdin = true;
    else if (strcmp(name, "--ends-with-stdin") == 0) o->ends_with_stdin = true;
    else if (strncmp(name, "--", 2) != 0 && o->log_path == NULL) o->log_path = name;
    else if (strncmp(name, "--", 2) != 0 || i + 1 == argc) return wrong("unknown, or without its value", name);
    else {
      char *value = argv[++i];
      const bool is_number = read_number(value, 0, 1e18, &number);
      const bool is_u32 = is_number && number <= 4294967295.0;
      bool is_right = true;
      if (strcmp(name, "--time") == 0) o->time = value;
      else if (strcmp(name, "--report") == 0) o->report = value;
      else if (strcmp(name, "--faults") == 0) is_right = read_faults(o, value);
      else if (strcmp(name, "--speed") == 0) {
        is_right = strcmp(value, "max") == 0 || (is_number && number > 0);
        o->speed = is_number ? number : 0;
      } else if (strcmp(name, "--period-us") == 0) o->period_us = (uint32_t)((is_right = is_u32 && number >= 1) ? number : 0);
      else if (strcmp(name, "--loop") == 0) o->loops = (unsigned long)((is_right = is_u32) ? number : 0);
      else if (strcmp(name, "--boot") == 0) o->boot = (uint32_t)((is_right = is_u32) ? number : 0);
      else if (strcmp(name, "--seed") == 0) o->seed = (uint64_t)((is_right = is_number) ? number : 0);
      else if (strcmp(name, "--batch") == 0) o->batch = (unsigned)((is_right = is_number && number >= 1 && number <= 255) ? number : 0);
      else if (strcmp(name, "--label-delay") == 0) o->label_delay = (unsigned long)((is_right = is_u32) ? number : 0);
      else if (strcmp(name, "--label-repeat") == 0) o->label_repeat_ms = (unsigned long)((is_right = is_u32) ? number : 0);
      else if (count == sizeof given / sizeof *given) return wrong("too many options", name);
      else if (strcmp(name, "--label") == 0) given[count++] = (column_option){'l', value};
      else if (strcmp(name, "--omit") == 0) given[count++] = (column_option){'o', value};
      else if (strcmp(name, "--unit") == 0) given[count++] = (column_option){'u', value};
      else if (strcmp(name, "--type") == 0) given[count++] = (column_option){'t', value};
      else return wrong("unknown option", name);
      if (!is_right) return wrong(name, value);
    }
  }
  if (o->log_path == NULL) {
    fputs(usage, stderr);
    return 2;
  }
  /* A frame that waits in the device's buffer is sent while another row is on its way: nobody could say whose it is. */
  if (o->drops && o->report != NULL) return wrong("--report cannot be had with", "--drop");
  if (!log_read(log, o->log_path)) return 2;
  return make_columns(o, log, given, count, columns, source, out_count);
}
