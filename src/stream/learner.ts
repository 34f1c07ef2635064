import type { ExecutorKind, Network, NetworkState } from '../engine/index.js';
import type { TensorFile } from '../models/index.js';
import type { StateArray } from '../online/index.js';
import type { Knowledge } from './knowledge.js';
import type { HeadKind } from './task-head.js';

/** One contestant of a race. */
export interface ExpertReport {
  /** `network`, `replay` (a network that learns remembered rows too), `tracker` (curved), `linear` (tracker) or `naive`. */
  kind: 'network' | 'replay' | 'tracker' | 'linear' | 'naive';
  /** Of a network: its step size η now; of a tracker: how fast it expects the law to drift, a row. */
  rate: number | null;
  /** Its part in the prediction, 0 … 1. */
  weight: number;
  /** Its lately discounted loss: standard deviations of the target, or Brier's score. Null before the first. */
  loss: number | null;
}

/** How a stream learns, and how it is kept from harm. */
export type LearnerReport =
  | {
      kind: 'race';
      /** Index of the one of the largest weight. */
      leader: number;
      experts: ExpertReport[];
    }
  | {
      kind: 'network';
      /** Whether steps are limited and a network worse than half as good as the naive predictor is not published. */
      safety: boolean;
      /** Steps made shorter than declared. */
      limitedSteps: number;
      /** Rows with an output cut to ten standard deviations of its target. */
      clippedRows: number;
      /** Predictions that were the naive predictor's, because the network was more than twice as wrong lately. */
      naiveRows: number;
      /** Intervals after which weights were consolidated; where it was asked for. */
      consolidated?: number;
    };

/** What a learner is made for. */
export interface LearnerOptions {
  kind: HeadKind;
  inputs: number;
  /** Rows that can wait for their labels. */
  slots: number;
  seed: number;
  executor: ExecutorKind | 'auto';
  /** Remembered rows will be learned from: a race lets contestants with and without them race. */
  replays: boolean;
  /** Regions the stream wants in the arena of `network`. */
  reserve: Record<string, number>;
}

/**
 * What a stream predicts and learns with. A row is in `network.input`, as standardised; the slot is where the stream
 * keeps it until its label is known.
 */
export interface Learner {
  /** The network, or the first of several: its arena holds the row, and the rows that wait for labels. */
  readonly network: Network;
  /** [0]: of the last step, in units of the network's target; NaN where it was refused, and of a race, which has several. */
  readonly loss: Float32Array | Float64Array;
  /** Predicts the row in `network.input` into the head's `prediction`. @hot */
  predict(slot: number): void;
  /** Predicts the row in `network.input` to to[off … off + outputs), and leaves no trace of it. @hot */
  probe(to: Float64Array, off: number): void;
  /** Judges what was predicted in `slot` by its label, un-scaled, at `off`. Comes before `learn`, or instead of it. @hot */
  judge(slot: number, labels: Float64Array, off: number): void;
  /**
   * Learns from the row in `network.input` and its target in `network.target`.
   *
   * @returns false for a step refused because something was not finite
   * @hot
   */
  learn(): boolean;
  /**
   * Learns from a remembered row in `network.input` and its target in `network.target`: it was judged when it came.
   *
   * @returns false for a step refused because something was not finite
   * @hot
   */
  replay(): boolean;
  /** What makes predictions, borrowed: what a snapshot keeps. */
  knowledge(): Knowledge;
  /** From here on it learns so many times as fast as it was declared to; 1: as declared. Rare, and free to allocate. */
  hasten(factor: number): void;
  /** Of a race, the network that is believed least begins anew, and is believed when it has shown to be right. */
  renew(seed: number): void;
  /** Hex of all networks; what else decides about later predictions is in `arrays`. */
  hash(): string;
  arrays(): StateArray[];
  /** What must be kept but decides about no later step. */
  scores(): StateArray[];
  /** Parameters and optimizer states, copied. */
  state(): NetworkState;
  /** @throws CheckpointError, and nothing has changed */
  restore(state: TensorFile): void;
  report(): LearnerReport;
}
