import type { Column } from '../../spec/index.js';
import { PREDICTED, SCORED } from '../../stream/index.js';
import type { LiveTask, TaskEvent } from '../live-task.js';
import { scoreOf, unitOf } from '../status.js';
import type {
  ErrorMessage,
  FieldMessage,
  MomentMessage,
  PastSample,
  RowsMessage,
  TaskMessage,
  TaskStatusMessage,
} from './messages.js';
import { Ring } from './ring.js';
import { Samples, short, shortened } from './samples.js';

/** Rows sent at once. */
const ROOM = 32;
/** Seconds before the page was opened that it is told of, a row each. */
const PAST = 600;
/** The latest rows are told of more finely: those of half a minute. */
const LATEST = 150;
/** Points of the windowed error since the beginning; when there are twice as many, every second one is left out. */
const ERRORS = 300;
/** What is left of a rate after a second. */
const MEMORY = 0.7;

/**
 * What the page is told of one task. While nobody looks, a row costs two stores; the past is taken now and then, between
 * rows.
 */
export class TaskFeed {
  /** Indexes of the columns that are shown. */
  private readonly shown: Int32Array;
  private readonly rowWidth: number;
  private readonly scoredWidth: number;
  private readonly rows: Samples;
  private readonly scored: Samples;
  /** Rows whose place is a multiple of it are kept. */
  private stride = 1;
  private isListening = false;
  /** Of the latest row: what `accept` returned. */
  private outcome = 0;
  /** [0]: place of the row scored last, −1 before. */
  private readonly scoredPlace = Float64Array.of(-1);
  /** [1 + rowWidth + scoredWidth] each: when, the row, what had been scored. */
  private readonly past: Ring;
  private readonly latest: Ring;
  private latestPlace: number;
  /** Times of `performance.now()`, as all that is kept: the wall clock may be set in between. */
  private errors: [number, number | null, number | null][] = [];
  private errorsScored = -1;
  private secondsPerError = 1;
  private secondsToError = 1;
  private lastMs = performance.now();
  private lastSteps = { rows: 0, seconds: 0 };
  private rowsPerSecond = 0;
  private stepS: number | null = null;
  private readonly end: () => void;

  constructor(
    readonly task: LiveTask,
    private readonly index: number,
    onEvent: (event: TaskEvent) => void,
  ) {
    const { stream } = task;
    this.shown = Int32Array.from(
      stream.columns.flatMap(({ kind }, i) => (kind === 'ignore' || kind === 'time' ? [] : [i])),
    );
    this.rowWidth = 1 + this.shown.length + stream.prediction.length + 2 * stream.lower.length;
    this.scoredWidth = 1 + 3 * stream.truth.length + 2 * stream.scoredLower.length;
    this.rows = new Samples(this.rowWidth, ROOM);
    this.scored = new Samples(this.scoredWidth, ROOM);
    this.past = new Ring(1 + this.rowWidth + this.scoredWidth, PAST);
    this.latest = new Ring(1 + this.rowWidth + this.scoredWidth, LATEST);
    this.latestPlace = stream.places;
    // What was forecast is of the row that has just come; other truths are of the row they were predicted from.
    const { kind, delay, labelAge } = stream.task;
    const age = kind === 'forecast' ? 0 : delay + labelAge;
    this.end = task.observe({
      row: (outcome) => this.row(outcome, age),
      label: (outcome, age) => {
        if ((outcome & SCORED) !== 0) this.score(stream.places - age);
      },
      event: onEvent,
    });
  }

  stop(): void {
    this.end();
  }

  /** Whether rows are kept for `take`. */
  listen(on: boolean): void {
    this.isListening = on;
    this.rows.clear();
    this.scored.clear();
    this.stride = 1;
  }

  /** @hot */
  private row(outcome: number, age: number): void {
    this.outcome = outcome;
    const { places: place } = this.task.stream;
    if ((outcome & SCORED) !== 0) this.score(place - age);
    if (!this.isListening || place % this.stride !== 0) return;
    const { rows } = this;
    if (rows.isFull) this.widen();
    if (place % this.stride !== 0) return;
    this.writeRow(rows.array, rows.add());
  }

  /** @hot */
  private score(place: number): void {
    const { scored, scoredPlace } = this;
    scoredPlace[0] = place;
    if (!this.isListening || place % this.stride !== 0) return;
    if (scored.isFull) this.widen();
    if (place % this.stride !== 0) return;
    this.writeScored(scored.array, scored.add());
  }

  /** Every second row is left out from here on. @hot */
  private widen(): void {
    this.stride *= 2;
    this.rows.thin(this.stride);
    this.scored.thin(this.stride);
    // Labels from outside may name the same row again and again.
    if (this.scored.isFull) this.scored.clear();
  }

  /** Into room that holds NaN. @hot */
  private writeRow(to: Float64Array, off: number): void {
    const { shown } = this;
    const { stream } = this.task;
    let i = off;
    to[i++] = stream.places;
    for (let k = 0; k < shown.length; k++) to[i++] = stream.row[shown[k]];
    const isPredicted = (this.outcome & PREDICTED) !== 0;
    if (!isPredicted) return;
    for (let k = 0; k < stream.prediction.length; k++) to[i++] = stream.prediction[k];
    for (let k = 0; k < stream.lower.length; k++) to[i++] = stream.lower[k];
    for (let k = 0; k < stream.upper.length; k++) to[i++] = stream.upper[k];
  }

  /** @hot */
  private writeScored(to: Float64Array, off: number): void {
    const { truth, scoredPrediction, scoredBaseline, scoredLower, scoredUpper } = this.task.stream;
    let i = off;
    to[i++] = this.scoredPlace[0];
    for (let k = 0; k < truth.length; k++) to[i++] = truth[k];
    for (let k = 0; k < truth.length; k++) to[i++] = scoredPrediction[k];
    for (let k = 0; k < truth.length; k++) to[i++] = scoredBaseline[k];
    for (let k = 0; k < scoredLower.length; k++) to[i++] = scoredLower[k];
    for (let k = 0; k < scoredUpper.length; k++) to[i++] = scoredUpper[k];
  }

  /** The rows since the last call; null where there were none. */
  take(): RowsMessage | null {
    const { rows, scored, task } = this;
    if (rows.length === 0 && scored.length === 0) return null;
    const few = rows.length < ROOM / 4;
    const message = {
      ...moment(),
      task: this.index,
      rows: rows.take(),
      scored: scored.take(),
      windowError: errorOf(task, 'window'),
    };
    if (few && this.stride > 1) this.stride /= 2;
    return message;
  }

  /** To be called five times a second: keeps the latest row for a page that will be opened. */
  keepLatest(): void {
    const { places } = this.task.stream;
    if (places === this.latestPlace) return;
    this.latestPlace = places;
    this.keep(this.latest);
  }

  private keep(ring: Ring): void {
    const off = ring.add();
    ring.array[off] = performance.now();
    this.writeRow(ring.array, off + 1);
    this.writeScored(ring.array, off + 1 + this.rowWidth);
  }

  /** To be called once a second: keeps a row for the past, and counts how fast they come. */
  second(): void {
    const { task } = this;
    const { stream } = task;
    const now = performance.now();
    const { rows, seconds } = task.status().steps;
    const done = rows - this.lastSteps.rows;
    const rate = (1000 * done) / Math.max(now - this.lastMs, 1);
    this.rowsPerSecond = MEMORY * this.rowsPerSecond + (1 - MEMORY) * rate;
    if (done > 0) this.stepS = (seconds - this.lastSteps.seconds) / done;
    this.lastMs = now;
    this.lastSteps = { rows, seconds };

    if (done > 0) this.keep(this.past);
    if (--this.secondsToError > 0) return;
    this.secondsToError = this.secondsPerError;
    const { scored } = stream.report();
    if (scored === this.errorsScored || scored === 0) return;
    this.errorsScored = scored;
    const { model, baseline } = errorOf(task, 'window');
    this.errors.push([now, model, baseline]);
    if (this.errors.length < 2 * ERRORS) return;
    this.errors = this.errors.filter((_, i) => i % 2 === 1);
    this.secondsPerError *= 2;
  }

  status(): TaskStatusMessage {
    const { task, rowsPerSecond, stepS } = this;
    const { steps: _, ...status } = task.status();
    return {
      ...status,
      latestLines: task.latestLines(),
      rowsPerSecond,
      stepS,
      place: task.stream.places,
      baselineName: scoreOf(status.report, '').baselineLabel,
      windowError: errorOf(task, 'window'),
      error: errorOf(task, 'all'),
    };
  }

  /** All there is to know, for a page that begins to look. */
  describe(): TaskMessage {
    const { task, shown } = this;
    const { stream, config } = task;
    const { columns, outputNames, truth } = stream;
    const unit = unitOf(config);
    const score = scoreOf(stream.report(), unit);
    const fieldOf = ({ name, unit: of, classes = 0 }: Column): FieldMessage => ({ name, unit: of, classes });
    const targets = columns.filter(({ name }) => stream.task.targets.includes(name)).map(fieldOf);
    const outputs = outputNames.map((name) => ({
      name,
      unit: columns.find((column) => column.name === name.replace(/\+\d+$/, ''))?.unit ?? '', // of a forecast: temp+10
      classes: 0,
    }));
    return {
      name: config.name,
      kind: stream.task.kind,
      columns: Array.from(shown, (i) => fieldOf(columns[i])),
      outputs,
      truths: truth.length === outputs.length ? outputs : targets,
      hasIntervals: stream.lower.length > 0,
      isForecast: stream.task.kind === 'forecast',
      errorName: score.label === 'accuracy' ? 'wrong' : score.label,
      errorUnit: score.label === 'accuracy' ? '' : unit,
      window: stream.task.window,
      targets,
      labelWait: stream.task.labelWait,
      plan: stream.network.plan.toString(),
      status: this.status(),
      events: [...task.events()],
      past: this.pastSamples(),
      errors: this.errors.map(([ms, model, baseline]) => [ms + wallAheadMs(), model, baseline]),
    };
  }

  private pastSamples(): PastSample[] {
    const { past, latest, rowWidth, scoredWidth } = this;
    const aheadMs = wallAheadMs();
    const sampleOf = (array: Float64Array, off: number): PastSample => ({
      timeMs: array[off] + aheadMs,
      row: shortened(array, off + 1, rowWidth),
      scored: array[off + 1 + rowWidth] < 0 ? null : shortened(array, off + 1 + rowWidth, scoredWidth),
    });
    const finely = latest.offsets();
    const from = finely.length > 0 ? latest.array[finely[0]] : Infinity;
    const coarsely = past.offsets().filter((off) => past.array[off] < from);
    return [...coarsely.map((off) => sampleOf(past.array, off)), ...finely.map((off) => sampleOf(latest.array, off))];
  }
}

/** What is wrong: the mean error, or of classes the share that was. */
export function errorOf(task: LiveTask, over: 'window' | 'all'): ErrorMessage {
  const score = scoreOf(task.stream.report(), '');
  const model = over === 'window' ? score.windowModel : score.model;
  const baseline = over === 'window' ? score.windowBaseline : score.baseline;
  const wrong = (value: number | null) =>
    value === null ? null : short(score.label === 'accuracy' ? 1 - value : value);
  return { model: wrong(model), baseline: wrong(baseline) };
}

/** Now, by both clocks. */
export const moment = (): MomentMessage => ({ timeMs: Date.now(), steadyMs: performance.now() });

/** What the wall clock says now, beside `performance.now()`. */
const wallAheadMs = () => Date.now() - performance.now();
