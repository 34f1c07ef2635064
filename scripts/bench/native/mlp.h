/*
 * A multi-layer perceptron learning by single examples, vectorised by hand: tanh hidden layers, identity on top,
 * squared error, plain sgd. The yardstick of `npm run bench:native`.
 *
 * Weights lie in row panels: four rows interleaved in blocks of four columns, both sides padded to multiples of four
 * with zeros. Every operation rounds once, to float32, in the order edgegrad's kernels state, so that both leave the
 * same bits. Sizes are known at run time only.
 */
#ifndef MLP_H
#define MLP_H

#include <stddef.h>

enum { MLP_MAX_LAYERS = 8 };

struct mlp_layer {
  size_t units_in, units_out;
  size_t n_in, n_out; /* the same, padded */
  float *w;           /* panels [n_out, n_in] */
  float *b;           /* [n_out] */
  float *a;           /* [n_out] activations */
  float *delta;       /* [n_out] */
};

struct mlp {
  size_t layers;
  struct mlp_layer layer[MLP_MAX_LAYERS];
  float *x;
  float *y;
  float rate;
  void *memory;
};

/* Lays out `layers` layers between `layers + 1` widths, all weights zero. Returns 0, or -1 where memory is short. */
int mlp_create(struct mlp *net, size_t layers, const size_t *widths, float rate);
void mlp_destroy(struct mlp *net);

/* Where weight (row, column) of a layer lies in its panels. */
size_t mlp_panel_index(const struct mlp_layer *layer, size_t row, size_t column);

/* Copies a row in and predicts. Returns the output activations, valid until the next call. */
const float *mlp_predict(struct mlp *net, const float *row);

/* Copies a row and a target in and makes one step. Returns the loss before it. */
float mlp_learn(struct mlp *net, const float *row, const float *target);

#endif
