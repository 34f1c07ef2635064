import type { Network } from '../engine/index.js';
import { widthsOf } from '../spec/index.js';
import type { HeadKind } from './task-head.js';

/** ∂²ℓ/∂z² of a task's loss as far as the length of a step goes: ½ error², and cross-entropy of a softmax. */
export const CURVATURE = { regress: 1, classify: 0.25 };

/** Products of a rate with anything up to 30 still fit a float32. */
const LARGEST_RATE = 1e37;

/** Of an error that a step may take away: above 2 it grows instead of shrinking. */
const LONGEST = 2;

/**
 * Shortens the steps of a declared network that would overshoot, and only those. A gradient step of rate 1 moves what is
 * predicted of its own row by curvature · (‖x‖² + ‖h‖² + 1) times the error, with ‖h‖² ≤ the hidden units where they are bounded.
 */
export class StepLimit {
  /** rate · curvature; 0 where the length of a step does not depend on the gradient's. */
  private readonly declaredFactor: number;
  /** [0]: the same of the rate now. */
  private readonly factor: Float64Array;
  private readonly others: number;
  /** The rate is no larger; where the length of a step depends on the gradient's, the step is shortened instead. */
  private readonly largest: number;
  /** Whether the rate itself is too large. */
  private isSlowed = false;

  constructor(
    private readonly network: Network,
    kind: HeadKind,
  ) {
    const { layers, optimizer, inputs } = network.plan.network;
    const widths = widthsOf({ inputs, layers });
    const momentum = 'momentum' in optimizer ? (optimizer.momentum ?? 0) : 0;
    const isScaled = optimizer.kind === 'sgd' || optimizer.kind === 'momentum' || optimizer.kind === 'nesterov';
    const rate = Math.max(optimizer.rate, optimizer.biasRate);
    this.declaredFactor = isScaled ? (rate * CURVATURE[kind]) / (1 - momentum) : 0;
    this.factor = Float64Array.of(this.declaredFactor);
    // A step of an optimizer that divides by the size of the gradient moves every weight by about its rate, however small the
    // error: at most as much as moves a unit of the widest layer's inputs by 1.
    this.largest = isScaled ? LARGEST_RATE : 1 / (Math.max(...widths.slice(0, -1)) + 1);
    this.hasten(1);
    this.others = 1 + layers.slice(0, -1).reduce((sum, _, i) => sum + widths[i + 1], 0);
  }

  /** From here on rates are so many times those declared, as far as they may be. */
  hasten(factor: number): void {
    this.factor[0] = this.declaredFactor * factor;
    this.isSlowed = setRates(this.network, factor, this.largest);
  }

  /** @returns whether the step to come was made shorter @hot */
  shorten(): boolean {
    const { factor, others, isSlowed } = this;
    const { input, rowWeights } = this.network;
    let length = 0;
    for (let i = 0; i < input.length; i++) length += input[i] * input[i];
    length = (length + others) * factor[0];
    const isLong = length > LONGEST;
    rowWeights[0] = isLong ? LONGEST / length : 1;
    return isLong || isSlowed;
  }
}

/**
 * Makes a network's rates so many times those declared, at most `largest`.
 *
 * @returns whether one would have been larger
 */
export function setRates(network: Network, factor: number, largest = LARGEST_RATE): boolean {
  const { rate, biasRate } = network.plan.network.optimizer;
  network.rate = Math.min(rate * factor, largest);
  network.biasRate = Math.min(biasRate * factor, largest);
  return rate * factor > largest || biasRate * factor > largest;
}
