import type { Network, NetworkState } from '../engine/index.js';
import type { TensorFile } from '../models/index.js';
import { RunningScaler, type StateArray } from '../online/index.js';
import { type Column, type RowSchema, resolveColumns, resolveTask, type Task, type TaskSpec } from '../spec/index.js';
import { ClassificationHead } from './classification.js';
import { Encoder, usedColumns } from './encoder.js';
import { Gates, PASSED } from './gates.js';
import { hashOf } from './hash.js';
import type { Learner } from './learner.js';
import { NetworkLearner } from './network-learner.js';
import { AFTER_GAP, LEARNED, MISSING, NOT_FINITE, PREDICTED, QUARANTINED, SCORED, STEP_SKIPPED } from './outcome.js';
import { HAS_FEATURES, HAS_LABEL, HAS_OUTSIDE_LABEL, PendingRows } from './pending.js';
import { Race } from './race.js';
import { RegressionHead } from './regression.js';
import {
  BAD_LABELS,
  COUNTERS,
  GAP_REASONS,
  GAPS,
  type GapReason,
  LABELS,
  LOST,
  MISSING_LABELS,
  MISSING_ROWS,
  NOT_FINITE_ROWS,
  PREDICTIONS,
  QUARANTINES,
  ROWS,
  reportOf,
  SKIPPED_STEPS,
  STEPS,
  type StreamReport,
  UNUSED_LABELS,
} from './report.js';
import { restoreState, stateOf } from './state.js';
import type { TaskHead } from './task-head.js';
import { isNamed, type ResolvedTaskNetwork, resolveTaskNetwork, type TaskNetwork } from './task-network.js';

export interface StreamOptions {
  columns: RowSchema;
  task: TaskSpec;
  /** Default, or without a key: a race of several, which needs no tuning. */
  network?: TaskNetwork;
  /** Seed of the initial weights. Default 1. */
  seed?: number;
  /** Default `auto`. */
  executor?: 'auto' | 'simd' | 'reference';
}

/**
 * One task over the rows of one device: predicts every row, scores every prediction when its truth arrives, then
 * learns from it.
 *
 * The order of work on row i:
 * 1. a gap in time forgets the rows that wait for labels;
 * 2. gates: a quarantined row keeps its place in the order but carries neither features nor label;
 * 3. the label printed in row i − delay has become known. It is the truth of row i − delay − labelAge: score what was
 *    predicted then, learn the scale of labels, take one step on the features as they were standardised then;
 * 4. learn the scale of features from row i, standardise them, predict, un-scale with what is known of labels.
 */
export class Stream {
  readonly columns: readonly Column[];
  readonly task: Readonly<Task>;
  /** The declared network with its defaults, or `race`. */
  readonly taskNetwork: Readonly<ResolvedTaskNetwork> | 'race';
  /** What learns: the declared network, or a race. */
  readonly learner: Learner;
  /** The declared network, or the first of the race. */
  readonly network: Network;
  /** [columns]: which of them the task uses. */
  readonly required: readonly boolean[];
  /** Index of the column of kind `time`. */
  readonly timeColumn: number | undefined;
  readonly inputNames: readonly string[];
  /** What `prediction` holds: `tws_kn`, `twa_deg.cos`, or `Occupancy.0` for the probability of class 0. */
  readonly outputNames: readonly string[];

  /** Where the next row is written: one value per column of the schema, NaN for a missing one. In the network's arena. */
  readonly row: Float32Array;
  /** Where a label from outside the rows is written before `label`: [columns] as `row`; only the targets are looked at. */
  readonly labelRow: Float32Array;
  /** [0]: the next row's time column in seconds, kept apart because a float32 is too coarse. NaN: unknown. */
  readonly time = new Float64Array(1).fill(Number.NaN);
  /** Of the last row that gave PREDICTED: un-scaled values, or class probabilities. */
  readonly prediction: Float64Array;
  /** Of the last row that gave SCORED: target values, or the class. */
  readonly truth: Float64Array;
  readonly scoredPrediction: Float64Array;
  readonly scoredBaseline: Float64Array;
  /** [0]: what the network's last step returned, of the row that gave LEARNED. */
  readonly loss = new Float64Array(1).fill(Number.NaN);

  private readonly gates: Gates;
  private readonly features: Encoder;
  private readonly targets: Encoder;
  private readonly scaler: RunningScaler;
  private readonly head: TaskHead;
  private readonly pending: PendingRows;
  /** [width]: the label from outside being used. */
  private readonly outsideLabel: Float64Array;
  /** [columns]: 1 for the targets. */
  private readonly isTarget: Uint8Array;
  private readonly input: Float32Array;
  private readonly target: Float32Array;
  /** [inputs] */
  private readonly values: Float64Array;
  private readonly counts = new Float64Array(COUNTERS);
  /** The largest step of the time column that is no gap, in seconds. */
  private readonly maxGap: number;
  /** [0]: 1 where [1] is the time of the row before. */
  private readonly clock = new Float64Array(2);

  /** @throws SpecError as `createStream` does */
  constructor(options: StreamOptions) {
    const columns = resolveColumns(options.columns);
    const task = resolveTask(options.task, columns);
    const used = usedColumns(columns, task);
    this.columns = columns;
    this.task = task;
    // Where labels may come from outside, the rows need not carry them.
    this.required = columns.map(
      ({ name }, i) => used.includes(i) && !(task.labelWait > 0 && task.targets.includes(name)),
    );
    this.gates = new Gates(columns);
    this.features = new Encoder(columns, task.features, 'oneHot');
    this.targets = new Encoder(columns, task.targets, 'index');

    const inputs = this.features.width;
    const target = columns.find((column) => column.name === task.targets[0])!;
    const outputs = task.kind === 'regress' ? this.targets.width : target.classes!;
    this.inputNames = this.features.names;
    this.outputNames =
      task.kind === 'regress' ? this.targets.names : Array.from({ length: outputs }, (_, c) => `${target.name}.${c}`);
    this.scaler = new RunningScaler(inputs, this.features.isCategory);
    this.head =
      task.kind === 'regress' ? new RegressionHead(outputs, task.window) : new ClassificationHead(outputs, task.window);
    this.prediction = this.head.prediction;
    this.truth = this.head.truth;
    this.scoredPrediction = this.head.scoredPrediction;
    this.scoredBaseline = this.head.scoredBaseline;

    const slots = Math.max(task.delay + task.labelAge, task.labelWait) + 1;
    const learnerOptions = {
      kind: task.kind,
      inputs,
      slots,
      seed: options.seed ?? 1,
      executor: options.executor ?? 'auto',
      reserve: { row: columns.length, pending: slots * inputs },
    };
    if (isNamed(options.network)) {
      const { taskNetwork, network } = resolveTaskNetwork(options.network, task.kind, inputs, outputs);
      this.taskNetwork = taskNetwork;
      this.learner = new NetworkLearner(this.head, network, taskNetwork.safety, learnerOptions);
    } else {
      this.taskNetwork = 'race';
      this.learner = new Race(this.head, learnerOptions);
    }
    this.network = this.learner.network;
    this.input = this.network.input;
    this.target = this.network.target;
    this.row = this.network.region('row').subarray(0, columns.length);
    this.labelRow = new Float32Array(columns.length);
    this.isTarget = Uint8Array.from(columns, ({ name }) => (task.targets.includes(name) ? 1 : 0));
    this.outsideLabel = new Float64Array(this.head.width);
    this.pending = new PendingRows(slots, inputs, this.head.width, this.network.region('pending'));
    this.values = new Float64Array(inputs);

    const timeColumn = columns.findIndex((column) => column.kind === 'time');
    this.timeColumn = timeColumn < 0 ? undefined : timeColumn;
    this.maxGap = columns[timeColumn]?.maxGap ?? Infinity;
  }

  /** Rows accepted so far. */
  get rows(): number {
    return this.counts[ROWS];
  }

  /** `classify`: the most probable class of the current row, −1 where it was not predicted. `regress`: −1. */
  get predictedClass(): number {
    const { pending, task } = this;
    const slot = pending.slotOf(0);
    return task.kind === 'classify' && (pending.flags[slot] & HAS_FEATURES) !== 0 ? pending.predictions[slot] : -1;
  }

  /**
   * Takes the row in `row` and `time`.
   *
   * @returns PREDICTED, QUARANTINED, MISSING or NOT_FINITE, with any of AFTER_GAP, SCORED, LEARNED, STEP_SKIPPED
   * @hot
   */
  accept(): number {
    const { counts, row, pending } = this;
    counts[ROWS] = counts[ROWS] + 1;
    let outcome = this.checkTime();
    const passed = this.gates.check(row) === PASSED;
    const slot = pending.advance();
    if (!passed) {
      counts[QUARANTINES] = counts[QUARANTINES] + 1;
    } else if (this.targets.isComplete(row)) {
      this.targets.encode(pending.labels, slot * pending.width, row);
      pending.flags[slot] = HAS_LABEL;
    } else {
      counts[MISSING_LABELS] = counts[MISSING_LABELS] + 1;
    }
    outcome |= this.joinLabel();
    return outcome | (passed ? this.predict(slot) : QUARANTINED);
  }

  /**
   * Rows of the device that never arrived, between the last one accepted and the next: they keep their places, so
   * that labels still find their rows.
   *
   * @hot
   */
  lost(count: number): void {
    if (!Number.isSafeInteger(count) || count <= 0) return;
    const { counts, pending } = this;
    counts[LOST] = counts[LOST] + count;
    // After as many as there are slots, every slot is empty and stays so.
    const n = count < pending.slots ? count : pending.slots;
    for (let i = 0; i < n; i++) {
      pending.advance();
      this.joinLabel();
    }
  }

  /**
   * A label from outside the rows, in `labelRow`: the truth of the row `age` rows ago, lost ones counted too; 0 is the
   * latest. A row takes one label; one that is no longer waited for, was not predicted from, or has its label is left
   * out and counted.
   *
   * @returns any of SCORED, LEARNED, STEP_SKIPPED; QUARANTINED where a value is missing or out of range
   * @hot
   */
  label(age: number): number {
    const { counts, pending, labelRow, outsideLabel } = this;
    const { flags } = pending;
    counts[LABELS] = counts[LABELS] + 1;
    if (!this.targets.isComplete(labelRow) || !this.gates.isInRange(labelRow, this.isTarget)) {
      counts[BAD_LABELS] = counts[BAD_LABELS] + 1;
      return QUARANTINED;
    }
    const { labelAge } = this.task;
    const isWaitedFor = age >= 0 && age < pending.slots && Number.isInteger(age);
    const slot = isWaitedFor ? pending.slotOf(age) : 0;
    const isFree = isWaitedFor && (flags[slot] & (HAS_FEATURES | HAS_OUTSIDE_LABEL)) === HAS_FEATURES;
    if (!isFree || (age >= labelAge && (flags[pending.slotOf(age - labelAge)] & HAS_LABEL) !== 0)) {
      counts[UNUSED_LABELS] = counts[UNUSED_LABELS] + 1;
      return 0;
    }
    flags[slot] = flags[slot] | HAS_OUTSIDE_LABEL;
    this.targets.encode(outsideLabel, 0, labelRow);
    return this.useLabel(slot, outsideLabel, 0);
  }

  /**
   * Rows before and after do not belong together: forgets the rows that wait for labels, unscored and unlearned, and
   * what steps are measured from.
   *
   * @hot
   */
  gap(reason: GapReason): void {
    this.forget(reason);
    this.clock[0] = 0;
  }

  /**
   * The end of a recording: scores the predictions whose truth was printed but was not yet to be used, so that the
   * last `delay` rows count too. Nothing is learned, and going on afterwards is as if it had not been called, except
   * that those rows are not scored twice.
   */
  finish(): void {
    const { pending, head, task } = this;
    for (let age = task.delay + task.labelAge - 1; age >= task.labelAge; age--) {
      const truthSlot = pending.slotOf(age);
      const labelSlot = pending.slotOf(age - task.labelAge);
      if (pending.isScorable[truthSlot] !== 1 || (pending.flags[labelSlot] & HAS_LABEL) === 0) continue;
      head.score(pending, truthSlot, pending.labels, labelSlot * head.width);
      pending.isScorable[truthSlot] = 0;
    }
  }

  private forget(reason: GapReason): void {
    const { counts } = this;
    const counter = GAPS + GAP_REASONS.indexOf(reason);
    counts[counter] = counts[counter] + 1;
    this.pending.clear();
    this.gates.reset();
  }

  /** @hot */
  private checkTime(): number {
    if (this.timeColumn === undefined) return 0;
    const { clock } = this;
    const t = this.time[0];
    if (!Number.isFinite(t)) return 0;
    const step = t - clock[1];
    const isGap = clock[0] === 1 && (step < 0 || step > this.maxGap);
    clock[0] = 1;
    clock[1] = t;
    if (!isGap) return 0;
    this.forget('time');
    return AFTER_GAP;
  }

  /** Scores and learns from the label that the current row makes known. @hot */
  private joinLabel(): number {
    const { pending, head } = this;
    const { flags } = pending;
    const labelSlot = pending.slotOf(this.task.delay);
    if ((flags[labelSlot] & HAS_LABEL) === 0) return 0;
    const truthSlot = pending.slotOf(this.task.delay + this.task.labelAge);
    if ((flags[truthSlot] & HAS_OUTSIDE_LABEL) !== 0) return 0;
    return this.useLabel(truthSlot, pending.labels, labelSlot * head.width);
  }

  /** Scores what was predicted in a slot, and learns from it. @hot */
  private useLabel(slot: number, labels: Float64Array, labelOff: number): number {
    const { pending, head, counts } = this;
    let outcome = 0;
    if (pending.isScorable[slot] === 1) {
      head.score(pending, slot, labels, labelOff);
      pending.isScorable[slot] = 0;
      outcome = SCORED;
    }
    head.receive(labels, labelOff);
    if ((pending.flags[slot] & HAS_FEATURES) === 0) return outcome;

    const { input } = this;
    const { features, inputs } = pending;
    for (let i = 0, off = slot * inputs; i < inputs; i++, off++) input[i] = features[off];
    head.writeTarget(this.target, labels, labelOff);
    head.judgeNaive(pending, slot, labels, labelOff);
    const hasLearned = this.learner.learn(slot, labels, labelOff);
    this.loss[0] = this.learner.loss[0];
    if (!hasLearned) {
      counts[SKIPPED_STEPS] = counts[SKIPPED_STEPS] + 1;
      return outcome | STEP_SKIPPED;
    }
    counts[STEPS] = counts[STEPS] + 1;
    return outcome | LEARNED;
  }

  /** @hot */
  private predict(slot: number): number {
    const { counts, row, pending, values, input, scaler } = this;
    const { features, inputs } = pending;
    if (!this.features.isComplete(row)) {
      counts[MISSING_ROWS] = counts[MISSING_ROWS] + 1;
      return MISSING;
    }
    this.features.encode(values, 0, row);
    scaler.update(values, 0);
    scaler.standardise(values, values, 0);
    for (let i = 0, off = slot * inputs; i < inputs; i++, off++) input[i] = features[off] = values[i];
    this.learner.predict(slot);
    const finite = this.head.publish(pending, slot);
    pending.flags[slot] = pending.flags[slot] | HAS_FEATURES;
    if (!finite) {
      counts[NOT_FINITE_ROWS] = counts[NOT_FINITE_ROWS] + 1;
      return NOT_FINITE;
    }
    if (counts[ROWS] > this.task.warmup && this.head.knowsLabel()) {
      pending.isScorable[slot] = 1;
    }
    counts[PREDICTIONS] = counts[PREDICTIONS] + 1;
    return PREDICTED;
  }

  /** Scores and counters as plain data. */
  report(): StreamReport {
    return reportOf(this.task.kind, this.counts, this.gates.report(), this.head.report(), this.learner.report());
  }

  /**
   * Hex of everything that decides about later predictions: parameters, scalers, rows that wait for labels, gates,
   * and of a race who is believed.
   * Equal after equal rows, on every machine and executor.
   */
  hash(): string {
    return hashOf(this.learner.hash(), this.decisiveState());
  }

  /** Copies everything that must be kept, scores and rows that wait for labels included. */
  state(): NetworkState {
    return stateOf(this);
  }

  /**
   * Goes where another stream was: from here on both do the same, bit for bit. When it throws, nothing has changed.
   *
   * @throws CheckpointError when the state is damaged, or is of other columns, another task or another network
   */
  restore(state: TensorFile): void {
    restoreState(this, state);
  }

  /** Every array of this stream's own, borrowed; networks keep their own. */
  arrays(): StateArray[] {
    return [
      ...this.decisiveState(),
      ...this.gates.counters('stream.gates'),
      ...this.head.scores('stream.scores'),
      ...this.learner.scores(),
      ...this.pending.scores('stream.scores.pending'),
      { name: 'stream.counters', shape: [COUNTERS], data: this.counts },
    ];
  }

  /** Works out again what follows from `arrays`, after they were written. */
  refresh(): void {
    this.scaler.refresh();
    this.head.refresh();
  }

  private decisiveState(): StateArray[] {
    return [
      ...this.scaler.state('stream.features'),
      ...this.head.state('stream.targets'),
      ...this.pending.state('stream.pending'),
      ...this.gates.state('stream.gates'),
      { name: 'stream.clock', shape: [2], data: this.clock },
      ...this.learner.arrays(),
    ];
  }
}

/**
 * Makes a stream for a row schema and a task.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function createStream(options: StreamOptions): Stream {
  return new Stream(options);
}
