import { SpecError } from './errors.js';
import { networkSchema } from './network-schemas.js';
import { parse } from './parse.js';

/** g in (F2): `a = g(z)`. */
export type Activation =
  | 'identity'
  | 'relu'
  | 'leakyRelu'
  | 'elu'
  | 'sigmoid'
  | 'tanh'
  | 'softsign'
  | 'softplus'
  | 'silu'
  | 'gelu'
  | 'softmax';

/**
 * ℓ of one row, summed over outputs (MATH, "Losses"), r = y − a.
 *
 * `huber` is quadratic up to `kappa` (default 1) and linear beyond · `quantile` predicts every one of `quantiles` for every
 * target: its outputs come target by target, and a target has one value for all of its quantiles · `classWeights` weigh
 * the outputs, one number ≥ 0 each.
 */
export type LossSpec =
  | { kind: 'squaredError' }
  | { kind: 'absoluteError' }
  | { kind: 'huber'; kappa?: number }
  | { kind: 'quantile'; quantiles: number[] }
  | { kind: 'crossEntropy'; classWeights?: number[] }
  | { kind: 'binaryCrossEntropy'; classWeights?: number[] };

/** A loss by its name alone, where it needs no more. */
export type Loss = Exclude<LossSpec['kind'], 'quantile'>;

/**
 * How weights start. `xavier`: uniform ±√(6/(nIn+nOut)) · `he`: uniform ±√(6/nIn) · `zeros`. Biases start at zero.
 */
export type Initialiser = 'xavier' | 'he' | 'zeros';

/** `z = W·a + b`, `a = g(z)`: W `[units, nIn]`, b `[units]`. */
export interface DenseSpec {
  kind: 'dense';
  /** nOut, 1 … 65536. */
  units: number;
  /** Default `identity`. `softmax` mixes units; the others act on each alone. leakyRelu has slope 0.01, elu α = 1. */
  activation?: Activation;
  /** Default true. */
  bias?: boolean;
  /** Default `he` before relu, leakyRelu, elu, silu and gelu, `xavier` otherwise. */
  initialiser?: Initialiser;
  /** Default false. A frozen layer hands gradients down but does not change. */
  frozen?: boolean;
}

/** `a = g(weight ⊙ (x − mean) / √(variance + 10⁻⁵) + bias)`, mean and variance over the units of one row. */
export interface LayerNormSpec {
  kind: 'layerNorm';
  /** Default `identity`. */
  activation?: Activation;
  frozen?: boolean;
}

/** While learning, each unit is 0 with probability `rate`, else multiplied by 1 / (1 − rate); predictions pass through. */
export interface DropoutSpec {
  kind: 'dropout';
  /** 0 ≤ rate < 1. */
  rate: number;
}

export type LayerSpec = DenseSpec | LayerNormSpec | DropoutSpec;

/** How the rate changes with t, the number of updates made. */
export type ScheduleSpec =
  /** rate · factor^⌊t / every⌋ */
  | { kind: 'step'; every: number; factor: number }
  /** rate · factor^t */
  | { kind: 'exponential'; factor: number }
  /** From rate down to rate · floor (default 0) over `steps` along half a cosine, then constant. */
  | { kind: 'cosine'; steps: number; floor?: number }
  /** rate / √(1 + t / steps) */
  | { kind: 'inverseSquareRoot'; steps: number };

/** What every optimizer understands. g is the mean gradient of the rows of an update. */
export interface OptimizerOptions {
  /** η, finite, ≥ 0. */
  rate: number;
  /** η of biases and of layerNorm's parameters. Default `rate`. */
  biasRate?: number;
  /** λ ≥ 0: g ← g + λ·w on weights, none on biases; adamw takes w ← w − η·λ·w instead. Default 0. */
  decay?: number;
  /** Every element of g is cut to ± this. Default none. */
  clipValue?: number;
  /** g as a whole is scaled down to this Euclidean norm, before `clipValue`. Default none. */
  clipNorm?: number;
  /** Steps whose gradients are averaged into one update. Default 1. */
  accumulate?: number;
  schedule?: ScheduleSpec;
}

/** `w ← w − η·g` */
export interface SgdSpec extends OptimizerOptions {
  kind: 'sgd';
}

/** `b ← µ·b + g`, `w ← w − η·b`; `nesterov`: `w ← w − η·(g + µ·b)`. */
export interface MomentumSpec extends OptimizerOptions {
  kind: 'momentum' | 'nesterov';
  /** µ, 0 ≤ µ < 1. Default 0.9. */
  momentum?: number;
}

/** `v ← ρ·v + (1 − ρ)·g²`, `w ← w − η·g / (√v + ε)` */
export interface RmspropSpec extends OptimizerOptions {
  kind: 'rmsprop';
  /** ρ, 0 ≤ ρ < 1. Default 0.99. */
  rho?: number;
  /** ε > 0. Default 1e-8. */
  epsilon?: number;
}

/** Adam (Kingma & Ba 2015) with bias correction; `adamw` decays weights apart from the gradient (Loshchilov & Hutter 2019). */
export interface AdamSpec extends OptimizerOptions {
  kind: 'adam' | 'adamw';
  /** 0 ≤ β₁ < 1. Default 0.9. */
  beta1?: number;
  /** 0 ≤ β₂ < 1. Default 0.999. */
  beta2?: number;
  /** ε > 0. Default 1e-8. */
  epsilon?: number;
}

export type OptimizerSpec = SgdSpec | MomentumSpec | RmspropSpec | AdamSpec;

/** A network as a user declares it. Plain data: a literal, a file or a message. */
export interface NetworkSpec {
  /** n₀, the number of inputs, 1 … 65536. */
  inputs: number;
  /** From the inputs up; the last is the output layer. */
  layers: LayerSpec[];
  /** By name, or with its parameters. `crossEntropy` wants a softmax output layer, `binaryCrossEntropy` a sigmoid one. */
  loss: Loss | LossSpec;
  optimizer: OptimizerSpec;
  /** Default false. Adds a linear path from the inputs to the output layer's z: wide and deep. */
  shortcut?: boolean;
}

/** The same with every default filled in: what the engine runs on. */
export interface ResolvedNetwork {
  inputs: number;
  layers: (Required<DenseSpec> | Required<LayerNormSpec> | DropoutSpec)[];
  loss: LossSpec;
  optimizer: OptimizerSpec & Required<Omit<OptimizerOptions, 'clipValue' | 'clipNorm' | 'schedule'>>;
  shortcut: boolean;
}

/** Units of every layer, from the inputs up: `[n₀, n₁, …, n_L]`. */
export function widthsOf({ inputs, layers }: Pick<ResolvedNetwork, 'inputs' | 'layers'>): number[] {
  const widths = [inputs];
  for (const layer of layers) widths.push(layer.kind === 'dense' ? layer.units : widths[widths.length - 1]);
  return widths;
}

/**
 * Checks a network declaration and fills in its defaults.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function resolveNetwork(value: unknown): ResolvedNetwork {
  const spec = parse(networkSchema, value, 'network');
  // Keys in one order, whatever was given, so that equal networks are equal as text too.
  const { kind, rate, biasRate, ...optimizer } = spec.optimizer;
  const network: ResolvedNetwork = {
    ...spec,
    layers: spec.layers.map((layer) => {
      if (layer.kind !== 'dense') return layer;
      const { frozen, initialiser, ...dense } = layer;
      return { ...dense, initialiser: initialiser ?? defaultInitialiser(layer.activation), frozen };
    }),
    optimizer: { kind, rate, biasRate: biasRate ?? rate, ...optimizer } as ResolvedNetwork['optimizer'],
  };
  checkOutputLayer(network);
  return network;
}

function defaultInitialiser(activation: Activation): Initialiser {
  return ['relu', 'leakyRelu', 'elu', 'silu', 'gelu'].includes(activation) ? 'he' : 'xavier';
}

/** The output layer against loss and shortcut. */
function checkOutputLayer({ layers, loss, shortcut, inputs }: ResolvedNetwork): void {
  const where = `network.layers[${layers.length - 1}]`;
  const last = layers[layers.length - 1];
  const wanted = { crossEntropy: 'softmax', binaryCrossEntropy: 'sigmoid' }[loss.kind as string];
  const activation = last.kind === 'dropout' ? 'identity' : last.activation;
  if (wanted !== undefined && activation !== wanted) {
    throw new SpecError('SPEC_LOSS', {
      where: `${where}.activation`,
      found: `"${activation}" under loss "${loss.kind}"`,
      expected: `"${wanted}"`,
      remedy: `make the output layer "${wanted}", or use loss "squaredError"`,
    });
  }
  if (last.kind === 'dropout' || (shortcut && last.kind !== 'dense')) {
    throw new SpecError('SPEC_OUTPUT_LAYER', {
      where: `${where}.kind`,
      found: `"${last.kind}" as the output layer${last.kind === 'dropout' ? '' : ' under a shortcut'}`,
      expected: '"dense"',
    });
  }
  const outputs = widthsOf({ inputs, layers })[layers.length];
  if (loss.kind === 'quantile' && outputs % loss.quantiles.length !== 0) {
    throw new SpecError('SPEC_LOSS', {
      where: `${where}.units`,
      found: `${outputs} units under ${loss.quantiles.length} quantiles`,
      expected: `a multiple of ${loss.quantiles.length}: one unit for each quantile of each target`,
    });
  }
  if ('classWeights' in loss && loss.classWeights !== undefined && loss.classWeights.length !== outputs) {
    throw new SpecError('SPEC_LOSS', {
      where: 'network.loss.classWeights',
      found: `${loss.classWeights.length} weights`,
      expected: `${outputs}, one for each output`,
    });
  }
}
