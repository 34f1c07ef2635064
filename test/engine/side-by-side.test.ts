import { describe, expect, it } from 'vitest';
import { createSideBySide, EngineError, Random, type SideBySide } from '../../src/engine/index.js';
import type { NetworkSpec } from '../../src/spec/index.js';

const network = (rate: number, extra: Partial<NetworkSpec> = {}): NetworkSpec => ({
  inputs: 3,
  layers: [
    { kind: 'dense', units: 5, activation: 'tanh' },
    { kind: 'dense', units: 2 },
  ],
  loss: 'squaredError',
  optimizer: { kind: 'sgd', rate },
  ...extra,
});
const spec = {
  networks: [
    network(0.01),
    network(0.1, { shortcut: true }),
    network(0.02, { optimizer: { kind: 'adam', rate: 0.01 } }),
  ],
  seeds: [1, 2, 3],
  bank: { inputs: 3, outputs: 2, units: 8, trackers: [{ isCurved: true, prior: 1, drift: 0.01, shrinks: true }] },
};

const hashes = ({ networks, bank }: SideBySide) => [networks.map((one) => one.hash()), bank?.state('t')];

describe('learners side by side', () => {
  it('learn in one call what each learns by itself, in both executors, on a row just predicted or not', () => {
    const make = (executor: 'simd' | 'reference') => createSideBySide(spec, { executor });
    const [one, reference, alone] = [make('simd'), make('reference'), make('simd')];
    const random = new Random(4);
    for (let i = 0; i < 60; i++) {
      const row = [random.uniform(), 2 * random.uniform() - 1, i % 5];
      const target = [row[0] * row[1], row[2] / 5];
      const isForwarded = i % 3 !== 0;
      for (const { networks, bank } of [one, reference, alone]) {
        networks[0].input.set(row);
        networks[0].target.set(target);
        bank?.target.set(target);
      }
      for (const group of [one, reference]) {
        if (isForwarded) group.predict();
        expect(group.learn(isForwarded)).toBe(0);
      }
      for (const each of alone.networks) each.step();
      alone.bank?.learn();
      expect(hashes(one)).toEqual(hashes(alone));
      expect(hashes(reference)).toEqual(hashes(one));
    }
  });

  it('see one row and one target, and predict in one call what each predicts by itself', () => {
    const { networks, bank } = createSideBySide(spec);
    networks[2].input.set([1, 2, 3]);
    networks[1].target.set([4, 5]);
    expect([...networks[0].input, ...networks[0].target]).toEqual([1, 2, 3, 4, 5]);
    expect([...(bank?.input ?? [])]).toEqual([1, 2, 3]);
    const group = createSideBySide(spec);
    group.networks[0].input.set([1, 2, 3]);
    group.predict();
    networks.forEach((one, k) => {
      one.forward();
      expect(one.output).toEqual(group.networks[k].output);
    });
    bank?.predict();
    expect(bank?.outputs).toEqual(group.bank?.outputs);
  });

  it('count the steps that were refused', () => {
    const group = createSideBySide({ networks: spec.networks, seeds: spec.seeds });
    group.networks[0].target[0] = Number.NaN;
    const before = hashes(group);
    expect(group.learn(false)).toBe(3);
    expect(hashes(group)).toEqual(before);
  });

  it('have no schedule of rates, which only a step of their own would follow', () => {
    const scheduled = network(0.1, {
      optimizer: { kind: 'sgd', rate: 0.1, schedule: { kind: 'step', every: 10, factor: 0.5 } },
    });
    expect(() => createSideBySide({ networks: [scheduled], seeds: [1] })).toThrow(EngineError);
  });
});
