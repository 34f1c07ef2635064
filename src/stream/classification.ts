import type { Mixture } from '../engine/index.js';
import { ClassificationMetrics, type ClassificationReport, type StateArray } from '../online/index.js';
import type { PendingRows } from './pending.js';
import type { TaskHead } from './task-head.js';

/** Rows over which it is counted how often the last class was right. */
const MEMORY = 1000;

/** One class: cross-entropy on softmax, last known class as baseline. */
export class ClassificationHead implements TaskHead {
  readonly width = 1;
  readonly outputs: number;
  /** Class probabilities. */
  prediction: Float64Array;
  readonly truth = new Float64Array(1);
  readonly scoredPrediction = new Float64Array(1);
  readonly scoredBaseline = new Float64Array(1);
  private readonly metrics: ClassificationMetrics;
  private readonly latest = new Float64Array(1);
  private readonly hasLatest = new Int32Array(1);
  /** [2]: how often the last known class was right, and of how many; one of two before the first. */
  private readonly stays = Float64Array.of(1, 2);
  /** [0]: how probable the last known class is taken to be. */
  private readonly trust = new Float64Array(1);
  /** [slots, classes]: what was published of a row. */
  private readonly published: Float64Array;
  /** [slots]: how probable the baseline was taken to be. */
  private readonly naive: Float64Array;
  /** [2], of the row being scored. */
  private readonly probabilities = new Float64Array(2);

  /** @param slots rows that can wait for their labels */
  constructor(
    readonly classes: number,
    window: number,
    slots: number,
  ) {
    this.outputs = classes;
    this.prediction = new Float64Array(classes);
    this.metrics = new ClassificationMetrics(classes, window);
    this.published = new Float64Array(slots * classes);
    this.naive = new Float64Array(slots);
  }

  /** @hot */
  receive(labels: Float64Array, off: number): void {
    this.latest[0] = labels[off];
    this.hasLatest[0] = 1;
  }

  /** Classes have none. @hot */
  learnScale(): void {}

  /** One-hot. @hot */
  writeTarget(target: Float32Array | Float64Array, labels: Float64Array, off: number): void {
    const truth = labels[off];
    for (let c = 0; c < this.classes; c++) target[c] = c === truth ? 1 : 0;
  }

  /** @hot */
  unscale(to: Float64Array, off: number, output: Float32Array | Float64Array): void {
    for (let c = 0; c < this.classes; c++) to[off + c] = output[c];
  }

  moveTo(mixture: Mixture): void {
    this.prediction = mixture.prediction;
  }

  /** @hot */
  tellNaive(mixture: Mixture): void {
    this.writeNaive(mixture.naive, 0);
  }

  /** One-hot. @hot */
  writeLabel(to: Float64Array, labels: Float64Array, off: number): void {
    this.writeTarget(to, labels, off);
  }

  /** @hot */
  private weighLatest(): void {
    const { stays } = this;
    const even = 1 / this.classes;
    const kept = this.knowsLabel() ? stays[0] / stays[1] : even;
    this.trust[0] = kept > even ? kept : even;
  }

  /** The last known class as probable as it has proved to be, the others equally. @hot */
  writeNaive(to: Float64Array, off: number): void {
    const { classes, latest, trust } = this;
    this.weighLatest();
    const p = trust[0];
    for (let c = 0; c < classes; c++) to[off + c] = c === latest[0] ? p : (1 - p) / (classes - 1);
  }

  /** Brier's score: Σ (p − y)². @hot */
  writeLosses(losses: Float64Array, predictions: Float64Array, off: number, labels: Float64Array, at: number): void {
    const { classes } = this;
    const truth = labels[at];
    for (let k = 0, q = off; k < losses.length; k++) {
      let sum = 0;
      for (let c = 0; c < classes; c++, q++) {
        const error = c === truth ? 1 - predictions[q] : predictions[q];
        sum += error * error;
      }
      losses[k] = sum <= 2 ? sum : 2;
    }
  }

  /** 1 where the class was another. @hot */
  writeError(error: Float64Array, pending: PendingRows, slot: number, labels: Float64Array, off: number): void {
    error[0] = pending.predictions[slot] === labels[off] ? 0 : 1;
  }

  forgetScale(): void {}

  /** The most probable class is predicted, the first of equals. @hot */
  publish(pending: PendingRows, slot: number): boolean {
    const { classes, prediction, published } = this;
    let finite = true;
    let best = 0;
    for (let c = 0, off = slot * classes; c < classes; c++, off++) {
      const p = prediction[c];
      if (!Number.isFinite(p)) finite = false;
      published[off] = Number.isFinite(p) ? p : 0;
      if (p > prediction[best]) best = c;
    }
    this.weighLatest();
    this.naive[slot] = this.trust[0];
    pending.predictions[slot] = best;
    pending.baselines[slot] = this.latest[0];
    return finite;
  }

  judge(): void {}

  /** Over about the last `MEMORY` rows. @hot */
  judgeNaive(pending: PendingRows, slot: number, labels: Float64Array, off: number): void {
    const { stays } = this;
    if (stays[1] >= MEMORY) {
      stays[0] = stays[0] * (1 - 1 / MEMORY);
      stays[1] = stays[1] * (1 - 1 / MEMORY);
    }
    if (pending.baselines[slot] === labels[off]) stays[0] = stays[0] + 1;
    stays[1] = stays[1] + 1;
  }

  /** @hot */
  knowsLabel(): boolean {
    return this.hasLatest[0] === 1;
  }

  /** @hot */
  score(pending: PendingRows, slot: number, labels: Float64Array, labelOff: number): void {
    // Whole numbers, because V8 allocates for a double that is handed to a function.
    const predicted = pending.predictions[slot] | 0;
    const baseline = pending.baselines[slot] | 0;
    const truth = labels[labelOff] | 0;
    const { classes, probabilities } = this;
    probabilities[0] = this.published[slot * classes + truth];
    probabilities[1] = baseline === truth ? this.naive[slot] : (1 - this.naive[slot]) / (classes - 1);
    this.metrics.update(predicted, baseline, truth, probabilities);
    this.truth[0] = truth;
    this.scoredPrediction[0] = predicted;
    this.scoredBaseline[0] = baseline;
  }

  report(): ClassificationReport {
    return this.metrics.report();
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.latest`, shape: [1], data: this.latest },
      { name: `${prefix}.hasLatest`, shape: [1], data: this.hasLatest },
    ];
  }

  scale(): StateArray[] {
    return [];
  }

  naiveState(prefix: string): StateArray[] {
    return [{ name: `${prefix}.stays`, shape: [2], data: this.stays }];
  }

  scores(prefix: string): StateArray[] {
    const { naive, published, classes } = this;
    return [
      ...this.metrics.state(prefix),
      { name: `${prefix}.published`, shape: [naive.length, classes], data: published },
      { name: `${prefix}.naive`, shape: [naive.length], data: naive },
    ];
  }

  refresh(): void {}
}
