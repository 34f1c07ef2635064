import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import '../support/seed.js';
import { RegressionMetrics, type RegressionScores } from '../../src/online/index.js';

interface Row {
  prediction: number[];
  baseline: number[];
  truth: number[];
}

const score = (metrics: RegressionMetrics, { prediction, baseline, truth }: Row) =>
  metrics.update(Float64Array.from(prediction), Float64Array.from(baseline), 0, Float64Array.from(truth), 0);

const sum = (values: readonly number[]) => values.reduce((s, value) => s + value, 0);

/** The definitions over a list of rows, each with a weight. `means` [rows, outputs]: what R² compares with. */
function scoresOf(
  rows: readonly Row[],
  of: 'prediction' | 'baseline',
  weights: readonly number[],
  means: readonly number[][],
): RegressionScores {
  const outputs = rows[0].truth.map((_, i) => {
    const residuals = rows.map((row) => row[of][i] - row.truth[i]);
    const squares = sum(residuals.map((r, k) => weights[k] * r * r));
    const deviations = sum(rows.map((row, k) => weights[k] * (row.truth[i] - means[k][i]) ** 2));
    return {
      mae: sum(residuals.map((r, k) => weights[k] * Math.abs(r))) / sum(weights),
      mse: squares / sum(weights),
      r2: deviations > 0 ? 1 - squares / deviations : null,
    };
  });
  const r2s = outputs.map(({ r2 }) => r2).filter((r2) => r2 !== null);
  return {
    mae: sum(outputs.map(({ mae }) => mae)) / outputs.length,
    rmse: Math.sqrt(sum(outputs.map(({ mse }) => mse)) / outputs.length),
    r2: r2s.length > 0 ? sum(r2s) / r2s.length : null,
  };
}

/** Row by row, the mean of the truths before it, faded by `fade` a row; of the first row its own truth. */
function meansBefore(rows: readonly Row[], fade: number): number[][] {
  return rows.map((row, k) => {
    if (k === 0) return row.truth;
    const weights = rows.slice(0, k).map((_, i) => fade ** (k - 1 - i));
    return row.truth.map((_, i) => sum(rows.slice(0, k).map(({ truth }, j) => weights[j] * truth[i])) / sum(weights));
  });
}

function expectClose(found: RegressionScores, wanted: RegressionScores): void {
  for (const key of ['mae', 'rmse', 'r2'] as const) {
    if (wanted[key] === null) expect(found[key], key).toBeNull();
    else expect(Math.abs(found[key]! - wanted[key]), key).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(wanted[key])));
  }
}

describe('regression metrics', () => {
  it('are null before the first scored row', () => {
    const none = { mae: null, rmse: null, r2: null };
    expect(new RegressionMetrics(['y'], 5).report()).toEqual({
      scored: 0,
      metrics: { ...none, skill: null },
      baseline: none,
      window: { size: 5, current: null, worst: null },
      fading: null,
      targets: [{ name: 'y', metrics: { ...none, skill: null }, baseline: none, window: null, fading: null }],
    });
  });

  it('average errors over outputs and rows', () => {
    const metrics = new RegressionMetrics(['a', 'b'], 5);
    score(metrics, { prediction: [1, 2], baseline: [0, 0], truth: [2, 5] }); // errors 1 and 3 · 2 and 5
    score(metrics, { prediction: [0, 0], baseline: [4, 0], truth: [0, 0] }); // errors 0 and 0 · 4 and 0
    const report = metrics.report();
    expect(report.scored).toBe(2);
    expect(report.metrics.mae).toBe((2 + 0) / 2);
    expect(report.metrics.rmse).toBe(Math.sqrt((5 + 0) / 2));
    expect(report.baseline.mae).toBe((3.5 + 2) / 2);
    expect(report.baseline.rmse).toBe(Math.sqrt((14.5 + 8) / 2));
    expect(report.metrics.skill).toBe(1 - 2 / 5.5);
    // Before row 2 the means were 2 and 5: squares off them 4 and 25, of the errors 1 and 9.
    expect(report.metrics.r2).toBe((1 - 1 / 4 + 1 - 9 / 25) / 2);
    expect(report.window.current).toMatchObject({ scored: 2, mae: 1, baselineMae: 2.75, skill: 1 - 2 / 5.5 });
    expect(report.window.worst).toBeNull();
    expect(report.targets.map(({ name, metrics: { mae }, baseline }) => [name, mae, baseline.mae])).toEqual([
      ['a', 0.5, 3],
      ['b', 1.5, 2.5],
    ]);
  });

  it('equal the definitions over all rows, the last ones, the worst and the faded, whatever the rows', () => {
    const number = fc.integer({ min: -50, max: 50 }).map((n) => n / 8);
    const pair = fc.tuple(number, number);
    fc.assert(
      fc.property(
        fc.array(fc.record({ prediction: pair, baseline: pair, truth: pair }), { minLength: 1, maxLength: 40 }),
        fc.integer({ min: 1, max: 12 }),
        (rows, size) => {
          const metrics = new RegressionMetrics(['a', 'b'], size);
          for (const row of rows) score(metrics, row);
          const report = metrics.report();
          const fade = 1 - 1 / size;
          const ones = rows.map(() => 1);
          const faded = rows.map((_, i) => fade ** (rows.length - 1 - i));
          const means = meansBefore(rows, 1);
          const recent = meansBefore(rows, fade);
          const last = Math.max(0, rows.length - size);
          const baselineOf = (w: NonNullable<typeof report.fading>) => ({
            mae: w.baselineMae,
            rmse: w.baselineRmse,
            r2: w.baselineR2,
          });
          expectClose(report.metrics, scoresOf(rows, 'prediction', ones, means));
          expectClose(report.baseline, scoresOf(rows, 'baseline', ones, means));
          const window = report.window.current!;
          const slices = [rows.slice(last), ones.slice(last), recent.slice(last)] as const;
          expect(window.scored).toBe(rows.length - last);
          expectClose(window, scoresOf(slices[0], 'prediction', slices[1], slices[2]));
          expectClose(baselineOf(window), scoresOf(slices[0], 'baseline', slices[1], slices[2]));
          const fading = report.fading!;
          expect(fading.scored).toBeCloseTo(sum(faded), 9);
          expectClose(fading, scoresOf(rows, 'prediction', faded, recent));
          expectClose(baselineOf(fading), scoresOf(rows, 'baseline', faded, recent));

          const only = (i: number) =>
            rows.map((row) => ({
              prediction: [row.prediction[i]],
              baseline: [row.baseline[i]],
              truth: [row.truth[i]],
            }));
          report.targets.forEach((target, i) => {
            const own = only(i);
            expectClose(target.metrics, scoresOf(own, 'prediction', ones, meansBefore(own, 1)));
            expectClose(target.fading!, scoresOf(own, 'prediction', faded, meansBefore(own, fade)));
          });

          const maes = rows.slice(size - 1).map((_, i) => {
            const part = rows.slice(i, i + size);
            return scoresOf(
              part,
              'prediction',
              part.map(() => 1),
              part.map(({ truth }) => truth),
            ).mae!;
          });
          if (rows.length < size) expect(report.window.worst).toBeNull();
          else expect(report.window.worst!.mae).toBeCloseTo(Math.max(...maes), 12);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('of all rows, R² comes to that of the textbook, which knows the mean beforehand', () => {
    const metrics = new RegressionMetrics(['y'], 10);
    const truths = Array.from({ length: 20_000 }, (_, i) => ((i * 7919) % 1009) / 100);
    const errors = truths.map((_, i) => ((i * 104729) % 211) / 200);
    truths.forEach((y, i) => {
      score(metrics, { prediction: [y + errors[i]], baseline: [0], truth: [y] });
    });
    const mean = sum(truths) / truths.length;
    const textbook = 1 - sum(errors.map((e) => e * e)) / sum(truths.map((y) => (y - mean) ** 2));
    expect(metrics.report().metrics.r2).toBeCloseTo(textbook, 3);
  });

  it('read prediction and baseline at one offset, truth at another', () => {
    const metrics = new RegressionMetrics(['y'], 1);
    metrics.update(Float64Array.of(9, 1), Float64Array.of(9, 2), 1, Float64Array.of(9, 9, 4), 2);
    expect(metrics.report().metrics.mae).toBe(3);
    expect(metrics.report().baseline.mae).toBe(2);
  });

  it('have no skill against a perfect baseline, and no R² where truth has not varied', () => {
    const metrics = new RegressionMetrics(['y'], 1);
    for (let i = 0; i < 3; i++) score(metrics, { prediction: [1], baseline: [2], truth: [2] });
    expect(metrics.report().metrics).toEqual({ mae: 1, rmse: 1, r2: null, skill: null });
    expect(metrics.report().window.worst).toMatchObject({ scored: 1, mae: 1, baselineMae: 0, skill: null });
  });
});
