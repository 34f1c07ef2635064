import * as L from '../../plan/layout';
import { allGradients, allUpdates, scaleGradients } from './gradients';
import { word } from './memory';
import { peakDelta, runDeltas } from './passes';
import { NOT_FINITE, number, refuse, setNumber, staysFinite } from './safety';

/** A step that learned. */
// @ts-ignore: decorator
@inline export function countStep(s: usize, loss: f32): void {
  setNumber(s, L.S_LOSS, loss);
  store<u64>(s + (L.S_STEPS << 2), load<u64>(s + (L.S_STEPS << 2)) + 1);
}

/**
 * Backward and update in passes: all deltas, whole gradients where the plan keeps them, and the update if it is due. The
 * loss and the output layer's delta are there. Returns as `step`.
 * @hot
 */
export function learnInPasses(header: usize, s: usize, loss: f32, bound: f32): bool {
  setNumber(s, L.S_PARAMETER_BOUND, bound);
  runDeltas(header);
  if (peakDelta >= NOT_FINITE) {
    refuse(s, L.S_REFUSED_DELTA);
    return false;
  }
  const accumulated = load<i32>(s + (L.S_ACCUMULATED << 2));
  const isDue = accumulated + 1 >= word(header, L.H_ACCUMULATE);
  if (!staysFinite(header, s, accumulated == 0, isDue)) {
    refuse(s, L.S_REFUSED_UPDATE);
    return false;
  }
  if (word(header, L.H_TO_GRADIENT)) allGradients(header, accumulated == 0);
  if (isDue) {
    if (word(header, L.H_TO_GRADIENT)) scaleGradients(header, number(s, L.S_INVERSE_ROWS));
    allUpdates(header, s);
  }
  store<i32>(s + (L.S_ACCUMULATED << 2), isDue ? 0 : accumulated + 1);
  countStep(s, loss);
  return true;
}
