import { IntervalMetrics, type IntervalReport, type StateArray } from '../online/index.js';
import type { Intervals } from './intervals.js';

/** Intervals around the values of a forecast, from those around the changes of each horizon. */
export class ForecastIntervals {
  /** [horizons, targets], as all that follow; NaN where there is none. */
  readonly lower: Float64Array;
  readonly upper: Float64Array;
  readonly scoredLower: Float64Array;
  readonly scoredUpper: Float64Array;
  private readonly halfWidths: Float64Array;
  private readonly baselineHalfWidths: Float64Array;
  /** Of the rows at which a prediction of every horizon came true. */
  private readonly metrics: IntervalMetrics;

  /**
   * @param names one an output
   * @param horizons around the changes, one a horizon
   */
  constructor(
    names: readonly string[],
    private readonly horizons: readonly Intervals[],
    coverage: number,
    window: number,
  ) {
    const nothing = () => new Float64Array(names.length).fill(Number.NaN);
    this.lower = nothing();
    this.upper = nothing();
    this.scoredLower = nothing();
    this.scoredUpper = nothing();
    this.halfWidths = nothing();
    this.baselineHalfWidths = nothing();
    this.metrics = new IntervalMetrics(names, coverage, window);
  }

  /** Around the values of horizon k: those of the row at `off` and the change just predicted. @hot */
  publish(k: number, values: Float64Array, off: number): void {
    const { lower, upper } = this.horizons[k];
    for (let i = 0, o = k * lower.length; i < lower.length; i++, o++) {
      this.lower[o] = values[off + i] + lower[i];
      this.upper[o] = values[off + i] + upper[i];
    }
  }

  /** Keeps the intervals of horizon k that have just been scored, around the values at `off` of their row. @hot */
  keepScored(k: number, values: Float64Array, off: number): void {
    const { scoredLower, scoredUpper, scoredHalfWidths, scoredBaselineHalfWidths } = this.horizons[k];
    for (let i = 0, o = k * scoredLower.length; i < scoredLower.length; i++, o++) {
      this.scoredLower[o] = values[off + i] + scoredLower[i];
      this.scoredUpper[o] = values[off + i] + scoredUpper[i];
      this.halfWidths[o] = scoredHalfWidths[i];
      this.baselineHalfWidths[o] = scoredBaselineHalfWidths[i];
    }
  }

  /** Scores those of all horizons that were kept. @hot */
  score(prediction: Float64Array, baseline: Float64Array, truth: Float64Array): void {
    this.metrics.update(prediction, this.halfWidths, baseline, this.baselineHalfWidths, 0, truth, 0);
  }

  report(): IntervalReport {
    return this.metrics.report();
  }

  state(prefix: string): StateArray[] {
    return this.metrics.state(prefix);
  }
}
