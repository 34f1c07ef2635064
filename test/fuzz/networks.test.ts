// @slow hostile inputs by the thousand

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNetwork, loadNetwork, Random } from '../../src/engine/index.js';
import { EdgegradError } from '../../src/spec/index.js';
import { randomNetwork, randomRow, randomTarget } from '../support/networks.js';

/** FUZZ_RUNS=10000 npx vitest run test/fuzz/networks.test.ts takes some minutes. */
const RUNS = Number(process.env.FUZZ_RUNS ?? 150);

test('any network: simd and reference leave the same bits after 50 steps, saved and loaded in the middle', {
  timeout: 3_600_000,
}, () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(1, 1, 1, 2, 5), fc.constantFrom(1, 1, 1, 1000, 1e15), (seed, m, scale) => {
      const random = new Random(seed);
      const spec = randomNetwork(random, 33);
      let nets = (['simd', 'reference'] as const).map((executor) =>
        createNetwork(spec, { seed, executor, examples: m }),
      );
      const perRow = nets[0].target.length / m;
      for (let step = 0; step < 50; step++) {
        const row = randomRow(random, nets[0].input.length, scale);
        const target = Array.from({ length: m }, () => randomTarget(random, spec.loss, perRow)).flat();
        const [a, b] = nets.map((net) => net.learn(row, target));
        expect(b).toBe(a);
        if (step === 25) {
          // The other way round: what simd saved goes on in the reference, and the reverse.
          const [simd, reference] = nets.map((net) => net.save());
          expect([...reference]).toEqual([...simd]);
          nets = [
            loadNetwork(reference, { executor: 'simd', examples: m }),
            loadNetwork(simd, { executor: 'reference', examples: m }),
          ];
        }
      }
      expect(nets[1].hash()).toBe(nets[0].hash());
      for (const { read } of nets[0].parameters()) expect(read().every(Number.isFinite)).toBe(true);
    }),
    { numRuns: RUNS },
  );
});

test('any wrong declaration: one readable line, never a crash', () => {
  const scalar = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.string({ maxLength: 8 }),
    fc.double(),
    fc.constant(undefined),
  );
  const word = fc.constantFrom('dense', 'kind', 'sgd', 'units', 'huber', 'quantile', 'tanh', 'adam', 'rate');
  const anything = fc.oneof(scalar, word, fc.array(scalar, { maxLength: 3 }), fc.object({ maxDepth: 2, maxKeys: 4 }));
  fc.assert(
    fc.property(fc.nat(), fc.nat(), anything, (seed, where, value) => {
      const spec = JSON.parse(JSON.stringify(randomNetwork(new Random(seed)))) as Record<string, unknown>;
      // Put the value somewhere in the tree.
      let here = spec;
      for (let left = where; ; left = Math.floor(left / 7)) {
        const keys = Object.keys(here);
        const key = keys[left % keys.length];
        const next = here[key];
        if (left % 3 > 0 && next !== null && typeof next === 'object' && Object.keys(next).length > 0) {
          here = next as Record<string, unknown>;
          continue;
        }
        here[left % 5 === 0 ? 'surprise' : key] = value;
        break;
      }
      try {
        createNetwork(spec as never);
      } catch (error) {
        expect(error).toBeInstanceOf(EdgegradError);
        expect((error as Error).message).toMatch(/^[A-Z_]+: [^\n]+: found [^\n]+, expected [^\n]+$/);
      }
    }),
    { numRuns: 10 * RUNS },
  );
});
