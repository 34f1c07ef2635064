import type { StateArray } from '../online/index.js';
import type { Column } from '../spec/index.js';

/** What `Gates.check` found. */
export const PASSED = 0;
export const OUT_OF_RANGE = 1;
export const TOO_LARGE_STEP = 2;

const NUMBER = 0;
const ANGLE = 1;
const CLASS = 2;

/** Half a unit in the last place of a float32, relative: what the rounding of a printed number can cost. */
const HALF_ULP = 5.9604644775390625e-8;

/** What a row was quarantined for last. */
export interface Quarantined {
  column: string;
  value: number;
  /** Outside its range, or too far from the value before. */
  reason: 'range' | 'step';
  /** The end of the range that was passed, or the largest step; of a class that is no whole number NaN. */
  limit: number;
}

/**
 * Range and step checks of every column that declares them, used by the task or not: a line damaged in one place is
 * doubtful in all. Missing values (NaN) pass.
 *
 * A step is measured from the previous row whose values were all in range, even if that row itself made too large
 * a step: a level that really moved costs one row and is accepted from its second row on. A row with a value out of
 * range is not measured from, since its other values are as doubtful.
 */
export class Gates {
  private readonly column: Int32Array;
  private readonly kind: Uint8Array;
  private readonly low: Float64Array;
  private readonly high: Float64Array;
  private readonly maxStep: Float64Array;
  /** Per gate: 1 where `previous` holds a value. */
  private readonly seen: Int32Array;
  private readonly previous: Float64Array;
  /** [gates, 2]: rows out of range, rows with too large a step. */
  private readonly counts: Float64Array;
  private readonly names: string[];
  /** Of the last row that did not pass: [0] its gate, −1 before; [1] the value; [2] the limit, [3] 1 of a step. */
  private readonly last = Float64Array.of(-1, 0, 0, 0);

  constructor(columns: readonly Column[]) {
    const isWatched = ({ kind, range, maxStep }: Column) =>
      kind === 'class' || range !== undefined || maxStep !== undefined;
    const watched = [...columns.keys()].filter((i) => isWatched(columns[i]));
    const n = watched.length;
    this.column = Int32Array.from(watched);
    this.kind = new Uint8Array(n);
    this.low = new Float64Array(n);
    this.high = new Float64Array(n);
    this.maxStep = new Float64Array(n);
    this.seen = new Int32Array(n);
    this.previous = new Float64Array(n);
    this.counts = new Float64Array(2 * n);
    this.names = watched.map((i) => columns[i].name);
    watched.forEach((index, k) => {
      const { kind, range, maxStep, classes } = columns[index];
      const [low, high] = range ?? [-Infinity, Infinity];
      this.kind[k] = kind === 'angle' ? ANGLE : kind === 'class' ? CLASS : NUMBER;
      // Limits are rounded as the values are, so that a printed 0.1 is within a limit of 0.1.
      this.low[k] = kind === 'class' ? Math.max(0, low) : Math.fround(low);
      this.high[k] = kind === 'class' ? Math.min(classes! - 1, high) : Math.fround(high);
      this.maxStep[k] = maxStep ?? Infinity;
    });
  }

  /**
   * Checks one row of the schema's columns and remembers it for the next step check.
   *
   * @returns PASSED, OUT_OF_RANGE or TOO_LARGE_STEP
   * @hot
   */
  check(row: Float32Array): number {
    const { column, kind, maxStep, seen, previous, counts } = this;
    const n = column.length;
    let verdict = PASSED;
    for (let k = 0; k < n; k++) {
      if (this.isOutside(row, k)) {
        counts[2 * k] = counts[2 * k] + 1;
        verdict = OUT_OF_RANGE;
        const v = row[column[k]];
        this.keep(k, v, v < this.low[k] ? this.low[k] : v > this.high[k] ? this.high[k] : Number.NaN, 0);
      }
    }
    if (verdict !== PASSED) return verdict;
    for (let k = 0; k < n; k++) {
      const v = row[column[k]];
      if (!Number.isFinite(v)) continue;
      if (seen[k] === 1) {
        const p = previous[k];
        let step = Math.abs(v - p);
        if (kind[k] === ANGLE) step = Math.min(step % 360, 360 - (step % 360)); // the short way round
        if (step > maxStep[k] + (Math.abs(v) + Math.abs(p)) * HALF_ULP) {
          counts[2 * k + 1] = counts[2 * k + 1] + 1;
          verdict = TOO_LARGE_STEP;
          this.keep(k, v, maxStep[k], 1);
        }
      }
      seen[k] = 1;
      previous[k] = v;
    }
    return verdict;
  }

  /** Whether the values of some columns are in range, by themselves; nothing is counted or remembered. @hot */
  isInRange(row: Float32Array, isWanted: Uint8Array): boolean {
    const { column } = this;
    for (let k = 0; k < column.length; k++) {
      if (isWanted[column[k]] === 1 && this.isOutside(row, k)) return false;
    }
    return true;
  }

  /** @hot */
  private isOutside(row: Float32Array, k: number): boolean {
    const v = row[this.column[k]];
    return v < this.low[k] || v > this.high[k] || (this.kind[k] === CLASS && v - Math.floor(v) > 0);
  }

  /** @hot */
  private keep(k: number, value: number, limit: number, isStep: number): void {
    const { last } = this;
    last[0] = k;
    last[1] = value;
    last[2] = limit;
    last[3] = isStep;
  }

  /** What the last row was quarantined for, of this process; null before. */
  lastQuarantined(): Quarantined | null {
    const [k, value, limit, isStep] = this.last;
    if (k < 0) return null;
    return { column: this.names[k], value, reason: isStep === 1 ? 'step' : 'range', limit };
  }

  /** The next row has no step check. @hot */
  reset(): void {
    this.seen.fill(0);
    this.previous.fill(0);
  }

  /** Rows every column quarantined, by reason; only columns that did. */
  report(): Record<string, { range: number; step: number }> {
    const report: Record<string, { range: number; step: number }> = {};
    this.names.forEach((name, k) => {
      const range = this.counts[2 * k];
      const step = this.counts[2 * k + 1];
      if (range + step > 0) report[name] = { range, step };
    });
    return report;
  }

  /** What decides about later rows. */
  state(prefix: string): StateArray[] {
    const n = this.column.length;
    return [
      { name: `${prefix}.seen`, shape: [n], data: this.seen },
      { name: `${prefix}.previous`, shape: [n], data: this.previous },
    ];
  }

  counters(prefix: string): StateArray[] {
    return [{ name: `${prefix}.counts`, shape: [this.column.length, 2], data: this.counts }];
  }
}
