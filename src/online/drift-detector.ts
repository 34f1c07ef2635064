import type { StateArray } from './state.js';

// What `update` returns.

/** Nothing has changed. */
export const STABLE = 0;
/** Something may be changing; only DDM says so. */
export const WARNING = 1;
/** Something has changed. The detector has begun anew, as its paper says. */
export const DRIFT = 2;

/** Which changes of the mean are told: it rises, it falls, or either. */
export type DriftDirection = 'up' | 'down' | 'both';

/** The largest float32: beyond it a value is left out. Its square fits a float64 1e230 times. */
const MAX_VALUE = 3.4028234663852886e38;

/** Looks for a change in a sequence of numbers. The same numbers, the same answers, on every machine. */
export interface DriftDetector {
  /**
   * Takes values[0]; they come in an array because V8 allocates for a double that is handed to a function. A value that is not
   * finite, or beyond a float32, is left out and counted.
   *
   * @returns STABLE, WARNING or DRIFT
   * @hot
   */
  update(values: Float64Array): number;
  /** Values left out. */
  readonly ignored: number;
  /** Everything the answers depend on, borrowed. */
  state(prefix: string): StateArray[];
}

/** Whether a value enters. @hot */
export function isUsable(value: number): boolean {
  return value >= -MAX_VALUE && value <= MAX_VALUE;
}
