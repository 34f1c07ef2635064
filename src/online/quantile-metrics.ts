import { ScoreSums } from './score-sums.js';
import type { StateArray } from './state.js';
import type { Sums } from './window.js';

/** Of one predicted quantile τ, means over targets. */
export interface QuantileScores {
  /** τ, and the part of the truths that is to lie below. */
  quantile: number;
  /** The part that did, or equal. Null before the first. */
  below: number | null;
  /** Mean of max(τ·r, (τ − 1)·r), r = truth − predicted quantile. */
  pinball: number | null;
  /** The same of the last known value. */
  baselinePinball: number | null;
}

export interface QuantileReport {
  all: QuantileScores[];
  /** The last `task.window` scored rows. */
  window: QuantileScores[];
  /** All, faded by 1 − 1/window a row. */
  fading: QuantileScores[];
}

// Channels of a quantile, one kind after the other.
const PINBALL = 0;
const BELOW = 1;
const BASELINE_PINBALL = 2;
const CHANNELS = 3;

/** Pinball loss and coverage of predicted quantiles, beside the last known value as baseline. */
export class QuantileMetrics {
  private readonly sums: ScoreSums;

  constructor(
    readonly quantiles: Float64Array,
    readonly targets: number,
    window: number,
  ) {
    this.sums = new ScoreSums(CHANNELS * quantiles.length, window, quantiles.length);
  }

  /**
   * @param predicted [targets, quantiles] at `off`
   * @param baseline [targets] at `baselineOff`, as truth at `truthOff`
   * @hot
   */
  update(
    predicted: Float64Array,
    off: number,
    baseline: Float64Array,
    baselineOff: number,
    truth: Float64Array,
    truthOff: number,
  ): void {
    const { quantiles, targets, sums } = this;
    const { row } = sums;
    const count = quantiles.length;
    row.fill(0);
    for (let i = 0; i < targets; i++) {
      const y = truth[truthOff + i];
      const rBaseline = y - baseline[baselineOff + i];
      for (let q = 0; q < count; q++) {
        const tau = quantiles[q];
        const r = y - predicted[off + i * count + q];
        row[PINBALL * count + q] = row[PINBALL * count + q] + Math.max(tau * r, (tau - 1) * r) / targets;
        row[BELOW * count + q] = row[BELOW * count + q] + (r <= 0 ? 1 : 0) / targets;
        row[BASELINE_PINBALL * count + q] =
          row[BASELINE_PINBALL * count + q] + Math.max(tau * rBaseline, (tau - 1) * rBaseline) / targets;
      }
    }
    sums.add();
  }

  report(): QuantileReport {
    const { sums } = this;
    return {
      all: this.scoresOf(sums.total()),
      window: this.scoresOf(sums.current()),
      fading: this.scoresOf(sums.fading()),
    };
  }

  private scoresOf(sums: Sums | null): QuantileScores[] {
    const count = this.quantiles.length;
    return Array.from(this.quantiles, (quantile, q) => {
      const mean = (channel: number) => (sums === null ? null : sums.values[channel * count + q] / sums.count);
      return { quantile, below: mean(BELOW), pinball: mean(PINBALL), baselinePinball: mean(BASELINE_PINBALL) };
    });
  }

  state(prefix: string): StateArray[] {
    return this.sums.state(prefix);
  }
}
