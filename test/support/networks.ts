import type { Random } from '../../src/engine/index.js';
import type { Activation, LayerSpec, Loss, NetworkSpec } from '../../src/spec/index.js';

export const ACTIVATIONS: Activation[] = [
  'identity',
  'relu',
  'leakyRelu',
  'elu',
  'sigmoid',
  'tanh',
  'softsign',
  'softplus',
  'silu',
  'gelu',
  'softmax',
];
export const LOSSES: Loss[] = ['squaredError', 'crossEntropy', 'binaryCrossEntropy'];

const pick = <T>(random: Random, list: readonly T[]): T => list[random.next() % list.length];

/** A random network of any kind: widths from 1, odd ones included, every activation and loss. */
export function randomNetwork(random: Random, maxUnits = 19): NetworkSpec {
  const loss = pick(random, LOSSES);
  const depth = 1 + (random.next() % 4);
  const layers: LayerSpec[] = Array.from({ length: depth }, () => ({
    kind: 'dense',
    units: 1 + (random.next() % maxUnits),
    activation: pick(random, ACTIVATIONS),
    bias: random.next() % 4 !== 0,
  }));
  const last = layers[depth - 1];
  if (loss === 'crossEntropy') last.activation = 'softmax';
  if (loss === 'binaryCrossEntropy') last.activation = 'sigmoid';
  const rate = pick(random, [0.001, 0.01, 0.1, 0.5]);
  return { inputs: 1 + (random.next() % maxUnits), layers, loss, optimizer: { kind: 'sgd', rate } };
}

/** Standard-normal-like values: the sum of a few uniforms. */
export function randomRow(random: Random, n: number, scale = 1): number[] {
  return Array.from({ length: n }, () => {
    let s = 0;
    for (let i = 0; i < 4; i++) s += random.uniform() - 0.5;
    return Math.fround(scale * s * Math.sqrt(3));
  });
}

/** A target the loss can want: a distribution, probabilities, or any numbers. */
export function randomTarget(random: Random, loss: Loss, n: number): number[] {
  if (loss === 'squaredError') return randomRow(random, n);
  if (loss === 'binaryCrossEntropy') return Array.from({ length: n }, () => random.next() % 2);
  const hot = random.next() % n;
  return Array.from({ length: n }, (_, i) => (i === hot ? 1 : 0));
}

/** Widths as people write them: `8-16-4` with tanh hidden layers, identity on top, squared error. */
export function tanhNetwork(widths: string, rate = 0.01): NetworkSpec {
  const [inputs, ...units] = widths.split('-').map(Number) as [number, ...number[]];
  return {
    inputs,
    layers: units.map((n, i) => ({ kind: 'dense', units: n, activation: i < units.length - 1 ? 'tanh' : 'identity' })),
    loss: 'squaredError',
    optimizer: { kind: 'sgd', rate },
  };
}
