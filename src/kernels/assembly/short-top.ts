import * as L from '../../plan/layout';
import { chainForward, chainSweep } from './chain';
import { K_ONE } from './constants.generated';
import { panelSums, pull, updatedBias } from './dense';
import { add, at, bytesOf, constant, higher, mul, ONE, pad4, peakBits, sub, sum, word } from './memory';
import { lossRecord, OP_BYTES, peakActivation, peakDelta, setPeakActivation, setPeakDelta } from './passes';
import {
  cannotOverflow, isNotFinite, keepSweptBound, largerRate, NOT_FINITE, number, parameterBound, reasonToRefuse, refuse,
} from './safety';
import { countStep, learnInPasses } from './update';

// A chain with a short top (CHAIN_WITH_SHORT_TOP): one panel of outputs, identity, ½ Σ (a − y)², tanh below. Of such a
// network a step is so short that what counts is to go to memory less: the top layer's forward pass, loss, sweep and the
// δ below it are one piece, with the outputs and their deltas in registers. Operation by operation it is what chain.ts does.

/** Whether nothing but the sizes of the top layer matters: rows count once, and it learns. */
// @ts-ignore: decorator
@inline export function isTopPlain(header: usize): bool {
  const top = lossRecord(header) - OP_BYTES;
  return word(at(word(header, L.H_ROW_WEIGHTS)), 0) == ONE && !word(top, L.D_FROZEN);
}

/** The step; returns as `step`. @hot */
// @ts-ignore: decorator
@inline export function shortTopStep(header: usize, s: usize): bool {
  const op = lossRecord(header);
  const top = op - OP_BYTES;
  chainForward(header, top, true);

  const a = at(word(top, L.D_A_IN));
  const aEnd = a + bytesOf(pad4(word(top, L.D_IN)));
  const w = at(word(top, L.D_W));
  const b = at(word(top, L.D_B));
  let out = panelSums(w, a, aEnd);
  if (b) out = add(out, v128.load(b)); //                                                                          (F1)
  v128.store(at(word(top, L.D_A_OUT)), out);
  const delta = sub(out, v128.load(at(word(op, L.L_Y)))); //                                                       (B1)
  v128.store(at(word(top, L.D_DELTA)), delta);
  const loss = <f32>0.5 * sum(mul(delta, delta)); // ½ Σ (a − y)²
  const zero = f32x4.splat(0);
  setPeakActivation(max(peakActivation, peakBits(higher(zero, out))));
  setPeakDelta(peakBits(higher(zero, delta)));
  if (isNotFinite(loss) || peakActivation >= NOT_FINITE) {
    refuse(s, reasonToRefuse(header, loss));
    return false;
  }

  const bound = parameterBound(header, s);
  const rate = largerRate(s);
  if (!cannotOverflow(header, rate, bound)) return learnInPasses(header, s, loss, bound);
  const rates = f32x4.splat(number(s, L.S_RATE));
  const biasRates = f32x4.splat(number(s, L.S_BIAS_RATE));
  if (b) updatedBias(b, delta, biasRates); //                                                                      (B6)
  const peak = sweepAboveTanh(w, delta, a, aEnd, at(word(top, L.D_DA_IN)), rates);
  setPeakDelta(max(peakDelta, peakBits(peak)));
  chainSweep(header, top - OP_BYTES, rates, biasRates);
  keepSweptBound(s, rate, bound);
  countStep(s, loss);
  return true;
}

/** One panel's sweep, and δ of the tanh units it rests on. returns their running maximum   (B2), (B3), (B5), plain sgd */
// @ts-ignore: decorator
@inline function sweepAboveTanh(w: usize, d: v128, a: usize, aEnd: usize, below: usize, rate: v128): v128 {
  const one = constant(K_ONE);
  const d0 = i32x4.shuffle(d, d, 0, 0, 0, 0);
  const d1 = i32x4.shuffle(d, d, 1, 1, 1, 1);
  const d2 = i32x4.shuffle(d, d, 2, 2, 2, 2);
  const d3 = i32x4.shuffle(d, d, 3, 3, 3, 3);
  let peak = f32x4.splat(0);
  do {
    const y = v128.load(a);
    const x = mul(rate, y);
    const w0 = v128.load(w);
    v128.store(w, sub(w0, mul(d0, x)));
    const w1 = v128.load(w, 16);
    v128.store(w, sub(w1, mul(d1, x)), 16);
    const w2 = v128.load(w, 32);
    v128.store(w, sub(w2, mul(d2, x)), 32);
    const w3 = v128.load(w, 48);
    v128.store(w, sub(w3, mul(d3, x)), 48);
    const da = add(f32x4.splat(0), pull(w0, w1, w2, w3, d0, d1, d2, d3));
    const delta = mul(da, sub(one, mul(y, y)));
    v128.store(below, delta);
    peak = higher(peak, delta);
    a += 16;
    below += 16;
    w += 64;
  } while (a < aEnd);
  return peak;
}
