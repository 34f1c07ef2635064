import { describe, expect, it } from 'vitest';
import { ClassificationMetrics, RegressionMetrics } from '../../src/online/index.js';

describe('regression metrics', () => {
  const score = (metrics: RegressionMetrics, prediction: number[], baseline: number[], truth: number[]) =>
    metrics.update(Float64Array.from(prediction), Float64Array.from(baseline), 0, Float64Array.from(truth), 0);

  it('are null before the first scored row', () => {
    expect(new RegressionMetrics(1, 5).report()).toEqual({
      scored: 0,
      metrics: { mae: null, rmse: null, skill: null },
      baseline: { mae: null, rmse: null },
      window: { size: 5, current: null, worst: null },
    });
  });

  it('average errors over outputs, then over rows', () => {
    const metrics = new RegressionMetrics(2, 5);
    score(metrics, [1, 2], [0, 0], [2, 5]); // errors 1 and 3 · 2 and 5
    score(metrics, [0, 0], [4, 0], [0, 0]); // errors 0 and 0 · 4 and 0
    const report = metrics.report();
    expect(report.scored).toBe(2);
    expect(report.metrics.mae).toBe((2 + 0) / 2);
    expect(report.metrics.rmse).toBe(Math.sqrt((5 + 0) / 2));
    expect(report.baseline.mae).toBe((3.5 + 2) / 2);
    expect(report.baseline.rmse).toBe(Math.sqrt((14.5 + 8) / 2));
    expect(report.metrics.skill).toBe(1 - 2 / 5.5);
    expect(report.window.current).toEqual({ scored: 2, mae: 1, baselineMae: 2.75, skill: 1 - 2 / 5.5 });
    expect(report.window.worst).toBeNull();
  });

  it('read prediction and baseline at one offset, truth at another', () => {
    const metrics = new RegressionMetrics(1, 1);
    metrics.update(Float64Array.of(9, 1), Float64Array.of(9, 2), 1, Float64Array.of(9, 9, 4), 2);
    expect(metrics.report().metrics.mae).toBe(3);
    expect(metrics.report().baseline.mae).toBe(2);
  });

  it('have no skill against a perfect baseline', () => {
    const metrics = new RegressionMetrics(1, 1);
    score(metrics, [1], [2], [2]);
    expect(metrics.report().metrics).toEqual({ mae: 1, rmse: 1, skill: null });
    expect(metrics.report().window.worst).toEqual({ scored: 1, mae: 1, baselineMae: 0, skill: null });
  });
});

describe('classification metrics', () => {
  it('are null before the first scored row', () => {
    expect(new ClassificationMetrics(3, 5).report()).toEqual({
      scored: 0,
      metrics: { accuracy: null, kappa: null, kappaLastClass: null },
      baseline: { accuracy: null },
      window: { size: 5, current: null, worst: null },
    });
  });

  it('give accuracy, both kappas and windows', () => {
    const metrics = new ClassificationMetrics(2, 4);
    // The textbook's table: 20 and 5 of the first class, 10 and 15 of the second; kappa 0.4.
    const rows = [
      ...Array.from({ length: 20 }, () => [0, 0]),
      ...Array.from({ length: 5 }, () => [0, 1]),
      ...Array.from({ length: 10 }, () => [1, 0]),
      ...Array.from({ length: 15 }, () => [1, 1]),
    ];
    rows.forEach(([truth, prediction], i) => {
      metrics.update(prediction!, i % 2, truth!);
    });
    const { metrics: scores, baseline, scored, window } = metrics.report();
    expect(scored).toBe(50);
    expect(scores.accuracy).toBe(35 / 50);
    expect(scores.kappa).toBeCloseTo(0.4, 14);
    expect(baseline.accuracy).toBe(26 / 50); // 13 of 25 zeros, 13 of 25 ones
    expect(scores.kappaLastClass).toBe((35 - 26) / (50 - 26));
    expect(window.current).toEqual({ scored: 4, accuracy: 1, baselineAccuracy: 0.5 });
    expect(window.worst).toEqual({ scored: 4, accuracy: 0, baselineAccuracy: 0.5 });
  });

  it('have no kappa where chance, or the baseline, is always right', () => {
    const metrics = new ClassificationMetrics(2, 1);
    metrics.update(1, 1, 1);
    expect(metrics.report().metrics).toEqual({ accuracy: 1, kappa: null, kappaLastClass: null });
  });
});
