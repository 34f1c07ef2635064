#include "log.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *read_all(const char *path, size_t *out_bytes) {
  FILE *in = fopen(path, "rb");
  char *text = NULL;
  size_t used = 0, room = 0;
  if (in == NULL) return NULL;
  for (;;) {
    if (room - used < 65536) {
      char *more = realloc(text, room = 2 * room + 131072);
      if (more == NULL) break;
      text = more;
    }
    const size_t n = fread(text + used, 1, room - used - 1, in);
    if (n == 0) break;
    used += n;
  }
  fclose(in);
  if (text != NULL) text[used] = 0;
  *out_bytes = used;
  return text;
}

/* Without spaces and double quotes around it; in place. */
static char *trim(char *text) {
  char *end = text + strlen(text);
  while (*text == ' ' || *text == '"') text++;
  while (end > text && (end[-1] == ' ' || end[-1] == '"' || end[-1] == '\r')) *--end = 0;
  return text;
}

static void read_header(log_file *log, char *line, char delimiter) {
  while (line != NULL && log->columns < LOG_COLUMNS_MAX) {
    char *next = strchr(line, delimiter), *unit;
    static char none[] = "";
    if (next != NULL) *next++ = 0;
    line = trim(line);
    log->units[log->columns] = none;
    unit = strchr(line, '[');
    if (unit != NULL && unit > line && line[strlen(line) - 1] == ']') {
      line[strlen(line) - 1] = 0;
      *unit = 0;
      log->units[log->columns] = trim(unit + 1);
      line = trim(line);
    }
    log->names[log->columns++] = line;
    line = next;
  }
}

static double number(const char *text) {
  char *end;
  const double value = strtod(text, &end);
  const double missing = strtod("nan", NULL);
  if (end == text) return missing;
  while (*end == ' ' || *end == '\r' || *end == '"') end++;
  return *end == 0 ? value : missing;
}

bool log_read(log_file *log, const char *path) {
  size_t bytes = 0, room = 0;
  char *text = read_all(path, &bytes), *line, *next;
  char delimiter = ',';
  memset(log, 0, sizeof *log);
  if (text == NULL) {
    fprintf(stderr, "edgegrad-device: %s: %s\n", path, strerror(errno));
    return false;
  }
  if (bytes >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) text += 3;
  for (line = text; line != NULL; line = next) {
    next = strchr(line, '\n');
    if (next != NULL) *next++ = 0;
    if (*line == 0 || *line == '\r' || *line == '#') continue;
    if (log->columns == 0) {
      if (strchr(line, ';') != NULL) delimiter = ';';
      else if (strchr(line, '\t') != NULL) delimiter = '\t';
      read_header(log, line, delimiter);
      continue;
    }
    if (log->rows == room) {
      double *more = realloc(log->values, (room = 2 * room + 1024) * log->columns * sizeof *more);
      if (more == NULL) return false;
      log->values = more;
    }
    double *row = log->values + log->rows++ * log->columns;
    for (size_t column = 0; column < log->columns; column++) {
      char *after = line == NULL ? NULL : strchr(line, delimiter);
      if (after != NULL) *after++ = 0;
      row[column] = number(line == NULL ? "" : line);
      line = after;
    }
  }
  if (log->columns == 0 || log->rows == 0) fprintf(stderr, "edgegrad-device: %s: a header and rows are needed\n", path);
  return log->columns > 0 && log->rows > 0;
}

size_t log_column(const log_file *log, const char *name) {
  size_t i = 0;
  while (i < log->columns && strcmp(log->names[i], name) != 0) i++;
  return i;
}
