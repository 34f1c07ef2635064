import type { Network } from '../../src/engine/index.js';
import type { ResolvedNetwork } from '../../src/spec/index.js';

// An independent float64 network: loops over plain arrays, Math.exp and friends, no code of ours. The oracle of the
// gradient checks and of whatever else wants to know what the mathematics says.

export interface Parameters64 {
  weights: number[][][];
  biases: number[][];
}

/** The parameters of a network as float64. */
export function parametersOf(net: Network): Parameters64 {
  const { layers, inputs } = net.plan.network;
  const byName = new Map(net.parameters().map((parameter) => [parameter.name, parameter]));
  return {
    weights: layers.map((layer, l) => {
      const nIn = l === 0 ? inputs : layers[l - 1].units;
      const flat = byName.get(`layers.${l}.weight`)!.read();
      return Array.from({ length: layer.units }, (_, i) => Array.from(flat.subarray(i * nIn, (i + 1) * nIn)));
    }),
    biases: layers.map((layer, l) => {
      const bias = byName.get(`layers.${l}.bias`);
      return bias ? Array.from(bias.read()) : new Array<number>(layer.units).fill(0);
    }),
  };
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

/** (F1), (F2) of every layer on one column: pre-activations and activations. */
export function forward64(net: ResolvedNetwork, { weights, biases }: Parameters64, x: readonly number[]) {
  const zs: number[][] = [];
  const as: number[][] = [[...x]];
  net.layers.forEach((layer, l) => {
    const below = as[l];
    const z = weights[l].map((row, i) => row.reduce((s, w, j) => s + w * below[j], biases[l][i]));
    const top = Math.max(...z);
    const total = z.reduce((s, v) => s + Math.exp(v - top), 0);
    const g = {
      identity: (v: number) => v,
      relu: (v: number) => Math.max(v, 0),
      sigmoid,
      tanh: Math.tanh,
      leakyRelu: (v: number) => (v > 0 ? v : 0.01 * v),
      elu: (v: number) => (v > 0 ? v : Math.expm1(v)),
      softsign: (v: number) => v / (1 + Math.abs(v)),
      softplus: (v: number) => Math.log1p(Math.exp(v)),
      silu: (v: number) => v * sigmoid(v),
      gelu: (v: number) => v * normal(v),
      softmax: (v: number) => Math.exp(v - top) / total,
    }[layer.activation];
    zs.push(z);
    as.push(z.map(g));
  });
  return { zs, as };
}

/** J = (1/m) Σ ℓ over columns. */
export function cost64(
  net: ResolvedNetwork,
  parameters: Parameters64,
  rows: readonly (readonly number[])[],
  targets: readonly (readonly number[])[],
): number {
  let total = 0;
  rows.forEach((x, k) => {
    const y = targets[k];
    const { zs, as } = forward64(net, parameters, x);
    const a = as[as.length - 1];
    const z = zs[zs.length - 1];
    for (let i = 0; i < a.length; i++) {
      if (net.loss === 'squaredError') total += 0.5 * (a[i] - y[i]) ** 2;
      else if (net.loss === 'crossEntropy') total -= y[i] * Math.log(a[i]);
      else total -= y[i] * Math.log(sigmoid(z[i])) + (1 - y[i]) * Math.log(1 - sigmoid(z[i]));
    }
  });
  return total / rows.length;
}
