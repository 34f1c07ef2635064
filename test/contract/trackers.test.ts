import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createTrackerBank, Random } from '../../src/engine/index.js';

// The battery both executors pass: after any number of steps of any bank, the same bits.

test('trackers: simd and reference leave equal states and outputs after every step of any bank', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.integer({ min: 1, max: 34 }),
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(4, 8, 16, 20),
      fc.constantFrom(1e-40, 1e-20, 1, 1, 1, 5, 1e18),
      fc.boolean(),
      (seed, inputs, outputs, units, scale, looks) => {
        const random = new Random(seed);
        const trackers = Array.from({ length: 1 + (seed % 3) }, () => ({
          isCurved: random.uniform() < 0.6,
          prior: 0.1 + 10 * random.uniform(),
          drift: [1e-4, 1e-2, 0.3][random.next() % 3],
          shrinks: random.uniform() < 0.5,
        }));
        const spec = { inputs, outputs, units, trackers };
        const banks = (['simd', 'reference'] as const).map((executor) => createTrackerBank(spec, { seed, executor }));
        const row = () => (random.uniform() < 0.2 ? 0 : (2 * random.uniform() - 1) * scale);
        for (let step = 0; step < 30; step++) {
          const x = Array.from({ length: inputs }, row);
          const y = Array.from({ length: outputs }, () => 8 * random.uniform() - 4);
          for (const bank of banks) {
            bank.input.set(x);
            bank.target.set(y);
            bank.predict();
          }
          expect(banks[1].outputs).toEqual(banks[0].outputs);
          // With what the prediction left, or all anew: the same.
          if (step % 3 === 0) banks[0].learnPredicted();
          else banks[0].learn();
          banks[1].learn();
          // Looking makes what waits; whether anybody looks must change nothing.
          if (looks || step === 29) expect(banks[1].state('t')).toEqual(banks[0].state('t'));
        }
      },
    ),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 40) },
  );
});

test('trackers: equal states after 5000 rows', () => {
  const trackers = [
    { isCurved: false, prior: 1, drift: 1e-4, shrinks: true },
    { isCurved: true, prior: 10, drift: 1e-3, shrinks: true },
    { isCurved: true, prior: 10, drift: 1e-2, shrinks: false },
  ];
  const spec = { inputs: 5, outputs: 2, units: 16, trackers };
  const [simd, reference] = (['simd', 'reference'] as const).map((executor) => {
    const bank = createTrackerBank(spec, { seed: 3, executor });
    const random = new Random(9);
    for (let i = 0; i < 5000; i++) {
      for (let k = 0; k < 5; k++) bank.input[k] = 3 * random.uniform() - 1.5;
      bank.target.set([bank.input[0] - bank.input[3], Math.abs(bank.input[1])]);
      bank.learn();
    }
    return bank;
  });
  expect(reference.state('t')).toEqual(simd.state('t'));
});
