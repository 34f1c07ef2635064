import { expNonPositive } from './exponential.js';
import { naturalLog } from './logarithm.js';
import type { StateArray } from './state.js';

/** Share by which the threshold rises with a row in alarm: about 20 of them in a row make it e times as high. */
const STEP = 0.05;
/** Bounds of the threshold, in the unit of scores: what is usual, and the largest there is. */
const LEAST = 1;
const LARGEST = 1e6;
/** Scores of the end of the warm-up that the first threshold is made of, at most. */
const MOST_KEPT = 1000;
/** The first threshold where there was no warm-up. */
const UNTAUGHT = 6;

export interface AlarmOptions {
  /** The share of rows that is to be in alarm, 0 < rate < 1. */
  rate: number;
  /** Rows above the threshold, one after the other, that raise an alarm. */
  hold: number;
  /** Rows not above it, one after the other, that end it. */
  release: number;
  /** Rows before there is a threshold. */
  warmup: number;
}

export interface AlarmReport {
  /** Rows judged, behind the warm-up. */
  judged: number;
  /** Times an alarm was raised. */
  alarms: number;
  /** Rows in alarm, and their share of the rows judged; null before the first. */
  alarmRows: number;
  rate: number | null;
  isInAlarm: boolean;
  /** Null during the warm-up. */
  threshold: number | null;
}

const ROWS = 0;
const THRESHOLD = 1;
const IN_ALARM = 2;
/** Rows one after the other on the other side of the threshold than the state says. */
const RUN = 3;
const SCALARS = 4;

const JUDGED = 0;
const ALARMS = 1;
const ALARM_ROWS = 2;

/**
 * A threshold that keeps the share of rows in alarm at a stated rate, and the alarm. With every row its logarithm moves, up by
 * c · (1 − rate) in alarm and down by c · rate otherwise, which come to nothing at that rate (stochastic approximation of a
 * quantile: Robbins and Monro 1951). How far a score is above it does not matter, so one enormous score moves it
 * no more than a slight one, and a level that lasts is accepted in the end.
 */
export class Alarm {
  private readonly scalars = new Float64Array(SCALARS);
  /** [kept]: the last scores of the warm-up, as a ring. */
  private readonly first: Float64Array;
  private readonly counts = new Float64Array(3);

  /** What a row not in alarm leaves of the threshold. */
  private readonly fall: number;

  constructor(private readonly options: AlarmOptions) {
    const { rate } = options;
    const exponent = Float64Array.of(-(rate / (1 - rate)) * naturalLog(1 + STEP));
    expNonPositive(exponent, exponent, 1);
    this.fall = exponent[0];
    this.first = new Float64Array(Math.min(MOST_KEPT, Math.ceil(options.warmup / 2)));
  }

  /**
   * Judges score[0], finite and ≥ 0.
   *
   * @param isLearning whether the threshold moves
   * @returns whether the row is in alarm
   * @hot
   */
  take(score: Float64Array, isLearning: boolean): boolean {
    const { scalars, counts, first, options } = this;
    const { hold, release, warmup } = options;
    const row = scalars[ROWS];
    if (row < warmup) {
      first[row % first.length] = score[0];
      scalars[ROWS] = row + 1;
      return false;
    }
    if (scalars[THRESHOLD] === 0) scalars[THRESHOLD] = this.firstThreshold();
    const wasInAlarm = scalars[IN_ALARM] === 1;
    const isAbove = score[0] > scalars[THRESHOLD];
    const run = isAbove === wasInAlarm ? 0 : scalars[RUN] + 1;
    const isTurning = run >= (wasInAlarm ? release : hold);
    const isInAlarm = isTurning ? !wasInAlarm : wasInAlarm;
    scalars[RUN] = isTurning ? 0 : run;
    scalars[IN_ALARM] = isInAlarm ? 1 : 0;
    counts[JUDGED] = counts[JUDGED] + 1;
    if (isInAlarm) {
      counts[ALARM_ROWS] = counts[ALARM_ROWS] + 1;
      if (!wasInAlarm) counts[ALARMS] = counts[ALARMS] + 1;
    }
    if (isLearning) {
      const moved = scalars[THRESHOLD] * (isInAlarm ? 1 + STEP : this.fall);
      scalars[THRESHOLD] = moved < LEAST ? LEAST : moved > LARGEST ? LARGEST : moved;
    }
    return isInAlarm;
  }

  /** The quantile of the scores at the end of the warm-up that the rate asks for; once. */
  private firstThreshold(): number {
    const { first, options } = this;
    if (first.length === 0) return UNTAUGHT;
    const sorted = first.slice().sort();
    const quantile = sorted[Math.min(sorted.length - 1, Math.floor((1 - options.rate) * sorted.length))];
    return Math.min(LARGEST, Math.max(LEAST, quantile));
  }

  /** Rows before and after do not belong together: an alarm ends, what is usual stays. @hot */
  clear(): void {
    this.scalars[IN_ALARM] = 0;
    this.scalars[RUN] = 0;
  }

  /** The threshold, 0 during the warm-up, to to[i]. @hot */
  writeThreshold(to: Float64Array, i: number): void {
    to[i] = this.scalars[THRESHOLD];
  }

  report(): AlarmReport {
    const { scalars, counts } = this;
    return {
      judged: counts[JUDGED],
      alarms: counts[ALARMS],
      alarmRows: counts[ALARM_ROWS],
      rate: counts[JUDGED] > 0 ? counts[ALARM_ROWS] / counts[JUDGED] : null,
      isInAlarm: scalars[IN_ALARM] === 1,
      threshold: scalars[THRESHOLD] > 0 ? scalars[THRESHOLD] : null,
    };
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.scalars`, shape: [SCALARS], data: this.scalars },
      { name: `${prefix}.first`, shape: [this.first.length], data: this.first },
    ];
  }

  scores(prefix: string): StateArray[] {
    return [{ name: `${prefix}.counts`, shape: [3], data: this.counts }];
  }
}
