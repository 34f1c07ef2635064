import {
  ConformalIntervals,
  IntervalMetrics,
  type IntervalReport,
  NO_INTERVAL,
  type StateArray,
} from '../online/index.js';
import type { PendingRows } from './pending.js';

/** Intervals around what a head of numbers predicts, beside the same around the last known value. */
export class Intervals {
  /** [outputs]: of the current row; NaN where there is none. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** [outputs]: of the row scored last. */
  readonly scoredLower: Float64Array;
  readonly scoredUpper: Float64Array;
  /** [outputs]: half their width, and of the interval around the baseline; NO_INTERVAL where there was none. */
  readonly scoredHalfWidths: Float64Array;
  readonly scoredBaselineHalfWidths: Float64Array;
  private readonly model: ConformalIntervals;
  private readonly baseline: ConformalIntervals;
  private readonly metrics: IntervalMetrics;

  /**
   * @param names one an output
   * @param slots rows that can wait for their labels
   * @param coverage part of the truths that is to lie inside, 0 < coverage < 1
   */
  constructor(names: readonly string[], slots: number, coverage: number, window: number) {
    const outputs = names.length;
    this.lower = new Float64Array(outputs).fill(Number.NaN);
    this.upper = new Float64Array(outputs).fill(Number.NaN);
    this.scoredLower = new Float64Array(outputs).fill(Number.NaN);
    this.scoredUpper = new Float64Array(outputs).fill(Number.NaN);
    this.scoredHalfWidths = new Float64Array(outputs).fill(NO_INTERVAL);
    this.scoredBaselineHalfWidths = new Float64Array(outputs).fill(NO_INTERVAL);
    this.model = new ConformalIntervals(outputs, slots, coverage);
    this.baseline = new ConformalIntervals(outputs, slots, coverage);
    this.metrics = new IntervalMetrics(names, coverage, window);
  }

  /**
   * Publishes the intervals of a slot around what stands in `pending` there.
   *
   * @param isPredicted whether prediction and baseline are there and finite
   * @hot
   */
  publish(pending: PendingRows, slot: number, isPredicted: boolean): void {
    const { model, baseline } = this;
    if (isPredicted) {
      model.publish(slot);
      baseline.publish(slot);
    } else {
      model.skip(slot);
      baseline.skip(slot);
    }
    this.write(this.lower, this.upper, pending, slot);
  }

  /** Learns from the label of a slot how wide they should have been. @hot */
  judge(pending: PendingRows, slot: number, labels: Float64Array, off: number): void {
    this.model.judge(slot, pending.predictions, labels, off);
    this.baseline.judge(slot, pending.baselines, labels, off);
  }

  /** Scores what was published in a slot. @hot */
  score(pending: PendingRows, slot: number, labels: Float64Array, labelOff: number): void {
    const { model, baseline, metrics } = this;
    const off = slot * model.outputs;
    const { predictions, baselines } = pending;
    metrics.update(predictions, model.halfWidths, baselines, baseline.halfWidths, off, labels, labelOff);
    this.write(this.scoredLower, this.scoredUpper, pending, slot);
    for (let i = 0; i < model.outputs; i++) {
      this.scoredHalfWidths[i] = model.halfWidths[off + i];
      this.scoredBaselineHalfWidths[i] = baseline.halfWidths[off + i];
    }
  }

  /** @hot */
  private write(lower: Float64Array, upper: Float64Array, pending: PendingRows, slot: number): void {
    const { outputs, halfWidths } = this.model;
    for (let i = 0, off = slot * outputs; i < outputs; i++, off++) {
      const half = halfWidths[off];
      lower[i] = half === NO_INTERVAL ? Number.NaN : pending.predictions[off] - half;
      upper[i] = half === NO_INTERVAL ? Number.NaN : pending.predictions[off] + half;
    }
  }

  report(): IntervalReport {
    return this.metrics.report();
  }

  state(prefix: string): StateArray[] {
    return [
      ...this.model.state(`${prefix}.model`),
      ...this.baseline.state(`${prefix}.baseline`),
      ...this.metrics.state(`${prefix}.sums`),
    ];
  }
}
