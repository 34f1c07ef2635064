import type { Network, NetworkState } from '../engine/index.js';
import type { TensorFile } from '../models/index.js';
import { RunningScaler, type StateArray } from '../online/index.js';
import {
  type Column,
  type Drift,
  type DriftSpec,
  isAnomalyTask,
  type Memory,
  type MemorySpec,
  type Monitor,
  type MonitorSpec,
  type RowSchema,
  resolveColumns,
  resolveDrift,
  resolveMemory,
  resolveMonitor,
  resolveTask,
  SpecError,
  type Task,
  type TaskSpec,
} from '../spec/index.js';
import { AnomalyTask } from './anomaly.js';
import { DriftWatch } from './drift-watch.js';
import { Encoder, usedColumns } from './encoder.js';
import { ForecastTask } from './forecast.js';
import { Gates, PASSED, type Quarantined } from './gates.js';
import { hashOf } from './hash.js';
import { History } from './history.js';
import { LabelledTask } from './labelled.js';
import type { Learner } from './learner.js';
import { AFTER_GAP, MISSING, PREDICTED, QUARANTINED } from './outcome.js';
import {
  COUNTERS,
  GAP_REASONS,
  GAPS,
  type GapReason,
  LOST,
  MISSING_ROWS,
  NOT_FINITE_ROWS,
  PREDICTIONS,
  QUARANTINES,
  ROWS,
  reportOf,
  SHORT_ROWS,
  type StreamReport,
} from './report.js';
import { restoreState, stateOf } from './state.js';
import type { TaskKind } from './task-kind.js';
import type { ResolvedTaskNetwork, TaskNetwork } from './task-network.js';
import type { Track } from './track.js';

export interface StreamOptions {
  columns: RowSchema;
  task: TaskSpec;
  /** Default, or without a key: a race of several, which needs no tuning. */
  network?: TaskNetwork;
  /** What is watched for changes, and what is done about them. Default nothing. */
  drift?: readonly DriftSpec[];
  /** Seed of the initial weights. Default 1. */
  seed?: number;
  /** What is remembered, to be learned from again. Default nothing. */
  memory?: MemorySpec | undefined;
  /** A held-out probe, which shows what has been forgotten. Default none. */
  monitor?: MonitorSpec | undefined;
  /** Default `auto`. */
  executor?: 'auto' | 'simd' | 'reference';
}

const EMPTY = new Float64Array(0);
const NO_INTERVALS = { lower: EMPTY, upper: EMPTY, scoredLower: EMPTY, scoredUpper: EMPTY };

/**
 * One task over the rows of one device: predicts every row, scores every prediction when its truth arrives, then
 * learns from it.
 *
 * The order of work on row i:
 * 1. a gap in time forgets the rows that wait for labels, and those in lags and windows;
 * 2. gates: a quarantined row keeps its place in the order but carries neither features nor label;
 * 3. the label printed in row i − delay has become known. It is the truth of row i − delay − labelAge: score what was
 *    predicted then, learn the scale of labels, take one step on the features as they were standardised then;
 * 4. learn the scale of features, lags and windows among them, from row i, standardise them, predict, un-scale with what is known of labels.
 */
export class Stream {
  readonly columns: readonly Column[];
  readonly task: Readonly<Task>;
  /** The declared network with its defaults, or `race`. */
  readonly taskNetwork: Readonly<ResolvedTaskNetwork> | 'race';
  /** Watchers, with their defaults. */
  readonly drift: readonly Drift[];
  /** What is remembered, with its defaults; undefined where nothing is. */
  readonly memory: Readonly<Memory> | undefined;
  /** The probe that shows what has been forgotten, with its defaults. */
  readonly monitor: Readonly<Monitor> | undefined;
  /** What is predicted and learned, each on its own: one thing, or a forecast's horizons. */
  readonly tracks: readonly Track[];
  /** What learns, of the first of them: the declared network, or a race. */
  readonly learner: Learner;
  /** The declared network, or the first of the race. */
  readonly network: Network;
  /** [columns]: which of them the task uses. */
  readonly required: readonly boolean[];
  /** Index of the column of kind `time`. */
  readonly timeColumn: number | undefined;
  readonly inputNames: readonly string[];
  /** What `prediction` holds: `tws_kn`, `twa_deg.cos`, or `Occupancy.0` for the probability of class 0, `temp+12` for 12 rows ahead, `score` of an anomaly. */
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
  /** [targets, quantiles] of the current row, ascending for each target; empty where the task names no quantiles. */
  readonly quantiles: Float64Array;
  /** The interval around `prediction`, NaN where there is none yet; empty for classes, and where `task.interval` is 0. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  /** The same around `scoredPrediction`. */
  readonly scoredLower: Float64Array;
  readonly scoredUpper: Float64Array;
  /** [0]: what the network's last step returned, of the row that gave LEARNED. */
  readonly loss: Float32Array | Float64Array;

  private readonly kind: TaskKind;
  private readonly gates: Gates;
  private readonly features: Encoder;
  private readonly history: History;
  private readonly scaler: RunningScaler;
  /** [inputs], standardised, and as they were. */
  private readonly values: Float64Array;
  private readonly raw: Float64Array;
  private readonly watch: DriftWatch;
  private readonly counts = new Float64Array(COUNTERS);
  /** The largest step of the time column that is no gap, in seconds. */
  private readonly maxGap: number;
  /** [0]: 1 while rows are learned from. */
  private readonly learning = Int32Array.of(1);
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
    this.history = new History(columns, task);
    const inputs = this.features.width + this.history.width;
    this.inputNames = [...this.features.names, ...this.history.names];
    const isCategory = new Uint8Array(inputs);
    isCategory.set(this.features.isCategory);
    this.scaler = new RunningScaler(inputs, isCategory);
    this.values = new Float64Array(inputs);
    this.raw = new Float64Array(inputs);

    const { network, seed = 1, executor = 'auto' } = options;
    this.memory = options.memory && resolveMemory(options.memory, task.kind);
    this.monitor = options.monitor && resolveMonitor(options.monitor);
    const { memory, monitor, scaler, raw, counts, learning } = this;
    const retention = { memory, monitor };
    const trackOptions = { inputs, network, seed, executor, counts, learning, scaler, raw, retention };
    const reserve = { row: columns.length };
    this.kind =
      task.kind === 'forecast'
        ? new ForecastTask(columns, task, trackOptions, reserve)
        : isAnomalyTask(task)
          ? new AnomalyTask(columns, task, this.inputNames, trackOptions, reserve)
          : new LabelledTask(columns, task, this.gates, trackOptions, reserve);
    this.tracks = this.kind.tracks;
    this.outputNames = this.kind.outputNames;
    this.prediction = this.kind.prediction;
    this.truth = this.kind.truth;
    this.scoredPrediction = this.kind.scoredPrediction;
    this.scoredBaseline = this.kind.scoredBaseline;
    const { intervals = NO_INTERVALS, quantiles = EMPTY } = this.kind;
    this.quantiles = quantiles;
    this.lower = intervals.lower;
    this.upper = intervals.upper;
    this.scoredLower = intervals.scoredLower;
    this.scoredUpper = intervals.scoredUpper;

    const [{ learner, taskNetwork }] = this.tracks;
    this.learner = learner;
    this.taskNetwork = taskNetwork;
    this.network = learner.network;
    this.loss = learner.loss;
    this.row = this.network.region('row').subarray(0, columns.length);
    this.labelRow = new Float32Array(columns.length);
    this.drift = resolveDrift(options.drift, columns, task);
    checkPolicies(this.drift, this.taskNetwork);
    this.watch = new DriftWatch(this.drift, {
      columns,
      tracks: this.tracks,
      scaler: this.scaler,
      counts: this.counts,
      learning: this.learning,
      seed,
    });
    if (this.drift.length > 0) this.tracks[0].drift = this.watch;

    const timeColumn = columns.findIndex((column) => column.kind === 'time');
    this.timeColumn = timeColumn < 0 ? undefined : timeColumn;
    this.maxGap = columns[timeColumn]?.maxGap ?? Infinity;
  }

  /** Rows accepted so far. */
  get rows(): number {
    return this.counts[ROWS];
  }

  /** Rows accepted so far and those that were lost between them. */
  get places(): number {
    return this.counts[ROWS] + this.counts[LOST];
  }

  /** `classify`: the most probable class of the current row, −1 where it was not predicted. Other kinds: −1. */
  get predictedClass(): number {
    return this.kind.predictedClass;
  }

  /** Whether rows are learned from; otherwise they are predicted and scored, and nothing else changes. */
  get isLearning(): boolean {
    return this.learning[0] === 1;
  }

  /** Pauses learning, or goes on with it. Kept in checkpoints. */
  setLearning(on: boolean): void {
    this.learning[0] = on ? 1 : 0;
  }

  /**
   * Takes the row in `row` and `time`.
   *
   * @returns PREDICTED, QUARANTINED, MISSING or NOT_FINITE, with any of AFTER_GAP, SCORED, LEARNED, STEP_SKIPPED, DRIFTED,
   * HELD_OUT, FORGOTTEN, ROLLED_BACK, ALARM
   * @hot
   */
  accept(): number {
    const { counts, row } = this;
    counts[ROWS] = counts[ROWS] + 1;
    const before = this.checkTime();
    const passed = this.gates.check(row) === PASSED;
    if (passed) this.history.take(row);
    else this.history.skip(1);
    if (!passed) counts[QUARANTINES] = counts[QUARANTINES] + 1;
    const learned = this.kind.take(row, passed);
    if (passed) this.watch.row(row);
    return before | learned | this.watch.take() | (passed ? this.predict() : QUARANTINED);
  }

  /**
   * Rows of the device that never arrived, between the last one accepted and the next: they keep their places, so
   * that labels still find their rows.
   *
   * @hot
   */
  lost(count: number): void {
    if (!Number.isSafeInteger(count) || count <= 0) return;
    const { counts, kind, history } = this;
    counts[LOST] = counts[LOST] + count;
    // After as many as there are places, every place is empty and stays so.
    const n = count < kind.places ? count : kind.places;
    for (let i = 0; i < n; i++) kind.skip();
    history.skip(count);
  }

  /**
   * A label from outside the rows, in `labelRow`: the truth of the row `age` rows ago, lost ones counted too; 0 is the
   * latest. A row takes one label; one that is no longer waited for, was not predicted from, or has its label is left
   * out and counted.
   *
   * @returns any of SCORED, LEARNED, STEP_SKIPPED, DRIFTED, HELD_OUT, FORGOTTEN, ROLLED_BACK; QUARANTINED where a value is
   * missing or out of range
   * @hot
   */
  label(age: number): number {
    const outcome = this.kind.label(age, this.labelRow);
    return outcome | this.watch.take();
  }

  /**
   * Rows before and after do not belong together: forgets the rows that wait for labels, unscored and unlearned, those in
   * lags and windows, and what steps are measured from.
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
    this.kind.finish();
  }

  private forget(reason: GapReason): void {
    const { counts } = this;
    const counter = GAPS + GAP_REASONS.indexOf(reason);
    counts[counter] = counts[counter] + 1;
    this.kind.clear();
    this.history.clear();
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

  /** @hot */
  private predict(): number {
    const { counts, row, values, raw, scaler, features, history } = this;
    if (!features.isComplete(row) || !this.kind.isComplete()) {
      counts[MISSING_ROWS] = counts[MISSING_ROWS] + 1;
      return MISSING;
    }
    features.encode(raw, 0, row);
    if (history.write(raw, features.width)) counts[SHORT_ROWS] = counts[SHORT_ROWS] + 1;
    if (this.learning[0] === 1) scaler.update(raw, 0);
    scaler.standardise(values, raw, 0);
    const outcome = this.kind.predict(values, counts[ROWS] > this.task.warmup);
    const counter = (outcome & PREDICTED) !== 0 ? PREDICTIONS : NOT_FINITE_ROWS;
    counts[counter] = counts[counter] + 1;
    return outcome;
  }

  /** Which value of the last row that was quarantined passed which limit; null where there was none in this process. */
  lastQuarantined(): Quarantined | null {
    return this.gates.lastQuarantined();
  }

  /** Scores and counters as plain data. */
  report(): StreamReport {
    return reportOf(
      this.task.kind,
      this.counts,
      this.gates.report(),
      this.kind.report(),
      this.learner.report(),
      this.watch.report(),
      this.tracks[0].retention?.report(),
    );
  }

  /**
   * Hex of everything that decides about later predictions: parameters, scalers, rows that wait for labels, gates,
   * and of a race who is believed.
   * Equal after equal rows, on every machine and executor.
   */
  hash(): string {
    const { watch, tracks } = this;
    // What was published decides what watchers that act will see.
    const published = watch.acts ? tracks[0].pending.published('stream.published') : [];
    return hashOf(tracks.map((track) => track.learner.hash()).join(' '), [...this.decisiveState(), ...published]);
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
      ...this.tracks.flatMap((track) => track.scores()),
      ...this.kind.scores(),
      ...(this.watch.acts ? [] : this.watch.state('stream.drift')),
      { name: 'stream.counters', shape: [COUNTERS], data: this.counts },
      { name: 'stream.learning', shape: [1], data: this.learning },
    ];
  }

  /** Works out again what follows from `arrays`, after they were written. */
  refresh(): void {
    this.scaler.refresh();
    for (const { head, retention } of this.tracks) {
      head.refresh();
      retention?.refresh();
    }
    this.watch.refresh();
  }

  private decisiveState(): StateArray[] {
    return [
      ...this.scaler.state('stream.features'),
      ...this.tracks.flatMap((track) => track.state()),
      ...this.gates.state('stream.gates'),
      ...this.history.state('stream.history'),
      { name: 'stream.clock', shape: [2], data: this.clock },
      ...this.tracks.flatMap((track) => track.learnerState()),
      ...this.kind.state(),
      ...(this.watch.acts ? this.watch.state('stream.drift') : []),
    ];
  }
}

/** A declared network is alone: nothing could take its place while it began anew. */
function checkPolicies(drifts: readonly Drift[], network: Stream['taskNetwork']): void {
  const i = drifts.findIndex(({ policy }) => policy === 'freshLearner');
  if (i < 0 || network === 'race') return;
  throw new SpecError('SPEC_DRIFT', {
    where: `drift[${i}].policy`,
    found: '"freshLearner" with a network declared',
    expected: 'a race, of which one network can begin anew',
    remedy: 'name no key of network, or take "raiseRates"',
  });
}

/**
 * Makes a stream for a row schema and a task.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function createStream(options: StreamOptions): Stream {
  return new Stream(options);
}
