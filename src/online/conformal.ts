import { FADED } from './score-sums.js';
import type { StateArray } from './state.js';

/** Residuals before the first interval. */
const SETTLED = 10;
/** Residuals remembered by their recent size. */
const MEMORY = 50;
/** A residual counts as at most this many times the recent size; as twice as many after every one that was larger. */
const LEAST_OUTLYING = 10;
const MOST_OUTLYING = 1e100;
/**
 * Step sizes of the quantile, by labels as they come, and of the correction, by intervals as they were published; more where
 * fewer than a tenth are to lie outside, because then less is seen of them.
 */
const RATE = 0.05;
const CORRECTION_RATE = 0.005;
/** The correction multiplies by LEAST … MOST. */
const LEAST = 0.8;
const MOST = 5;
/** The quantile is at least this times the coverage: a target that is always met does not leave nothing to begin with. */
const LEAST_QUANTILE = 0.5;
/** What is left of the largest residual after a label. */
const FADE = 0.999;
/** The quantile at first, in recent sizes: near those of 80 to 95 % of a bell curve. */
const FIRST_QUANTILE = 2;

/** Instead of a half-width. */
export const NO_INTERVAL = -1;
/** Instead of a recent size: there was no prediction. */
const NOTHING = -1;

// Of an output.
const SIZE = 0;
const SEEN = 1;
const OUTLIER = 2;
const QUANTILE = 3;
const CORRECTION = 4;
const LARGEST = 5;
const SCALARS = 6;

/**
 * Intervals around predictions that hold their stated coverage in the long run, whatever the stream: adaptive conformal
 * inference (Gibbs and Candès 2021), as quantile tracking (Angelopoulos, Candès and Tibshirani 2023). Of each output, with r the
 * |residual| of a label that has come, and s the recent size of residuals when its row was published:
 *
 *     half-width = q · c · s, or the largest r of about the last thousand labels where that is less
 *     q ← q + η (1[r > q·s] − α)             by the q of now, so that labels that come late do not make it swing
 *     c ← c + κ (1[r > half-width] − α)      by what was published: the mean of the indicator tends to α
 *     s ← running mean of r over about 50 labels, outliers cut
 *
 * with α = 1 − coverage. An interval is finite always; there is none before ten labels have come. + − × ÷ and comparisons only.
 */
export class ConformalIntervals {
  /** [slots, outputs]: half-widths as published; NO_INTERVAL where there were too few labels. */
  readonly halfWidths: Float64Array;
  /** [slots, outputs]: recent size when published; NOTHING where no prediction was. */
  private readonly sizes: Float64Array;
  /** [outputs, 6] */
  private readonly scalars: Float64Array;
  private readonly alpha: number;
  private readonly rate: number;
  private readonly correctionRate: number;
  private readonly leastQuantile: number;

  /** @param coverage part of the truths that is to lie inside, 0 < coverage < 1 */
  constructor(
    readonly outputs: number,
    readonly slots: number,
    readonly coverage: number,
  ) {
    this.halfWidths = new Float64Array(slots * outputs).fill(NO_INTERVAL);
    this.sizes = new Float64Array(slots * outputs).fill(NOTHING);
    this.scalars = new Float64Array(outputs * SCALARS);
    for (let i = 0; i < outputs; i++) {
      this.scalars[i * SCALARS + OUTLIER] = LEAST_OUTLYING;
      this.scalars[i * SCALARS + QUANTILE] = FIRST_QUANTILE;
      this.scalars[i * SCALARS + CORRECTION] = 1;
    }
    this.alpha = 1 - coverage;
    const factor = Math.max(1, 0.1 / this.alpha);
    this.rate = RATE * factor;
    this.correctionRate = CORRECTION_RATE * factor;
    this.leastQuantile = LEAST_QUANTILE * coverage;
  }

  /** Keeps the half-widths for what is predicted in a slot. @hot */
  publish(slot: number): void {
    const { outputs, halfWidths, sizes, scalars } = this;
    for (let i = 0, off = slot * outputs, at = 0; i < outputs; i++, off++, at += SCALARS) {
      sizes[off] = scalars[at + SIZE];
      const half = scalars[at + QUANTILE] * scalars[at + CORRECTION] * scalars[at + SIZE];
      const largest = scalars[at + LARGEST];
      halfWidths[off] = scalars[at + SEEN] < SETTLED ? NO_INTERVAL : half < largest ? half : largest;
    }
  }

  /** Nothing was predicted in a slot, or nothing to be judged. @hot */
  skip(slot: number): void {
    const { outputs, halfWidths, sizes } = this;
    for (let i = 0, off = slot * outputs; i < outputs; i++, off++) {
      sizes[off] = NOTHING;
      halfWidths[off] = NO_INTERVAL;
    }
  }

  /**
   * Learns from the label of a slot.
   *
   * @param predictions [slots, outputs] of finite values
   * @param labels finite, at `off`
   * @hot
   */
  judge(slot: number, predictions: Float64Array, labels: Float64Array, labelOff: number): void {
    const { outputs, halfWidths, sizes, scalars, alpha, rate, correctionRate, leastQuantile } = this;
    for (let i = 0, off = slot * outputs, at = 0; i < outputs; i++, off++, at += SCALARS) {
      if (sizes[off] === NOTHING) continue;
      const residual = Math.abs(predictions[off] - labels[labelOff + i]);
      if (halfWidths[off] !== NO_INTERVAL) {
        const q = scalars[at + QUANTILE];
        const next = q + rate * ((residual > q * sizes[off] ? 1 : 0) - alpha);
        scalars[at + QUANTILE] = Math.max(next, leastQuantile);
        const c = scalars[at + CORRECTION] + correctionRate * ((residual > halfWidths[off] ? 1 : 0) - alpha);
        scalars[at + CORRECTION] = Math.max(LEAST, Math.min(MOST, c));
      }
      const n = scalars[at + SEEN] < MEMORY ? scalars[at + SEEN] + 1 : MEMORY;
      scalars[at + SEEN] = n;
      const faded = scalars[at + LARGEST] * FADE;
      scalars[at + LARGEST] = Math.max(residual, faded < FADED ? 0 : faded);
      const size = scalars[at + SIZE];
      const factor = scalars[at + OUTLIER];
      const limit = factor * size;
      const isOutlier = n > SETTLED && residual > limit && size > 0;
      scalars[at + OUTLIER] = isOutlier && factor < MOST_OUTLYING ? 2 * factor : LEAST_OUTLYING;
      const counted = isOutlier ? limit : residual;
      const moved = size + (counted - size) / n;
      scalars[at + SIZE] = moved < FADED ? 0 : moved;
    }
  }

  /** What publishing and judging go by. */
  state(prefix: string): StateArray[] {
    const { outputs, slots } = this;
    return [
      { name: `${prefix}.halfWidths`, shape: [slots, outputs], data: this.halfWidths },
      { name: `${prefix}.sizes`, shape: [slots, outputs], data: this.sizes },
      { name: `${prefix}.scalars`, shape: [outputs, SCALARS], data: this.scalars },
    ];
  }
}
