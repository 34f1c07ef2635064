import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CLIP, HORIZON, MIN_DEVIATION, RunningScaler } from '../../src/online/index.js';

/** Relative to the spread of the values: float64 rounding of a few hundred Welford steps. */
const WELFORD_RELATIVE = 1e-12;

function fill(rows: readonly (readonly number[])[]): RunningScaler {
  const scaler = new RunningScaler(rows[0].length);
  for (const row of rows) scaler.update(Float64Array.from(row), 0);
  return scaler;
}

function meanAndDeviation(values: readonly number[]): [number, number] {
  const mean = values.reduce((s, x) => s + x, 0) / values.length;
  const variance = values.reduce((s, x) => s + (x - mean) ** 2, 0) / values.length;
  return [mean, Math.sqrt(variance)];
}

describe('scaler', () => {
  it('standardises with the mean and population deviation that two passes give', () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 200 }), (rows) => {
        const scaler = fill(rows);
        const z = new Float64Array(2);
        const x = rows[rows.length - 1];
        scaler.standardise(z, Float64Array.from(x), 0);
        for (const c of [0, 1]) {
          const column = rows.map((row) => row[c]);
          const [mean, deviation] = meanAndDeviation(column);
          const scale = Math.max(...column.map(Math.abs), 1);
          if (deviation < 1e-6 * scale) continue; // nothing but rounding is left
          const expected = Math.max(-CLIP, Math.min(CLIP, (x[c] - mean) / deviation));
          expect(Math.abs(z[c] - expected)).toBeLessThan((WELFORD_RELATIVE * scale) / deviation);
        }
      }),
    );
  });

  it('gives zero for the first row, and for a column that never changes', () => {
    const scaler = fill([[0.1, -3e38]]);
    const z = new Float64Array(2);
    scaler.standardise(z, Float64Array.of(0.1, -3e38), 0);
    expect([...z]).toEqual([0, 0]);
    for (let i = 0; i < 1000; i++) scaler.update(Float64Array.of(0.1, -3e38), 0);
    scaler.standardise(z, Float64Array.of(0.1, -3e38), 0);
    expect([...z]).toEqual([0, 0]);
  });

  it(`clips to ±${CLIP}, also where the deviation is as small as it may be`, () => {
    const scaler = fill([[1], [1]]);
    const z = new Float64Array(1);
    scaler.standardise(z, Float64Array.of(1 + 10 * MIN_DEVIATION), 0);
    expect(z[0]).toBe(CLIP);
    scaler.standardise(z, Float64Array.of(-1e38), 0);
    expect(z[0]).toBe(-CLIP);
    scaler.standardise(z, Float64Array.of(1 + MIN_DEVIATION), 0);
    expect(z[0]).toBeCloseTo(1, 9);
  });

  it('un-scales what it scaled, in place', () => {
    const scaler = fill([[1], [3], [8]]);
    const x = Float64Array.of(5.5);
    scaler.standardise(x, x, 0);
    scaler.inverse(x, x);
    expect(x[0]).toBeCloseTo(5.5, 14);
  });

  it('reads its row at an offset', () => {
    const scaler = new RunningScaler(2);
    const rows = Float64Array.of(9, 9, 1, 2, 3, 6);
    scaler.update(rows, 2);
    scaler.update(rows, 4);
    const z = new Float64Array(2);
    scaler.standardise(z, rows, 4);
    expect([...z]).toEqual([1, 1]);
  });

  it('passes columns it is told to leave alone', () => {
    const scaler = new RunningScaler(2, Uint8Array.of(0, 1));
    for (const x of [1, 2, 3]) scaler.update(Float64Array.of(x, x), 0);
    const z = Float64Array.of(2, 7);
    scaler.standardise(z, z, 0);
    expect([...z]).toEqual([0, 7]);
    scaler.inverse(z, z);
    expect([...z]).toEqual([2, 7]);
  });

  it('leaves out a row with a value that is not finite, or is larger than a float32, and is as it was', () => {
    const scaler = fill([
      [1, 2],
      [3, 5],
    ]);
    const before = JSON.stringify(scaler.state('s').map(({ data }) => [...data]));
    for (const bad of [Number.NaN, Infinity, -Infinity, 1e39, -1e300]) {
      expect(scaler.update(Float64Array.of(0, bad), 0)).toBe(false);
      expect(scaler.update(Float64Array.of(bad, 0), 0)).toBe(false);
    }
    expect(JSON.stringify(scaler.state('s').map(({ data }) => [...data]))).toBe(before);
  });

  it('stays finite whatever float32 values it sees', () => {
    fc.assert(
      fc.property(fc.array(fc.float(), { maxLength: 100 }), (values) => {
        const scaler = new RunningScaler(1);
        const z = new Float64Array(1);
        for (const x of [...values, 3.4e38, -3.4e38]) {
          if (!scaler.update(Float64Array.of(x), 0)) continue;
          scaler.standardise(z, Float64Array.of(x), 0);
          expect(Math.abs(z[0])).toBeLessThanOrEqual(CLIP);
        }
        for (const { data } of scaler.state('s')) expect([...data].every(Number.isFinite)).toBe(true);
      }),
    );
  });

  it('is the same again from its state', () => {
    const scaler = fill([[1], [4], [9]]);
    const other = new RunningScaler(1);
    scaler.state('s').forEach(({ data }, i) => {
      other.state('s')[i].data.set(data);
    });
    other.refresh();
    const [a, b] = [new Float64Array(1), new Float64Array(1)];
    scaler.standardise(a, Float64Array.of(2.7), 0);
    other.standardise(b, Float64Array.of(2.7), 0);
    expect(b[0]).toBe(a[0]);
  });
});

describe('scaler: wild values and drift', () => {
  /** A repeatable column of deviation about 1 around a level. */
  const wave = (i: number, level = 0) => level + 1.4 * (((i * 7919) % 1000) / 500 - 1) * 1.2;
  const deviationOf = (scaler: RunningScaler) => {
    const pair = Float64Array.of(0, 1);
    const [a, b] = [new Float64Array(1), new Float64Array(1)];
    scaler.inverse(a, pair.subarray(0, 1));
    scaler.inverse(b, pair.subarray(1, 2));
    return b[0] - a[0];
  };

  for (const wild of [1e38, -1e38, 1e9]) {
    it(`one value of ${wild} among a thousand costs less than a factor of four, and is forgotten`, () => {
      const scaler = new RunningScaler(1);
      for (let i = 0; i < 1000; i++) scaler.update(Float64Array.of(wave(i)), 0);
      const before = deviationOf(scaler);
      scaler.update(Float64Array.of(wild), 0);
      expect(deviationOf(scaler) / before).toBeLessThan(4);
      for (let i = 0; i < 6 * HORIZON; i++) scaler.update(Float64Array.of(wave(i)), 0);
      expect(deviationOf(scaler) / before).toBeLessThan(1.1);
    });
  }

  it('a column that was constant and comes to life is scaled within a hundred rows', () => {
    const scaler = new RunningScaler(1);
    for (let i = 0; i < 2000; i++) scaler.update(Float64Array.of(20), 0);
    for (let i = 0; i < 100; i++) scaler.update(Float64Array.of(20 + 1000 * wave(i)), 0);
    expect(deviationOf(scaler)).toBeGreaterThan(100);
    expect(deviationOf(scaler)).toBeLessThan(2000);
  });

  it('follows a level that moved, once the horizon is behind', () => {
    const scaler = new RunningScaler(1);
    for (let i = 0; i < 3 * HORIZON; i++) scaler.update(Float64Array.of(wave(i)), 0);
    for (let i = 0; i < 8 * HORIZON; i++) scaler.update(Float64Array.of(wave(i, 50)), 0);
    const z = new Float64Array(1);
    scaler.standardise(z, Float64Array.of(50), 0);
    expect(Math.abs(z[0])).toBeLessThan(0.05);
    expect(deviationOf(scaler)).toBeLessThan(2);
  });

  it('made to forget, comes to a level that jumped within a few times the rows it was left with', () => {
    const jump = (rows: number | null) => {
      const scaler = new RunningScaler(1);
      for (let i = 0; i < 5000; i++) scaler.update(Float64Array.of(wave(i)), 0);
      for (let i = 0; i < 20; i++) scaler.update(Float64Array.of(wave(i, 1000)), 0);
      if (rows !== null) scaler.forget(rows);
      for (let i = 0; i < 1000; i++) scaler.update(Float64Array.of(wave(i, 1000)), 0);
      const z = new Float64Array(1);
      scaler.standardise(z, Float64Array.of(1000), 0);
      return { z: z[0], deviation: deviationOf(scaler) };
    };
    expect(jump(null).deviation).toBeGreaterThan(300);
    expect(jump(20).deviation).toBeLessThan(8);
    expect(Math.abs(jump(20).z)).toBeLessThan(0.2);
  });

  it('made to forget, remembers as many rows as ever in the end, and goes on from its state when told so again', () => {
    const scaler = new RunningScaler(1);
    for (let i = 0; i < 100; i++) scaler.update(Float64Array.of(wave(i)), 0);
    scaler.forget(10);
    const count = () => scaler.state('s')[0].data[0];
    for (let i = 0; i < 40; i++) scaler.update(Float64Array.of(wave(i)), 0);
    expect(count()).toBe(20);
    const other = new RunningScaler(1);
    other.state('s').forEach(({ data }, i) => {
      data.set(scaler.state('s')[i].data);
    });
    other.refresh();
    other.forget(Number.POSITIVE_INFINITY);
    for (let i = 0; i < 5 * HORIZON; i++) for (const each of [scaler, other]) each.update(Float64Array.of(wave(i)), 0);
    expect(count()).toBe(HORIZON);
    expect(other.state('s')).toEqual(scaler.state('s'));
  });
});
