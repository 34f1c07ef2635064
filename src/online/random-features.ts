import { Random } from '../engine/index.js';
import type { StateArray } from './state.js';

/**
 * Fixed random nonlinear features of a row: φ = [x, 1, s(A·x + c)] with s(v) = v / √(1 + v²), a sigmoid of ± × ÷ √ only. A linear
 * model over them learns curved laws, and exactly as a linear model does, without back-propagation.
 *
 * A is uniform of standard deviation 0.7/√inputs, so that A·x of a standardised row is about 0.7; c is uniform in ±1.
 */
export class RandomFeatures {
  /** inputs + 1 + units. */
  readonly size: number;
  /** [size]; the inputs first, so that the first inputs + 1 are the features of a linear model. */
  readonly values: Float64Array;
  private readonly matrix: Float64Array;
  private readonly offsets: Float64Array;

  /** @param seed a whole number, 0 … 2³² − 1: the same seed, the same features */
  constructor(
    readonly inputs: number,
    readonly units: number,
    seed: number,
  ) {
    this.size = inputs + 1 + units;
    this.values = new Float64Array(this.size);
    const random = new Random(seed);
    const limit = 0.7 * Math.sqrt(3 / inputs);
    this.matrix = Float64Array.from({ length: units * inputs }, () => (2 * random.uniform() - 1) * limit);
    this.offsets = Float64Array.from({ length: units }, () => 2 * random.uniform() - 1);
  }

  /** Writes φ of `input` [inputs] to `values`. @hot */
  update(input: Float32Array): void {
    const { inputs, units, values, matrix, offsets } = this;
    for (let i = 0; i < inputs; i++) values[i] = input[i];
    values[inputs] = 1;
    for (let j = 0, q = 0; j < units; j++) {
      let v = offsets[j];
      for (let i = 0; i < inputs; i++, q++) v += matrix[q] * values[i];
      values[inputs + 1 + j] = v / Math.sqrt(1 + v * v);
    }
  }

  /** The matrix and offsets: they follow from the seed, which is not kept. */
  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.matrix`, shape: [this.units, this.inputs], data: this.matrix },
      { name: `${prefix}.offsets`, shape: [this.units], data: this.offsets },
    ];
  }
}
