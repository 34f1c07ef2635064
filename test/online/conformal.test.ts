import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { ConformalIntervals, IntervalMetrics, NO_INTERVAL } from '../../src/online/index.js';

const ROWS = 6000;
/** Rows at the start that are not scored. */
const WARMUP = 100;

/** Normal-like noise: the sum of twelve uniforms less six. */
function noise(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.uniform();
  return sum;
}

/** Residuals by row, for a prediction of 0. */
const STREAMS: Record<string, (random: Random, i: number) => number> = {
  'steady noise': (random) => noise(random),
  'a level shift that is learned within a hundred rows': (random, i) =>
    noise(random) + (i % 2000 < 100 ? 30 * (1 - (i % 2000) / 100) : 0),
  'noise that grows tenfold': (random, i) => noise(random) * (i > ROWS / 2 ? 10 : 1),
  'noise that shrinks tenfold': (random, i) => noise(random) * (i > ROWS / 2 ? 0.1 : 1),
  'noise of a size that comes and goes': (random, i) => noise(random) * (1 + 0.8 * (((i % 1000) - 500) / 500)),
  'tails so heavy that there is no mean': (random) => noise(random) / noise(random),
  'skewed noise': (random) => 1 / (0.01 + random.uniform()),
  'bursts of twenty times the noise': (random, i) => noise(random) * (i % 1500 < 300 ? 20 : 1),
  'noise of 10⁻³⁰': (random) => 1e-30 * noise(random),
  'noise of 10³⁰': (random) => 1e30 * noise(random),
};

interface Outcome {
  covered: number;
  width: number;
  /** Half-widths as published, row by row. */
  halfWidths: number[];
}

/** Publishes for every row, and judges every row `delay` rows later. */
function run(residualOf: (random: Random, i: number) => number, delay: number, coverage: number): Outcome {
  const slots = delay + 1;
  const intervals = new ConformalIntervals(1, slots, coverage);
  const predictions = new Float64Array(slots);
  const labels = new Float64Array(slots);
  const random = new Random(11);
  const halfWidths: number[] = [];
  let covered = 0;
  let width = 0;
  let scored = 0;
  for (let i = 0; i < ROWS; i++) {
    const old = (i + 1) % slots; // of row i − delay
    if (i >= delay) intervals.judge(old, predictions, labels, old);
    const slot = (i + 1 + delay) % slots;
    labels[slot] = residualOf(random, i);
    intervals.publish(slot);
    const half = intervals.halfWidths[slot];
    halfWidths.push(half);
    expect(Number.isFinite(half)).toBe(true);
    if (i < WARMUP + delay) continue;
    scored++;
    width += 2 * half;
    if (Math.abs(labels[slot]) <= half) covered++;
  }
  return { covered: covered / scored, width: width / scored, halfWidths };
}

describe('conformal intervals', () => {
  for (const [name, residualOf] of Object.entries(STREAMS)) {
    it.each([
      [1, 0.9],
      [60, 0.9],
      [1, 0.5],
      [1, 0.99],
    ])(`${name}: labels %i rows late, ${'cover'} %d of the truths`, (delay, coverage) => {
      const tolerance = coverage === 0.99 ? 0.01 : 0.02;
      expect(Math.abs(run(residualOf, delay, coverage).covered - coverage)).toBeLessThanOrEqual(tolerance);
    });
  }

  it('are hardly wider than the quantile of steady noise is', () => {
    // 90 % of a sum of twelve uniforms lie within 1.64 of its mean.
    expect(run(STREAMS['steady noise'], 1, 0.9).width).toBeLessThan(1.05 * 2 * 1.64);
    expect(run(STREAMS['steady noise'], 60, 0.9).width).toBeLessThan(1.05 * 2 * 1.64);
  });

  it('shrink to nothing on a target that is always met, and find the noise again within a hundred rows', () => {
    const { halfWidths } = run((random, i) => (i < 3000 ? 0 : noise(random)), 1, 0.9);
    expect(halfWidths[2999]).toBe(0);
    expect(Math.max(...halfWidths.slice(3000, 3100))).toBeGreaterThan(1.3);
    expect(run(() => 0, 60, 0.9)).toMatchObject({ covered: 1, width: 0 });
  });

  it('are never wider than the largest residual there has been', () => {
    const { halfWidths } = run((random, i) => (i % 500 < 250 ? 3 : 0.1 * noise(random)), 60, 0.9);
    expect(Math.max(...halfWidths)).toBeLessThanOrEqual(3);
  });

  it('do not follow a single wild residual', () => {
    const { halfWidths } = run((random, i) => (i === 3000 ? 1e38 : noise(random)), 1, 0.9);
    expect(Math.max(...halfWidths.slice(3000, 3200))).toBeLessThan(2 * halfWidths[2999]);
    // Two hundred in a row are no longer wild.
    const moved = run((random, i) => (i >= 3000 ? 1e6 + noise(random) : noise(random)), 1, 0.9);
    expect(moved.halfWidths[3060]).toBeGreaterThan(1e6 - 10);
  });

  it('are not there before ten labels, nor where nothing was predicted, and each output has its own', () => {
    const intervals = new ConformalIntervals(2, 1, 0.9);
    for (let i = 0; i < 10; i++) {
      intervals.publish(0);
      expect([...intervals.halfWidths]).toEqual([NO_INTERVAL, NO_INTERVAL]);
      intervals.judge(0, Float64Array.of(0, 0), Float64Array.of(9, 1, -100), 1);
    }
    intervals.publish(0);
    expect(intervals.halfWidths[0]).toBe(1);
    expect(intervals.halfWidths[1]).toBe(100);
    const before = intervals.state('').map(({ data }) => data.slice());
    intervals.skip(0);
    expect([...intervals.halfWidths]).toEqual([NO_INTERVAL, NO_INTERVAL]);
    intervals.judge(0, Float64Array.of(0, 0), Float64Array.of(5, 5), 0);
    expect(intervals.state('')[2].data).toEqual(before[2]);
  });
});

describe('interval metrics', () => {
  const score = (metrics: IntervalMetrics, half: [number, number], truth: [number, number]) =>
    metrics.update(
      Float64Array.of(0, 0, 10),
      Float64Array.of(0, ...half),
      Float64Array.of(0, 1, 11),
      Float64Array.of(0, 1, 1),
      1,
      Float64Array.of(...truth),
      0,
    );

  it('count truths inside, ends included, and mean widths, over outputs, windows and each output', () => {
    const metrics = new IntervalMetrics(['a', 'b'], 0.9, 2);
    expect(metrics.report()).toMatchObject({ coverage: 0.9, scored: 0, covered: null, width: null });
    score(metrics, [1, 2], [1, 12]); // at the ends: both in · baseline 0 … 2 and 10 … 12: both in
    score(metrics, [1, 2], [-1.5, 13]); // both out · both out
    score(metrics, [3, NO_INTERVAL], [0, 10]); // one has none: not counted
    score(metrics, [3, 4], [2, 15]); // in, out · in, out
    const report = metrics.report();
    expect(report).toMatchObject({ scored: 3, covered: 0.5, baselineCovered: 0.5, baselineWidth: 2 });
    expect(report.width).toBeCloseTo((2 + 4 + 2 + 4 + 6 + 8) / 6, 14);
    expect(report.window.current).toMatchObject({ scored: 2, covered: 0.25, width: (2 + 4 + 6 + 8) / 4 });
    expect(report.window.worst).toMatchObject({ scored: 2, covered: 0.25 });
    expect(report.targets.map(({ name, scored }) => [name, scored])).toEqual([
      ['a', 3],
      ['b', 3],
    ]);
    expect(report.targets[0].covered).toBeCloseTo(2 / 3, 14);
    expect(report.targets[1].covered).toBeCloseTo(1 / 3, 14);
  });
});
