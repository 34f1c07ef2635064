/* What edgegrad-device is told on its command line. */
#ifndef OPTIONS_H
#define OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "../include/edgegrad.h"
#include "link.h"
#include "log.h"

typedef struct options {
  const char *log_path;
  const char *time; /* the column with seconds; NULL: rows come every period_us */
  uint32_t period_us;
  double speed; /* 0: as fast as the link takes them */
  uint32_t boot;
  unsigned long loops; /* 0: for ever */
  unsigned batch;
  unsigned long label_delay;
  unsigned long label_repeat_ms;
  bool drops;
  bool prints_output;
  bool starts_with_stdin, ends_with_stdin;
  const char *report;
  uint64_t seed;
  link_faults link;
  double reboot, stall; /* each row */
  double drift_ppm;
  unsigned long stall_ms;
} options;

/*
 * Reads the command line and the log it names, and makes the column table: row columns, then labels.
 *
 * out_source  [columns]: the log's column behind each of them
 * returns     -1 to go on, else the exit code
 */
int options_read(options *out, int argc, char **argv, log_file *out_log, eg_column *out_columns, size_t *out_source,
                 uint8_t *out_count);

#endif
