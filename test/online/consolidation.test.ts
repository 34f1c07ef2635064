import { describe, expect, it } from 'vitest';
import { createNetwork, type Network, Random } from '../../src/engine/index.js';
import { Consolidation, type ResolvedConsolidation } from '../../src/online/index.js';

const RATE = 0.05;

function networkOf(optimizer: 'sgd' | 'momentum' | 'adam' = 'sgd', executor: 'simd' | 'reference' = 'simd'): Network {
  return createNetwork(
    {
      inputs: 3,
      layers: [
        { kind: 'dense', units: 5, activation: 'tanh' },
        { kind: 'dense', units: 2 },
      ],
      loss: 'squaredError',
      optimizer: { kind: optimizer, rate: RATE },
    },
    { seed: 4, gradients: true, executor },
  );
}

const valuesOf = (network: Network) => network.parameters().map((parameter) => Float64Array.from(parameter.read()));

/** Steps on made-up rows, and what the papers say must come of it, in float64 over logical parameters. */
function compare(spec: ResolvedConsolidation, steps: number, optimizer: 'sgd' | 'momentum' | 'adam' = 'sgd'): number {
  const network = networkOf(optimizer);
  const consolidation = new Consolidation(network.weightSpan(), spec);
  const anchor = valuesOf(network);
  const importance = anchor.map((values) => values.map(() => 0));
  const gathered = anchor.map((values) => values.map(() => 0));
  const random = new Random(2);
  let largest = 0;
  for (let t = 1; t <= steps; t++) {
    for (let i = 0; i < 3; i++) network.input[i] = 2 * random.uniform() - 1;
    for (let i = 0; i < 2; i++) network.target[i] = 2 * random.uniform() - 1;
    const gradients = network.gradients(network.input.slice(), network.target.slice());
    const before = valuesOf(network);
    consolidation.beforeStep();
    expect(network.step()).not.toBeNaN();
    const stepped = valuesOf(network);
    consolidation.afterStep();
    const after = valuesOf(network);
    stepped.forEach((values, p) => {
      values.forEach((value, i) => {
        const g = gradients[p].values[i];
        const k = RATE * spec.strength * importance[p][i] * (spec.kind === 'ewc' ? 1 : 2);
        const wanted = (value + k * anchor[p][i]) / (1 + k);
        largest = Math.max(largest, Math.abs(after[p][i] - wanted));
        gathered[p][i] += spec.kind === 'ewc' ? g * g : -g * (value - before[p][i]);
      });
    });
    if (t % spec.interval !== 0) continue;
    after.forEach((values, p) => {
      values.forEach((value, i) => {
        importance[p][i] =
          spec.kind === 'ewc'
            ? spec.keep * importance[p][i] + gathered[p][i] / spec.interval
            : importance[p][i] + Math.max(gathered[p][i], 0) / ((value - anchor[p][i]) ** 2 + spec.damping);
        anchor[p][i] = value;
        gathered[p][i] = 0;
      });
    });
  }
  expect(consolidation.consolidated).toBe(Math.floor(steps / spec.interval));
  return largest;
}

describe('consolidation', () => {
  for (const optimizer of ['sgd', 'momentum', 'adam'] as const) {
    it(`${optimizer}: online ewc does what the paper's equations say`, () => {
      expect(compare({ kind: 'ewc', strength: 30, interval: 20, keep: 0.7 }, 90, optimizer)).toBeLessThan(1e-6);
    });
    it(`${optimizer}: synaptic intelligence does what the paper's equations say`, () => {
      expect(compare({ kind: 'si', strength: 3, interval: 20, damping: 0.1 }, 90, optimizer)).toBeLessThan(1e-6);
    });
  }

  it('of any strength keeps weights finite: it can only draw them back', () => {
    const network = networkOf();
    const consolidation = new Consolidation(network.weightSpan(), {
      kind: 'ewc',
      strength: 1e300,
      interval: 5,
      keep: 1,
    });
    for (let t = 0; t < 50; t++) {
      network.input.fill(t % 3);
      network.target.fill(1e6);
      consolidation.beforeStep();
      if (!Number.isNaN(network.step())) consolidation.afterStep();
    }
    for (const { read } of network.parameters()) expect(read().every(Number.isFinite)).toBe(true);
    for (const { data } of consolidation.state('c')) expect([...data].every(Number.isFinite)).toBe(true);
  });

  it('is the same on both executors', () => {
    const [a, b] = (['simd', 'reference'] as const).map((executor) => {
      const network = networkOf('sgd', executor);
      const consolidation = new Consolidation(network.weightSpan(), {
        kind: 'si',
        strength: 1,
        interval: 7,
        damping: 0.1,
      });
      for (let t = 0; t < 60; t++) {
        for (let i = 0; i < 3; i++) network.input[i] = ((t * (i + 2)) % 7) / 7;
        network.target.fill((t % 5) / 5);
        consolidation.beforeStep();
        network.step();
        consolidation.afterStep();
      }
      return network.hash();
    });
    expect(a).toBe(b);
  });
});
