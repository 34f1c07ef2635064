import {
  Adwin,
  Ddm,
  DRIFT,
  type DriftDetector,
  Kswin,
  PageHinkley,
  type RunningScaler,
  STABLE,
  type StateArray,
} from '../online/index.js';
import type { Column, Drift, DriftPolicy } from '../spec/index.js';
import { DRIFTED } from './outcome.js';
import type { PendingRows } from './pending.js';
import { ROWS } from './report.js';
import type { TaskHead } from './task-head.js';
import type { Track } from './track.js';

/** A watcher, and what it has told. */
export interface DriftReport {
  /** `loss`, or the name of a column. */
  on: string;
  detector: Drift['detector'];
  policy: DriftPolicy;
  /** Changes told. */
  detections: number;
  /** Values at which it warned; only DDM does. */
  warnings: number;
  /** The row at which it told the last change, as `rows` counts them; null before the first. */
  lastRow: number | null;
  /** Values that were missing, or no finite number. */
  ignored: number;
}

/** What of a stream is watched, and acted on. */
export interface Watched {
  columns: readonly Column[];
  /** The loss is the first one's. */
  tracks: readonly Track[];
  /** Of the features. */
  scaler: RunningScaler;
  /** Counters of the stream. */
  counts: Float64Array;
  /** [0]: 1 while rows are learned from; nothing is acted on otherwise. */
  learning: Int32Array;
  seed: number;
}

/** Policies that what is learned depends on. */
const ACTING: readonly DriftPolicy[] = ['raiseRates', 'forgetScalers', 'freshLearner'];

// Of a watcher, one float64 each.
const DETECTIONS = 0;
const WARNINGS = 1;
const LAST_ROW = 2;
/** Labels until rates are as before. */
const RAISED = 3;
/** 1 where scalers were made to forget. */
const FORGOT = 4;
const MARKS = 5;

/**
 * Watches the loss and columns of a stream for changes, and does about them what each watcher's policy says. A function of the rows
 * alone, like everything else that is learned.
 */
export class DriftWatch {
  /** Whether what is learned depends on what is told. */
  readonly acts: boolean;
  private readonly detectors: readonly DriftDetector[];
  /** [watchers]: the column each looks at, −1 for the loss. */
  private readonly columnOf: Int32Array;
  private readonly watchesLoss: boolean;
  /** [watchers, MARKS] */
  private readonly marks: Float64Array;
  /** [0]: 1 where something was told that no outcome has said yet. */
  private readonly news = new Int32Array(1);
  /** [slots]: 1 where the loss of a prediction counts: finite, past warm-up, with a baseline. */
  private readonly expected: Int32Array;
  private readonly value = new Float64Array(1);

  constructor(
    readonly drifts: readonly Drift[],
    private readonly watched: Watched,
  ) {
    const { columns, tracks, seed } = watched;
    this.acts = drifts.some(({ policy }) => ACTING.includes(policy));
    this.detectors = drifts.map((drift, i) => detectorOf(drift, seedOf(seed, i, 0)));
    this.columnOf = Int32Array.from(drifts, ({ on }) =>
      on === 'loss' ? -1 : columns.findIndex(({ name }) => name === on),
    );
    this.watchesLoss = this.columnOf.includes(-1);
    this.marks = new Float64Array(drifts.length * MARKS);
    this.expected = new Int32Array(this.watchesLoss ? tracks[0].pending.slots : 0);
  }

  /** A row that has passed the gates. @hot */
  row(row: Float32Array): void {
    const { columnOf, value } = this;
    for (let i = 0; i < columnOf.length; i++) {
      const column = columnOf[i];
      if (column < 0) continue;
      value[0] = row[column];
      this.feed(i);
    }
  }

  /** A row was predicted; its loss counts or does not. @hot */
  expect(slot: number, counts: boolean): void {
    if (this.watchesLoss) this.expected[slot] = counts ? 1 : 0;
  }

  /** The truth of a predicted row has come. @hot */
  judge(head: TaskHead, pending: PendingRows, slot: number, labels: Float64Array, off: number): void {
    const { expected, columnOf, value, watchesLoss } = this;
    if (!watchesLoss || expected[slot] === 0) return;
    expected[slot] = 0;
    for (let i = 0; i < columnOf.length; i++) {
      if (columnOf[i] >= 0) continue;
      head.writeError(value, pending, slot, labels, off);
      this.feed(i);
    }
  }

  /** A label was learned from: rates that were raised for so many go back. @hot */
  learned(): void {
    const { marks } = this;
    for (let at = RAISED; at < marks.length; at += MARKS) {
      if (marks[at] === 0) continue;
      marks[at] = marks[at] - 1;
      if (marks[at] === 0) this.setRates();
    }
  }

  /** @returns DRIFTED where a change was told since the last call, 0 otherwise @hot */
  take(): number {
    const { news } = this;
    const outcome = news[0] === 1 ? DRIFTED : 0;
    news[0] = 0;
    return outcome;
  }

  /** Gives `value` to a watcher. @hot */
  private feed(i: number): void {
    const { marks, value, news, watched } = this;
    const level = this.detectors[i].update(value);
    if (level === STABLE) return;
    const mark = i * MARKS;
    if (level !== DRIFT) {
      marks[mark + WARNINGS] = marks[mark + WARNINGS] + 1;
      return;
    }
    marks[mark + DETECTIONS] = marks[mark + DETECTIONS] + 1;
    marks[mark + LAST_ROW] = watched.counts[ROWS];
    news[0] = 1;
    if (watched.learning[0] === 1) this.act(i);
  }

  /** Rare, and free to allocate. */
  private act(i: number): void {
    const { policy, rows = 0 } = this.drifts[i];
    const { tracks, seed } = this.watched;
    const mark = i * MARKS;
    if (policy === 'raiseRates') {
      this.marks[mark + RAISED] = rows;
      this.setRates();
    } else if (policy === 'forgetScalers') {
      this.marks[mark + FORGOT] = 1;
      this.forget(rows);
    } else if (policy === 'freshLearner') {
      const drawn = seedOf(seed, i, this.marks[mark + DETECTIONS]);
      for (const { learner } of tracks) learner.renew(drawn);
    }
  }

  /** As fast as the fastest of those that are raised. */
  private setRates(): void {
    let most = 1;
    this.drifts.forEach(({ factor = 1 }, i) => {
      if (this.marks[i * MARKS + RAISED] > 0) most = Math.max(most, factor);
    });
    for (const { learner } of this.watched.tracks) learner.hasten(most);
  }

  private forget(rows: number): void {
    const { tracks, scaler } = this.watched;
    scaler.forget(rows);
    for (const { head } of tracks) head.forgetScale(rows);
  }

  /** Works out again what follows from `state`, after it was written. */
  refresh(): void {
    const { marks } = this;
    for (let at = FORGOT; at < marks.length; at += MARKS) if (marks[at] === 1) this.forget(Number.POSITIVE_INFINITY);
    if (this.drifts.some(({ policy }) => policy === 'raiseRates')) this.setRates();
  }

  report(): DriftReport[] {
    const { marks, detectors } = this;
    return this.drifts.map(({ on, detector, policy }, i) => {
      const detections = marks[i * MARKS + DETECTIONS];
      return {
        on,
        detector,
        policy,
        detections,
        warnings: marks[i * MARKS + WARNINGS],
        lastRow: detections > 0 ? marks[i * MARKS + LAST_ROW] : null,
        ignored: detectors[i].ignored,
      };
    });
  }

  state(prefix: string): StateArray[] {
    if (this.drifts.length === 0) return [];
    return [
      { name: `${prefix}.marks`, shape: [this.drifts.length, MARKS], data: this.marks },
      { name: `${prefix}.news`, shape: [1], data: this.news },
      { name: `${prefix}.expected`, shape: [this.expected.length], data: this.expected },
      ...this.detectors.flatMap((detector, i) => detector.state(`${prefix}.${i}`)),
    ];
  }
}

function detectorOf(drift: Drift, seed: number): DriftDetector {
  switch (drift.detector) {
    case 'adwin':
      return new Adwin(drift);
    case 'ddm':
      return new Ddm(drift);
    case 'pageHinkley':
      return new PageHinkley(drift);
    case 'kswin':
      return new Kswin({ ...drift, seed });
  }
}

/** Another seed for every watcher and detection, the same in every run. */
function seedOf(seed: number, watcher: number, detection: number): number {
  let bits = (seed ^ Math.imul(watcher + 1, 0x9e3779b1) ^ Math.imul(detection + 1, 0x85ebca77)) >>> 0;
  bits = Math.imul(bits ^ (bits >>> 15), 0x2c1b3c6d);
  return (bits ^ (bits >>> 13)) >>> 0;
}
