import type { StateArray } from '../online/index.js';
import type { Column, Task } from '../spec/index.js';
import { ChangeHead } from './change.js';
import { Encoder } from './encoder.js';
import { ForecastIntervals } from './forecast-intervals.js';
import { ForecastMetrics, type ForecastScores } from './forecast-metrics.js';
import type { MonitorReport } from './forgetting-monitor.js';
import type { LearnerReport } from './learner.js';
import { PREDICTED, SCORED } from './outcome.js';
import { HAS_LABEL } from './pending.js';
import type { MemoryReport } from './replayer.js';
import { LABELS, MISSING_LABELS, UNUSED_LABELS } from './report.js';
import type { TaskKind } from './task-kind.js';
import { Track, type TrackOptions } from './track.js';

/** Scores of all horizons together, of the rows at which a prediction of each came true, and of each. */
export interface ForecastReport extends ForecastScores {
  horizons: ({
    /** Rows ahead. */
    horizon: number;
    learner: LearnerReport;
    /** Where they were asked for. */
    memory?: MemoryReport;
    monitor?: MonitorReport;
  } & ForecastScores)[];
}

/**
 * `forecast`: target columns some rows ahead, predicted as change from now. Each horizon is a track of its own, so that it
 * learns as soon as its truth is there, and each has its own race.
 */
export class ForecastTask implements TaskKind {
  readonly tracks: readonly Track[];
  readonly outputNames: readonly string[];
  /** Names of the target values. */
  readonly targetNames: readonly string[];
  readonly places: number;
  readonly predictedClass = -1;
  /** [horizons, targets], as all that follow: values, not changes. */
  readonly prediction: Float64Array;
  readonly truth: Float64Array;
  readonly scoredPrediction: Float64Array;
  readonly scoredBaseline: Float64Array;
  readonly intervals: ForecastIntervals | undefined;
  private readonly scoredLine: Float64Array;
  private readonly heads: readonly ChangeHead[];
  private readonly targets: Encoder;
  /** Of the rows at which a prediction of every horizon came true. */
  private readonly metrics: ForecastMetrics;
  /** One a horizon. */
  private readonly horizonMetrics: readonly ForecastMetrics[];
  private readonly counts: Float64Array;
  /** [places, targets]: the values of the last rows. */
  private readonly values: Float64Array;
  /** [places]: whether they are known. */
  private readonly isKnown: Int32Array;
  /** [0]: the place of the current row. */
  private readonly position = new Int32Array(1);

  constructor(
    columns: readonly Column[],
    { targets, horizons, window, interval }: Pick<Task, 'targets' | 'horizons' | 'window' | 'interval'>,
    options: Omit<TrackOptions, 'kind'>,
    reserve: Record<string, number>,
  ) {
    this.targets = new Encoder(columns, targets, 'index');
    const { width, names } = this.targets;
    this.targetNames = names;
    this.heads = horizons.map((horizon) => new ChangeHead(names, window, horizon, interval));
    this.tracks = this.heads.map((head, k) => {
      const times = { delay: 0, labelAge: head.horizon, labelWait: 0 };
      const name = horizons.length === 1 ? '' : `horizon${head.horizon}`;
      return new Track(head, times, { ...options, kind: 'regress' }, k === 0 ? reserve : {}, name);
    });
    this.outputNames = horizons.flatMap((horizon) => names.map((name) => `${name}+${horizon}`));
    this.places = Math.max(...horizons) + 1;
    const outputs = this.outputNames.length;
    this.metrics = new ForecastMetrics(this.outputNames, window);
    this.horizonMetrics = horizons.map(() => new ForecastMetrics(names, window));
    this.intervals =
      interval > 0
        ? new ForecastIntervals(
            this.outputNames,
            this.heads.map((head) => head.intervals!),
            interval,
            window,
          )
        : undefined;
    this.prediction = new Float64Array(outputs);
    this.truth = new Float64Array(outputs);
    this.scoredPrediction = new Float64Array(outputs);
    this.scoredBaseline = new Float64Array(outputs);
    this.scoredLine = new Float64Array(outputs);
    this.counts = options.counts;
    this.values = new Float64Array(this.places * width);
    this.isKnown = new Int32Array(this.places);
  }

  /** @hot */
  take(row: Float32Array, passed: boolean): number {
    const { targets, counts, isKnown } = this;
    const place = this.advance();
    if (passed && targets.isComplete(row)) {
      targets.encode(this.values, place * targets.width, row);
      isKnown[place] = 1;
    } else if (passed) {
      counts[MISSING_LABELS] = counts[MISSING_LABELS] + 1;
    }
    return this.join(place);
  }

  /** @hot */
  skip(): void {
    this.join(this.advance());
  }

  /** Takes the oldest place for a new row, empty. @hot */
  private advance(): number {
    const { position, places } = this;
    const place = position[0] + 1 === places ? 0 : position[0] + 1;
    position[0] = place;
    this.isKnown[place] = 0;
    return place;
  }

  /** The values of the row at `place` are the truth of earlier predictions, one of each horizon. @hot */
  private join(place: number): number {
    const { tracks, heads, values, isKnown, places } = this;
    const { width } = this.targets;
    let outcome = 0;
    let areScored = true;
    for (let k = 0; k < tracks.length; k++) {
      const { pending } = tracks[k];
      const slot = pending.advance();
      const then = place - heads[k].horizon < 0 ? place - heads[k].horizon + places : place - heads[k].horizon;
      if (isKnown[place] === 1 && isKnown[then] === 1) {
        for (let i = 0; i < width; i++) {
          pending.labels[slot * width + i] = values[place * width + i] - values[then * width + i];
        }
        pending.flags[slot] = HAS_LABEL;
      }
      const joined = tracks[k].join();
      if ((joined & SCORED) === 0) areScored = false;
      else this.score(k, then, place);
      outcome |= joined & ~SCORED;
    }
    if (!areScored) return outcome;
    this.metrics.update(this.scoredPrediction, this.scoredBaseline, this.scoredLine, this.truth, 0);
    this.intervals?.score(this.scoredPrediction, this.scoredBaseline, this.truth);
    return outcome | SCORED;
  }

  /** Scores what track k predicted at the place `then` of what is at `place`, as values. @hot */
  private score(k: number, then: number, place: number): void {
    const { values, heads, truth, scoredPrediction, scoredBaseline, scoredLine } = this;
    const { width } = this.targets;
    const head = heads[k];
    for (let i = 0, o = k * width; i < width; i++, o++) {
      const value = values[then * width + i];
      truth[o] = values[place * width + i];
      scoredPrediction[o] = value + head.scoredPrediction[i];
      scoredBaseline[o] = value;
      scoredLine[o] = value + head.scoredLine[i];
    }
    this.intervals?.keepScored(k, values, then * width);
    this.horizonMetrics[k].update(scoredPrediction, scoredBaseline, scoredLine, truth, k * width);
  }

  /** @hot */
  isComplete(): boolean {
    return this.isKnown[this.position[0]] === 1;
  }

  /** @hot */
  predict(inputs: Float64Array, isWarm: boolean): number {
    const { tracks, heads, values, prediction, position } = this;
    const { width } = this.targets;
    const now = position[0] * width;
    let outcome = PREDICTED;
    for (let k = 0; k < tracks.length; k++) {
      const predicted = tracks[k].predict(inputs, isWarm);
      if (predicted !== PREDICTED) outcome = predicted;
      for (let i = 0; i < width; i++) prediction[k * width + i] = values[now + i] + heads[k].prediction[i];
      this.intervals?.publish(k, values, now);
    }
    return outcome;
  }

  /** Truth comes with the rows alone. @hot */
  label(): number {
    const { counts } = this;
    counts[LABELS] = counts[LABELS] + 1;
    counts[UNUSED_LABELS] = counts[UNUSED_LABELS] + 1;
    return 0;
  }

  /** Every truth that is there has been used. */
  finish(): void {}

  /** @hot */
  clear(): void {
    this.isKnown.fill(0);
    for (let k = 0; k < this.tracks.length; k++) this.tracks[k].pending.clear();
  }

  report(): ForecastReport {
    const horizons = this.heads.map((head, k) => ({
      horizon: head.horizon,
      ...this.horizonMetrics[k].report(),
      interval: head.intervals?.report() ?? null,
      learner: this.tracks[k].learner.report(),
      ...this.tracks[k].retention?.report(),
    }));
    return { ...this.metrics.report(), interval: this.intervals?.report() ?? null, horizons };
  }

  state(): StateArray[] {
    return [
      { name: 'stream.forecast.values', shape: [this.places, this.targets.width], data: this.values },
      { name: 'stream.forecast.isKnown', shape: [this.places], data: this.isKnown },
      { name: 'stream.forecast.position', shape: [1], data: this.position },
    ];
  }

  scores(): StateArray[] {
    return [
      ...this.metrics.state('stream.forecast.scores'),
      ...(this.intervals?.state('stream.forecast.scores.interval') ?? []),
      ...this.horizonMetrics.flatMap((metrics, k) => metrics.state(`stream.forecast.scores.${k}`)),
    ];
  }
}
