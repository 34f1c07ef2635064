import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RollingExtremes, RollingMoments, type StateArray } from '../../src/online/index.js';
import { ROLLING_RELATIVE } from '../tolerances.js';

const COLUMNS = Int32Array.of(2, 0);

/** A row of three columns, any of which may be missing. */
const rows = (value: fc.Arbitrary<number>) =>
  fc.array(fc.array(fc.option(value, { freq: 4 }), { minLength: 3, maxLength: 3 }), { maxLength: 80 });

/** From tiny to near the largest float32, so that a careless sum of squares fails. */
const anyValue = fc.oneof(
  fc.integer({ min: -50, max: 50 }),
  fc.integer({ min: -50, max: 50 }).map((n) => 101325 + n / 16),
  fc.constantFrom(1e38, -3e38, 1e-30, 0),
);

function push(parts: (RollingMoments | RollingExtremes)[], row: (number | null)[]): void {
  const values = Float64Array.from(row, (value) => value ?? 0);
  const isThere = Uint8Array.from(row, (value) => (value === null ? 0 : 1));
  for (const part of parts) part.push(values, isThere, COLUMNS);
}

function read(moments: RollingMoments, extremes: RollingExtremes) {
  const [mean, deviation, slope, min, max] = Array.from({ length: 5 }, () => new Float64Array(2));
  moments.read(mean, deviation, slope);
  extremes.read(min, max);
  return { mean, deviation, slope, min, max };
}

/** The same from the window itself, in two passes. */
function recomputed(window: (number | null)[]) {
  const points = window.flatMap((x, t): [number, number][] => (x === null ? [] : [[t, x]]));
  const n = points.length;
  if (n === 0) return { n, mean: 0, deviation: 0, slope: 0, min: 0, max: 0, size: 0 };
  const mean = points.reduce((s, [, x]) => s + x, 0) / n;
  const meanT = points.reduce((s, [t]) => s + t, 0) / n;
  const tt = points.reduce((s, [t]) => s + (t - meanT) ** 2, 0);
  const xs = points.map(([, x]) => x);
  return {
    n,
    mean,
    deviation: Math.sqrt(xs.reduce((s, x) => s + (x - mean) ** 2, 0) / n),
    slope: tt > 0 ? points.reduce((s, [t, x]) => s + (t - meanT) * (x - mean), 0) / tt : 0,
    min: Math.min(...xs),
    max: Math.max(...xs),
    size: Math.max(...xs.map(Math.abs)),
  };
}

describe('rolling statistics', () => {
  it('equal those recomputed from the last rows, at every size and moment, with missing values', () => {
    fc.assert(
      fc.property(rows(anyValue), fc.integer({ min: 2, max: 12 }), (all, size) => {
        const moments = new RollingMoments(2, size);
        const extremes = new RollingExtremes(2, size);
        all.forEach((row, i) => {
          push([moments, extremes], row);
          const found = read(moments, extremes);
          COLUMNS.forEach((column, k) => {
            const window = all.slice(Math.max(0, i + 1 - size), i + 1).map((one) => one[column]);
            const { size: scale, ...expected } = recomputed(window);
            expect(found.min[k]).toBe(expected.min);
            expect(found.max[k]).toBe(expected.max);
            for (const name of ['mean', 'deviation', 'slope'] as const) {
              expect(Math.abs(found[name][k] - expected[name])).toBeLessThanOrEqual(ROLLING_RELATIVE * scale);
            }
          });
        });
      }),
    );
  });

  it('forget an enormous value completely once it has left', () => {
    const moments = new RollingMoments(2, 10);
    const extremes = new RollingExtremes(2, 10);
    push([moments, extremes], [1e38, 0, 1e38]);
    for (let i = 0; i < 10; i++) push([moments, extremes], [0.1, 0, i]);
    const { mean, deviation, slope, min, max } = read(moments, extremes);
    expect([mean[1], deviation[1], slope[1], min[1], max[1]]).toEqual([0.1, 0, 0, 0.1, 0.1]);
    expect([mean[0], slope[0], min[0], max[0]]).toEqual([4.5, 1, 0, 9]);
  });

  it('do not drift over a million rows', () => {
    const moments = new RollingMoments(2, 7);
    for (let i = 0; i < 1e6; i++) push([moments], [1013 + (i % 7) * 0.1, 0, i % 3 === 0 ? 5 : null]);
    const { mean, deviation } = read(moments, new RollingExtremes(2, 2));
    const expected = recomputed(Array.from({ length: 7 }, (_, i) => 1013 + i * 0.1));
    expect(Math.abs(mean[1] - expected.mean)).toBeLessThan(1e-12 * expected.mean);
    expect(Math.abs(deviation[1] - expected.deviation)).toBeLessThan(1e-10);
    expect([mean[0], deviation[0]]).toEqual([5, 0]);
  });

  it('go on from their state, which is finite, as if nothing had happened; clear forgets all of it', () => {
    fc.assert(
      fc.property(rows(anyValue), fc.integer({ min: 2, max: 6 }), fc.nat(80), (all, size, cut) => {
        const make = () => [new RollingMoments(2, size), new RollingExtremes(2, size)] as const;
        const [a, b] = [make(), make()];
        const stateOf = (parts: typeof a): StateArray[] => parts.flatMap((part, k) => part.state(`${k}`));
        for (const row of all.slice(0, cut)) push([...a], row);
        stateOf(b).forEach(({ data }, k) => {
          data.set(stateOf(a)[k].data);
        });
        for (const row of all.slice(cut)) for (const parts of [a, b]) push([...parts], row);
        expect(read(...b)).toEqual(read(...a));
        for (const { data } of stateOf(a)) expect(data.every(Number.isFinite)).toBe(true);
        for (const part of a) part.clear();
        expect(stateOf(a)).toEqual(stateOf(make()));
      }),
    );
  });
});
