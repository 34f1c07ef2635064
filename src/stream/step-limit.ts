import type { Network } from '../engine/index.js';
import { widthsOf } from '../spec/index.js';
import type { HeadKind } from './task-head.js';

/** ∂²ℓ/∂z² of a task's loss as far as the length of a step goes: ½ error², and cross-entropy of a softmax. */
export const CURVATURE = { regress: 1, classify: 0.25 };

/** Of an error that a step may take away: above 2 it grows instead of shrinking. */
const LONGEST = 2;

/**
 * Shortens the steps of a declared network that would overshoot, and only those. A gradient step of rate 1 moves what is
 * predicted of its own row by curvature · (‖x‖² + ‖h‖² + 1) times the error, with ‖h‖² ≤ the hidden units where they are bounded.
 */
export class StepLimit {
  /** rate · curvature; 0 where the length of a step does not depend on the gradient's. */
  private readonly factor: number;
  private readonly others: number;
  /** Whether the rate itself was too large. */
  private readonly isSlowed: boolean;

  constructor(
    private readonly network: Network,
    kind: HeadKind,
  ) {
    const { layers, optimizer, inputs } = network.plan.network;
    const widths = widthsOf({ inputs, layers });
    const momentum = 'momentum' in optimizer ? (optimizer.momentum ?? 0) : 0;
    const isScaled = optimizer.kind === 'sgd' || optimizer.kind === 'momentum' || optimizer.kind === 'nesterov';
    this.factor = isScaled ? (Math.max(optimizer.rate, optimizer.biasRate) * CURVATURE[kind]) / (1 - momentum) : 0;
    this.isSlowed = !isScaled && this.slow(Math.max(...widths.slice(0, -1)));
    this.others = 1 + layers.slice(0, -1).reduce((sum, _, i) => sum + widths[i + 1], 0);
  }

  /**
   * A step of an optimizer that divides by the size of the gradient moves every weight by about its rate, however small the
   * error: at most as much as moves a unit of `fanIn` inputs by 1.
   */
  private slow(fanIn: number): boolean {
    const { network } = this;
    const largest = 1 / (fanIn + 1);
    const isFast = network.rate > largest || network.biasRate > largest;
    if (network.rate > largest) network.rate = largest;
    if (network.biasRate > largest) network.biasRate = largest;
    return isFast;
  }

  /** @returns whether the step to come was made shorter @hot */
  shorten(): boolean {
    const { factor, others, isSlowed } = this;
    const { input, rowWeights } = this.network;
    let length = others;
    for (let i = 0; i < input.length; i++) length += input[i] * input[i];
    length *= factor;
    const isLong = length > LONGEST;
    rowWeights[0] = isLong ? LONGEST / length : 1;
    return isLong || isSlowed;
  }
}
