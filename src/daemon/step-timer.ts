/** Upper bounds of the buckets, seconds a row; the last bucket is what took longer. */
export const STEP_BOUNDS_S = [
  1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 0.1, 1,
] as const;

// Indexes of `values`.
const BEGAN_MS = 0;
const BEGAN_ROWS = 1;
const SECONDS = 2;
const ROWS = 3;
const LAST_ROW_MS = 4;

/** How long rows took, since the process began. */
export interface StepTimes {
  rows: number;
  seconds: number;
  /** Rows by how long one took, at most `STEP_BOUNDS_S` each, the last one those that took longer. */
  buckets: number[];
}

/**
 * How long it takes from bytes to a learned row. The clock is read before and after each read of the port, not for every
 * row: rows that came in one read took equally long, as far as this knows.
 */
export class StepTimer {
  private readonly values = Float64Array.of(0, 0, 0, 0, Number.NaN);
  private readonly buckets = new Float64Array(STEP_BOUNDS_S.length + 1);

  /** Bytes are about to be taken. @param rows taken so far */
  begin(rows: number): void {
    this.values[BEGAN_ROWS] = rows;
    this.values[BEGAN_MS] = performance.now();
  }

  /** They have been. @param rows taken so far */
  end(rows: number): void {
    const { values, buckets } = this;
    const taken = rows - values[BEGAN_ROWS];
    if (taken <= 0) return;
    const now = performance.now();
    const seconds = (now - values[BEGAN_MS]) / 1000;
    values[LAST_ROW_MS] = now;
    values[SECONDS] = values[SECONDS] + seconds;
    values[ROWS] = values[ROWS] + taken;
    let i = 0;
    while (i < STEP_BOUNDS_S.length && seconds > taken * STEP_BOUNDS_S[i]) i++;
    buckets[i] = buckets[i] + taken;
  }

  /** When the last row was done, milliseconds of `performance.now()`; NaN before the first. */
  get lastRowMs(): number {
    return this.values[LAST_ROW_MS];
  }

  times(): StepTimes {
    return { rows: this.values[ROWS], seconds: this.values[SECONDS], buckets: [...this.buckets] };
  }
}
