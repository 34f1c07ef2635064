#define _POSIX_C_SOURCE 200112L
#include "mlp.h"

#include <stdlib.h>
#include <string.h>

#include "simd.h"

enum { MLP_LINE = 16 }; /* floats in a cache line; regions start on one */

static size_t mlp_up_to(size_t n, size_t multiple) { return (n + multiple - 1) / multiple * multiple; }

int mlp_create(struct mlp *net, size_t layers, const size_t *widths, float rate) {
  size_t floats = mlp_up_to(widths[0], MLP_LINE) + mlp_up_to(widths[layers], MLP_LINE);
  size_t i;
  float *next;
  void *memory;

  for (i = 0; i < layers; i++) {
    floats += mlp_up_to(mlp_up_to(widths[i], 4) * mlp_up_to(widths[i + 1], 4), MLP_LINE);
    floats += 3 * mlp_up_to(widths[i + 1], MLP_LINE);
  }
  if (posix_memalign(&memory, 64, floats * sizeof(float)) != 0) return -1;
  memset(memory, 0, floats * sizeof(float));
  next = memory;
  net->memory = memory;
  net->layers = layers;
  net->rate = rate;
  for (i = 0; i < layers; i++) {
    struct mlp_layer *l = &net->layer[i];
    size_t line = mlp_up_to(widths[i + 1], MLP_LINE);
    l->units_in = widths[i];
    l->units_out = widths[i + 1];
    l->n_in = mlp_up_to(widths[i], 4);
    l->n_out = mlp_up_to(widths[i + 1], 4);
    l->w = next;
    next += mlp_up_to(l->n_in * l->n_out, MLP_LINE);
    l->b = next;
    l->a = next + line;
    l->delta = next + 2 * line;
    next += 3 * line;
  }
  net->x = next;
  net->y = next + mlp_up_to(widths[0], MLP_LINE);
  return 0;
}

void mlp_destroy(struct mlp *net) { free(net->memory); }

size_t mlp_panel_index(const struct mlp_layer *l, size_t row, size_t column) {
  return row / 4 * 4 * l->n_in + column / 4 * 16 + row % 4 * 4 + column % 4;
}

/* tanh x, the formula of src/reference/math.ts. */
static inline mlp_v4 mlp_tanh(mlp_v4 x) {
  const mlp_v4 sign = mlp_and(x, mlp_bits(0x80000000u));
  const mlp_v4 half = mlp_splat(0.5f), round_half = mlp_splat(12583038.0f);
  const mlp_v4 a = mlp_below(mlp_splat(32.0f), mlp_xor(x, sign));
  const mlp_v4 t = a * mlp_splat(2.885390043258667f) + round_half;
  const mlp_v4 r = a - (t - round_half) * mlp_splat(0.3465735912322998f);
  const mlp_v4 w = r * r;
  const mlp_v4 d = (mlp_splat(-0.02213379554450512f) * w + mlp_splat(0.33333250880241394f)) * w + mlp_splat(1.0f);
  const mlp_v4 s = mlp_to_exponent(t);
  const mlp_v4 v = (s - half) * d + (s + half) * r;
  return mlp_or(v / (v + (d - r)), sign);
}

/* z = W a + b (F1), two panels at a time, so that they share each load of a and eight sums hide an addition's latency;
 * a = tanh z (F2). */
static void mlp_forward(const struct mlp_layer *l, const float *below, int is_last) {
  const size_t n = l->n_in, panel = 4 * n;
  const float *w = l->w;
  size_t i = 0, j;

  for (; i + 8 <= l->n_out; i += 8, w += panel) {
    mlp_v4 r0 = mlp_splat(0), r1 = r0, r2 = r0, r3 = r0, r4 = r0, r5 = r0, r6 = r0, r7 = r0;
    for (j = 0; j < n; j += 4, w += 16) {
      const mlp_v4 x = mlp_load(below + j);
      r0 += mlp_load(w) * x;
      r1 += mlp_load(w + 4) * x;
      r2 += mlp_load(w + 8) * x;
      r3 += mlp_load(w + 12) * x;
      r4 += mlp_load(w + panel) * x;
      r5 += mlp_load(w + panel + 4) * x;
      r6 += mlp_load(w + panel + 8) * x;
      r7 += mlp_load(w + panel + 12) * x;
    }
    mlp_store(l->a + i, mlp_row_sums(r0, r1, r2, r3) + mlp_load(l->b + i));
    mlp_store(l->a + i + 4, mlp_row_sums(r4, r5, r6, r7) + mlp_load(l->b + i + 4));
  }
  if (i < l->n_out) {
    mlp_v4 r0 = mlp_splat(0), r1 = r0, r2 = r0, r3 = r0;
    for (j = 0; j < n; j += 4, w += 16) {
      const mlp_v4 x = mlp_load(below + j);
      r0 += mlp_load(w) * x;
      r1 += mlp_load(w + 4) * x;
      r2 += mlp_load(w + 8) * x;
      r3 += mlp_load(w + 12) * x;
    }
    mlp_store(l->a + i, mlp_row_sums(r0, r1, r2, r3) + mlp_load(l->b + i));
  }
  if (is_last) return;
  for (i = 0; i < l->n_out; i += 4) mlp_store(l->a + i, mlp_tanh(mlp_load(l->a + i)));
}

static void mlp_forward_all(struct mlp *net, const float *row) {
  const float *below = net->x;
  size_t i;

  memcpy(net->x, row, net->layer[0].units_in * sizeof(float));
  for (i = 0; i < net->layers; i++) {
    mlp_forward(&net->layer[i], below, i + 1 == net->layers);
    below = net->layer[i].a;
  }
}

const float *mlp_predict(struct mlp *net, const float *row) {
  mlp_forward_all(net, row);
  return net->layer[net->layers - 1].a;
}

/* One block of a panel: what it adds to dl/da (B2), from the weights before the update, and the update itself (B5). */
static inline mlp_v4 mlp_sweep_block(float *w, mlp_v4 x, mlp_v4 d0, mlp_v4 d1, mlp_v4 d2, mlp_v4 d3) {
  const mlp_v4 w0 = mlp_load(w), w1 = mlp_load(w + 4), w2 = mlp_load(w + 8), w3 = mlp_load(w + 12);
  mlp_store(w, w0 - d0 * x);
  mlp_store(w + 4, w1 - d1 * x);
  mlp_store(w + 8, w2 - d2 * x);
  mlp_store(w + 12, w3 - d3 * x);
  return (w0 * d0 + w1 * d1) + (w2 * d2 + w3 * d3);
}

/* dl/da = W^T delta (B2) and W <- W - rate * delta a^T (B5) in one sweep. */
static void mlp_sweep(const struct mlp_layer *l, const float *below, float *da, float rate) {
  const size_t n = l->n_in;
  const mlp_v4 rates = mlp_splat(rate);
  float *w = l->w;
  size_t i, j;

  for (j = 0; j < n; j += 4) mlp_store(da + j, mlp_splat(0));
  for (i = 0; i < l->n_out; i += 4) {
    const mlp_v4 d0 = mlp_splat(l->delta[i]), d1 = mlp_splat(l->delta[i + 1]);
    const mlp_v4 d2 = mlp_splat(l->delta[i + 2]), d3 = mlp_splat(l->delta[i + 3]);
    for (j = 0; j < n; j += 4, w += 16) {
      const mlp_v4 x = rates * mlp_load(below + j);
      mlp_store(da + j, mlp_load(da + j) + mlp_sweep_block(w, x, d0, d1, d2, d3));
    }
  }
}

/* W <- W - rate * delta x^T (B5): the first layer hands nothing down. */
static void mlp_update(const struct mlp_layer *l, const float *below, float rate) {
  const size_t n = l->n_in;
  const mlp_v4 rates = mlp_splat(rate);
  float *w = l->w;
  size_t i, j;

  for (i = 0; i < l->n_out; i += 4) {
    const mlp_v4 d0 = mlp_splat(l->delta[i]), d1 = mlp_splat(l->delta[i + 1]);
    const mlp_v4 d2 = mlp_splat(l->delta[i + 2]), d3 = mlp_splat(l->delta[i + 3]);
    for (j = 0; j < n; j += 4, w += 16) {
      const mlp_v4 x = rates * mlp_load(below + j);
      mlp_store(w, mlp_load(w) - d0 * x);
      mlp_store(w + 4, mlp_load(w + 4) - d1 * x);
      mlp_store(w + 8, mlp_load(w + 8) - d2 * x);
      mlp_store(w + 12, mlp_load(w + 12) - d3 * x);
    }
  }
}

float mlp_learn(struct mlp *net, const float *row, const float *target) {
  const struct mlp_layer *l = &net->layer[net->layers - 1];
  const mlp_v4 rates = mlp_splat(net->rate), one = mlp_splat(1);
  mlp_v4 squares = mlp_splat(0);
  size_t i, j;

  mlp_forward_all(net, row);
  memcpy(net->y, target, l->units_out * sizeof(float));
  for (j = 0; j < l->n_out; j += 4) {
    const mlp_v4 r = mlp_load(l->a + j) - mlp_load(net->y + j); /* (B1) */
    mlp_store(l->delta + j, r);
    squares += r * r;
  }
  for (i = net->layers; i-- > 0;) {
    l = &net->layer[i];
    if (i + 1 < net->layers) {
      for (j = 0; j < l->n_out; j += 4) {
        const mlp_v4 a = mlp_load(l->a + j);
        mlp_store(l->delta + j, mlp_load(l->delta + j) * (one - a * a)); /* (B3) */
      }
    }
    if (i > 0) {
      mlp_sweep(l, net->layer[i - 1].a, net->layer[i - 1].delta, net->rate);
    } else {
      mlp_update(l, net->x, net->rate);
    }
    for (j = 0; j < l->n_out; j += 4) {
      mlp_store(l->b + j, mlp_load(l->b + j) - rates * mlp_load(l->delta + j)); /* (B6) */
    }
  }
  return 0.5f * mlp_lane_sum(squares);
}
