import { layout as L } from '../plan/index.js';

/** The largest float32; an update that might reach beyond it is refused. */
export const LARGEST = 3.4028234663852886e38;

/** A bound above this is found out anew before it is used. */
export const BOUND_TO_KEEP = 65536;

/**
 * How far an update can move a parameter at most, in float64, and the new bound of the optimizer's first state.
 *
 * @param g a bound on every element of the gradient, after clipping and with decay
 * @param rate η, the larger of both groups
 * @returns the move; NaN or Infinity where a square would overflow
 */
export function moveOf(
  state: { bound: number },
  optimizer: number,
  g: number,
  rate: number,
  momentum: number,
  epsilon: number,
  mostSteps: number,
): number {
  switch (optimizer) {
    case L.OPTIMIZER_SGD:
      return rate * g;
    case L.OPTIMIZER_MOMENTUM:
      state.bound = momentum * state.bound + g;
      return rate * state.bound;
    case L.OPTIMIZER_NESTEROV:
      state.bound = momentum * state.bound + g;
      return rate * (g + momentum * state.bound);
    default: {
      if (!(g * g <= LARGEST)) return Number.POSITIVE_INFINITY;
      state.bound = Math.max(state.bound, g);
      const most = state.bound / epsilon;
      return rate * (mostSteps < most ? mostSteps : most);
    }
  }
}
