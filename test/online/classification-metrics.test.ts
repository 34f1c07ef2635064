import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import '../support/seed.js';
import { ClassificationMetrics, type ClassificationScores } from '../../src/online/index.js';

interface Row {
  truth: number;
  prediction: number;
  baseline: number;
  /** What was given to the true class, by model and baseline. */
  p: [number, number];
}

const score = (metrics: ClassificationMetrics, { truth, prediction, baseline, p }: Row) =>
  metrics.update(prediction, baseline, truth, Float64Array.from(p));

const sum = (values: readonly number[]) => values.reduce((s, value) => s + value, 0);
const mean = (values: readonly number[]) => (values.length > 0 ? sum(values) / values.length : null);

/** The definitions, as scikit-learn has them: accuracy_score, balanced_accuracy_score, cohen_kappa_score, f1_score, log_loss. */
function scoresOf(
  rows: readonly Row[],
  of: 'prediction' | 'baseline',
  classes: number,
  weights: readonly number[] = rows.map(() => 1),
): ClassificationScores {
  const weigh = (isIn: (row: Row) => boolean) => sum(rows.map((row, i) => (isIn(row) ? weights[i] : 0)));
  const total = sum(weights);
  const each = Array.from({ length: classes }, (_, c) => ({
    truths: weigh((row) => row.truth === c),
    predicted: weigh((row) => row[of] === c),
    right: weigh((row) => row.truth === c && row[of] === c),
  }));
  const accuracy = sum(each.map(({ right }) => right)) / total;
  const chance = sum(each.map(({ truths, predicted }) => (truths / total) * (predicted / total)));
  const losses = rows.map(({ p }) => -Math.log(Math.max(1e-15, p[of === 'prediction' ? 0 : 1])));
  return {
    accuracy,
    balancedAccuracy: mean(each.filter(({ truths }) => truths > 0).map(({ right, truths }) => right / truths)),
    kappa: chance < 1 - 1e-9 ? (accuracy - chance) / (1 - chance) : null,
    f1: mean(
      each
        .filter(({ truths, predicted }) => truths + predicted > 0)
        .map(({ right, truths, predicted }) => {
          const precision = predicted > 0 ? right / predicted : 0;
          const recall = truths > 0 ? right / truths : 0;
          return right > 0 ? (2 * precision * recall) / (precision + recall) : 0;
        }),
    ),
    logLoss: sum(losses.map((loss, i) => weights[i] * loss)) / total,
  };
}

function expectClose(found: ClassificationScores, wanted: ClassificationScores, digits = 10): void {
  for (const key of ['accuracy', 'balancedAccuracy', 'kappa', 'f1', 'logLoss'] as const) {
    if (wanted[key] === null) expect(found[key], key).toBeNull();
    else expect(found[key], key).toBeCloseTo(wanted[key], digits);
  }
}

describe('classification metrics', () => {
  it('are null before the first scored row', () => {
    const none = { accuracy: null, balancedAccuracy: null, kappa: null, f1: null, logLoss: null };
    expect(new ClassificationMetrics(3, 5).report()).toMatchObject({
      scored: 0,
      metrics: { ...none, kappaLastClass: null },
      baseline: none,
      window: { size: 5, current: null, worst: null },
      fading: null,
    });
  });

  it('give what the textbook gives for its table', () => {
    const metrics = new ClassificationMetrics(2, 4);
    // 20 and 5 of the first class, 10 and 15 of the second; kappa 0.4.
    const rows = [
      ...Array.from({ length: 20 }, () => [0, 0]),
      ...Array.from({ length: 5 }, () => [0, 1]),
      ...Array.from({ length: 10 }, () => [1, 0]),
      ...Array.from({ length: 15 }, () => [1, 1]),
    ];
    rows.forEach(([truth, prediction], i) => {
      score(metrics, { truth, prediction, baseline: i % 2, p: [truth === prediction ? 0.8 : 0.2, 0.5] });
    });
    const { metrics: scores, baseline, scored, window, classes, confusion } = metrics.report();
    expect(scored).toBe(50);
    expect(confusion).toEqual([
      [20, 5],
      [10, 15],
    ]);
    expect(scores.accuracy).toBe(35 / 50);
    expect(scores.balancedAccuracy).toBeCloseTo((20 / 25 + 15 / 25) / 2, 14);
    expect(scores.kappa).toBeCloseTo(0.4, 14);
    expect(scores.f1).toBeCloseTo((40 / 55 + 30 / 45) / 2, 14);
    expect(scores.logLoss).toBeCloseTo(-(35 * Math.log(0.8) + 15 * Math.log(0.2)) / 50, 14);
    expect(baseline.logLoss).toBeCloseTo(Math.LN2, 14);
    expect(baseline.accuracy).toBe(26 / 50); // 13 of 25 zeros, 13 of 25 ones
    expect(scores.kappaLastClass).toBe((35 - 26) / (50 - 26));
    expect(classes[1]).toMatchObject({ rows: 25, predicted: 20, recall: 15 / 25, precision: 15 / 20, f1: 30 / 45 });
    expect(classes[1]).toMatchObject({ baselineRecall: 13 / 25, window: { rows: 4, recall: 1 } });
    expect(window.current).toMatchObject({ scored: 4, accuracy: 1, baselineAccuracy: 0.5, kappaLastClass: 1 });
    expect(window.worst).toMatchObject({ scored: 4, accuracy: 0, baselineAccuracy: 0.5 });
  });

  it('equal the definitions over all rows, the last ones and the faded, whatever the rows', () => {
    const of = fc.nat(2);
    const p = fc.integer({ min: 0, max: 64 }).map((n) => n / 64);
    fc.assert(
      fc.property(
        fc.array(fc.record({ truth: of, prediction: of, baseline: of, p: fc.tuple(p, p) }), {
          minLength: 1,
          maxLength: 40,
        }),
        fc.integer({ min: 1, max: 12 }),
        (rows, size) => {
          const metrics = new ClassificationMetrics(3, size);
          for (const row of rows) score(metrics, row);
          const report = metrics.report();
          expectClose(report.metrics, scoresOf(rows, 'prediction', 3));
          expectClose(report.baseline, scoresOf(rows, 'baseline', 3));
          const baselineOf = (w: NonNullable<typeof report.fading>): ClassificationScores => ({
            accuracy: w.baselineAccuracy,
            balancedAccuracy: w.baselineBalancedAccuracy,
            kappa: w.baselineKappa,
            f1: w.baselineF1,
            logLoss: w.baselineLogLoss,
          });
          const last = rows.slice(Math.max(0, rows.length - size));
          const window = report.window.current!;
          expect(window.scored).toBe(last.length);
          expectClose(window, scoresOf(last, 'prediction', 3));
          expectClose(baselineOf(window), scoresOf(last, 'baseline', 3));
          // By a window of one row nothing is left of those before; elsewhere every row counts a little.
          const weights = rows.map((_, i) => (1 - 1 / size) ** (rows.length - 1 - i));
          if (size > 1) {
            expectClose(report.fading!, scoresOf(rows, 'prediction', 3, weights), 8);
            expectClose(baselineOf(report.fading!), scoresOf(rows, 'baseline', 3, weights), 8);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('have no kappa where chance, or the baseline, is always right', () => {
    const metrics = new ClassificationMetrics(2, 3);
    for (let i = 0; i < 2000; i++) score(metrics, { truth: 1, prediction: 1, baseline: 1, p: [1, 1] });
    const { metrics: scores, fading } = metrics.report();
    expect(scores).toMatchObject({ accuracy: 1, kappa: null, kappaLastClass: null, logLoss: 0 });
    expect(fading).toMatchObject({ kappa: null, kappaLastClass: null });
  });

  it('count the last of 256 classes as any other, and a certainty that was wrong as 10⁻¹⁵', () => {
    const metrics = new ClassificationMetrics(256, 1);
    score(metrics, { truth: 255, prediction: 255, baseline: 0, p: [0, 0] });
    score(metrics, { truth: 255, prediction: 0, baseline: 255, p: [Number.MIN_VALUE, 1] });
    const { window, metrics: scores, baseline } = metrics.report();
    expect(window.current).toMatchObject({ scored: 1, accuracy: 0, baselineAccuracy: 1, baselineF1: 1 });
    expect(scores.logLoss).toBeCloseTo(-Math.log(1e-15), 12);
    expect(baseline.logLoss).toBeCloseTo(-Math.log(1e-15) / 2, 12);
  });
});
