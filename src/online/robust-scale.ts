import type { StateArray } from './state.js';

/** Rows remembered: up to here every row counts the same, then older ones fade, by 1/HORIZON a row. */
const HORIZON = 1000;
/** From the SETTLED-th row on, an error counts as at most OUTLIER times the usual one. */
const OUTLIER = 5;
const SETTLED = 10;
/** The largest score: of an error where there has never been one, too. */
export const LARGEST_SCORE = 1e6;

/**
 * How large errors usually are, column by column: the mean of |error|, each cut to five times the mean before it. A spike
 * hardly moves it; a lasting change is reached geometrically, by a factor of two in about 170 rows.
 * Float64, and only + − × ÷ and comparisons.
 */
export class RobustScale {
  private readonly mean: Float64Array;
  /** [0]: rows seen, HORIZON at most. */
  private readonly count = new Float64Array(1);
  /** [0]: what `score` found. */
  readonly largest = new Float64Array(1);

  constructor(readonly width: number) {
    this.mean = new Float64Array(width);
  }

  /**
   * Writes the largest of |errors[i]| in usual sizes to `largest`, at most LARGEST_SCORE; 0 before the first row.
   *
   * @param errors [width], finite
   * @returns the column it is of
   * @hot
   */
  score(errors: Float64Array): number {
    const { width, mean, largest, count } = this;
    let column = 0;
    let most = 0;
    for (let i = 0; i < width && count[0] > 0; i++) {
      const size = Math.abs(errors[i]);
      const score = size < LARGEST_SCORE * mean[i] ? size / mean[i] : size > 0 ? LARGEST_SCORE : 0;
      if (score <= most) continue;
      most = score;
      column = i;
    }
    largest[0] = most;
    return column;
  }

  /** Learns from errors [width], finite. @hot */
  update(errors: Float64Array): void {
    const { width, mean, count } = this;
    const n = count[0] < HORIZON ? count[0] + 1 : HORIZON;
    count[0] = n;
    for (let i = 0; i < width; i++) {
      let size = Math.abs(errors[i]);
      if (n > SETTLED && mean[i] > 0 && size > OUTLIER * mean[i]) size = OUTLIER * mean[i];
      mean[i] = mean[i] + (size - mean[i]) / n;
      if (mean[i] < 1e-100) mean[i] = 0;
    }
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.mean`, shape: [this.width], data: this.mean },
      { name: `${prefix}.count`, shape: [1], data: this.count },
    ];
  }
}
