import { layout as L, type Plan } from '../plan/index.js';
import type { Arena } from './executor.js';

/**
 * All parameters of a network as they lie in the arena, one behind the other and padding included, for whoever treats every
 * parameter alike: penalties, snapshots. The order is the arena's, the same for every executor.
 *
 * Call `settle` before reading or writing, and `moved` after writing.
 */
export class WeightSpan {
  /** [size], borrowed. */
  readonly values: Float32Array;
  /** [size]: the mean gradient of the last step, where the plan keeps it (`gradients`); else empty. */
  readonly gradient: Float32Array;
  /** [states · size]: the optimizer's states of every parameter. */
  readonly states: Float32Array;
  /** [2]: β₁ᵗ and β₂ᵗ; 1 where the optimizer has none. */
  readonly powers: Float64Array;
  /** [2]: η of the last step, of weights and of biases, schedule included. */
  readonly rates: Float32Array;
  /** [1] at m = 1: how much the row of the last step counted. */
  readonly rowWeights: Float32Array;
  private readonly header: number;
  private readonly boundAt: number;
  private readonly stateBoundAt: number;

  constructor(
    plan: Plan,
    private readonly arena: Arena,
  ) {
    const { words, parameters, optimizerStates } = plan;
    const { floats } = arena;
    const state = plan.region('state').offset;
    const from = parameters[0].region.offset;
    const last = parameters[parameters.length - 1].region;
    const size = last.offset + last.floats - from;
    const span = (shift: number) => floats.subarray(from + shift, from + shift + size);
    const toGradient = words[L.H_TO_GRADIENT];
    // States lie one behind the other; what may be left free between them for tests is taken along.
    const first = from + words[L.H_TO_STATE1];
    const count = optimizerStates.length;
    const end = count > 0 ? from + words[L.H_TO_STATE1 + count - 1] + size : first;
    this.values = span(0);
    this.gradient = toGradient === 0 ? new Float32Array(0) : span(toGradient);
    this.states = floats.subarray(first, end);
    this.powers = new Float64Array(floats.buffer, 4 * (state + L.S_BETA1_POWER), 2);
    this.rates = floats.subarray(state + L.S_RATE, state + L.S_BIAS_RATE + 1);
    const { offset } = plan.region('row weights');
    this.rowWeights = floats.subarray(offset, offset + plan.examples);
    this.header = plan.region('plan').offset;
    this.boundAt = state + L.S_PARAMETER_BOUND;
    this.stateBoundAt = state + L.S_STATE_BOUND;
  }

  /** Makes an update that waits. @hot */
  settle(): void {
    this.arena.executor.settle(this.header);
  }

  /** Parameters were written, none larger in magnitude than `peak` and those that were there. @hot */
  moved(peak: number): void {
    const { floats } = this.arena;
    if (!(floats[this.boundAt] >= peak)) floats[this.boundAt] = peak * 1.000001;
  }

  /** Parameters and optimizer states were written: bounds are found out anew. @hot */
  replaced(): void {
    const { floats } = this.arena;
    const { states } = this;
    let peak = 0;
    for (let i = 0; i < states.length; i++) {
      const magnitude = states[i] < 0 ? -states[i] : states[i];
      if (magnitude > peak) peak = magnitude;
    }
    floats[this.boundAt] = Number.POSITIVE_INFINITY;
    floats[this.stateBoundAt] = peak;
  }
}
