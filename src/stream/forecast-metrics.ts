import { RegressionMetrics, type RegressionReport, type RegressionScores, type StateArray } from '../online/index.js';

/** Scores of a forecast beside those of two naive ones. */
export interface ForecastScores extends RegressionReport {
  /** The better of the two so far: what skill and the windows are against. */
  baseline: RegressionReport['baseline'] & { kind: 'noChange' | 'line' };
  baselines: {
    /** The values stay as they are. */
    noChange: RegressionScores;
    /** They go on as over as many rows before: c[t] + (c[t] − c[t − h]); no change where that row is not known. */
    line: RegressionScores;
  };
}

/** Scores beside two baselines, from scores beside each. */
export class ForecastMetrics {
  private readonly noChange: RegressionMetrics;
  private readonly line: RegressionMetrics;

  /** @param names one an output */
  constructor(names: readonly string[], window: number) {
    this.noChange = new RegressionMetrics(names, window);
    this.line = new RegressionMetrics(names, window);
  }

  /** Scores what is at `off` of four arrays of finite values. @hot */
  update(prediction: Float64Array, noChange: Float64Array, line: Float64Array, truth: Float64Array, off: number): void {
    this.noChange.update(prediction, noChange, off, truth, off);
    this.line.update(prediction, line, off, truth, off);
  }

  report(): Omit<ForecastScores, 'interval'> {
    const noChange = this.noChange.report();
    const line = this.line.report();
    const isLine = (line.baseline.mae ?? 0) < (noChange.baseline.mae ?? 0);
    const better = isLine ? line : noChange;
    return {
      ...better,
      baseline: { kind: isLine ? 'line' : 'noChange', ...better.baseline },
      baselines: { noChange: noChange.baseline, line: line.baseline },
    };
  }

  state(prefix: string): StateArray[] {
    return [...this.noChange.state(prefix), ...this.line.state(`${prefix}.line`)];
  }
}
