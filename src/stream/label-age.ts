import type { StateArray } from '../online/index.js';

/** A label is stale when it is older than this many usual intervals between labels. */
const INTERVALS = 4;

const AGE = 0;
const INTERVAL = 1;

/**
 * How old the last known label is. The naive predictor repeats it, which is worth little once labels have stopped
 * coming, and then nothing would show it: losses need labels.
 */
export class LabelAge {
  /** [2]: rows since the last label · rows between labels, averaged over about the last ten. */
  private readonly rows = Float64Array.of(0, 1);

  /** A row. @hot */
  pass(): void {
    this.rows[AGE] = this.rows[AGE] + 1;
  }

  /** A label. @hot */
  receive(): void {
    const { rows } = this;
    rows[INTERVAL] = rows[INTERVAL] + 0.1 * (rows[AGE] - rows[INTERVAL]);
    rows[AGE] = 0;
  }

  /** @hot */
  isStale(): boolean {
    return this.rows[AGE] > INTERVALS * (this.rows[INTERVAL] + 1);
  }

  state(prefix: string): StateArray[] {
    return [{ name: `${prefix}.age`, shape: [2], data: this.rows }];
  }
}
