import * as L from '../../plan/layout';
import { activate, isBounded, pullBack } from './activation';
import { K_HALF, K_ONE } from './constants.generated';
import { addTo } from './dense';
import { tanhColumn } from './math';
import { add, at, bytesOf, constant, higher, mul, pad4, peakBits, sub, sum, word } from './memory';
import {
  isPutOff, layerSweep, lossRecord, OP_BYTES, peakDelta, preActivation, putOff, runLoss, runPullBack, setPeakActivation,
  setPeakDelta, updateForward,
} from './passes';

// A chain: dense layers one above the other, perhaps a shortcut beside them, and one column. What the passes do, with less to
// look up and with the most frequent activation and loss on the way, so that a small network does not spend its time between
// the layers.

/** (F1), (F2) of the layers whose records lie before `end`. @hot */
// @ts-ignore: decorator
@inline export function chainForward(header: usize, end: usize, isLearning: bool): void {
  const input = at(word(header, L.H_OPS));
  let peak = f32x4.splat(0);
  let otherPeak = 0;
  if (isLearning) peak = highest(peak, at(word(input, L.IO_TO)), pad4(word(input, L.IO_N)));
  let isBehind = isPutOff(header);
  for (let op = input + OP_BYTES; op < end; op += OP_BYTES) {
    if (word(op, L.OP_CODE) == L.OP_SHORTCUT) {
      preActivation(op, 0);
      continue;
    }
    if (isBehind) updateForward(header, op);
    else preActivation(op, 0);
    isBehind = false;
    const out = at(word(op, L.D_A_OUT));
    const nOut = pad4(word(op, L.D_OUT));
    const side = at(word(op, L.D_SIDE));
    if (side) addTo(out, side, nOut);
    const kind = word(op, L.D_ACTIVATION);
    if (kind == L.A_TANH) {
      tanhColumn(out, out + bytesOf(nOut));
    } else if (kind == L.A_IDENTITY) {
      if (isLearning) peak = highest(peak, out, nOut);
    } else {
      const z = at(word(op, L.D_Z));
      if (z) memory.copy(z, out, bytesOf(nOut));
      otherPeak = max(otherPeak, activate(kind, out, word(op, L.D_OUT), nOut));
    }
  }
  if (isLearning) setPeakActivation(max(peakBits(peak), otherPeak));
}

/** Bits of the largest |x| or |a| an update can multiply by, of a forward pass that has been made.  @hot */
export function chainPeak(header: usize): i32 {
  const input = at(word(header, L.H_OPS));
  const end = lossRecord(header);
  let peak = highest(f32x4.splat(0), at(word(input, L.IO_TO)), pad4(word(input, L.IO_N)));
  for (let op = input + OP_BYTES; op < end; op += OP_BYTES) {
    if (word(op, L.OP_CODE) == L.OP_SHORTCUT || isBounded(word(op, L.D_ACTIVATION))) continue;
    peak = highest(peak, at(word(op, L.D_A_OUT)), pad4(word(op, L.D_OUT)));
  }
  return peakBits(peak);
}

/** `peak`, after `n` padded elements. */
// @ts-ignore: decorator
@inline function highest(peak: v128, from: usize, n: i32): v128 {
  for (const end = from + bytesOf(n); from < end; from += 16) peak = higher(peak, v128.load(from));
  return peak;
}

/** J, and δ of the output layer. @hot */
// @ts-ignore: decorator
@inline export function chainLoss(header: usize): f32 {
  const op = lossRecord(header);
  const top = op - OP_BYTES;
  const kind = word(op, L.L_KIND);
  if (word(top, L.D_DELTA_READY) && (kind == L.LOSS_SQUARED_ERROR || kind == L.LOSS_HUBER)) {
    const isHuber = kind == L.LOSS_HUBER;
    const kappas = at(word(op, L.L_PARAMETERS));
    const a = at(word(op, L.L_A));
    const y = at(word(op, L.L_Y));
    const d = at(word(op, L.L_DA));
    const weight = v128.load32_splat(at(word(header, L.H_ROW_WEIGHTS)));
    let s = f32x4.splat(0);
    let peak = f32x4.splat(0);
    for (let i: usize = 0, bytes = bytesOf(pad4(word(op, L.L_N))); i < bytes; i += 16) {
      let slope = sub(v128.load(a + i), v128.load(y + i));
      if (isHuber) {
        const sign = v128.and(slope, i32x4.splat(0x80000000));
        const size = v128.xor(slope, sign);
        const cut = f32x4.pmin(size, v128.load(kappas + i));
        s = add(s, mul(cut, sub(size, mul(constant(K_HALF), cut))));
        slope = v128.xor(cut, sign);
      } else {
        s = add(s, mul(slope, slope));
      }
      slope = mul(slope, weight);
      peak = higher(peak, slope);
      v128.store(d + i, slope);
    }
    setPeakDelta(peakBits(peak));
    const loss = isHuber ? sum(s) : <f32>0.5 * sum(s); // ½ Σ (a − y)²
    return loss * f32x4.extract_lane(weight, 0);
  }
  const loss = runLoss(header);
  setPeakDelta(0);
  runPullBack(top, 1);
  return loss;
}

/**
 * Backward and update of the layer at `last` and those below, one sweep over the weights of each, its δ being there. Plain
 * sgd.                                                                                                            @hot
 */
// @ts-ignore: decorator
@inline export function chainSweep(header: usize, last: usize, rate: v128, biasRate: v128): void {
  const first = at(word(header, L.H_OPS)) + OP_BYTES;
  let peak = f32x4.splat(0);
  let otherPeak = peakDelta;
  for (let op = last; op > first; ) {
    layerSweep(header, op, rate, biasRate);
    op -= OP_BYTES;
    if (word(op, L.OP_CODE) == L.OP_SHORTCUT) {
      layerSweep(header, op, rate, biasRate);
      op -= OP_BYTES;
    }
    const delta = at(word(op, L.D_DELTA));
    const out = at(word(op, L.D_A_OUT));
    const n = pad4(word(op, L.D_OUT));
    const kind = word(op, L.D_ACTIVATION);
    if (kind == L.A_TANH) peak = tanhDelta(peak, delta, out, n);
    else otherPeak = max(otherPeak, pullBack(kind, 0, out, at(word(op, L.D_Z)), delta, n));
  }
  if (!word(first, L.D_FROZEN)) putOff(header, first, rate, biasRate);
  setPeakDelta(max(peakBits(peak), otherPeak));
}

/** δ of a tanh layer from ∂ℓ/∂a in place, over `n` padded elements. returns `peak` after them                    (B3) */
// @ts-ignore: decorator
@inline function tanhDelta(peak: v128, d: usize, a: usize, n: i32): v128 {
  const one = constant(K_ONE);
  for (const end = d + bytesOf(n); d < end; d += 16, a += 16) {
    const y = v128.load(a);
    const delta = mul(v128.load(d), sub(one, mul(y, y)));
    peak = higher(peak, delta);
    v128.store(d, delta);
  }
  return peak;
}
