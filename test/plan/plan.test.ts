import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNetwork, Random } from '../../src/engine/index.js';
import { planNetwork } from '../../src/plan/index.js';
import { resolveNetwork } from '../../src/spec/index.js';
import { randomNetwork, tanhNetwork } from '../support/networks.js';

describe('plan', () => {
  test('prints ops and regions with their bytes', () => {
    const text = createNetwork(tanhNetwork('8-16-4')).plan.toString();
    expect(text).toMatchInlineSnapshot(`
      "plan 8-16-4, 1 example a step, sgd, 3600 bytes

      op
       0  input 8
       1  dense 8→16 tanh
       2  dense 16→4 identity
       3  loss squaredError

      region            shape  layout   at byte  bytes
      constants           256  vector         0   1024
      plan                 88  words       1024    352
      state                28  words       1376    112
      layers.0.weight  16 × 8  panels      1488    512
      layers.0.bias        16  vector      2000     64
      layers.1.weight  4 × 16  panels      2064    256
      layers.1.bias         4  vector      2320     16
      x                 8 × 1  columns     2336     32
      x scaled              8  vector      2368     32
      y                 4 × 1  columns     2400     16
      row weights           1  vector      2416     16
      a1               16 × 1  columns     2432     64
      a2                4 × 1  columns     2496     16
      delta1           16 × 1  columns     2512     64
      delta2            4 × 1  columns     2576     16
      rows             21 × 8  dense       2592    672
      row targets      21 × 4  dense       3264    336"
    `);
  });

  test('regions follow each other on 16-byte borders without overlap, and the arena ends with the last', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom(1, 2, 5), (seed, examples) => {
        const plan = planNetwork(resolveNetwork(randomNetwork(new Random(seed))), { examples, reserve: { mine: 7 } });
        let end = 0;
        for (const { offset, floats } of plan.regions) {
          expect(offset).toBe(end);
          expect(offset % 4).toBe(0);
          end = offset + floats;
        }
        expect(plan.bytes).toBe(4 * end);
      }),
    );
  });

  test('plain sgd at m = 1 needs at most 4·P + 16·Σunits + 4 KiB, matrices padded to multiples of 4', () => {
    const pad = (n: number) => (n + 3) & ~3;
    const random = new Random(3);
    const drawn = Array.from({ length: 100 }, () =>
      Array.from({ length: 2 + (random.next() % 5) }, () => 1 + (random.next() % 70)).join('-'),
    );
    const named = ['8-16-4', '32-64-32-8', '128-256-128-10', '784-256-10', '6-64-64-6', '1-1'];
    for (const widths of [...named, ...drawn]) {
      const plan = planNetwork(resolveNetwork(tanhNetwork(widths)));
      const sides = widths.split('-').map((n) => pad(Number(n)));
      const parameters = sides.slice(1).reduce((sum, n, l) => sum + n * sides[l] + n, 0);
      const units = sides.reduce((sum, n) => sum + n, 0);
      expect(plan.bytes, widths).toBeLessThanOrEqual(4 * parameters + 16 * units + 4096);
    }
  });

  test('refuses what no machine should allocate, before it does', () => {
    expect(() => createNetwork(tanhNetwork('65536-65536-1'))).toThrow(/PLAN_TOO_LARGE: network: found 65536-65536-1/);
  });

  test('is frozen', () => {
    const plan = planNetwork(resolveNetwork(tanhNetwork('2-1')));
    expect(() => {
      (plan.regions as unknown[]).push(1);
    }).toThrow(TypeError);
    expect(() => {
      (plan as { bytes: number }).bytes = 1;
    }).toThrow(TypeError);
    expect(() => {
      (plan.words as number[])[0] = 1;
    }).toThrow(TypeError);
  });

  test('what the arena holds of it is what it says', () => {
    const net = createNetwork(tanhNetwork('5-3'));
    const region = net.plan.region('plan');
    const words = new Int32Array(net.input.buffer, 4 * region.offset, net.plan.words.length);
    expect([...words]).toEqual([...net.plan.words]);
  });
});
