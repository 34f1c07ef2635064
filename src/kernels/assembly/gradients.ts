import * as L from '../../plan/layout';
import { addTo, denseGradient, denseUpdate, scale, sgdUpdate } from './dense';
import { addProducts } from './layer-norm';
import { at, bytesOf, pad4, peakOf, word } from './memory';
import { beginUpdate, setGroup, squares, updateFrom, updateRankOne } from './optimizer';
import { lossRecord, OP_BYTES } from './passes';

// Passes over the parameters: whole gradients, their norm, and the update by any optimizer.

/** Whether a record has parameters. */
// @ts-ignore: decorator
@inline function hasParameters(op: usize): bool {
  const code = word(op, L.OP_CODE);
  return code == L.OP_DENSE || code == L.OP_SHORTCUT || code == L.OP_LAYER_NORM;
}

/** Elements of a layer's weight, padding included. */
// @ts-ignore: decorator
@inline function weightsOf(op: usize): i32 {
  const nOut = pad4(word(op, L.D_OUT));
  return word(op, L.OP_CODE) == L.OP_LAYER_NORM ? nOut : nOut * pad4(word(op, L.D_IN));
}

/** Adds this step's columns to the gradient sums, from zero where they are new.                    (B5), (B6) @hot */
export function allGradients(header: usize, isNew: bool): void {
  const m = word(header, L.H_EXAMPLES);
  const toGradient = bytesOf(word(header, L.H_TO_GRADIENT));
  const end = lossRecord(header);
  for (let op = at(word(header, L.H_OPS)); op < end; op += OP_BYTES) {
    if (!hasParameters(op)) continue;
    const nIn = pad4(word(op, L.D_IN));
    const stride = pad4(word(op, L.D_OUT));
    const weights = weightsOf(op);
    const isNorm = word(op, L.OP_CODE) == L.OP_LAYER_NORM;
    const gw = at(word(op, L.D_W)) + toGradient;
    const gb = word(op, L.D_B) ? at(word(op, L.D_B)) + toGradient : 0;
    if (isNew) {
      memory.fill(gw, 0, bytesOf(weights));
      if (gb) memory.fill(gb, 0, bytesOf(stride));
    }
    for (let k = 0; k < m; k++) {
      const delta = at(word(op, L.D_DELTA)) + bytesOf(k * stride);
      if (isNorm) addProducts(gw, delta, at(word(op, L.D_SIDE)) + bytesOf(k * stride), stride);
      else denseGradient(gw, delta, at(word(op, L.D_A_IN)) + bytesOf(k * nIn), nIn, stride);
      if (gb) addTo(gb, delta, stride);
    }
  }
}

/** Gradient sums to means. */
export function scaleGradients(header: usize, share: f32): void {
  if (share == 1) return;
  const shares = f32x4.splat(share);
  const toGradient = bytesOf(word(header, L.H_TO_GRADIENT));
  const end = lossRecord(header);
  for (let op = at(word(header, L.H_OPS)); op < end; op += OP_BYTES) {
    if (!hasParameters(op)) continue;
    scale(at(word(op, L.D_W)) + toGradient, weightsOf(op), shares);
    if (word(op, L.D_B)) scale(at(word(op, L.D_B)) + toGradient, pad4(word(op, L.D_OUT)), shares);
  }
}

/** Bits of the largest parameter magnitude, by looking at all of them. */
export function peakParameter(header: usize): i32 {
  let peak = 0;
  const end = lossRecord(header);
  for (let op = at(word(header, L.H_OPS)); op < end; op += OP_BYTES) {
    if (!hasParameters(op)) continue;
    peak = max(peak, peakOf(at(word(op, L.D_W)), weightsOf(op)));
    if (word(op, L.D_B)) peak = max(peak, peakOf(at(word(op, L.D_B)), pad4(word(op, L.D_OUT))));
  }
  return peak;
}

/** Squared norm of the whole gradient of layers that change; that of a rank-1 matrix is |δ|²·|a|². */
function gradientSquares(header: usize): f64 {
  const toGradient = bytesOf(word(header, L.H_TO_GRADIENT));
  const end = lossRecord(header);
  let total: f64 = 0;
  for (let op = at(word(header, L.H_OPS)); op < end; op += OP_BYTES) {
    if (!hasParameters(op) || word(op, L.D_FROZEN)) continue;
    const stride = pad4(word(op, L.D_OUT));
    const b = word(op, L.D_B);
    if (toGradient) {
      total += squares(at(word(op, L.D_W)) + toGradient, weightsOf(op));
      total += b ? squares(at(b) + toGradient, stride) : 0;
    } else {
      const inputs = squares(at(word(op, L.D_A_IN)), pad4(word(op, L.D_IN))) + (b ? 1.0 : 0.0);
      total += squares(at(word(op, L.D_DELTA)), stride) * inputs;
    }
  }
  return total;
}

/** Every parameter from its gradient, by the optimizer. @hot */
export function allUpdates(header: usize, s: usize): void {
  const toGradient = bytesOf(word(header, L.H_TO_GRADIENT));
  const to1 = bytesOf(word(header, L.H_TO_STATE1));
  const to2 = bytesOf(word(header, L.H_TO_STATE2));
  const rate = load<f32>(s + (L.S_RATE << 2));
  const biasRate = load<f32>(s + (L.S_BIAS_RATE << 2));
  const decay = load<f32>(s + (L.S_DECAY << 2));
  const isPlain = word(header, L.H_SWEEPS);
  if (!isPlain) {
    const isClipped = load<f32>(s + (L.S_CLIP_NORM << 2)) < Infinity;
    beginUpdate(s, word(header, L.H_OPTIMIZER), isClipped ? gradientSquares(header) : 0);
  }
  const end = lossRecord(header);
  for (let op = at(word(header, L.H_OPS)); op < end; op += OP_BYTES) {
    if (!hasParameters(op) || word(op, L.D_FROZEN)) continue;
    const nIn = pad4(word(op, L.D_IN));
    const stride = pad4(word(op, L.D_OUT));
    const w = at(word(op, L.D_W));
    const b = at(word(op, L.D_B));
    const a = at(word(op, L.D_A_IN));
    const delta = at(word(op, L.D_DELTA));
    if (isPlain) {
      denseUpdate(w, delta, a, nIn, stride, f32x4.splat(rate));
      if (b) sgdUpdate(b, delta, stride, f32x4.splat(biasRate));
      continue;
    }
    const isNorm = word(op, L.OP_CODE) == L.OP_LAYER_NORM;
    setGroup(s, isNorm ? biasRate : rate, isNorm ? 0 : decay);
    if (toGradient) updateFrom(w, to1, to2, w + toGradient, weightsOf(op));
    else updateRankOne(w, to1, to2, delta, a, nIn, stride);
    if (b) {
      setGroup(s, biasRate, 0);
      updateFrom(b, to1, to2, toGradient ? b + toGradient : delta, stride);
    }
  }
}
