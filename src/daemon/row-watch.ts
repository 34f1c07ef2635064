import type { Column } from '../spec/index.js';
import { MISSING, NOT_FINITE, QUARANTINED } from '../stream/index.js';
import type { Priority } from './journal.js';

/** Rows in a row that cannot be predicted from until it is said, and that can until that is over. */
const BAD_ROWS = 100;
const GOOD_ROWS = 10;
/** Rows with the same value that are nothing unusual in any column. */
const SAME_ROWS = 1000;
/** How many times longer than ever before a value has to stay the same to be unusual. */
const LONGER = 10;

export interface RowWatchOptions {
  columns: readonly Column[];
  /** [columns]: which are watched. */
  isWatched: readonly boolean[];
  /** [columns], borrowed: the values of the row at hand. */
  row: Float32Array;
  say(text: string, priority: Priority): void;
}

/**
 * Sees what a sensor does that no single row shows: that for a long time no row is any good, and that a value stays the
 * same for longer than it ever has. Says each once when it begins and once when it is over.
 */
export class RowWatch {
  /** [0]: bad rows in a row · [1]: good ones · [2]: 1 while they are bad · [3], [4], [5]: rows since then out of range, with a value missing, with outputs that are not finite */
  private readonly counts = new Float64Array(6);
  /** [columns]: rows with the value, the most there were before, 1 while that is said. */
  private readonly same: Float64Array;
  private readonly longest: Float64Array;
  private readonly isStuck: Uint8Array;
  private readonly value: Float32Array;
  private readonly watched: Int32Array;

  constructor(private readonly options: RowWatchOptions) {
    const { columns, isWatched } = options;
    const measured = columns.flatMap(({ kind }, i) =>
      isWatched[i] && (kind === 'number' || kind === 'angle') ? [i] : [],
    );
    this.watched = Int32Array.from(measured);
    this.same = new Float64Array(columns.length);
    this.longest = new Float64Array(columns.length);
    this.isStuck = new Uint8Array(columns.length);
    this.value = new Float32Array(columns.length).fill(Number.NaN);
  }

  /**
   * The row has gone through the stream, with that outcome.
   *
   * @hot
   */
  take(outcome: number): void {
    this.judge(outcome);
    const { watched, same, value } = this;
    const { row } = this.options;
    for (let i = 0; i < watched.length; i++) {
      const column = watched[i];
      const now = row[column];
      if (now === value[column]) {
        same[column] = same[column] + 1;
        if (this.isStuck[column] === 0 && same[column] >= SAME_ROWS) this.stays(column);
      } else if (now - now === 0) {
        this.changes(column);
        value[column] = now;
      }
    }
  }

  private judge(outcome: number): void {
    const { counts } = this;
    if ((outcome & (QUARANTINED | MISSING | NOT_FINITE)) === 0) {
      counts[0] = 0;
      counts[1] = counts[1] + 1;
      if (counts[2] === 1 && counts[1] >= GOOD_ROWS) this.isGoodAgain();
      else if (counts[2] === 0) counts.fill(0, 3);
      return;
    }
    counts[0] = counts[0] + 1;
    counts[1] = 0;
    const reason = (outcome & QUARANTINED) !== 0 ? 3 : (outcome & MISSING) !== 0 ? 4 : 5;
    counts[reason] = counts[reason] + 1;
    if (counts[2] === 0 && counts[0] >= BAD_ROWS) {
      counts[2] = 1;
      this.options.say(
        `no good row among the last ${BAD_ROWS}: ${this.reasons()}; nothing is predicted from them`,
        'warning',
      );
    }
  }

  private isGoodAgain(): void {
    this.options.say(`rows are good again, after ${this.reasons()}`, 'notice');
    this.counts.fill(0, 2);
  }

  private reasons(): string {
    const [, , , outside, missing, wild] = this.counts;
    const parts: string[] = [];
    if (outside > 0) parts.push(`${outside} out of range`);
    if (missing > 0) parts.push(`${missing} with a value missing`);
    if (wild > 0) parts.push(`${wild} that the network has no finite outputs for`);
    return parts.join(', ');
  }

  private stays(column: number): void {
    const { same, longest, isStuck, value, options } = this;
    if (same[column] < LONGER * longest[column]) return;
    isStuck[column] = 1;
    const { name, unit } = options.columns[column];
    const shown = `${Number(value[column].toPrecision(6))}${unit === '' ? '' : ` ${unit}`}`;
    options.say(
      `${name} has been ${shown} for ${same[column]} rows, longer than ever: is the sensor stuck?`,
      'warning',
    );
  }

  private changes(column: number): void {
    const { same, longest, isStuck, options } = this;
    if (isStuck[column] === 1)
      options.say(`${options.columns[column].name} changes again, after ${same[column]} rows`, 'notice');
    isStuck[column] = 0;
    if (same[column] > longest[column]) longest[column] = same[column];
    same[column] = 1;
  }
}
