/* A recorded log: comma-, semicolon- or tab-separated numbers under a header of names. */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>
#include <stddef.h>

#define LOG_COLUMNS_MAX 256

typedef struct log_file {
  size_t columns;
  size_t rows;
  char *names[LOG_COLUMNS_MAX];
  char *units[LOG_COLUMNS_MAX]; /* from headers like "name [unit]"; else empty */
  double *values;               /* [rows, columns]; NaN where there is no number */
} log_file;

/* Reads it whole. Prints what is wrong and returns false where it is none. */
bool log_read(log_file *log, const char *path);

/* The column of that name, or log->columns. */
size_t log_column(const log_file *log, const char *name);

#endif
