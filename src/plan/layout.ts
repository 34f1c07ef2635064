// The numbers every executor agrees on: where things stand in the arena, and what the words of a plan mean.
// This file is read by TypeScript and by AssemblyScript alike, so it holds plain constants and nothing else.
// Offsets count 32-bit elements from the start of the arena; 0 means "none" (element 0 is a constant).

/** Room for 64 constants of four equal lanes each, at the very start of the arena: constant i at element 4·i. */
export const CONSTANT_FLOATS = 256;

// ---- header: 24 words in front of the op records
export const PLAN_MAGIC = 0x4c504745; // "EGPL", little-endian
export const PLAN_VERSION = 2;

export const H_MAGIC = 0;
export const H_VERSION = 1;
/** m, columns worked on together. */
export const H_EXAMPLES = 2;
/** Element offset of the first op record. */
export const H_OPS = 3;
/** Number of op records; the last is the loss. */
export const H_OP_COUNT = 4;
/** Element offset of the state words below. */
export const H_STATE = 5;
/** From a parameter to its gradient, and to the optimizer's first and second state of it, in elements; 0 where there is none. */
export const H_TO_GRADIENT = 6;
export const H_TO_STATE1 = 7;
export const H_TO_STATE2 = 8;
/** Backward passes that multiply by a parameter: a delta grows by at most this power of the largest one. */
export const H_GROWTH_LAYERS = 9;
/** By how many binary orders their sums can add to that. */
export const H_GROWTH_BITS = 10;
/** Resident rows and targets of `stepMany`, dense, and how many of them there is room for. */
export const H_ROWS = 11;
export const H_ROW_TARGETS = 12;
export const H_ROW_CAPACITY = 13;
export const H_INPUT = 14;
export const H_INPUTS = 15;
export const H_TARGET = 16;
export const H_TARGETS = 17;
/** One of the optimizers below. */
export const H_OPTIMIZER = 18;
/** Steps whose gradients are averaged into one update. */
export const H_ACCUMULATE = 19;
/** 1 where backward and update may be one sweep: m = 1, plain sgd, no whole gradients. */
export const H_SWEEPS = 20;
/** Weights of the m examples in the loss. */
export const H_ROW_WEIGHTS = 21;
/**
 * Where η·x waits for the next forward pass, which updates the first layer as it reads its weights; 0 where the
 * update is made at once. Only the simd executor puts it off; the result is the same.
 */
export const H_PUT_OFF = 22;
/** One of the chains below: m = 1, and the records between the first and the last are dense layers, one above the other, and perhaps a
 * shortcut beside two or more of them. */
export const H_CHAIN = 23;
export const HEADER_WORDS = 24;

// Chains
export const NO_CHAIN = 0;
export const CHAIN = 1;
/** One of plain sgd under ½ Σ (a − y)² whose top is at most four outputs, identity, above a layer of tanh. */
export const CHAIN_WITH_SHORT_TOP = 2;

// ---- state words
/** Steps that learned, 64 bits, low word first. Part of the hash. */
export const S_STEPS = 0;
export const S_STEPS_HIGH = 1;
/** β₁ᵗ and β₂ᵗ after t updates, float64. */
export const S_BETA1_POWER = 2;
export const S_BETA2_POWER = 4;
/** Loss of the last step, float32. */
export const S_LOSS = 6;
/** η of weights, and of biases and the parameters of layerNorm, float32. */
export const S_RATE = 7;
export const S_BIAS_RATE = 8;
/** Bounds on the magnitudes of all parameters, first states and gradient sums, float32. They never change a result. */
export const S_PARAMETER_BOUND = 9;
export const S_STATE_BOUND = 10;
export const S_GRADIENT_BOUND = 11;
/** 1/m and 1/(m·accumulate), float32. */
export const S_INVERSE_EXAMPLES = 12;
export const S_INVERSE_ROWS = 13;
/** Steps since the last update, uint32; below `accumulate`. */
export const S_ACCUMULATED = 14;
// Steps refused, by reason, uint32: nothing was changed by any of them.
/** An input is NaN or infinite. */
export const S_REFUSED_INPUT = 15;
/** The loss is. */
export const S_REFUSED_LOSS = 16;
/** A delta is. */
export const S_REFUSED_DELTA = 17;
/** The update might have overflowed a parameter. */
export const S_REFUSED_UPDATE = 18;
// The optimizer's numbers, float32.
/** µ, β₁ */
export const S_MOMENTUM = 19;
/** ρ, β₂ */
export const S_RHO = 20;
export const S_EPSILON = 21;
/** λ */
export const S_DECAY = 22;
/** +Infinity where there is no clipping. */
export const S_CLIP_VALUE = 23;
export const S_CLIP_NORM = 24;
/** rmsprop and adam: how many times η one update can move a parameter at most; +Infinity where there is no such bound. */
export const S_MOST_STEPS = 25;
/** 1 while the first layer's update waits, uint32, and the η of its biases, float32. */
export const S_PUT_OFF = 26;
export const S_PUT_OFF_BIAS_RATE = 27;
export const STATE_WORDS = 28;

// ---- op records: sixteen words each
export const OP_WORDS = 16;
export const OP_INPUT = 1;
export const OP_DENSE = 2;
export const OP_OUTPUT = 3;
export const OP_LOSS = 4;
export const OP_SHORTCUT = 5;
export const OP_LAYER_NORM = 6;
export const OP_DROPOUT = 7;

/** Word 0 of every record: the opcode. */
export const OP_CODE = 0;

// OP_INPUT: columns of `n` values from `from` (dense) to `to` (padded to a multiple of 4); in place where `from` is 0.
// OP_OUTPUT: the same the other way round.
export const IO_N = 1;
export const IO_FROM = 2;
export const IO_TO = 3;

// OP_DENSE, OP_SHORTCUT, OP_LAYER_NORM, OP_DROPOUT. Columns of n values are padded to multiples of 4.
export const D_IN = 1;
export const D_OUT = 2;
/** Weight and bias. Dropout: how many of 2³¹ draws keep a unit, and the bits of its float32 scale. */
export const D_W = 3;
export const D_B = 4;
export const D_A_IN = 5;
export const D_A_OUT = 6;
/** Where ∂ℓ/∂a of the layer below goes; 0 where nobody asks (B7). */
export const D_DA_IN = 7;
/** ∂ℓ/∂a of this layer on arrival, its delta afterwards. */
export const D_DELTA = 8;
/** Dense: what is added to z, the shortcut's output. LayerNorm: normalised inputs. Dropout: factors. */
export const D_SIDE = 9;
/** LayerNorm: 1/√(variance + ε) of each column. */
export const D_SCALE = 10;
export const D_ACTIVATION = 11;
/** Where z is kept beside a; 0 where nobody needs it. */
export const D_Z = 12;
/** 1 where δ lies in D_DELTA as it is, because the loss leaves the delta itself (B1) or another record makes it. */
export const D_DELTA_READY = 13;
/** 1 where the layer does not change. The engine may turn it while it runs. */
export const D_FROZEN = 14;
/** Dropout: what tells its draws from those of another layer and seed. */
export const D_SALT = 15;

// OP_LOSS
export const L_KIND = 1;
export const L_N = 2;
export const L_A = 3;
export const L_Y = 4;
export const L_DA = 5;
export const L_Z = 6;
/** Where targets lie dense, L_TARGETS a column, when they are not written to L_Y directly; 0 otherwise. */
export const L_FROM = 7;
export const L_TARGETS = 8;
/** A number for each output: class weights, quantiles, or huber's κ; 0 where there are none. */
export const L_PARAMETERS = 9;

// Activations
export const A_IDENTITY = 0;
export const A_RELU = 1;
export const A_SIGMOID = 2;
export const A_TANH = 3;
export const A_SOFTMAX = 4;
export const A_LEAKY_RELU = 5;
export const A_ELU = 6;
export const A_SOFTSIGN = 7;
export const A_SOFTPLUS = 8;
export const A_SILU = 9;
export const A_GELU = 10;

// Losses
export const LOSS_SQUARED_ERROR = 0;
export const LOSS_CROSS_ENTROPY = 1;
export const LOSS_BINARY_CROSS_ENTROPY = 2;
export const LOSS_ABSOLUTE_ERROR = 3;
export const LOSS_HUBER = 4;
export const LOSS_QUANTILE = 5;

// Optimizers
export const OPTIMIZER_SGD = 0;
export const OPTIMIZER_MOMENTUM = 1;
export const OPTIMIZER_NESTEROV = 2;
export const OPTIMIZER_RMSPROP = 3;
export const OPTIMIZER_ADAM = 4;
export const OPTIMIZER_ADAMW = 5;

// ---- learners side by side: how many networks, the offset of their tracker bank or 0, and the networks' headers
export const G_COUNT = 0;
export const G_BANK = 1;
export const G_HEADERS = 2;

// ---- the mixture of learners side by side and a naive predictor, the last of its experts
export const M_GROUP = 0;
export const M_EXPERTS = 1;
export const M_OUTPUTS = 2;
/** 1 where outputs are probabilities of classes, judged by Brier's score; 0 where they are standardised numbers, judged by |error|. */
export const M_IS_CLASSES = 3;
/** [slots, experts, outputs]: what was said of the rows that wait for labels. Experts and outputs are padded to multiples of 4, with zeros. */
export const M_SAID = 4;
/** [outputs] each, float64: what the naive predictor says of the row; means and deviations of the target; what all come to; a label. */
export const M_NAIVE = 5;
export const M_MEAN = 6;
export const M_DEVIATION = 7;
export const M_PREDICTION = 8;
export const M_LABEL = 9;
/** [slots, 2, outputs], float64: means and deviations that what was said is of. */
export const M_SCALES = 10;
/** [outputs] each: the label being judged by, in deviations, from the mean kept with its row; and how many deviations one kept was. */
export const M_TRUTH = 11;
export const M_UNITS = 12;
/** [experts] each: weights, and Σ memory^age · loss. */
export const M_WEIGHTS = 13;
export const M_SUMS = 14;
/** [networks]: rate · curvature, by which steps are softened. */
export const M_FACTORS = 15;
/** The numbers below, float32. */
export const M_NUMBERS = 16;
export const MIXTURE_WORDS = 20;

/** What is left of a loss after a row, and Σ memory^age. */
export const MN_MEMORY = 0;
export const MN_MASS = 1;
/** How strongly weights follow losses. */
export const MN_RATE = 2;
/** The largest loss of a row, and by what the sum over outputs is multiplied. */
export const MN_LIMIT = 3;
export const MN_SHARE = 4;
/** What is added to ‖x‖² where a step is softened. */
export const MN_OTHERS = 5;
/** What is taken from a target for the trackers. */
export const MN_CENTRE = 6;
export const MIXTURE_NUMBERS = 8;

/** A naive prediction and a label are at most so many deviations from the mean: sums and products of two are float32 still. */
export const MIXTURE_FARTHEST = 1e18;

/** Whose weight would be less than e to the minus of this times the largest has none. */
export const MIXTURE_REACH = 40;

// ---- a tracker bank: these words, behind them one record a tracker
/** The row: `inputs` float32, padded with zeros to a multiple of 4. */
export const B_INPUT = 0;
export const B_INPUTS = 1;
/** A [units, inputs] in row panels and c [units] of the curved features; units is a multiple of 4. */
export const B_UNITS = 2;
export const B_MATRIX = 3;
export const B_OFFSETS = 4;
/** φ: the row, 1, zeros up to a multiple of 4, the curved features. */
export const B_FEATURES = 5;
export const B_TARGET = 6;
export const B_OUTPUTS = 7;
export const B_COUNT = 8;
export const BANK_WORDS = 12;

export const TRACKER_WORDS = 8;
/** Features it looks at, the first ones, a multiple of 4. */
export const T_SIZE = 0;
/** W [outputs, size], row by row. */
export const T_WEIGHTS = 1;
/** N [size, size] in row panels: P/s without its diagonal, which is zero here. */
export const T_COVARIANCE = 2;
/** D [size]: the diagonal of P/s. */
export const T_DIAGONAL = 3;
/** h [size] of the last row, and room for q. */
export const T_GAIN = 4;
export const T_PRODUCT = 5;
export const T_OUTPUT = 6;
/** The numbers below, float64. */
export const T_NUMBERS = 7;

/** s, the scale of P; ½ < s ≤ 1 between steps. */
export const N_SCALE = 0;
/** 1 − drift, drift · prior, and what weights are multiplied by after a step. */
export const N_KEEP = 1;
export const N_BACK = 2;
export const N_SHRINK = 3;
/** 1 while N ← N − h·hᵀ waits for the next row. Only the simd executor puts it off; the result is the same. */
export const N_PUT_OFF = 4;
// Of one step, of the simd executor only: s/v, √(s/v), and what is added to D.
export const N_PART = 5;
export const N_ROOT = 6;
export const N_ADDED = 7;
export const TRACKER_NUMBERS = 8;

/** Errors of a tracker are cut to ± this before they are learned from. */
export const TRACKER_ERROR_LIMIT = 3;
