// The numbers every executor agrees on: where things stand in the arena, and what the words of a plan mean.
// This file is read by TypeScript and by AssemblyScript alike, so it holds plain constants and nothing else.
// Offsets count 32-bit elements from the start of the arena; 0 means "none" (element 0 is a constant).

/** Room for 96 constants of four equal lanes each, at the very start of the arena: constant i at element 4·i. */
export const CONSTANT_FLOATS = 384;

// ---- header: 16 words in front of the op records
export const PLAN_MAGIC = 0x4c504745; // "EGPL", little-endian
export const PLAN_VERSION = 1;

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
/** 1 where gradients are kept whole: m > 1, or asked for. */
export const H_KEEPS_GRADIENTS = 6;
/** Layers whose backward pass multiplies by weights: a delta grows by at most this power of the largest weight. */
export const H_GROWTH_LAYERS = 7;
/** Σ ⌈log2(2·nOut)⌉ over those layers: how much their sums can add, in binary orders. */
export const H_GROWTH_BITS = 8;
/** Resident rows and targets of `stepMany`, dense, and how many of them there is room for. */
export const H_ROWS = 9;
export const H_ROW_TARGETS = 10;
export const H_ROW_CAPACITY = 11;
export const H_INPUT = 12;
export const H_INPUTS = 13;
export const H_TARGET = 14;
export const H_TARGETS = 15;
export const HEADER_WORDS = 16;

// ---- state words
/** Steps that learned, 64 bits, low word first. Part of the hash. */
export const S_STEPS = 0;
export const S_STEPS_HIGH = 1;
/** Loss of the last step, float32. */
export const S_LOSS = 2;
/** η, float32. */
export const S_RATE = 3;
/** A bound on the magnitude of every parameter, float32; +Infinity where nobody has looked. Never changes a result. */
export const S_PARAMETER_BOUND = 4;
/** 1/m rounded to float32. */
export const S_INVERSE_EXAMPLES = 5;
// Steps refused, by reason, uint32: nothing was changed by any of them.
/** An input is NaN or infinite. */
export const S_REFUSED_INPUT = 6;
/** The loss is. */
export const S_REFUSED_LOSS = 7;
/** A delta is. */
export const S_REFUSED_DELTA = 8;
/** The update might have overflowed a parameter. */
export const S_REFUSED_UPDATE = 9;
export const STATE_WORDS = 12;

// ---- op records: sixteen words each
export const OP_WORDS = 16;
export const OP_INPUT = 1;
export const OP_DENSE = 2;
export const OP_OUTPUT = 3;
export const OP_LOSS = 4;

/** Word 0 of every record: the opcode. */
export const OP_CODE = 0;

// OP_INPUT: columns of `n` values from `from` (dense) to `to` (padded to `stride`); in place where `from` is 0.
// OP_OUTPUT: the same the other way round.
export const IO_N = 1;
export const IO_STRIDE = 2;
export const IO_FROM = 3;
export const IO_TO = 4;

// OP_DENSE
export const D_IN = 1;
export const D_OUT = 2;
/** nIn and nOut padded to multiples of 4. */
export const D_IN_STRIDE = 3;
export const D_OUT_STRIDE = 4;
export const D_W = 5;
export const D_B = 6;
export const D_A_IN = 7;
export const D_A_OUT = 8;
/** Where ∂ℓ/∂a of the layer below goes; 0 where nobody asks (B7). */
export const D_DA_IN = 9;
/** ∂ℓ/∂a of this layer on arrival, its delta afterwards. */
export const D_DELTA = 10;
export const D_GW = 11;
export const D_GB = 12;
export const D_ACTIVATION = 13;
/** Where z is kept beside a; 0 where nobody needs it. */
export const D_Z = 14;
/** 1 where the loss leaves the delta itself (B1), so that g' is not applied. */
export const D_DELTA_READY = 15;

// OP_LOSS
export const L_KIND = 1;
export const L_N = 2;
export const L_STRIDE = 3;
export const L_A = 4;
export const L_Y = 5;
export const L_DA = 6;
export const L_Z = 7;
/** Where targets lie dense when L_Y is padded; 0 where they are written there directly. */
export const L_FROM = 8;

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
