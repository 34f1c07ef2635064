import type { StateArray } from '../online/index.js';
import type { Intervals } from './intervals.js';
import type { TaskScores } from './report.js';
import type { Track } from './track.js';

/**
 * What one kind of task does with rows: which tracks it has, what their labels are, and what is told of them. A new kind is
 * one implementation and one line in `createStream`.
 */
export interface TaskKind {
  /** At least one. The first one's network holds the row. */
  readonly tracks: readonly Track[];
  readonly outputNames: readonly string[];
  /** Of the last row that gave PREDICTED: [outputs]. */
  readonly prediction: Float64Array;
  /** Of the last row that gave SCORED. */
  readonly truth: Float64Array;
  readonly scoredPrediction: Float64Array;
  readonly scoredBaseline: Float64Array;
  /** [targets, quantiles] of the current row, ascending; none where the task names no quantiles. */
  readonly quantiles?: Float64Array | undefined;
  /** Around `prediction`; none for classes, or where they are turned off. */
  readonly intervals?: Pick<Intervals, 'lower' | 'upper' | 'scoredLower' | 'scoredUpper'> | undefined;

  /**
   * Gives a row its place, takes the labels in it, and learns from what has become known.
   *
   * @param passed false for a row that is not to be believed
   * @returns any of SCORED, LEARNED, STEP_SKIPPED, ALARM
   * @hot
   */
  take(row: Float32Array, passed: boolean): number;
  /** A row that never came keeps its place. @hot */
  skip(): void;
  /** The places after which no row is left that waits for a label. */
  readonly places: number;
  /** Whether the row taken last has what is needed beside its features. @hot */
  isComplete(): boolean;
  /**
   * Predicts the row taken last.
   *
   * @param values [inputs], standardised
   * @param isWarm whether what is predicted is to be scored
   * @returns PREDICTED or NOT_FINITE, with what `take` returns where the row is learned at once
   * @hot
   */
  predict(values: Float64Array, isWarm: boolean): number;
  /** A label from outside the rows for the row `age` rows ago; returns as `Stream.label`. @hot */
  label(age: number, row: Float32Array): number;
  /** The most probable class of the current row, −1 where there is none. */
  readonly predictedClass: number;
  /** Scores what can be scored without later rows. */
  finish(): void;
  /** Rows before and after do not belong together. @hot */
  clear(): void;

  report(): TaskScores;
  /** What decides about later predictions, beside the tracks. */
  state(): StateArray[];
  /** What only the report shows, beside the tracks. */
  scores(): StateArray[];
}
