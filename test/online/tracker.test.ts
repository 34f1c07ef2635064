import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { RandomFeatures, Tracker } from '../../src/online/index.js';

/** The same filter with whole matrices, step by step as its declaration says. */
function slowly(rows: { x: number[]; y: number }[], prior: number, drift: number, shrinks: boolean): number[] {
  const n = rows[0].x.length;
  const at = (m: number[][], v: number[]) => m.map((row) => row.reduce((s, p, j) => s + p * v[j], 0));
  let P = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? prior : 0)));
  let w = new Array<number>(n).fill(0);
  for (const { x, y } of rows) {
    const k = at(P, x);
    const spread = 1 + x.reduce((s, v, i) => s + v * k[i], 0);
    const error = Math.max(-3, Math.min(3, y - x.reduce((s, v, i) => s + v * w[i], 0)));
    w = w.map((v, i) => (v + (error * k[i]) / spread) * (shrinks ? Math.sqrt(1 - drift) : 1));
    P = P.map((row, i) =>
      row.map((p, j) => (1 - drift) * (p - (k[i] * k[j]) / spread) + (i === j ? drift * prior : 0)),
    );
  }
  return w;
}

const arrayOf = (tracker: Tracker, name: string) =>
  tracker.state('t').find((array) => array.name === `t.${name}`)?.data as Float64Array;

describe('tracker', () => {
  it('is the filter of its declaration', () => {
    const value = fc.double({ min: -5, max: 5, noNaN: true });
    const row = fc.record({ x: fc.array(value, { minLength: 3, maxLength: 3 }), y: value });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 40 }), fc.boolean(), (rows, shrinks) => {
        const tracker = new Tracker(3, 1, 10, 0.01, shrinks);
        for (const { x, y } of rows) tracker.learn(Float64Array.from(x), Float64Array.of(y));
        slowly(rows, 10, 0.01, shrinks).forEach((weight, i) => {
          expect(arrayOf(tracker, 'weights')[i]).toBeCloseTo(weight, 8);
        });
      }),
    );
  });

  it('finds a linear law of five inputs in fifty rows, and another one when it changes', () => {
    const random = new Random(3);
    const tracker = new Tracker(5, 2, 10, 1e-2, false);
    const learn = (sign: number, rows: number): number => {
      let worst = 0;
      for (let i = 0; i < rows; i++) {
        const x = Float64Array.from({ length: 5 }, () => 2 * random.uniform() - 1);
        const y = Float64Array.of(sign * (x[0] - 0.5 * x[4]), x[2]);
        tracker.predict(x);
        worst = i < rows - 10 ? 0 : Math.max(worst, Math.abs(tracker.output[0] - y[0]));
        tracker.learn(x, y);
      }
      return worst;
    };
    expect(learn(1, 50)).toBeLessThan(0.1);
    expect(learn(-1, 200)).toBeLessThan(0.1);
  });

  it('stays finite, its variances between drift · prior and prior, whatever the rows: constant, huge, or none of a kind', () => {
    const value = fc.constantFrom(0, 1, -5, 5, 1e-30);
    const row = fc.array(value, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), (rows) => {
        const tracker = new Tracker(4, 1, 10, 1e-3, true);
        for (let i = 0; i < 3000; i++) {
          tracker.learn(Float64Array.from(rows[i % rows.length]), Float64Array.of(i % 2 === 0 ? 1e300 : -1e300));
        }
        expect([...arrayOf(tracker, 'weights')].every(Number.isFinite)).toBe(true);
        const covariance = arrayOf(tracker, 'covariance');
        for (let i = 0, q = 0; i < 4; q += i + 2, i++) {
          expect(covariance[q]).toBeGreaterThanOrEqual(1e-2 * (1 - 1e-12));
          expect(covariance[q]).toBeLessThanOrEqual(10 * (1 + 1e-12));
        }
      }),
      { numRuns: 30 },
    );
  });
});

describe('random features', () => {
  it('are the inputs, one, and units between −1 and 1, the same for the same seed', () => {
    const [a, b, c] = [7, 7, 8].map((seed) => new RandomFeatures(3, 16, seed));
    for (const features of [a, b, c]) features.update(Float32Array.of(5, -5, 0.5));
    expect([...a.values.subarray(0, 4)]).toEqual([5, -5, 0.5, 1]);
    expect(a.values.subarray(4).every((v) => Math.abs(v) < 1 && v !== 0)).toBe(true);
    expect(b.values).toEqual(a.values);
    expect(c.values).not.toEqual(a.values);
  });
});
