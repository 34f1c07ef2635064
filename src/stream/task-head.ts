import type { ClassificationReport, RegressionReport, StateArray } from '../online/index.js';
import type { PendingRows } from './pending.js';

/**
 * What one kind of task does with labels and network outputs. A new kind is one implementation and one line in
 * `createStream`.
 *
 * A label is `width` values: the target values of a regression, the class of a classification.
 */
export interface TaskHead {
  readonly width: number;
  /** Un-scaled outputs of the network for the current row. */
  readonly prediction: Float64Array;
  /** Of the row scored last: [width] each. */
  readonly truth: Float64Array;
  readonly scoredPrediction: Float64Array;
  readonly scoredBaseline: Float64Array;

  /** Learns the scale of labels from one, and keeps it as the latest. */
  receive(labels: Float64Array, off: number): void;
  /** Turns a label into what the network is to give. */
  writeTarget(target: Float32Array, labels: Float64Array, off: number): void;
  /** Keeps prediction and baseline in a slot; returns whether all outputs are finite. */
  readOutput(output: Float32Array, pending: PendingRows, slot: number): boolean;
  /** Whether there has been a label, so that the baseline is one. */
  knowsLabel(): boolean;
  /** Scores what was predicted in a slot against a label. */
  score(pending: PendingRows, slot: number, labels: Float64Array, labelOff: number): void;

  report(): RegressionReport | ClassificationReport;
  /** What decides about later predictions. */
  state(prefix: string): StateArray[];
  /** What only the report shows. */
  scores(prefix: string): StateArray[];
  /** Works out again what follows from `state`, after it was written. */
  refresh(): void;
}
