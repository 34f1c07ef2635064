import * as L from '../../plan/layout';
import { activate, pullBack } from './activation';
import { addTo, denseBackward, denseForward, denseSweep, denseUpdate, denseUpdateForward, scaleTo, sgdUpdate, subtractOuter } from './dense';
import { dropoutForward, dropoutKey, multiply } from './dropout';
import { layerNormBackward, layerNormForward } from './layer-norm';
import { lossOf } from './loss';
import { at, bytesOf, mul, pad4, peakOf, state, word } from './memory';

// The passes over the op records: forward, loss, deltas.

export const OP_BYTES: usize = L.OP_WORDS << 2;

/** Bits of the largest |x| or |a| an update can multiply by, and of the largest |δ|, of the step under way. */
export let peakActivation: i32 = 0;
export let peakDelta: i32 = 0;

// @ts-ignore: decorator
@inline export function setPeakActivation(bits: i32): void {
  peakActivation = bits;
}

// @ts-ignore: decorator
@inline export function setPeakDelta(bits: i32): void {
  peakDelta = bits;
}

/** Bits of the largest |x|. */
export function peakInput(header: usize): i32 {
  const op = at(word(header, L.H_OPS));
  return peakOf(at(word(op, L.IO_TO)), pad4(word(op, L.IO_N)) * word(header, L.H_EXAMPLES));
}

// @ts-ignore: decorator
@inline export function lossRecord(header: usize): usize {
  return at(word(header, L.H_OPS)) + <usize>(word(header, L.H_OP_COUNT) - 1) * OP_BYTES;
}

/** Columns of n values from one stride to another; used only where a padded and a dense form both exist. */
function restride(from: usize, fromStride: i32, to: usize, toStride: i32, n: i32, columns: i32): void {
  for (let k = 0; k < columns; k++) {
    memory.copy(to, from, bytesOf(n));
    from += bytesOf(fromStride);
    to += bytesOf(toStride);
  }
}

/** (F1), (F2) for every record but the loss. @hot */
export function runForward(header: usize, isLearning: bool): void {
  const m = word(header, L.H_EXAMPLES);
  const end = lossRecord(header);
  for (let op = at(word(header, L.H_OPS)); op < end; op += OP_BYTES) {
    const code = word(op, L.OP_CODE);
    if (code == L.OP_DENSE) {
      for (let k = 0; k < m; k++) denseColumn(header, op, k, isLearning);
    } else if (code == L.OP_INPUT) {
      const n = word(op, L.IO_N);
      const from = at(word(op, L.IO_FROM));
      const to = at(word(op, L.IO_TO));
      if (from) restride(from, n, to, pad4(n), n, m);
      if (isLearning) peakActivation = peakOf(to, pad4(n) * m);
    } else if (code == L.OP_OUTPUT) {
      const n = word(op, L.IO_N);
      restride(at(word(op, L.IO_FROM)), pad4(n), at(word(op, L.IO_TO)), n, n, m);
    } else {
      for (let k = 0; k < m; k++) otherColumn(header, op, code, k, isLearning);
    }
  }
}

/** Column k of a dense layer; the first makes up for an update that was put off. */
// @ts-ignore: decorator
@inline function denseColumn(header: usize, op: usize, k: i32, isLearning: bool): void {
  if (!word(op, L.D_DA_IN) && isPutOff(header)) updateForward(header, op);
  else preActivation(op, k);
  const n = word(op, L.D_OUT);
  const stride = pad4(n);
  const out = at(word(op, L.D_A_OUT)) + bytesOf(k * stride);
  const side = at(word(op, L.D_SIDE));
  if (side) addTo(out, side + bytesOf(k * stride), stride);
  activateColumn(op, k, out, n, stride, isLearning);
}

/** z of column k of a dense layer or shortcut, where a will stand. */
export function preActivation(op: usize, k: i32): void {
  const nIn = pad4(word(op, L.D_IN));
  const stride = pad4(word(op, L.D_OUT));
  const a = at(word(op, L.D_A_IN)) + bytesOf(k * nIn);
  const z = at(word(op, L.D_A_OUT)) + bytesOf(k * stride);
  denseForward(at(word(op, L.D_W)), at(word(op, L.D_B)), a, z, nIn, stride);
}

/** The same of the first layer at m = 1, after the update that was put off. */
export function updateForward(header: usize, op: usize): void {
  const s = state(header);
  store<i32>(s + (L.S_PUT_OFF << 2), 0);
  denseUpdateForward(
    at(word(op, L.D_W)), at(word(op, L.D_B)), at(word(op, L.D_DELTA)), at(word(header, L.H_PUT_OFF)), at(word(op, L.D_A_IN)),
    at(word(op, L.D_A_OUT)), pad4(word(op, L.D_IN)), pad4(word(op, L.D_OUT)), load<f32>(s + (L.S_PUT_OFF_BIAS_RATE << 2)),
  );
}

// @ts-ignore: decorator
@inline export function isPutOff(header: usize): bool {
  return load<i32>(state(header) + (L.S_PUT_OFF << 2)) != 0;
}

/**
 * Nothing below the first layer asks for ∂ℓ/∂a, so its update waits until the next forward pass reads the weights anyway:
 * δ stays until then, η·x and the rate of the biases are kept.
 */
// @ts-ignore: decorator
@inline export function putOff(header: usize, op: usize, rate: v128, biasRate: v128): void {
  scaleTo(at(word(header, L.H_PUT_OFF)), at(word(op, L.D_A_IN)), pad4(word(op, L.D_IN)), rate);
  store<f32>(state(header) + (L.S_PUT_OFF_BIAS_RATE << 2), f32x4.extract_lane(biasRate, 0));
  store<i32>(state(header) + (L.S_PUT_OFF << 2), 1);
}

/** Makes the first layer's update where it was put off, because somebody wants to see or set its weights. */
export function runSettle(header: usize): void {
  if (!isPutOff(header)) return;
  const s = state(header);
  store<i32>(s + (L.S_PUT_OFF << 2), 0);
  let op = at(word(header, L.H_OPS)) + OP_BYTES;
  if (word(op, L.OP_CODE) != L.OP_DENSE) op += OP_BYTES; // a shortcut beside a single layer stands before it
  const delta = at(word(op, L.D_DELTA));
  const nOut = pad4(word(op, L.D_OUT));
  const b = at(word(op, L.D_B));
  subtractOuter(at(word(op, L.D_W)), delta, at(word(header, L.H_PUT_OFF)), pad4(word(op, L.D_IN)), nOut);
  if (b) sgdUpdate(b, delta, nOut, f32x4.splat(load<f32>(s + (L.S_PUT_OFF_BIAS_RATE << 2))));
}

// @ts-ignore: decorator
@inline function activateColumn(op: usize, k: i32, out: usize, n: i32, stride: i32, isLearning: bool): void {
  const z = at(word(op, L.D_Z));
  if (z) memory.copy(z + bytesOf(k * stride), out, bytesOf(stride));
  const kind = word(op, L.D_ACTIVATION);
  if (isLearning || kind != L.A_IDENTITY) {
    peakActivation = max(peakActivation, activate(kind, out, n, stride));
  }
}

/** Column k of a layer that is not dense. */
function otherColumn(header: usize, op: usize, code: i32, k: i32, isLearning: bool): void {
  const n = word(op, L.D_OUT);
  const nIn = pad4(word(op, L.D_IN));
  const stride = pad4(n);
  const a = at(word(op, L.D_A_IN)) + bytesOf(k * nIn);
  const out = at(word(op, L.D_A_OUT)) + bytesOf(k * stride);
  const side = at(word(op, L.D_SIDE)) + bytesOf(k * stride);
  if (code == L.OP_SHORTCUT) {
    preActivation(op, k);
  } else if (code == L.OP_LAYER_NORM) {
    const scale = at(word(op, L.D_SCALE)) + bytesOf(k);
    layerNormForward(at(word(op, L.D_W)), at(word(op, L.D_B)), a, side, scale, out, n);
    peakActivation = max(peakActivation, peakOf(side, stride));
    activateColumn(op, k, out, n, stride, isLearning);
  } else {
    if (isLearning) {
      const key = dropoutKey(word(op, L.D_SALT), word(state(header), L.S_STEPS), k);
      const scale = load<f32>(op + (L.D_B << 2));
      dropoutForward(key, word(op, L.D_W), scale, a, side, out, n);
    } else {
      memory.copy(out, a, bytesOf(stride));
    }
    peakActivation = max(peakActivation, peakOf(out, stride));
  }
}

/** J of the step, ∂ℓ/∂a (or δ) of the output layer left behind. @hot */
export function runLoss(header: usize): f32 {
  const m = word(header, L.H_EXAMPLES);
  const op = lossRecord(header);
  const n = word(op, L.L_N);
  const stride = pad4(n);
  let y = at(word(op, L.L_Y));
  let a = at(word(op, L.L_A));
  let d = at(word(op, L.L_DA));
  let z = at(word(op, L.L_Z));
  let from = at(word(op, L.L_FROM));
  let weight = at(word(header, L.H_ROW_WEIGHTS));
  let total: f32 = 0;
  for (let k = 0; k < m; k++) {
    if (from) {
      const targets = word(op, L.L_TARGETS);
      // A target stands for as many outputs as there are quantiles of it.
      for (let i = 0; i < n; i++) store<f32>(y + bytesOf(i), load<f32>(from + bytesOf((i * targets) / n)));
      from += bytesOf(targets);
    }
    let loss = lossOf(word(op, L.L_KIND), a, y, d, z, at(word(op, L.L_PARAMETERS)), n, stride);
    const w = load<f32>(weight);
    if (w != 1) {
      loss *= w;
      const weights = f32x4.splat(w);
      for (let p = d, end = d + bytesOf(stride); p < end; p += 16) v128.store(p, mul(v128.load(p), weights));
    }
    total += loss;
    y += bytesOf(stride);
    a += bytesOf(stride);
    d += bytesOf(stride);
    z += bytesOf(stride);
    weight += 4;
  }
  return m == 1 ? total : total * load<f32>(state(header) + (L.S_INVERSE_EXAMPLES << 2));
}

/** δ of one layer from its ∂ℓ/∂a, all columns. @hot */
export function runPullBack(op: usize, m: i32): void {
  const code = word(op, L.OP_CODE);
  if (code == L.OP_INPUT || code == L.OP_OUTPUT) return;
  const stride = pad4(word(op, L.D_OUT));
  for (let k = 0; k < m; k++) {
    const column = bytesOf(k * stride);
    const a = at(word(op, L.D_A_OUT)) + column;
    const z = at(word(op, L.D_Z)) + column;
    const d = at(word(op, L.D_DELTA)) + column;
    peakDelta = max(peakDelta, pullBack(word(op, L.D_ACTIVATION), word(op, L.D_DELTA_READY), a, z, d, stride));
  }
}

/** Deltas of every layer, all columns, from the output's down, whose own is there. Nothing is learned. @hot */
export function runDeltas(header: usize): void {
  const m = word(header, L.H_EXAMPLES);
  const first = at(word(header, L.H_OPS));
  for (let op = lossRecord(header) - OP_BYTES; op > first; op -= OP_BYTES) {
    if (word(op, L.OP_CODE) == L.OP_OUTPUT) continue;
    if (!isOutputLayer(header, op)) runPullBack(op, m);
    for (let k = 0; k < m; k++) layerBackward(op, k);
  }
}

/** Whether `evaluate` has made this record's delta already. */
// @ts-ignore: decorator
@inline function isOutputLayer(header: usize, op: usize): bool {
  return op == outputLayer(header);
}

/** The record of the output layer: the last that is a layer. */
// @ts-ignore: decorator
@inline export function outputLayer(header: usize): usize {
  const op = lossRecord(header) - OP_BYTES;
  return word(op, L.OP_CODE) == L.OP_OUTPUT ? op - OP_BYTES : op;
}

/** ∂ℓ/∂a of the layer below, column k. */
function layerBackward(op: usize, k: i32): void {
  if (!word(op, L.D_DA_IN)) return;
  const code = word(op, L.OP_CODE);
  const n = word(op, L.D_OUT);
  const nIn = pad4(word(op, L.D_IN));
  const stride = pad4(n);
  const delta = at(word(op, L.D_DELTA)) + bytesOf(k * stride);
  const da = at(word(op, L.D_DA_IN)) + bytesOf(k * nIn);
  const side = at(word(op, L.D_SIDE)) + bytesOf(k * stride);
  if (code == L.OP_DENSE) {
    denseBackward(at(word(op, L.D_W)), delta, da, nIn, stride);
  } else if (code == L.OP_LAYER_NORM) {
    layerNormBackward(at(word(op, L.D_W)), delta, side, at(word(op, L.D_SCALE)) + bytesOf(k), da, n);
  } else if (code == L.OP_DROPOUT) {
    multiply(da, delta, side, stride);
  }
}

/** Backward and update of one layer in one sweep over its weights, whose δ is there. m = 1, plain sgd. @hot */
export function layerSweep(header: usize, op: usize, rate: v128, biasRate: v128): void {
  const code = word(op, L.OP_CODE);
  if (code != L.OP_DENSE && code != L.OP_SHORTCUT) {
    if (code == L.OP_DROPOUT) layerBackward(op, 0);
    return;
  }
  if (word(op, L.D_FROZEN)) {
    layerBackward(op, 0);
    return;
  }
  const nIn = pad4(word(op, L.D_IN));
  const stride = pad4(word(op, L.D_OUT));
  const w = at(word(op, L.D_W));
  const b = at(word(op, L.D_B));
  const a = at(word(op, L.D_A_IN));
  const delta = at(word(op, L.D_DELTA));
  const da = at(word(op, L.D_DA_IN));
  if (da) {
    denseSweep(w, b, delta, a, da, nIn, stride, rate, biasRate);
  } else if (code == L.OP_DENSE && word(header, L.H_PUT_OFF)) {
    putOff(header, op, rate, biasRate);
  } else {
    denseUpdate(w, delta, a, nIn, stride, rate);
    if (b) sgdUpdate(b, delta, stride, biasRate);
  }
}
