import type { Network } from '../engine/index.js';
import type { Activation, ResolvedNetwork } from '../spec/index.js';

// An independent float64 network: loops over plain arrays, Math.exp and friends, no code of ours. The oracle of the
// gradient checks and of whatever else wants to know what the mathematics says.

/** Parameters by name, row-major. */
export type Parameters64 = Map<string, { shape: readonly number[]; values: number[] }>;

/** The parameters of a network as float64. */
export function parametersOf(net: Network): Parameters64 {
  return new Map(net.parameters().map(({ name, shape, read }) => [name, { shape, values: Array.from(read()) }]));
}

/** A weight as rows. */
export function matrixOf(parameters: Parameters64, name: string): number[][] {
  const { shape, values } = parameters.get(name) as { shape: readonly number[]; values: number[] };
  const columns = shape[1] ?? 1;
  return Array.from({ length: shape[0] }, (_, i) => values.slice(i * columns, (i + 1) * columns));
}

/** Φ, by its series 0.5 + φ(z)·(z + z³/3 + z⁵/(3·5) + …). */
function normal(z: number): number {
  let term = z;
  let sum = z;
  for (let k = 3; Math.abs(term) > 1e-17 * Math.abs(sum) && k < 400; k += 2) {
    term *= (z * z) / k;
    sum += term;
  }
  return 0.5 + (sum * Math.exp((-z * z) / 2)) / Math.sqrt(2 * Math.PI);
}

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

function activate(activation: Activation, z: readonly number[]): number[] {
  const top = Math.max(...z);
  const total = z.reduce((s, v) => s + Math.exp(v - top), 0);
  const g: Record<Activation, (v: number) => number> = {
    identity: (v) => v,
    relu: (v) => Math.max(v, 0),
    sigmoid,
    tanh: Math.tanh,
    leakyRelu: (v) => (v > 0 ? v : 0.01 * v),
    elu: (v) => (v > 0 ? v : Math.expm1(v)),
    softsign: (v) => v / (1 + Math.abs(v)),
    softplus: (v) => Math.log1p(Math.exp(v)),
    silu: (v) => v * sigmoid(v),
    gelu: (v) => v * normal(v),
    softmax: (v) => Math.exp(v - top) / total,
  };
  return z.map(g[activation]);
}

/**
 * (F1), (F2) of every layer on one column: pre-activations, and activations from the inputs up.
 *
 * @param factors of dropout layers, by layer; absent: predictions, which pass through
 */
export function forward64(
  net: ResolvedNetwork,
  parameters: Parameters64,
  x: readonly number[],
  factors?: ReadonlyMap<number, readonly number[]>,
) {
  const zs: number[][] = [];
  const as: number[][] = [[...x]];
  const affine = (name: string, below: readonly number[]) =>
    matrixOf(parameters, name).map((row) => row.reduce((s, w, j) => s + w * below[j], 0));
  net.layers.forEach((layer, l) => {
    const below = as[l];
    if (layer.kind === 'dropout') {
      zs.push(below);
      as.push(below.map((v, i) => v * (factors?.get(l)?.[i] ?? 1)));
      return;
    }
    const bias = parameters.get(`layers.${l}.bias`)?.values ?? [];
    let z: number[];
    if (layer.kind === 'dense') {
      z = affine(`layers.${l}.weight`, below).map((v, i) => v + (bias[i] ?? 0));
      if (net.shortcut && l === net.layers.length - 1) {
        const straight = affine('shortcut.weight', x);
        z = z.map((v, i) => v + straight[i]);
      }
    } else {
      const mean = below.reduce((s, v) => s + v, 0) / below.length;
      const variance = below.reduce((s, v) => s + (v - mean) ** 2, 0) / below.length;
      const gain = parameters.get(`layers.${l}.weight`)?.values ?? [];
      z = below.map((v, i) => (gain[i] * (v - mean)) / Math.sqrt(variance + 1e-5) + bias[i]);
    }
    zs.push(z);
    as.push(activate(layer.activation, z));
  });
  return { zs, as };
}

/** ℓ of one column. */
function loss64({ loss }: ResolvedNetwork, z: readonly number[], a: readonly number[], y: readonly number[]): number {
  const per = (term: (i: number) => number) => a.reduce((sum, _, i) => sum + term(i), 0);
  switch (loss.kind) {
    case 'squaredError':
      return per((i) => 0.5 * (a[i] - y[i]) ** 2);
    case 'absoluteError':
      return per((i) => Math.abs(a[i] - y[i]));
    case 'huber': {
      const k = loss.kappa ?? 1;
      return per((i) => {
        const r = Math.abs(a[i] - y[i]);
        return r <= k ? 0.5 * r * r : k * (r - 0.5 * k);
      });
    }
    case 'quantile': {
      const q = loss.quantiles;
      return per((i) => {
        const r = y[Math.floor(i / q.length)] - a[i];
        const tau = q[i % q.length];
        return Math.max(tau * r, (tau - 1) * r);
      });
    }
    case 'crossEntropy':
      return per((i) => -(loss.classWeights?.[i] ?? 1) * y[i] * Math.log(a[i]));
    case 'binaryCrossEntropy':
      return per(
        (i) =>
          -(loss.classWeights?.[i] ?? 1) * (y[i] * Math.log(sigmoid(z[i])) + (1 - y[i]) * Math.log(1 - sigmoid(z[i]))),
      );
  }
}

/** J = (1/m) Σ w·ℓ over columns. */
export function cost64(
  net: ResolvedNetwork,
  parameters: Parameters64,
  rows: readonly (readonly number[])[],
  targets: readonly (readonly number[])[],
  options: { weights?: readonly number[]; factors?: readonly ReadonlyMap<number, readonly number[]>[] } = {},
): number {
  let total = 0;
  rows.forEach((x, k) => {
    const { zs, as } = forward64(net, parameters, x, options.factors?.[k]);
    total += (options.weights?.[k] ?? 1) * loss64(net, zs[zs.length - 1], as[as.length - 1], targets[k]);
  });
  return total / rows.length;
}
