import type { Mixture } from '../engine/index.js';
import type { ClassificationReport, RegressionReport, StateArray } from '../online/index.js';
import type { PendingRows } from './pending.js';

/** Whether numbers are predicted or a class. */
export type HeadKind = 'regress' | 'classify';

/**
 * What one kind of output does with labels and network outputs.
 *
 * A label is `width` values: the target values of a regression, the class of a classification.
 */
export interface TaskHead {
  readonly width: number;
  /** Outputs of a network. */
  readonly outputs: number;
  /** [outputs], for the current row: un-scaled values, or class probabilities. */
  readonly prediction: Float64Array;
  /** Of the row scored last: [width] each. */
  readonly truth: Float64Array;
  readonly scoredPrediction: Float64Array;
  readonly scoredBaseline: Float64Array;

  /** Keeps a label as the latest. */
  receive(labels: Float64Array, off: number): void;
  /** Learns the scale of labels from one. */
  learnScale(labels: Float64Array, off: number): void;
  /** Turns a label into what the network is to give. */
  writeTarget(target: Float32Array, labels: Float64Array, off: number): void;
  /** Turns outputs of a network into predictions, to[off … off + outputs). */
  unscale(to: Float64Array, off: number, output: Float32Array | Float64Array): void;
  /** Keeps from here on in arrays of a mixture what that reads and writes: scale, naive prediction, prediction. Before any row. */
  moveTo(mixture: Mixture): void;
  /** What the naive predictor says of the current row, where the mixture reads it. */
  tellNaive(mixture: Mixture): void;
  /** A label in units of `prediction`, [outputs]. */
  writeLabel(to: Float64Array, labels: Float64Array, off: number): void;
  /** What the naive predictor says of the current row: the last known value, or how probable each class is after it. */
  writeNaive(to: Float64Array, off: number): void;
  /**
   * How wrong each of the predictions at `off`, one after the other, was of a label: standard deviations of the target cut
   * at `limit`, or Brier's score.
   */
  writeLosses(
    losses: Float64Array,
    predictions: Float64Array,
    off: number,
    labels: Float64Array,
    at: number,
    limit: number,
  ): void;
  /** How wrong what was published of a slot was of a label, 0 … 1, to error[0]: what watchers of the loss see. */
  writeError(error: Float64Array, pending: PendingRows, slot: number, labels: Float64Array, off: number): void;
  /** From here on the scale of labels counts as learned from at most so many rows. */
  forgetScale(rows: number): void;
  /** Keeps `prediction` and the baseline in a slot; returns whether it is finite. */
  publish(pending: PendingRows, slot: number): boolean;
  /** Learns from a label how wide the intervals of a slot should have been; also while learning is paused. */
  judge(pending: PendingRows, slot: number, labels: Float64Array, off: number): void;
  /** Learns how often the baseline of a slot is right. */
  judgeNaive(pending: PendingRows, slot: number, labels: Float64Array, off: number): void;
  /** Whether there has been a label, so that the baseline is one. */
  knowsLabel(): boolean;
  /** Scores what was predicted in a slot against a label. */
  score(pending: PendingRows, slot: number, labels: Float64Array, labelOff: number): void;

  report(): RegressionReport | ClassificationReport;
  /** What decides about later predictions. */
  state(prefix: string): StateArray[];
  /** Of that, the scale of labels: what outputs of a network are relative to. */
  scale(prefix: string): StateArray[];
  /** What, beside that, `writeNaive` goes by. */
  naiveState(prefix: string): StateArray[];
  /** What only the report shows. */
  scores(prefix: string): StateArray[];
  /** Works out again what follows from `state`, after it was written. */
  refresh(): void;
}
