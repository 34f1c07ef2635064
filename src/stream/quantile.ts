import { QuantileMetrics, type RegressionReport, type StateArray } from '../online/index.js';
import type { PendingRows } from './pending.js';
import { RegressionHead } from './regression.js';

/**
 * Numbers by their quantiles: an output for each quantile of each target, quantile loss. What is scored as the prediction is
 * the quantile nearest the median. Published quantiles never cross: they are sorted.
 */
export class QuantileHead extends RegressionHead {
  private readonly count: number;
  /** Index of the quantile nearest ½. */
  private readonly middle: number;
  private readonly quantileMetrics: QuantileMetrics;
  /** [slots, targets, quantiles]: as published. */
  private readonly published: Float64Array;
  /** [targets] each, of one quantile. */
  private readonly standardised: Float64Array;
  private readonly values: Float64Array;
  /** [2, targets]: of the two that `writeLosses` compares. */
  private readonly middles: Float64Array;

  /** @param quantiles ascending */
  constructor(names: readonly string[], window: number, slots: number, interval: number, quantiles: readonly number[]) {
    super(names, window, slots, interval, quantiles.length);
    this.count = quantiles.length;
    const distances = quantiles.map((quantile) => Math.abs(quantile - 0.5));
    this.middle = distances.indexOf(Math.min(...distances));
    this.quantileMetrics = new QuantileMetrics(Float64Array.from(quantiles), names.length, window);
    this.published = new Float64Array(slots * this.outputs);
    this.standardised = new Float64Array(names.length);
    this.values = new Float64Array(names.length);
    this.middles = new Float64Array(2 * names.length);
  }

  /** @hot */
  override unscale(to: Float64Array, off: number, output: Float32Array | Float64Array): void {
    const { count, width, standardised, values } = this;
    for (let q = 0; q < count; q++) {
      for (let i = 0; i < width; i++) standardised[i] = output[i * count + q];
      this.scaler.inverse(values, standardised);
      for (let i = 0; i < width; i++) to[off + i * count + q] = values[i];
    }
  }

  /** Every quantile is the last known value. @hot */
  override writeNaive(to: Float64Array, off: number): void {
    const { count, outputs, latest } = this;
    for (let i = 0, k = 0; k < outputs; i++) for (let q = 0; q < count; q++, k++) to[off + k] = latest[i];
  }

  /** By the quantile nearest the median. @hot */
  override writeLosses(
    losses: Float64Array,
    predictions: Float64Array,
    off: number,
    labels: Float64Array,
    at: number,
    limit: number,
  ): void {
    const { count, middle, middles } = this;
    for (let k = 0; k < middles.length; k++) middles[k] = predictions[off + k * count + middle];
    super.writeLosses(losses, middles, 0, labels, at, limit);
  }

  /** @hot */
  override publish(pending: PendingRows, slot: number): boolean {
    const { count, width, outputs, middle, prediction, point, published } = this;
    for (let i = 0; i < width; i++) {
      this.sort(i * count);
      point[i] = prediction[i * count + middle];
    }
    let finite = true;
    for (let k = 0, off = slot * outputs; k < outputs; k++, off++) {
      if (!Number.isFinite(prediction[k])) finite = false;
      published[off] = Number.isFinite(prediction[k]) ? prediction[k] : 0;
    }
    return super.publish(pending, slot) && finite;
  }

  /** Sorts the quantiles of a target, which start at `from`: insertion sort, for few that are nearly sorted. @hot */
  private sort(from: number): void {
    const { count, prediction } = this;
    for (let q = 1; q < count; q++) {
      for (let k = from + q; k > from && prediction[k - 1] > prediction[k]; k--) {
        const larger = prediction[k - 1];
        prediction[k - 1] = prediction[k];
        prediction[k] = larger;
      }
    }
  }

  /** @hot */
  override score(pending: PendingRows, slot: number, labels: Float64Array, labelOff: number): void {
    super.score(pending, slot, labels, labelOff);
    const { outputs, width, published, quantileMetrics } = this;
    quantileMetrics.update(published, slot * outputs, pending.baselines, slot * width, labels, labelOff);
  }

  override report(): RegressionReport {
    return { ...super.report(), quantiles: this.quantileMetrics.report() };
  }

  override scores(prefix: string): StateArray[] {
    const { published, width, count } = this;
    return [
      ...super.scores(prefix),
      ...this.quantileMetrics.state(`${prefix}.quantiles`),
      { name: `${prefix}.published`, shape: [published.length / (width * count), width, count], data: published },
    ];
  }
}
