import { firstDifference } from '../spec/index.js';
import { wrongArgument } from './errors.js';
import type { Network } from './network.js';
import { sizeOf } from './parameter-store.js';

/** Makes every parameter of `target` the weighted average over it and the others; see `Network.merge`. */
export function mergeParameters(target: Network, others: readonly Network[], weights: readonly number[]): void {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (weights.length !== others.length + 1 || !weights.every((weight) => weight >= 0) || !(total > 0)) {
    throw wrongArgument('weights', `[${weights}]`, `${others.length + 1} numbers ≥ 0, one of them above 0`);
  }
  for (const other of others) {
    const difference = firstDifference(shapesOf(other), shapesOf(target), 'network');
    if (difference) throw wrongArgument(`merge: ${difference.path}`, difference.a, difference.b);
  }
  const all = [target, ...others].map((network) => network.parameters());
  target.parameters().forEach((parameter, p) => {
    const sum = new Float64Array(sizeOf(parameter));
    all.forEach((parameters, k) => {
      parameters[p].read().forEach((value, i) => {
        sum[i] += (weights[k] / total) * value;
      });
    });
    parameter.write(sum);
  });
}

/** Names and shapes of a network's parameters. */
function shapesOf(network: Network): Record<string, readonly number[]> {
  return Object.fromEntries(network.plan.parameters.map(({ name, shape }) => [name, shape]));
}
