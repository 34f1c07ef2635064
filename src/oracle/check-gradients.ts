import { createNetwork, type ExecutorKind, type Network, Random } from '../engine/index.js';
import type { NetworkSpec } from '../spec/index.js';
import { cost64, forward64, parametersOf } from './float64.js';
import { randomRow, randomTarget, targetsOf } from './rows.js';

/** h of the central difference (J(p + h) − J(p − h)) / 2h, in float64. */
const STEP = 1e-5;

/** The smallest gradient a relative error is taken of: below it float32 sums have cancelled. */
const FLOOR = 5e-3;

/** What float32 rounding of a few layers leaves. */
export const GRADIENT_TOLERANCE = 1e-4;

/** Pre-activations and residuals this near to a kink are avoided: the difference quotient is no derivative there. */
const KINK = 2e-4;

const ROWS_TO_TRY = 300;

export interface GradientCheckOptions {
  /** Draws weights, rows and targets. Default 1. */
  seed?: number;
  /** m, columns of one step. Default 1. */
  examples?: number;
  /** Elements of each parameter that are checked, drawn at random; Infinity for all. Default Infinity. */
  sample?: number;
  executor?: ExecutorKind | 'auto';
}

/** One parameter against central differences. */
export interface ParameterCheck {
  name: string;
  shape: readonly number[];
  /** Elements checked. */
  checked: number;
  /** Where the relative error |g − d| / max(|d|, 0.005) is largest: row-major index, ∂J/∂p of the engine, difference. */
  worst: { index: number; gradient: number; difference: number; error: number };
}

export interface GradientCheck {
  parameters: ParameterCheck[];
  /** Σ |difference| over all that was checked: were it 0, any zero gradient would agree. */
  total: number;
  /** Rows that came near a kink of an activation or of the loss and were drawn again. */
  redrawn: number;
}

/**
 * Compares the engine's gradients with central differences of an independent float64 network, on random rows and
 * weights.
 *
 * @throws SpecError where the declaration is wrong
 */
export function checkGradients(spec: NetworkSpec, options: GradientCheckOptions = {}): GradientCheck {
  const { seed = 1, examples: m = 1, sample = Number.POSITIVE_INFINITY, executor = 'auto' } = options;
  const random = new Random(seed);
  const net = createNetwork(spec, { seed, executor, examples: m });
  for (const { name, shape, write } of net.parameters()) {
    if (shape.length > 1) continue;
    const offset = name.endsWith('bias') ? 0 : 1;
    write(randomRow(random, shape[0], 0.3).map((v) => v + offset));
  }
  const { network } = net.plan;
  const weights = Array.from({ length: m }, (_, k) => 1 + k / 4);
  net.rowWeights.set(weights);
  const rows: number[][] = [];
  const targets: number[][] = [];
  let redrawn = 0;
  while (rows.length < m) {
    const row = randomRow(random, network.inputs);
    const target = randomTarget(random, network.loss, targetsOf(network));
    // A wide layer of kinks is always near one: then the last row has to do.
    if (redrawn < ROWS_TO_TRY && isNearKink(net, row, target)) redrawn++;
    else rows.push(row) && targets.push(target);
  }
  const gradients = net.gradients(rows.flat(), targets.flat());
  const factors = dropoutFactors(net, rows, targets);
  const parameters = parametersOf(net);
  const cost = () =>
    cost64(network, parameters, rows, targets, { weights, ...(factors === undefined ? {} : { factors }) });
  let total = 0;

  const checks = gradients.map(({ name, shape, values }): ParameterCheck => {
    const own = parameters.get(name)?.values ?? [];
    const indices = pick(random, values.length, sample);
    const worst = { index: 0, gradient: 0, difference: 0, error: -1 };
    for (const index of indices) {
      const value = own[index];
      own[index] = value + STEP;
      const up = cost();
      own[index] = value - STEP;
      const down = cost();
      own[index] = value;
      const difference = (up - down) / (2 * STEP);
      const error = Math.abs(values[index] - difference) / Math.max(Math.abs(difference), FLOOR);
      if (!(error <= worst.error)) Object.assign(worst, { index, gradient: values[index], difference, error });
      total += Math.abs(difference);
    }
    return { name, shape, checked: indices.length, worst };
  });
  return { parameters: checks, total, redrawn };
}

/** `count` of the numbers below n, in order; all where there are no more. */
function pick(random: Random, n: number, count: number): number[] {
  const all = Array.from({ length: n }, (_, i) => i);
  if (count >= n) return all;
  return Array.from({ length: count }, (_, i) => {
    const from = Math.floor((i * n) / count);
    return from + (random.next() % Math.max(1, Math.floor(((i + 1) * n) / count) - from));
  });
}

/** Whether a row comes near a kink. Dropout is left out: its draws are not known before the step. */
function isNearKink(net: Network, row: readonly number[], target: readonly number[]): boolean {
  const { layers, loss } = net.plan.network;
  if (layers.some((layer) => layer.kind === 'dropout')) return false;
  const { zs, as } = forward64(net.plan.network, parametersOf(net), row);
  const residuals = as[as.length - 1].map(
    (a, i) => a - target[Math.floor((i * target.length) / as[as.length - 1].length)],
  );
  const edge = loss.kind === 'huber' ? (loss.kappa ?? 1) : 0;
  const isSmooth = !['absoluteError', 'huber', 'quantile'].includes(loss.kind);
  return (
    layers.some(
      (layer, l) => layer.kind !== 'dropout' && /relu/i.test(layer.activation) && zs[l].some((z) => Math.abs(z) < KINK),
    ) ||
    (!isSmooth && residuals.some((r) => Math.abs(Math.abs(r) - edge) < KINK))
  );
}

/** What dropout layers multiply by in the step that comes next, which is the one whose gradient was asked for. */
function dropoutFactors(net: Network, rows: readonly number[][], targets: readonly number[][]) {
  const { layers } = net.plan.network;
  const dropouts = layers.flatMap((layer, l) => (layer.kind === 'dropout' ? [l] : []));
  if (dropouts.length === 0) return undefined;
  const twin = net.clone({ examples: rows.length });
  twin.learn(rows.flat(), targets.flat());
  return rows.map(
    (_, k) =>
      new Map(
        dropouts.map((l) => {
          const { offset, floats, shape } = twin.plan.region(`factors${l + 1}`);
          const stride = floats / rows.length;
          return [l, Array.from(new Float32Array(twin.input.buffer, 4 * (offset + k * stride), shape[0]))];
        }),
      ),
  );
}
