import type { StateArray } from './state.js';

/** Errors are cut to ± this before they are learned from, in standard deviations of the target. */
const ERROR_LIMIT = 3;
/**
 * Adding and subtracting it makes what lies below 2⁻¹¹³ zero: nothing decays into the subnormals. Of P one row in turn, since
 * that is as good.
 */
const ROUNDING = 2 ** -60;

/**
 * A linear model y = W·φ whose weights are expected to drift: recursive least squares as a Kalman filter, for few features.
 *
 * Weights are taken to wander and to be drawn back to 0 (an Ornstein–Uhlenbeck process), so that their covariance P, shared
 * by all outputs, returns to prior·I where nothing is observed: it can neither wind up nor vanish, whatever the rows, and
 * one step never overshoots. With φ of the row and noise variance 1, in standardised units:
 *
 *     k = P·φ,  g = k / (1 + φ·k),  W ← √(1 − drift)·(W + e·gᵀ),  P ← (1 − drift)·(P − k·gᵀ) + drift·prior·I
 *
 * Float64, and + − × ÷ √ only. A step costs about size² multiplications.
 */
export class Tracker {
  /** [outputs], of the last `predict`. */
  readonly output: Float64Array;
  /** [outputs, size] */
  private readonly weights: Float64Array;
  /** The lower triangle of P, row by row. */
  private readonly covariance: Float64Array;
  private readonly gain: Float64Array;
  /** [0]: the row of P whose smallest values are dropped next. */
  private readonly turn = new Int32Array(1);
  private readonly shrink: number;

  /**
   * @param size features it looks at, the first ones of those it is given
   * @param prior variance of a weight about which nothing is known
   * @param drift 0 < drift < 1; about 1 / drift rows are remembered where nothing comes to confirm them
   * @param shrinks whether weights are drawn to 0 too, and not only their certainty forgotten
   */
  constructor(
    readonly size: number,
    readonly outputs: number,
    private readonly prior: number,
    private readonly drift: number,
    shrinks: boolean,
  ) {
    this.output = new Float64Array(outputs);
    this.weights = new Float64Array(outputs * size);
    this.covariance = new Float64Array((size * (size + 1)) / 2);
    for (let i = 0, q = 0; i < size; q += i + 2, i++) this.covariance[q] = prior;
    this.gain = new Float64Array(size);
    this.shrink = shrinks ? Math.sqrt(1 - drift) : 1;
  }

  /** output = W·φ. @hot */
  predict(features: Float64Array): void {
    const { size, outputs, output, weights } = this;
    for (let c = 0, q = 0; c < outputs; c++) {
      let sum = 0;
      for (let i = 0; i < size; i++, q++) sum += weights[q] * features[i];
      output[c] = sum;
    }
  }

  /** One step towards `target` [outputs], all finite. Overwrites `output`. @hot */
  learn(features: Float64Array, target: Float64Array): void {
    const { size, outputs, output, weights, covariance, gain, shrink, prior, drift } = this;
    this.predict(features);
    // k = P·φ, every element of the triangle read once, two in a step: sums that wait for one another are what takes time
    for (let i = 0, q = 0; i < size; i++) {
      const x = features[i];
      let even = 0;
      let odd = 0;
      let j = 0;
      for (; j < i - 1; j += 2, q += 2) {
        const p = covariance[q];
        const r = covariance[q + 1];
        even += p * features[j];
        odd += r * features[j + 1];
        gain[j] = gain[j] + p * x;
        gain[j + 1] = gain[j + 1] + r * x;
      }
      if (j < i) {
        const p = covariance[q++];
        even += p * features[j];
        gain[j] = gain[j] + p * x;
      }
      gain[i] = even + odd + covariance[q++] * x;
    }
    let spread = 1;
    for (let i = 0; i < size; i++) spread += gain[i] * features[i];
    for (let c = 0, q = 0; c < outputs; c++) {
      const error = Math.max(-ERROR_LIMIT, Math.min(ERROR_LIMIT, target[c] - output[c])) / spread;
      for (let i = 0; i < size; i++, q++) {
        weights[q] = (weights[q] + error * gain[i]) * shrink + ROUNDING - ROUNDING;
      }
    }
    const keep = 1 - drift;
    const back = drift * prior;
    for (let i = 0, q = 0; i < size; i++) {
      const g = gain[i] / spread;
      for (let j = 0; j < i; j++, q++) covariance[q] = (covariance[q] - g * gain[j]) * keep;
      const variance = (covariance[q] - g * gain[i]) * keep + back;
      covariance[q++] = variance > back ? variance : back;
    }
    const row = this.turn[0];
    for (let j = 0, q = (row * (row + 1)) / 2; j < row; j++, q++) covariance[q] = covariance[q] + ROUNDING - ROUNDING;
    this.turn[0] = row + 1 === size ? 0 : row + 1;
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.weights`, shape: [this.outputs, this.size], data: this.weights },
      { name: `${prefix}.covariance`, shape: [this.covariance.length], data: this.covariance },
      { name: `${prefix}.turn`, shape: [1], data: this.turn },
    ];
  }
}
