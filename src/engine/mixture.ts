import { layout as L, type MixturePlan, pad4, type Region } from '../plan/index.js';
import type { Arena } from './executor.js';

export type { MixtureSpec } from '../plan/index.js';

/** An array of a mixture's state, a view into the arena. */
export interface MixtureArray {
  name: string;
  shape: number[];
  data: Float32Array | Float64Array;
}

/**
 * What learners side by side and a naive predictor say of a row, weighed by how well each has lately done:
 * w ∝ exp(−rate · Σ memory^age · loss), the exponentially weighted average forecaster with discounted losses
 * (src/reference/mixture.ts has the equations).
 *
 * What was said of a row is kept in a slot until its label comes. Set-up happens in the constructor, after which nothing is
 * allocated.
 */
export class Mixture {
  /** Naive predictor included, as the last. */
  readonly experts: number;
  /** Views into the arena. [experts]: ≥ 0, adding up to 1, equal at the start; and Σ memory^age · loss. */
  readonly weights: Float32Array;
  readonly sums: Float32Array;
  /** [outputs] each: mean and deviation of the target; 0 and 1 at the start, as they are for classes. */
  readonly mean: Float64Array;
  readonly deviation: Float64Array;
  /** [outputs] each, finite, in units of the target: what the naive predictor says of the row, set before `predict`; what all come to. */
  readonly naive: Float64Array;
  readonly prediction: Float64Array;
  /** [outputs], finite: what came true of the row, set before `judge`. */
  readonly label: Float64Array;
  /** [networks]: rate · curvature of each now, by which its steps are softened. */
  readonly factors: Float32Array;
  readonly #arena: Arena;
  readonly #plan: MixturePlan;
  readonly #numbers: Float32Array;
  readonly #said: Float32Array;
  readonly #scales: Float64Array;
  readonly #mixture: number;

  constructor(plan: MixturePlan, arena: Arena) {
    const { spec, experts } = plan;
    const { outputs, isClasses } = spec;
    this.#arena = arena;
    this.#plan = plan;
    this.#mixture = plan.mixture.offset;
    this.experts = experts;
    arena.words.set(plan.words, plan.mixture.offset);
    this.weights = this.#floats(plan.weights, experts).fill(1 / experts);
    this.sums = this.#floats(plan.sums, experts);
    // Padding is 0 of a deviation of 1, so that it stays 0 in every scale.
    this.#doubles(plan.deviation).fill(1);
    this.mean = this.#doubles(plan.mean, outputs);
    this.deviation = this.#doubles(plan.deviation, outputs);
    this.naive = this.#doubles(plan.naive, outputs);
    this.prediction = this.#doubles(plan.prediction, outputs);
    this.label = this.#doubles(plan.label, outputs);
    this.#scales = this.#doubles(plan.scales);
    for (let i = 0; i < this.#scales.length; i++) this.#scales[i] = Math.floor(i / pad4(outputs)) % 2;
    this.factors = this.#floats(plan.factors, spec.factors.length);
    this.factors.set(spec.factors);
    this.#said = this.#floats(plan.said);
    this.#numbers = this.#floats(plan.numbers);
    this.#numbers[L.MN_RATE] = spec.rate;
    this.#numbers[L.MN_LIMIT] = spec.limit;
    this.#numbers[L.MN_SHARE] = isClasses ? 1 : 1 / outputs;
    this.#numbers[L.MN_OTHERS] = spec.others;
    this.#numbers[L.MN_CENTRE] = isClasses ? 1 / outputs : 0;
    this.remember(spec.memory);
  }

  /** From here on so much of a loss is left after a row. No part of `state`. */
  remember(memory: number): void {
    this.#numbers[L.MN_MEMORY] = memory;
  }

  /**
   * Lets everybody predict, keeps it in `slot`, and leaves what it comes to in `prediction`. Slot `slots` is for a row that is not kept.
   *
   * @param isNaiveOut whether the naive predictor is left out, where anybody else is believed
   * @hot
   */
  predict(slot: number, isNaiveOut: boolean): void {
    this.#arena.executor.predictMixture(this.#mixture, slot, isNaiveOut ? 1 : 0);
  }

  /** Judges what was said of the row in `slot` by `label`. @hot */
  judge(slot: number): void {
    this.#arena.executor.judgeMixture(this.#mixture, slot);
  }

  /**
   * A softened step of every network on its input and target, and one of every tracker.
   *
   * @param isForwarded whether `predict` was called on this row last, nothing having been learned since
   * @returns how many steps were refused
   * @hot
   */
  learn(isForwarded: boolean): number {
    return this.#arena.executor.learnMixture(this.#mixture, isForwarded ? 1 : 0);
  }

  /** Softens the step a network is about to make by itself. @hot */
  soften(): void {
    this.#arena.executor.softenMixture(this.#mixture);
  }

  /** From here on one is believed as little as the last of all, and by what the naive predictor said of rows that wait. */
  demote(k: number): void {
    for (const sum of this.sums) if (sum > this.sums[k]) this.sums[k] = sum;
    this.#takeOver(k, this.experts - 1);
  }

  /** From here on one is believed as much as another, and by what that one said of rows that wait. */
  follow(k: number, other: number): void {
    this.sums[k] = this.sums[other];
    this.#takeOver(k, other);
  }

  #takeOver(k: number, other: number): void {
    const stride = pad4(this.#plan.spec.outputs);
    const said = this.#said;
    for (let row = 0; row < said.length; row += pad4(this.experts) * stride) {
      said.copyWithin(row + k * stride, row + other * stride, row + (other + 1) * stride);
    }
    this.#arena.executor.weighMixture(this.#mixture);
  }

  /** The discounted mean loss of one, or null before the first label. */
  meanLoss(k: number): number | null {
    const mass = this.#numbers[L.MN_MASS];
    return mass > 0 ? this.sums[k] / mass : null;
  }

  /** The one of the largest weight, the first of equals. */
  leader(): number {
    return this.weights.indexOf(Math.max(...this.weights));
  }

  /** Everything that decides about later weights, borrowed. */
  state(prefix: string): MixtureArray[] {
    const { spec } = this.#plan;
    const stride = pad4(spec.outputs);
    const shape = [spec.slots, pad4(this.experts), stride];
    return [
      { name: `${prefix}.weights`, shape: [this.experts], data: this.weights },
      { name: `${prefix}.losses`, shape: [this.experts], data: this.sums },
      { name: `${prefix}.mass`, shape: [1], data: this.#numbers.subarray(L.MN_MASS, L.MN_MASS + 1) },
      { name: `${prefix}.said`, shape, data: this.#said.subarray(0, shape[0] * shape[1] * shape[2]) },
      {
        name: `${prefix}.scales`,
        shape: [spec.slots, 2, stride],
        data: this.#scales.subarray(0, spec.slots * 2 * stride),
      },
      { name: `${prefix}.factors`, shape: [this.factors.length], data: this.factors },
    ];
  }

  #floats(region: Region, count = region.floats): Float32Array {
    return this.#arena.floats.subarray(region.offset, region.offset + count);
  }

  #doubles(region: Region, count = region.floats / 2): Float64Array {
    return new Float64Array(this.#arena.floats.buffer, 4 * region.offset, count);
  }
}
