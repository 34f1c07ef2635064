import type { Mixture } from '../engine/index.js';
import { RegressionMetrics, type RegressionReport, RunningScaler, type StateArray } from '../online/index.js';
import { Intervals } from './intervals.js';
import type { PendingRows } from './pending.js';
import type { TaskHead } from './task-head.js';

/** Watchers of the loss see no larger error than this, in deviations of the target. */
const WORST_ERROR = 3;

/** Numbers: squared error on standardised targets, last known value as baseline. */
export class RegressionHead implements TaskHead {
  readonly width: number;
  readonly outputs: number;
  prediction: Float64Array;
  /** [width]: what is published of it, one value a target. */
  point: Float64Array;
  readonly truth: Float64Array;
  readonly scoredPrediction: Float64Array;
  readonly scoredBaseline: Float64Array;
  readonly intervals: Intervals | undefined;
  protected readonly scaler: RunningScaler;
  private readonly metrics: RegressionMetrics;
  protected latest: Float64Array;
  private readonly hasLatest = new Int32Array(1);

  /**
   * @param names of the target values
   * @param slots rows that can wait for their labels
   * @param interval coverage of the intervals; 0: none
   * @param perTarget outputs of a network for each target value
   */
  constructor(names: readonly string[], window: number, slots: number, interval: number, perTarget = 1) {
    const width = names.length;
    this.width = width;
    this.outputs = width * perTarget;
    this.prediction = new Float64Array(this.outputs);
    this.point = perTarget === 1 ? this.prediction : new Float64Array(width);
    this.truth = new Float64Array(width);
    this.scoredPrediction = new Float64Array(width);
    this.scoredBaseline = new Float64Array(width);
    this.latest = new Float64Array(width);
    this.scaler = new RunningScaler(width);
    this.metrics = new RegressionMetrics(names, window);
    this.intervals = interval > 0 ? new Intervals(names, slots, interval, window) : undefined;
  }

  /** @hot */
  receive(labels: Float64Array, off: number): void {
    for (let i = 0; i < this.width; i++) this.latest[i] = labels[off + i];
    this.hasLatest[0] = 1;
  }

  /** @hot */
  learnScale(labels: Float64Array, off: number): void {
    this.scaler.update(labels, off);
  }

  /** @hot */
  writeTarget(target: Float32Array, labels: Float64Array, off: number): void {
    this.scaler.standardise(target, labels, off);
  }

  /** @hot */
  unscale(to: Float64Array, off: number, output: Float32Array | Float64Array): void {
    this.scaler.inverse(to, output, off);
  }

  moveTo(mixture: Mixture): void {
    this.scaler.moveTo(mixture.mean, mixture.deviation);
    this.prediction = mixture.prediction;
    this.point = mixture.prediction;
    this.latest = mixture.naive;
  }

  /** The last known value stands there. */
  tellNaive(): void {}

  /** @hot */
  writeLabel(to: Float64Array, labels: Float64Array, off: number): void {
    for (let i = 0; i < this.width; i++) to[i] = labels[off + i];
  }

  /** @hot */
  writeNaive(to: Float64Array, off: number): void {
    for (let i = 0; i < this.width; i++) to[off + i] = this.latest[i];
  }

  /** @hot */
  writeLosses(
    losses: Float64Array,
    predictions: Float64Array,
    off: number,
    labels: Float64Array,
    at: number,
    limit: number,
  ): void {
    this.scaler.writeLosses(losses, predictions, off, labels, at, limit);
  }

  /** The mean of |error| in deviations of the target, each cut at WORST_ERROR, as a share of that. @hot */
  writeError(error: Float64Array, pending: PendingRows, slot: number, labels: Float64Array, off: number): void {
    this.scaler.writeLosses(error, pending.predictions, slot * this.width, labels, off, WORST_ERROR);
    error[0] = error[0] / WORST_ERROR;
  }

  forgetScale(rows: number): void {
    this.scaler.forget(rows);
  }

  /** @hot */
  publish(pending: PendingRows, slot: number): boolean {
    const { width, point, latest } = this;
    const { predictions, baselines } = pending;
    let finite = true;
    for (let i = 0, off = slot * width; i < width; i++, off++) {
      const p = point[i];
      if (!Number.isFinite(p)) finite = false;
      predictions[off] = Number.isFinite(p) ? p : 0;
      baselines[off] = latest[i];
    }
    this.intervals?.publish(pending, slot, finite && this.knowsLabel());
    return finite;
  }

  /** @hot */
  judge(pending: PendingRows, slot: number, labels: Float64Array, off: number): void {
    this.intervals?.judge(pending, slot, labels, off);
  }

  judgeNaive(): void {}

  /** @hot */
  knowsLabel(): boolean {
    return this.hasLatest[0] === 1;
  }

  /** @hot */
  score(pending: PendingRows, slot: number, labels: Float64Array, labelOff: number): void {
    const { width } = this;
    const { predictions, baselines } = pending;
    const off = slot * width;
    this.metrics.update(predictions, baselines, off, labels, labelOff);
    this.intervals?.score(pending, slot, labels, labelOff);
    for (let i = 0; i < width; i++) {
      this.truth[i] = labels[labelOff + i];
      this.scoredPrediction[i] = predictions[off + i];
      this.scoredBaseline[i] = baselines[off + i];
    }
  }

  report(): RegressionReport {
    return { ...this.metrics.report(), interval: this.intervals?.report() ?? null };
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.latest`, shape: [this.width], data: this.latest },
      { name: `${prefix}.hasLatest`, shape: [1], data: this.hasLatest },
      ...this.scale(prefix),
    ];
  }

  scale(prefix: string): StateArray[] {
    return this.scaler.state(`${prefix}.scaler`);
  }

  naiveState(): StateArray[] {
    return [];
  }

  scores(prefix: string): StateArray[] {
    return [...this.metrics.state(prefix), ...(this.intervals?.state(`${prefix}.interval`) ?? [])];
  }

  refresh(): void {
    this.scaler.refresh();
  }
}
