import type { Random } from '../../src/engine/index.js';
import type {
  Activation,
  LayerSpec,
  LossSpec,
  NetworkSpec,
  OptimizerSpec,
  ScheduleSpec,
} from '../../src/spec/index.js';

export { randomRow, randomTarget, targetsOf } from '../../src/oracle/index.js';

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

export const LOSSES: LossSpec[] = [
  { kind: 'squaredError' },
  { kind: 'absoluteError' },
  { kind: 'huber', kappa: 0.7 },
  { kind: 'quantile', quantiles: [0.1, 0.5, 0.8] },
  { kind: 'crossEntropy' },
  { kind: 'binaryCrossEntropy' },
];

export const OPTIMIZERS: OptimizerSpec['kind'][] = ['sgd', 'momentum', 'nesterov', 'rmsprop', 'adam', 'adamw'];

const SCHEDULES: ScheduleSpec[] = [
  { kind: 'step', every: 3, factor: 0.5 },
  { kind: 'exponential', factor: 0.97 },
  { kind: 'cosine', steps: 9, floor: 0.1 },
  { kind: 'inverseSquareRoot', steps: 4 },
];

const pick = <T>(random: Random, list: readonly T[]): T => list[random.next() % list.length];
const oneIn = (random: Random, n: number): boolean => random.next() % n === 0;

/** The activation a loss wants on the output layer, or undefined where any will do. */
export function wantedActivation(loss: LossSpec): Activation | undefined {
  return loss.kind === 'crossEntropy' ? 'softmax' : loss.kind === 'binaryCrossEntropy' ? 'sigmoid' : undefined;
}

/** A random one of the networks with a path of its own in the kernels: dense tanh layers under plain sgd, few outputs. */
export function randomChain(random: Random, maxUnits: number): NetworkSpec {
  const units = () => 1 + (random.next() % maxUnits);
  const dense = (n: number, activation: Activation): LayerSpec => ({
    kind: 'dense',
    units: n,
    activation,
    bias: !oneIn(random, 4),
    frozen: oneIn(random, 8),
  });
  const layers: LayerSpec[] = [];
  for (let depth = random.next() % 4; depth > 0; depth--) {
    layers.push(dense(oneIn(random, 3) ? 8 : units(), oneIn(random, 5) ? pick(random, ACTIVATIONS) : 'tanh'));
  }
  layers.push(dense(1 + (random.next() % 6), 'identity'));
  const optimizer: OptimizerSpec = { kind: 'sgd', rate: pick(random, [0.001, 0.1, 0.5]) };
  if (oneIn(random, 3)) optimizer.biasRate = pick(random, [0, 0.02]);
  return { inputs: oneIn(random, 3) ? 8 : units(), layers, loss: 'squaredError', optimizer };
}

/** A random network of any kind: widths from 1, odd ones included, every layer, activation, loss and optimizer. */
export function randomNetwork(random: Random, maxUnits = 19): NetworkSpec {
  if (oneIn(random, 4)) return randomChain(random, maxUnits);
  const units = () => 1 + (random.next() % maxUnits);
  const loss: LossSpec = { ...pick(random, LOSSES) };
  const layers: LayerSpec[] = [];
  for (let depth = random.next() % 4; depth > 0; depth--) {
    const draw = random.next() % 8;
    const activation = pick(random, ACTIVATIONS);
    if (draw === 0) layers.push({ kind: 'layerNorm', activation, frozen: oneIn(random, 5) });
    else if (draw === 1) layers.push({ kind: 'dropout', rate: pick(random, [0, 0.1, 0.5]) });
    else {
      layers.push({ kind: 'dense', units: units(), activation, bias: !oneIn(random, 4), frozen: oneIn(random, 8) });
    }
  }
  const outputs = loss.kind === 'quantile' ? loss.quantiles.length * (1 + (random.next() % 3)) : units();
  const activation = wantedActivation(loss) ?? pick(random, ACTIVATIONS);
  layers.push({ kind: 'dense', units: outputs, activation, bias: !oneIn(random, 4) });
  if ((loss.kind === 'crossEntropy' || loss.kind === 'binaryCrossEntropy') && oneIn(random, 2)) {
    loss.classWeights = Array.from({ length: outputs }, (_, i) => (i + 1) / 2);
  }
  const optimizer: OptimizerSpec = { kind: pick(random, OPTIMIZERS), rate: pick(random, [0.001, 0.01, 0.1, 0.5]) };
  if (oneIn(random, 2)) optimizer.kind = 'sgd'; // the one with a path of its own
  if (oneIn(random, 4)) optimizer.biasRate = pick(random, [0, 0.02]);
  if (oneIn(random, 4)) optimizer.decay = pick(random, [0.001, 0.1]);
  if (oneIn(random, 5)) optimizer.clipValue = pick(random, [0.01, 1]);
  if (oneIn(random, 5)) optimizer.clipNorm = pick(random, [0.1, 3]);
  if (oneIn(random, 5)) optimizer.accumulate = 2 + (random.next() % 3);
  if (oneIn(random, 5)) optimizer.schedule = pick(random, SCHEDULES);
  return { inputs: units(), layers, loss, optimizer, shortcut: oneIn(random, 4) };
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
