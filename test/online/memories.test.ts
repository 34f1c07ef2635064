import { describe, expect, it } from 'vitest';
import {
  ConformalIntervals,
  DRIFT,
  PageHinkley,
  ReplayMemory,
  RobustScale,
  RunningScaler,
} from '../../src/online/index.js';

// How long the parts that forget remember: each is compared with its closed form.

describe('scaler', () => {
  it('has taken over 1 − 1/e of a change after 8192 rows', () => {
    const scaler = new RunningScaler(1);
    const feed = (level: number, rows: number) => {
      for (let i = 0; i < rows; i++) scaler.update(Float64Array.of(level + (i % 2 === 0 ? 1 : -1)), 0);
    };
    // From where two values are put: z = (x − mean) / deviation.
    const mean = () => {
      const z = new Float64Array(2);
      for (const x of [0, 1]) scaler.standardise(z.subarray(x), Float64Array.of(x), 0);
      return -z[0] / (z[1] - z[0]);
    };
    feed(0, 3 * 8192);
    expect(mean()).toBeCloseTo(0, 3);
    feed(1, 8192);
    expect(mean()).toBeCloseTo(1 - Math.exp(-1), 2);
  });
});

describe('usual size of errors', () => {
  it('has taken over 1 − 1/e of a change after 1000 rows', () => {
    const scale = new RobustScale(1);
    for (let i = 0; i < 3000; i++) scale.update(Float64Array.of(1));
    for (let i = 0; i < 1000; i++) scale.update(Float64Array.of(2));
    const mean = scale.state('x').find(({ name }) => name === 'x.mean')!.data[0];
    expect(mean).toBeCloseTo(2 - Math.exp(-1), 2);
  });
});

/** Where m ← α·m + (x − x̄ − δ) has risen by λ above its least, as the paper has it. */
function firstDrift(values: readonly number[], { alpha = 0.9999, delta = 0.005, lambda = 50, grace = 30 }): number {
  let [mean, m, least] = [0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    mean += (values[i] - mean) / (i + 1);
    m = alpha * m + (values[i] - mean - delta);
    least = Math.min(least, m);
    if (i + 1 >= grace && m - least > lambda) return i;
  }
  return -1;
}

describe('Page–Hinkley', () => {
  // A slow rise: the less of a sum is left after a value, the later it is noticed.
  const values = Array.from({ length: 60_000 }, (_, i) => (i < 30_000 ? 0 : 0.025));
  const noticed = (options: { alpha?: number }) => {
    const detector = new PageHinkley({ scale: 1, direction: 'up', ...options });
    return values.findIndex((value) => detector.update(Float64Array.of(value)) === DRIFT);
  };

  it.each([undefined, 1, 0.99995, 0.9999, 0.9998])('with α = %s drift is noticed where the formula says', (alpha) => {
    expect(noticed({ alpha })).toBe(firstDrift(values, { alpha }));
  });

  it('goes by α: each of these notices elsewhere, and a short memory never', () => {
    const rows = [1, 0.99995, 0.9999, 0.9998, 0.99].map((alpha) => firstDrift(values, { alpha }));
    expect(new Set(rows).size).toBe(5);
    expect(rows[4]).toBe(-1);
  });
});

describe('intervals', () => {
  it('remember the largest residual for about a thousand labels', () => {
    const intervals = new ConformalIntervals(1, 1, 0.9);
    const judge = (residual: number) => {
      intervals.publish(0);
      intervals.judge(0, Float64Array.of(residual), Float64Array.of(0), 0);
    };
    for (let i = 0; i < 20; i++) judge(1);
    judge(100);
    const largest = () => intervals.state('x').find(({ name }) => name === 'x.scalars')!.data[5];
    expect(largest()).toBe(100);
    for (let i = 0; i < 1000; i++) judge(1);
    expect(largest()).toBeCloseTo(100 * 0.999 ** 1000, 6);
  });
});

describe('reservoir', () => {
  it('keeps every row offered with the same chance', () => {
    const [capacity, offered, runs] = [2, 5, 6000];
    const kept = new Array<number>(offered).fill(0);
    for (let seed = 0; seed < runs; seed++) {
      const rows = new Float32Array(2 * capacity);
      const memory = new ReplayMemory({ capacity, policy: 'reservoir', inputs: 1, width: 1, seed, rows });
      for (let i = 0; i < offered; i++) memory.offer(Float32Array.of(i), 0, Float64Array.of(0), 0);
      for (let place = 0; place < capacity; place++) kept[rows[2 * place]]++;
    }
    // Five standard deviations of a share.
    const margin = 5 * Math.sqrt((0.4 * 0.6) / runs);
    for (const [row, times] of kept.entries()) {
      expect(Math.abs(times / runs - capacity / offered), `row ${row}: ${times}`).toBeLessThan(margin);
    }
  });
});
