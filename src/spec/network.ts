import { SpecError } from './errors.js';
import { parse } from './parse.js';
import { networkSchema } from './schemas.js';

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

/** ℓ of one row, summed over outputs (MATH, "Losses"). */
export type Loss = 'squaredError' | 'crossEntropy' | 'binaryCrossEntropy';

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
  /** Default `he` before relu, `xavier` otherwise. */
  initialiser?: Initialiser;
}

export type LayerSpec = DenseSpec;

/** `w ← w − rate · ∂J/∂w` after every step. */
export interface SgdSpec {
  kind: 'sgd';
  /** η, finite, ≥ 0. */
  rate: number;
}

export type OptimizerSpec = SgdSpec;

/** A network as a user declares it. Plain data: a literal, a file or a message. */
export interface NetworkSpec {
  /** n₀, the number of inputs, 1 … 65536. */
  inputs: number;
  /** From the inputs up; the last is the output layer. */
  layers: LayerSpec[];
  /** `crossEntropy` wants a softmax output layer, `binaryCrossEntropy` a sigmoid one. */
  loss: Loss;
  optimizer: OptimizerSpec;
}

/** The same with every default filled in: what the engine runs on. */
export interface ResolvedNetwork extends NetworkSpec {
  layers: Required<LayerSpec>[];
}

/**
 * Checks a network declaration and fills in its defaults.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function resolveNetwork(value: unknown): ResolvedNetwork {
  const spec = parse(networkSchema, value, 'network');
  const layers = spec.layers.map((layer) => ({
    ...layer,
    initialiser: layer.initialiser ?? (layer.activation === 'relu' ? ('he' as const) : ('xavier' as const)),
  }));
  const last = layers[layers.length - 1];
  const wanted = { crossEntropy: 'softmax', binaryCrossEntropy: 'sigmoid', squaredError: undefined }[spec.loss];
  if (wanted !== undefined && last.activation !== wanted) {
    throw new SpecError('SPEC_LOSS', {
      where: `network.layers[${layers.length - 1}].activation`,
      found: `"${last.activation}" under loss "${spec.loss}"`,
      expected: `"${wanted}"`,
      remedy: `make the output layer "${wanted}", or use loss "squaredError"`,
    });
  }
  return { ...spec, layers };
}
