import { ClassificationMetrics, type ClassificationReport, type StateArray } from '../online/index.js';
import type { PendingRows } from './pending.js';
import type { TaskHead } from './task-head.js';

/** One class: cross-entropy on softmax, last known class as baseline. */
export class ClassificationHead implements TaskHead {
  readonly width = 1;
  /** Class probabilities. */
  readonly prediction: Float64Array;
  readonly truth = new Float64Array(1);
  readonly scoredPrediction = new Float64Array(1);
  readonly scoredBaseline = new Float64Array(1);
  private readonly metrics: ClassificationMetrics;
  private readonly latest = new Float64Array(1);
  private readonly hasLatest = new Int32Array(1);

  constructor(
    readonly classes: number,
    window: number,
  ) {
    this.prediction = new Float64Array(classes);
    this.metrics = new ClassificationMetrics(classes, window);
  }

  /** @hot */
  receive(labels: Float64Array, off: number): void {
    this.latest[0] = labels[off];
    this.hasLatest[0] = 1;
  }

  /** One-hot. @hot */
  writeTarget(target: Float32Array, labels: Float64Array, off: number): void {
    const truth = labels[off];
    for (let c = 0; c < this.classes; c++) target[c] = c === truth ? 1 : 0;
  }

  /** The most probable class is predicted, the first of equals. @hot */
  readOutput(output: Float32Array, pending: PendingRows, slot: number): boolean {
    const { classes, prediction } = this;
    let finite = true;
    let best = 0;
    for (let c = 0; c < classes; c++) {
      const p = output[c];
      if (!Number.isFinite(p)) finite = false;
      prediction[c] = p;
      if (p > prediction[best]) best = c;
    }
    pending.predictions[slot] = best;
    pending.baselines[slot] = this.latest[0];
    return finite;
  }

  /** @hot */
  knowsLabel(): boolean {
    return this.hasLatest[0] === 1;
  }

  /** @hot */
  score(pending: PendingRows, slot: number, labels: Float64Array, labelOff: number): void {
    const predicted = pending.predictions[slot];
    const baseline = pending.baselines[slot];
    const truth = labels[labelOff];
    this.metrics.update(predicted, baseline, truth);
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

  scores(prefix: string): StateArray[] {
    return this.metrics.state(prefix);
  }

  refresh(): void {}
}
