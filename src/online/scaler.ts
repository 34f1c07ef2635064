import type { StateArray } from './state.js';

/** Standardised values stay within ± this many standard deviations. */
export const CLIP = 5;

/** A standard deviation is taken to be at least this, so that a constant column standardises to zero. */
export const MIN_DEVIATION = 1e-6;

/** Rows remembered: up to here every row counts the same, then older ones fade, by 1/HORIZON a row. */
export const HORIZON = 8192;

/** Rows that a row adds to the count after `forget`. */
const AFTER_FORGETTING = 0.25;

/** From the SETTLED-th row on, a value counts as at most OUTLIER deviations from the mean. */
const OUTLIER = 100;
const SETTLED = 10;

/** The largest float32: beyond it a value does not enter. Its square fits a float64 1e230 times. */
const MAX_VALUE = 3.4028234663852886e38;

/**
 * Running mean and population variance of several columns (Welford), to standardise them with. They follow a column that
 * drifts, and one wild value, however large, costs little and is forgotten: where the level really is another, the
 * deviation grows geometrically until it fits.
 * Float64, and only + − × ÷ √, which IEEE rounds the same on every machine.
 */
export class RunningScaler {
  /** Rows seen, HORIZON at most. */
  private readonly count = new Float64Array(1);
  private mean: Float64Array;
  /** count · variance. */
  private readonly m2: Float64Array;
  /** max(√(m2 / count), MIN_DEVIATION), kept because it is read more often than it changes. */
  private deviation: Float64Array;

  /** Rows that a row adds to the count. */
  private growth = 1;

  /** @param passThrough columns with a 1 are never learned and pass unchanged (one-hot inputs) */
  constructor(
    readonly width: number,
    private readonly passThrough: Uint8Array = new Uint8Array(width),
  ) {
    this.mean = new Float64Array(width);
    this.m2 = new Float64Array(width);
    this.deviation = new Float64Array(width);
    this.refresh();
  }

  /** Keeps means and deviations in arrays [width] of somebody who reads them there. */
  moveTo(mean: Float64Array, deviation: Float64Array): void {
    mean.set(this.mean);
    deviation.set(this.deviation);
    this.mean = mean;
    this.deviation = deviation;
  }

  /**
   * Learns from values[off … off + width). A row with a value that is not finite, or larger than a float32, is left
   * out whole.
   *
   * @returns whether it entered
   * @hot
   */
  update(values: Float64Array, off: number): boolean {
    const { width, passThrough, mean, m2, deviation } = this;
    for (let i = 0; i < width; i++) {
      const x = values[off + i];
      if (!(x >= -MAX_VALUE && x <= MAX_VALUE)) return false;
    }
    const before = this.count[0];
    const n = before + this.growth < HORIZON ? before + this.growth : HORIZON;
    /** Rows' worth of what was known that goes: 1 once HORIZON is reached. */
    const forgotten = before + 1 - n;
    this.count[0] = n;
    for (let i = 0; i < width; i++) {
      if (passThrough[i] === 1) continue;
      let x = values[off + i];
      if (n > SETTLED) {
        const limit = OUTLIER * deviation[i];
        if (x > mean[i] + limit) x = mean[i] + limit;
        else if (x < mean[i] - limit) x = mean[i] - limit;
      }
      const d = x - mean[i];
      mean[i] = mean[i] + d / n;
      if (forgotten > 0) m2[i] = m2[i] - (m2[i] * forgotten) / before;
      m2[i] = m2[i] + d * (x - mean[i]);
      deviation[i] = Math.max(Math.sqrt(m2[i] / n), MIN_DEVIATION);
    }
    return true;
  }

  /**
   * From here on what is known counts as at most so many rows, and only a quarter of every further one is added to them: of what
   * was known and of a jump that came with it, a share of (rows / (rows + t/4))⁴ is left after t rows. Not in `state`: whoever
   * restores one calls it again, with Infinity.
   */
  forget(rows: number): void {
    const n = this.count[0];
    this.growth = AFTER_FORGETTING;
    if (n <= rows) return;
    this.count[0] = rows;
    for (let i = 0; i < this.width; i++) this.m2[i] = (this.m2[i] / n) * rows;
  }

  /**
   * out[i] = (values[off + i] − mean) / deviation, clipped to ±CLIP, for i in 0 … width.
   * Values are finite. out may be values itself when off is 0.
   *
   * @hot
   */
  standardise(out: Float64Array | Float32Array, values: Float64Array, off: number): void {
    const { width, passThrough, mean, deviation } = this;
    for (let i = 0; i < width; i++) {
      const x = values[off + i];
      if (passThrough[i] === 1) {
        out[i] = x;
        continue;
      }
      out[i] = Math.max(-CLIP, Math.min(CLIP, (x - mean[i]) / deviation[i]));
    }
  }

  /**
   * out[off + i] = mean + z[i] · deviation, for i in 0 … width. out may be z when off is 0.
   *
   * @hot
   */
  inverse(out: Float64Array, z: Float64Array | Float32Array, off = 0): void {
    const { width, passThrough, mean, deviation } = this;
    for (let i = 0; i < width; i++) {
      out[off + i] = passThrough[i] === 1 ? z[i] : mean[i] + z[i] * deviation[i];
    }
  }

  /**
   * losses[k] = the mean over columns of |predictions[off + k · width + i] − values[at + i]| in deviations, each cut to
   * `limit`, for k in 0 … losses.length. Predictions are finite.
   *
   * @hot
   */
  writeLosses(
    losses: Float64Array,
    predictions: Float64Array,
    off: number,
    values: Float64Array,
    at: number,
    limit: number,
  ): void {
    const { width, deviation } = this;
    for (let k = 0, p = off; k < losses.length; k++) {
      let sum = 0;
      for (let i = 0; i < width; i++, p++) {
        sum += Math.min(Math.abs(predictions[p] - values[at + i]) / deviation[i], limit);
      }
      losses[k] = sum / width;
    }
  }

  /** What has been learned, borrowed; call `refresh` after writing into it. */
  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.count`, shape: [1], data: this.count },
      { name: `${prefix}.mean`, shape: [this.width], data: this.mean },
      { name: `${prefix}.m2`, shape: [this.width], data: this.m2 },
    ];
  }

  /** Works out again what follows from the state. */
  refresh(): void {
    const n = this.count[0];
    for (let i = 0; i < this.width; i++) {
      this.deviation[i] = Math.max(n > 0 ? Math.sqrt(this.m2[i] / n) : 0, MIN_DEVIATION);
    }
  }
}
