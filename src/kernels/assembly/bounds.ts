import * as L from '../../plan/layout';

/** The largest float32; an update that might reach beyond it is refused. */
export const LARGEST: f64 = 3.4028234663852886e38;

/** A bound above this is found out anew before it is used. */
export const BOUND_TO_KEEP: f32 = 65536;

/** The new bound of the optimizer's first state, left by `moveOf`. */
export let movedBound: f64 = 0;

/** How far an update can move a parameter at most; see src/reference/bounds.ts. */
export function moveOf(
  state: f64, optimizer: i32, g: f64, rate: f64, momentum: f64, epsilon: f64, mostSteps: f64,
): f64 {
  movedBound = state;
  if (optimizer == L.OPTIMIZER_SGD) return rate * g;
  if (optimizer <= L.OPTIMIZER_NESTEROV) {
    movedBound = momentum * state + g;
    return optimizer == L.OPTIMIZER_MOMENTUM ? rate * movedBound : rate * (g + momentum * movedBound);
  }
  if (!(g * g <= LARGEST)) return Infinity;
  movedBound = max(state, g);
  const most = movedBound / epsilon;
  return rate * (mostSteps < most ? mostSteps : most);
}
