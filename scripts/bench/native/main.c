/*
 * mlp RATE WIDTH WIDTH ...: runs the network on request and says how long it took.
 *
 * Reads from stdin, in the byte order of the machine: a 32-bit count of rows, a power of two; every layer's weights
 * [out, in] row-major and biases [out] in order; the rows; their targets; all float32. Then one-letter commands:
 * L and a 32-bit count: that many steps over the rows in turn · P and a 32-bit count: that many predictions ·
 * both answer with a float64 of CPU nanoseconds and a float32, the last loss or the first output ·
 * W: answers with all weights and biases as they were read. Ends with its input.
 */
#define _POSIX_C_SOURCE 200112L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mlp.h"

static int mlp_fail(const char *what) {
  fprintf(stderr, "mlp: %s\n", what);
  return 1;
}

static double mlp_cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static int mlp_read_floats(float *to, size_t n) { return fread(to, sizeof(float), n, stdin) == n ? 0 : -1; }

static int mlp_read_parameters(struct mlp *net) {
  size_t i, row, column;
  for (i = 0; i < net->layers; i++) {
    struct mlp_layer *l = &net->layer[i];
    for (row = 0; row < l->units_out; row++) {
      for (column = 0; column < l->units_in; column++) {
        if (mlp_read_floats(l->w + mlp_panel_index(l, row, column), 1) != 0) return -1;
      }
    }
    if (mlp_read_floats(l->b, l->units_out) != 0) return -1;
  }
  return 0;
}

static void mlp_write_parameters(const struct mlp *net) {
  size_t i, row, column;
  for (i = 0; i < net->layers; i++) {
    const struct mlp_layer *l = &net->layer[i];
    for (row = 0; row < l->units_out; row++) {
      for (column = 0; column < l->units_in; column++) {
        fwrite(l->w + mlp_panel_index(l, row, column), sizeof(float), 1, stdout);
      }
    }
    fwrite(l->b, sizeof(float), l->units_out, stdout);
  }
}

static void mlp_answer(double ns, float result) {
  fwrite(&ns, sizeof ns, 1, stdout);
  fwrite(&result, sizeof result, 1, stdout);
}

int main(int argc, char **argv) {
  size_t widths[MLP_MAX_LAYERS + 1], layers, n_in, n_out, i;
  struct mlp net;
  uint32_t rows, count;
  float *x, *y;
  int command;

  if (argc < 4 || argc > 3 + MLP_MAX_LAYERS) return mlp_fail("RATE and two to nine widths expected");
  layers = (size_t)argc - 3;
  for (i = 0; i <= layers; i++) widths[i] = (size_t)strtoul(argv[i + 2], NULL, 10);
  n_in = widths[0];
  n_out = widths[layers];
  if (mlp_create(&net, layers, widths, strtof(argv[1], NULL)) != 0) return mlp_fail("out of memory");
  if (fread(&rows, sizeof rows, 1, stdin) != 1 || mlp_read_parameters(&net) != 0) return mlp_fail("input ends early");
  x = malloc(rows * n_in * sizeof(float));
  y = malloc(rows * n_out * sizeof(float));
  if (!x || !y) return mlp_fail("out of memory");
  if (mlp_read_floats(x, rows * n_in) != 0 || mlp_read_floats(y, rows * n_out) != 0) return mlp_fail("input ends early");

  while ((command = getchar()) != EOF) {
    if (command == 'W') {
      mlp_write_parameters(&net);
    } else if ((command == 'L' || command == 'P') && fread(&count, sizeof count, 1, stdin) == 1) {
      const double start = mlp_cpu_ns();
      float result = 0;
      for (i = 0; i < count; i++) {
        const size_t k = i & (rows - 1);
        result = command == 'L' ? mlp_learn(&net, x + k * n_in, y + k * n_out) : *mlp_predict(&net, x + k * n_in);
      }
      mlp_answer(mlp_cpu_ns() - start, result);
    } else {
      return mlp_fail("L, P or W expected");
    }
    fflush(stdout);
  }
  free(x);
  free(y);
  mlp_destroy(&net);
  return 0;
}
