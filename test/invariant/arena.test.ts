import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createNetwork, Random } from '../../src/engine/index.js';
import { randomNetwork, randomRow, randomTarget } from '../support/networks.js';

const GUARD = 8;

test.each(['simd', 'reference'] as const)(
  '%s: no step writes outside the regions of its plan, and padding stays zero',
  (executor) => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1, 1, 3), (seed, m) => {
        const random = new Random(seed);
        const spec = randomNetwork(random, 11);
        const net = createNetwork(spec, { seed, executor, examples: m, guardFloats: GUARD, reserve: { mine: 4 } });
        const words = new Uint32Array(net.input.buffer, 0, net.plan.floats);
        const guards = net.plan.regions.map(({ offset, floats }) =>
          words.subarray(offset + floats, offset + floats + GUARD),
        );
        guards.forEach((guard, g) => {
          guard.forEach((_, i) => {
            guard[i] = 0xdead0000 + 16 * g + i;
          });
        });
        const written = guards.map((guard) => [...guard]);
        const fixed = net.plan.regions.filter(({ name }) => name === 'constants' || name === 'plan');
        const before = fixed.map(({ offset, floats }) => [...words.subarray(offset, offset + floats)]);

        const nOut = net.target.length / m;
        for (let i = 0; i < 5; i++) {
          const row = Array.from({ length: m }, () => randomRow(random, spec.inputs)).flat();
          const target = Array.from({ length: m }, () => randomTarget(random, spec.loss, nOut)).flat();
          net.predict(row);
          net.learn(row, target);
          if (m === 1) net.stepMany(new Float32Array(row), new Float32Array(target), 1);
        }

        expect(guards.map((guard) => [...guard])).toEqual(written);
        expect(fixed.map(({ offset, floats }) => [...words.subarray(offset, offset + floats)])).toEqual(before);
        // An example that is not finite may leave NaN in the padding of its own columns, which the next one overwrites.
        const isClean = Object.values(net.refusals).every((count) => count === 0);
        for (const { name, layout, shape, offset, floats } of net.plan.regions) {
          if (layout !== 'panels' && !(layout === 'columns' && isClean)) continue;
          const values = new Float32Array(net.input.buffer, 4 * offset, floats);
          const rows = shape[0];
          values.forEach((value, i) => {
            const stride = (rows + 3) & ~3;
            const isPadding =
              layout === 'columns'
                ? i % stride >= rows
                : Math.floor(i / (4 * ((shape[1] + 3) & ~3))) * 4 + (Math.floor(i / 4) & 3) >= rows ||
                  (Math.floor(i / 16) % (((shape[1] + 3) & ~3) / 4)) * 4 + (i & 3) >= shape[1];
            if (isPadding && value !== 0) expect.fail(`padding of ${name} holds ${value} at ${i}`);
          });
        }
      }),
      { numRuns: 80 },
    );
  },
);
