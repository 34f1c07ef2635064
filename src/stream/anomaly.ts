import { Alarm, type AlarmReport, RobustScale, type StateArray } from '../online/index.js';
import { type AnomalyTask as AnomalySpec, type Column, SpecError } from '../spec/index.js';
import { ForecastTask } from './forecast.js';
import type { ForecastScores } from './forecast-metrics.js';
import { ALARM, PREDICTED, SCORED } from './outcome.js';
import { HAS_LABEL } from './pending.js';
import { RegressionHead } from './regression.js';
import { LABELS, UNUSED_LABELS } from './report.js';
import type { TaskKind } from './task-kind.js';
import { Track, type TrackOptions } from './track.js';

export interface AnomalyReport {
  /** Rows judged, behind the warm-up. */
  scored: number;
  metrics: Omit<AlarmReport, 'judged'> & {
    /** Of the latest row that was judged; null before the first. */
    score: number | null;
    /** What it was of: the column whose error was the largest for its kind. */
    column: string | null;
  };
  /** What was asked for. */
  baseline: { rate: number };
  /** Of `residual`: how good the forecasts are that rows are judged by. */
  forecast: ForecastScores | null;
}

const NOTHING = new Float64Array(0);

/** What judges rows by how far they are from what was expected of them. */
interface Expectation {
  readonly tracks: readonly Track[];
  readonly places: number;
  /** Names of the errors. */
  readonly names: readonly string[];
  /** [names]: of the row that was last judged. */
  readonly errors: Float64Array;
  /** @returns any of SCORED (there are errors), LEARNED, STEP_SKIPPED @hot */
  take(row: Float32Array, passed: boolean): number;
  /** @returns PREDICTED or NOT_FINITE, with any of SCORED, LEARNED, STEP_SKIPPED @hot */
  predict(values: Float64Array): number;
  isComplete(): boolean;
  skip(): void;
  clear(): void;
  report(): ForecastScores | null;
  state(): StateArray[];
  scores(): StateArray[];
}

/** Every row is forecast from the one before; the errors are those of the forecast. */
class Residual implements Expectation {
  readonly tracks: readonly Track[];
  readonly places: number;
  readonly names: readonly string[];
  readonly errors: Float64Array;
  private readonly forecast: ForecastTask;

  constructor(
    columns: readonly Column[],
    { features, window }: AnomalySpec,
    options: Omit<TrackOptions, 'kind'>,
    reserve: Record<string, number>,
  ) {
    const targets = features.filter((name) => columns.find((column) => column.name === name)?.kind !== 'class');
    this.forecast = new ForecastTask(columns, { targets, horizons: [1], window, interval: 0 }, options, reserve);
    this.tracks = this.forecast.tracks;
    this.places = this.forecast.places;
    this.names = this.forecast.targetNames;
    this.errors = new Float64Array(this.names.length);
  }

  /** @hot */
  take(row: Float32Array, passed: boolean): number {
    const { errors } = this;
    const { truth, scoredPrediction } = this.forecast;
    const outcome = this.forecast.take(row, passed);
    if ((outcome & SCORED) !== 0) for (let i = 0; i < errors.length; i++) errors[i] = scoredPrediction[i] - truth[i];
    return outcome;
  }

  /** @hot */
  predict(values: Float64Array): number {
    return this.forecast.predict(values, true);
  }

  isComplete(): boolean {
    return this.forecast.isComplete();
  }

  skip(): void {
    this.forecast.skip();
  }

  clear(): void {
    this.forecast.clear();
  }

  report(): ForecastScores {
    const { horizons, ...scores } = this.forecast.report();
    return scores;
  }

  state(): StateArray[] {
    return this.forecast.state();
  }

  scores(): StateArray[] {
    return this.forecast.scores();
  }
}

/** Inputs as they are: there is no naive guess at what stands in the row already. */
class ReconstructionHead extends RegressionHead {
  override knowsLabel(): boolean {
    return false;
  }

  override scores(): StateArray[] {
    return [];
  }
}

/** A network that is narrow in the middle gives the row back; the errors are what it could not give back. */
class Reconstruction implements Expectation {
  readonly tracks: readonly [Track];
  readonly places = 1;
  readonly errors: Float64Array;
  private readonly track: Track;

  constructor(
    readonly names: readonly string[],
    { window }: AnomalySpec,
    options: Omit<TrackOptions, 'kind'>,
    reserve: Record<string, number>,
  ) {
    const inputs = names.length;
    if (inputs < 2) {
      throw new SpecError('SPEC_TASK', {
        where: 'task.method',
        found: `"autoencoder" with one input, ${names[0]}`,
        expected: 'several inputs, so that there is something to give back',
        remedy: 'add features, or lags = [1, 2, 3]',
      });
    }
    if (options.network?.shortcut === true) {
      throw new SpecError('SPEC_TASK', {
        where: 'network.shortcut',
        found: 'true',
        expected: 'no path around the hidden layers for an autoencoder: it would give every row back',
      });
    }
    const units = Math.ceil(inputs / 3);
    const network = { layers: [{ kind: 'dense', units, activation: 'tanh' } as const], ...options.network };
    const times = { delay: 0, labelAge: 0, labelWait: 0 };
    const head = new ReconstructionHead(names, window, 1, 0);
    this.track = new Track(head, times, { ...options, network, kind: 'regress' }, reserve);
    this.tracks = [this.track];
    this.errors = new Float64Array(inputs);
  }

  /** @hot */
  take(): number {
    this.track.pending.advance();
    return 0;
  }

  /** Judges the row, then learns it. @hot */
  predict(values: Float64Array): number {
    const { track, errors } = this;
    const { pending, head } = track;
    const outcome = track.predict(values, false);
    if (outcome === PREDICTED) for (let i = 0; i < errors.length; i++) errors[i] = head.prediction[i] - values[i];
    const slot = pending.slotOf(0);
    for (let i = 0; i < values.length; i++) pending.labels[slot * values.length + i] = values[i];
    pending.flags[slot] = pending.flags[slot] | HAS_LABEL;
    return outcome | (outcome === PREDICTED ? SCORED : 0) | track.join();
  }

  isComplete(): boolean {
    return true;
  }

  skip(): void {
    this.track.pending.advance();
  }

  clear(): void {
    this.track.pending.clear();
  }

  report(): null {
    return null;
  }

  state(): StateArray[] {
    return [];
  }

  scores(): StateArray[] {
    return [];
  }
}

/**
 * `anomaly`: rows that are not as expected. The score of a row is its largest error, in usual sizes of that error; the alarm goes by
 * a threshold that keeps to a stated rate. Rows in alarm are learned from like others: what lasts is no anomaly, and errors are
 * cut before they are learned from.
 */
export class AnomalyTask implements TaskKind {
  readonly tracks: readonly Track[];
  readonly outputNames: readonly string[] = ['score', 'threshold'];
  readonly places: number;
  readonly predictedClass = -1;
  /** Score of the row, 0 where nothing was expected of it, and threshold, 0 during the warm-up. */
  readonly prediction = new Float64Array(2);
  readonly truth = NOTHING;
  readonly scoredPrediction = NOTHING;
  readonly scoredBaseline = NOTHING;
  private readonly expectation: Expectation;
  private readonly scale: RobustScale;
  private readonly alarm: Alarm;
  private readonly counts: Float64Array;
  private readonly learning: Int32Array;
  /** [2]: column of the latest score, −1 before the first · whether the row taken last has been judged. */
  private readonly latest = Int32Array.of(-1, 0);

  constructor(
    columns: readonly Column[],
    private readonly task: AnomalySpec,
    inputNames: readonly string[],
    options: Omit<TrackOptions, 'kind'>,
    reserve: Record<string, number>,
  ) {
    this.expectation =
      task.method === 'autoencoder'
        ? new Reconstruction(inputNames, task, options, reserve)
        : new Residual(columns, task, options, reserve);
    this.tracks = this.expectation.tracks;
    this.places = this.expectation.places;
    this.scale = new RobustScale(this.expectation.names.length);
    this.alarm = new Alarm({ rate: task.alarmRate, hold: task.hold, release: task.release, warmup: task.warmup });
    this.counts = options.counts;
    this.learning = options.learning;
  }

  /** @hot */
  take(row: Float32Array, passed: boolean): number {
    this.latest[1] = 0;
    return this.judge(this.expectation.take(row, passed));
  }

  /** @hot */
  predict(values: Float64Array): number {
    const outcome = this.judge(this.expectation.predict(values));
    const { prediction, scale, latest } = this;
    prediction[0] = latest[1] === 1 ? scale.largest[0] : 0;
    this.alarm.writeThreshold(prediction, 1);
    return outcome;
  }

  /** Judges a row of which there are errors. @returns the outcome, with ALARM instead of SCORED @hot */
  private judge(outcome: number): number {
    if ((outcome & SCORED) === 0) return outcome;
    const { scale, alarm, expectation, latest } = this;
    const isLearning = this.learning[0] === 1;
    latest[0] = scale.score(expectation.errors);
    latest[1] = 1;
    if (isLearning) scale.update(expectation.errors);
    const isInAlarm = alarm.take(scale.largest, isLearning);
    return (outcome & ~SCORED) | (isInAlarm ? ALARM : 0);
  }

  /** @hot */
  isComplete(): boolean {
    return this.expectation.isComplete();
  }

  /** @hot */
  skip(): void {
    this.expectation.skip();
  }

  /** Nobody says what was an anomaly. @hot */
  label(): number {
    const { counts } = this;
    counts[LABELS] = counts[LABELS] + 1;
    counts[UNUSED_LABELS] = counts[UNUSED_LABELS] + 1;
    return 0;
  }

  finish(): void {}

  /** @hot */
  clear(): void {
    this.expectation.clear();
    this.alarm.clear();
  }

  report(): AnomalyReport {
    const { judged, ...alarm } = this.alarm.report();
    const column = this.latest[0];
    return {
      scored: judged,
      metrics: {
        ...alarm,
        score: column < 0 ? null : this.scale.largest[0],
        column: column < 0 ? null : this.expectation.names[column],
      },
      baseline: { rate: this.task.alarmRate },
      forecast: this.expectation.report(),
    };
  }

  state(): StateArray[] {
    return [
      ...this.expectation.state(),
      ...this.scale.state('stream.anomaly.scale'),
      ...this.alarm.state('stream.anomaly.alarm'),
    ];
  }

  scores(): StateArray[] {
    return [
      ...this.expectation.scores(),
      ...this.alarm.scores('stream.anomaly.alarm'),
      { name: 'stream.anomaly.latest', shape: [2], data: this.latest },
      { name: 'stream.anomaly.score', shape: [1], data: this.scale.largest },
    ];
  }
}
