import type { ClassificationReport, RegressionReport, StateArray } from '../online/index.js';
import type { Column, Task } from '../spec/index.js';
import { ClassificationHead } from './classification.js';
import { Encoder } from './encoder.js';
import type { Gates } from './gates.js';
import type { Intervals } from './intervals.js';
import { QUARANTINED } from './outcome.js';
import { HAS_FEATURES, HAS_LABEL } from './pending.js';
import { QuantileHead } from './quantile.js';
import { RegressionHead } from './regression.js';
import { BAD_LABELS, LABELS, MISSING_LABELS } from './report.js';
import type { TaskKind } from './task-kind.js';
import { slotsFor, Track, type TrackOptions } from './track.js';

/** `regress` and `classify`: the truth is printed in target columns, or comes from outside the rows. */
export class LabelledTask implements TaskKind {
  readonly tracks: readonly [Track];
  readonly outputNames: readonly string[];
  readonly prediction: Float64Array;
  readonly truth: Float64Array;
  readonly scoredPrediction: Float64Array;
  readonly scoredBaseline: Float64Array;
  readonly intervals: Intervals | undefined;
  readonly quantiles: Float64Array | undefined;
  readonly places: number;
  private readonly track: Track;
  private readonly targets: Encoder;
  private readonly counts: Float64Array;
  /** [columns]: 1 for the targets. */
  private readonly isTarget: Uint8Array;
  /** [width]: the label from outside being used. */
  private readonly outsideLabel: Float64Array;

  constructor(
    columns: readonly Column[],
    private readonly task: Task,
    private readonly gates: Gates,
    options: Omit<TrackOptions, 'kind'>,
    reserve: Record<string, number>,
  ) {
    const isClass = task.kind === 'classify';
    this.targets = new Encoder(columns, task.targets, 'index');
    const target = columns.find((column) => column.name === task.targets[0])!;
    const outputs = isClass ? target.classes! : this.targets.width;
    this.outputNames = isClass ? Array.from({ length: outputs }, (_, c) => `${target.name}.${c}`) : this.targets.names;
    const head = isClass
      ? new ClassificationHead(outputs, task.window, slotsFor(task))
      : task.quantiles.length > 0
        ? new QuantileHead(this.targets.names, task.window, slotsFor(task), task.interval, task.quantiles)
        : new RegressionHead(this.targets.names, task.window, slotsFor(task), task.interval);
    const { quantiles } = task;
    this.track = new Track(head, task, { ...options, kind: isClass ? 'classify' : 'regress', quantiles }, reserve);
    this.tracks = [this.track];
    this.prediction = head instanceof RegressionHead ? head.point : head.prediction;
    this.quantiles = head instanceof QuantileHead ? head.prediction : undefined;
    this.truth = head.truth;
    this.scoredPrediction = head.scoredPrediction;
    this.scoredBaseline = head.scoredBaseline;
    this.intervals = head instanceof RegressionHead ? head.intervals : undefined;
    this.places = this.track.pending.slots;
    this.counts = options.counts;
    this.isTarget = Uint8Array.from(columns, ({ name }) => (task.targets.includes(name) ? 1 : 0));
    this.outsideLabel = new Float64Array(head.width);
  }

  get predictedClass(): number {
    const { pending } = this.track;
    const slot = pending.slotOf(0);
    const isPredicted = this.task.kind === 'classify' && (pending.flags[slot] & HAS_FEATURES) !== 0;
    return isPredicted ? pending.predictions[slot] : -1;
  }

  /** @hot */
  take(row: Float32Array, passed: boolean): number {
    const { targets, counts } = this;
    const { pending } = this.track;
    const slot = pending.advance();
    if (passed) {
      if (targets.isComplete(row)) {
        targets.encode(pending.labels, slot * pending.width, row);
        pending.flags[slot] = HAS_LABEL;
      } else {
        counts[MISSING_LABELS] = counts[MISSING_LABELS] + 1;
      }
    }
    return this.track.join();
  }

  /** @hot */
  skip(): void {
    this.track.pending.advance();
    this.track.join();
  }

  /** @hot */
  isComplete(): boolean {
    return true;
  }

  /** @hot */
  predict(values: Float64Array, isWarm: boolean): number {
    return this.track.predict(values, isWarm);
  }

  /** @hot */
  label(age: number, row: Float32Array): number {
    const { counts, targets, outsideLabel } = this;
    counts[LABELS] = counts[LABELS] + 1;
    if (!targets.isComplete(row) || !this.gates.isInRange(row, this.isTarget)) {
      counts[BAD_LABELS] = counts[BAD_LABELS] + 1;
      return QUARANTINED;
    }
    targets.encode(outsideLabel, 0, row);
    return this.track.label(age, outsideLabel);
  }

  finish(): void {
    this.track.finish();
  }

  /** @hot */
  clear(): void {
    this.track.pending.clear();
  }

  report(): RegressionReport | ClassificationReport {
    return this.track.head.report();
  }

  state(): StateArray[] {
    return [];
  }

  scores(): StateArray[] {
    return [];
  }
}
