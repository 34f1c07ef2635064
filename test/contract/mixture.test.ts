import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createSideBySide, Random } from '../../src/engine/index.js';
import type { NetworkSpec } from '../../src/spec/index.js';

// The battery both executors pass: after any rows of any race, the same bits.

test('mixture: simd and reference leave equal weights, sums, predictions and learners after every row of any race', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 9 }),
      fc.integer({ min: 1, max: 5 }),
      fc.boolean(),
      fc.boolean(),
      fc.constantFrom(1e-40, 1e-20, 1, 1, 1, 1e18),
      (seed, inputs, outputs, networks, isClasses, hasBank, scale) => {
        const random = new Random(seed);
        const rates = Array.from({ length: networks }, () => [0.01, 0.1, 1][random.next() % 3]);
        const network = (rate: number): NetworkSpec => ({
          inputs,
          layers: [
            { kind: 'dense', units: 6, activation: 'tanh' },
            { kind: 'dense', units: outputs, activation: isClasses ? 'softmax' : 'identity' },
          ],
          loss: isClasses ? 'crossEntropy' : { kind: 'huber', kappa: 3 },
          optimizer: { kind: 'sgd', rate },
          shortcut: true,
        });
        const tracker = { prior: 10, drift: 0.01, shrinks: true };
        const trackers = [
          { ...tracker, isCurved: false },
          { ...tracker, isCurved: true },
        ];
        const races = (['simd', 'reference'] as const).map((executor) =>
          createSideBySide(
            {
              networks: rates.map(network),
              seeds: rates.map((_, k) => k + 1),
              bank: hasBank ? { inputs, outputs, units: 8, trackers } : undefined,
              mixture: {
                outputs,
                isClasses,
                slots: 3,
                rate: [0.5, 30][seed % 2],
                memory: 0.9,
                limit: isClasses ? 2 : 3,
                factors: rates,
                others: 7,
              },
            },
            { executor },
          ),
        );
        for (let i = 0; i < 20; i++) {
          const x = Array.from({ length: inputs }, () => (4 * random.uniform() - 2) * scale);
          const naive = Array.from({ length: outputs }, () =>
            isClasses ? random.uniform() : 8 * random.uniform() - 4,
          );
          const truth = naive.map((_, c) => (isClasses ? (c === i % outputs ? 1 : 0) : 8 * random.uniform() - 4));
          const scales = naive.map(() => (isClasses ? [0, 1] : [20 * random.uniform() - 10, 4 * random.uniform()]));
          const [isOut, isForwarded] = [i % 5 === 4, i % 3 !== 0];
          for (const { networks, mixture } of races) {
            networks[0].input.set(x);
            mixture!.mean.set(scales.map(([mean]) => mean));
            mixture!.deviation.set(scales.map(([, deviation]) => deviation));
            mixture!.naive.set(naive);
            mixture!.predict(i % 4, isOut);
            mixture!.label.set(truth);
            mixture!.judge(i % 3);
            networks[0].target.set(truth);
            mixture!.learn(isForwarded);
          }
          const [simd, reference] = races.map(({ networks, bank, mixture }) => ({
            hashes: networks.map((one) => one.hash()),
            softened: networks.map((one) => one.rowWeights[0]),
            bank: bank?.state('t'),
            mixture: mixture!.state('m'),
            prediction: mixture!.prediction,
          }));
          expect(reference).toEqual(simd);
        }
      },
    ),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 40) },
  );
});
