import * as L from '../../plan/layout';
import { activate, pullBack } from './activation';
import { addTo, denseBackward, denseForward, denseGradient, denseSweep, denseUpdate, scale, sgdUpdate } from './dense';
import { lossOf } from './loss';
import { expNonPositive, log, log1pUnit } from './math';
import { at, peakOf, word } from './memory';

// The loop over op records. Every export takes the element offset of a plan's header, so one memory can hold several.

const OP_BYTES: usize = L.OP_WORDS << 2;
const NOT_FINITE: i32 = 0x7f800000;

/** Bits of the largest |x|, of the largest |a| an update can multiply by, and of the largest |δ|, of the step under way. */
let peakInput: i32 = 0;
let peakActivation: i32 = 0;
let peakDelta: i32 = 0;

// @ts-ignore: decorator
@inline function state(header: usize): usize {
  return at(word(header, L.H_STATE));
}

// @ts-ignore: decorator
@inline function lossRecord(header: usize): usize {
  return at(word(header, L.H_OPS)) + <usize>(word(header, L.H_OP_COUNT) - 1) * OP_BYTES;
}

/** Columns of n values from stride to stride, whole elements; used only where a padded and a dense form both exist. */
function restride(from: usize, fromStride: i32, to: usize, toStride: i32, n: i32, columns: i32): void {
  for (let k = 0; k < columns; k++) {
    memory.copy(to, from, (<usize>n) << 2);
    from += (<usize>fromStride) << 2;
    to += (<usize>toStride) << 2;
  }
}

/** (F1), (F2) for every record but the loss. @hot */
function runForward(header: usize): void {
  const m = word(header, L.H_EXAMPLES);
  const end = lossRecord(header);
  for (let op = at(word(header, L.H_OPS)); op < end; op += OP_BYTES) {
    const code = word(op, L.OP_CODE);
    if (code == L.OP_DENSE) {
      const nIn = word(op, L.D_IN_STRIDE);
      const stride = word(op, L.D_OUT_STRIDE);
      let a = at(word(op, L.D_A_IN));
      let out = at(word(op, L.D_A_OUT));
      let z = at(word(op, L.D_Z));
      for (let k = 0; k < m; k++) {
        denseForward(at(word(op, L.D_W)), at(word(op, L.D_B)), a, out, nIn, stride);
        if (z) {
          memory.copy(z, out, (<usize>stride) << 2);
          z += (<usize>stride) << 2;
        }
        peakActivation = max(peakActivation, activate(word(op, L.D_ACTIVATION), out, word(op, L.D_OUT), stride));
        a += (<usize>nIn) << 2;
        out += (<usize>stride) << 2;
      }
    } else if (code == L.OP_INPUT) {
      const n = word(op, L.IO_N);
      const stride = word(op, L.IO_STRIDE);
      const from = at(word(op, L.IO_FROM));
      const to = at(word(op, L.IO_TO));
      if (from) restride(from, n, to, stride, n, m);
      peakInput = peakOf(to, stride * m);
      peakActivation = peakInput;
    } else {
      restride(
        at(word(op, L.IO_FROM)), word(op, L.IO_STRIDE), at(word(op, L.IO_TO)), word(op, L.IO_N), word(op, L.IO_N), m,
      );
    }
  }
}

/** J of the step, ∂ℓ/∂a (or δ) of the output layer left behind. @hot */
function runLoss(header: usize): f32 {
  const m = word(header, L.H_EXAMPLES);
  const op = lossRecord(header);
  const n = word(op, L.L_N);
  const stride = word(op, L.L_STRIDE);
  const from = at(word(op, L.L_FROM));
  const y = at(word(op, L.L_Y));
  if (from) restride(from, n, y, stride, n, m);
  let total: f32 = 0;
  for (let k = 0; k < m; k++) {
    const column = (<usize>(k * stride)) << 2;
    const z = at(word(op, L.L_Z));
    total += lossOf(
      word(op, L.L_KIND), at(word(op, L.L_A)) + column, y + column, at(word(op, L.L_DA)) + column, z + column, n, stride,
    );
  }
  return m == 1 ? total : total * load<f32>(state(header) + (L.S_INVERSE_EXAMPLES << 2));
}

/** δ of one layer from its ∂ℓ/∂a, all columns. @hot */
function runPullBack(op: usize, m: i32): void {
  const stride = word(op, L.D_OUT_STRIDE);
  for (let k = 0; k < m; k++) {
    const column = (<usize>(k * stride)) << 2;
    const a = at(word(op, L.D_A_OUT)) + column;
    const z = at(word(op, L.D_Z)) + column;
    const d = at(word(op, L.D_DELTA)) + column;
    peakDelta = max(peakDelta, pullBack(word(op, L.D_ACTIVATION), word(op, L.D_DELTA_READY), a, z, d, stride));
  }
}

/** Deltas of every layer below the output's, and whole gradients where the plan keeps them. Nothing is learned. @hot */
function runBackward(header: usize, last: usize): void {
  const m = word(header, L.H_EXAMPLES);
  for (let op = last; word(op, L.OP_CODE) == L.OP_DENSE; op -= OP_BYTES) {
    if (op != last) runPullBack(op, m);
    const nIn = word(op, L.D_IN_STRIDE);
    const stride = word(op, L.D_OUT_STRIDE);
    const gw = at(word(op, L.D_GW));
    const gb = at(word(op, L.D_GB));
    const da = at(word(op, L.D_DA_IN));
    if (gw) memory.fill(gw, 0, (<usize>(nIn * stride)) << 2);
    if (gb) memory.fill(gb, 0, (<usize>stride) << 2);
    for (let k = 0; k < m; k++) {
      const delta = at(word(op, L.D_DELTA)) + ((<usize>(k * stride)) << 2);
      const column = (<usize>(k * nIn)) << 2;
      if (gw) denseGradient(gw, delta, at(word(op, L.D_A_IN)) + column, nIn, stride);
      if (gb) addTo(gb, delta, stride);
      if (da) denseBackward(at(word(op, L.D_W)), delta, da + column, nIn, stride);
    }
    if (m > 1) {
      const share = v128.load32_splat(state(header) + (L.S_INVERSE_EXAMPLES << 2));
      if (gw) scale(gw, nIn * stride, share);
      if (gb) scale(gb, stride, share);
    }
  }
}

/** W ← W − η·∂J/∂W and b ← b − η·∂J/∂b, from whole gradients or straight from δ and a. @hot */
function runUpdate(header: usize, last: usize, rate: v128): void {
  for (let op = last; word(op, L.OP_CODE) == L.OP_DENSE; op -= OP_BYTES) {
    const nIn = word(op, L.D_IN_STRIDE);
    const stride = word(op, L.D_OUT_STRIDE);
    const w = at(word(op, L.D_W));
    const b = at(word(op, L.D_B));
    const gw = at(word(op, L.D_GW));
    if (gw) {
      sgdUpdate(w, gw, nIn * stride, rate);
      if (b) sgdUpdate(b, at(word(op, L.D_GB)), stride, rate);
    } else {
      const delta = at(word(op, L.D_DELTA));
      denseUpdate(w, delta, at(word(op, L.D_A_IN)), nIn, stride, rate);
      if (b) sgdUpdate(b, delta, stride, rate);
    }
  }
}

/** Backward and update of every layer in one sweep over its weights. m = 1, plain sgd. @hot */
function runSweep(last: usize, rate: v128): void {
  for (let op = last; word(op, L.OP_CODE) == L.OP_DENSE; op -= OP_BYTES) {
    if (op != last) runPullBack(op, 1);
    const nIn = word(op, L.D_IN_STRIDE);
    const stride = word(op, L.D_OUT_STRIDE);
    const w = at(word(op, L.D_W));
    const b = at(word(op, L.D_B));
    const a = at(word(op, L.D_A_IN));
    const delta = at(word(op, L.D_DELTA));
    const da = at(word(op, L.D_DA_IN));
    if (da) denseSweep(w, delta, a, da, nIn, stride, rate);
    else denseUpdate(w, delta, a, nIn, stride, rate);
    if (b) sgdUpdate(b, delta, stride, rate);
  }
}

/** Bits of the largest parameter magnitude, by looking at all of them. */
function peakParameter(last: usize): i32 {
  let peak = 0;
  for (let op = last; word(op, L.OP_CODE) == L.OP_DENSE; op -= OP_BYTES) {
    const stride = word(op, L.D_OUT_STRIDE);
    peak = max(peak, peakOf(at(word(op, L.D_W)), word(op, L.D_IN_STRIDE) * stride));
    const b = at(word(op, L.D_B));
    if (b) peak = max(peak, peakOf(b, stride));
  }
  return peak;
}

/** An e with |v| < 2^e, at least 0, from the bits of |v|. */
// @ts-ignore: decorator
@inline function orders(bits: i32): i32 {
  return max((bits >> 23) - 126, 0);
}

/**
 * Whether no delta and no parameter can leave float32 in this step, whatever the layers between do, so that the sweep,
 * which cannot be taken back, may run. Uses magnitudes only: |δ| grows by at most 2·nOut·max|w| a layer, and an
 * update is at most η·|δ|·|a|. What it decides changes speed, never a result.
 */
// @ts-ignore: decorator
@inline function cannotOverflow(header: usize, rate: f32, bound: f32): bool {
  const growth =
    word(header, L.H_GROWTH_BITS) + word(header, L.H_GROWTH_LAYERS) * orders(reinterpret<i32>(bound)) + orders(peakDelta);
  return growth + orders(peakActivation) + orders(reinterpret<i32>(rate)) <= 120;
}

/** The largest float32; an update that might reach beyond it is refused. */
const LARGEST: f64 = 3.4028234663852886e38;

/** How far one update can move a parameter: η·|δ|·max(|a|, 1), in float64. */
// @ts-ignore: decorator
@inline function reach(rate: f32): f64 {
  return <f64>rate * <f64>reinterpret<f32>(peakDelta) * max(<f64>reinterpret<f32>(peakActivation), 1.0);
}

function refuse(s: usize, reason: i32): f32 {
  const counter = s + ((<usize>reason) << 2);
  store<u32>(counter, load<u32>(counter) + 1);
  store<f32>(s + (L.S_LOSS << 2), NaN);
  return NaN;
}

/** Predicts. @hot */
export function forward(plan: i32): void {
  runForward(at(plan));
}

/**
 * Forward, loss, deltas, and whole gradients where the plan keeps them; learns nothing.
 *
 * returns  J, or NaN where something is not finite (counted by reason)
 */
export function gradient(plan: i32): f32 {
  const header = at(plan);
  const s = state(header);
  runForward(header);
  if (peakInput >= NOT_FINITE) return refuse(s, L.S_REFUSED_INPUT);
  const loss = runLoss(header);
  if ((reinterpret<i32>(loss) & 0x7fffffff) >= NOT_FINITE) return refuse(s, L.S_REFUSED_LOSS);
  const last = lastLayer(header);
  peakDelta = 0;
  runPullBack(last, word(header, L.H_EXAMPLES));
  if (peakDelta >= NOT_FINITE) return refuse(s, L.S_REFUSED_DELTA);
  runBackward(header, last);
  if (peakDelta >= NOT_FINITE) return refuse(s, L.S_REFUSED_DELTA);
  return loss;
}

/** The record of the output layer: the last dense one. */
// @ts-ignore: decorator
@inline function lastLayer(header: usize): usize {
  let op = lossRecord(header) - OP_BYTES;
  while (word(op, L.OP_CODE) != L.OP_DENSE) op -= OP_BYTES;
  return op;
}

/**
 * One step: forward, loss, backward, update.
 *
 * returns  J, or NaN where the input, the loss or a delta is not finite or the update might overflow: nothing has
 *          changed then but the counter of that reason
 * @hot
 */
export function step(plan: i32): f32 {
  const header = at(plan);
  const s = state(header);
  const rate = load<f32>(s + (L.S_RATE << 2));
  const rates = f32x4.splat(rate);
  const bound = load<f32>(s + (L.S_PARAMETER_BOUND << 2));

  runForward(header);
  if (peakInput >= NOT_FINITE) return refuse(s, L.S_REFUSED_INPUT);
  const loss = runLoss(header);
  if ((reinterpret<i32>(loss) & 0x7fffffff) >= NOT_FINITE) return refuse(s, L.S_REFUSED_LOSS);
  const last = lastLayer(header);
  const m = word(header, L.H_EXAMPLES);
  peakDelta = 0;
  runPullBack(last, m);
  if (peakDelta >= NOT_FINITE) return refuse(s, L.S_REFUSED_DELTA);

  let largest: f64 = <f64>bound;
  if (m == 1 && !word(header, L.H_KEEPS_GRADIENTS) && cannotOverflow(header, rate, bound)) {
    runSweep(last, rates);
    largest += reach(rate);
  } else {
    runBackward(header, last);
    if (peakDelta >= NOT_FINITE) return refuse(s, L.S_REFUSED_DELTA);
    largest = <f64>reinterpret<f32>(peakParameter(last)) + reach(rate);
    if (!(largest <= LARGEST && reach(1) * <f64>m <= LARGEST)) return refuse(s, L.S_REFUSED_UPDATE);
    runUpdate(header, last, rates);
  }
  // Rounded up, so that the bound stays one: rounding is monotone, and so is each operation of the update.
  store<f32>(s + (L.S_PARAMETER_BOUND << 2), <f32>(largest * 1.0000001));
  store<f32>(s + (L.S_LOSS << 2), loss);
  store<u64>(s + (L.S_STEPS << 2), load<u64>(s + (L.S_STEPS << 2)) + 1);
  return loss;
}

/**
 * `count` steps on the resident rows, in order. m = 1.
 *
 * returns  the sum of the losses, NaN if any was
 * @hot
 */
export function stepRows(plan: i32, count: i32): f64 {
  const header = at(plan);
  const inputBytes = (<usize>word(header, L.H_INPUTS)) << 2;
  const targetBytes = (<usize>word(header, L.H_TARGETS)) << 2;
  let row = at(word(header, L.H_ROWS));
  let target = at(word(header, L.H_ROW_TARGETS));
  let total: f64 = 0;
  for (let i = 0; i < count; i++) {
    copyWords(at(word(header, L.H_INPUT)), row, inputBytes);
    copyWords(at(word(header, L.H_TARGET)), target, targetBytes);
    total += <f64>step(plan);
    row += inputBytes;
    target += targetBytes;
  }
  return total;
}

/** memory.copy costs more than it moves for a short row. */
// @ts-ignore: decorator
@inline function copyWords(to: usize, from: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 4) store<u32>(to + i, load<u32>(from + i));
}

/** One function over `n` elements (a multiple of 4) in place, so that a test can sweep it: 0 exp, 1 log, 2 log1pUnit. */
export function elementary(which: i32, from: i32, n: i32): void {
  const end = at(from + n);
  for (let p = at(from); p < end; p += 16) {
    const x = v128.load(p);
    v128.store(p, which == 0 ? expNonPositive(x) : which == 1 ? log(x) : log1pUnit(x));
  }
}

/** The activation kernel by itself, for the same reason. */
export function activation(kind: i32, from: i32, n: i32): void {
  activate(kind, at(from), n, (n + 3) & ~3);
}
