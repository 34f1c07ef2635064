import * as L from '../../plan/layout';
import { K_ONE } from './constants.generated';
import { rowSums } from './dense';
import { expNonPositive } from './math';
import { add, at, bytesOf, constant, lanesBelow, mul, pad4, sub, sum, word } from './memory';
import { lossRecord } from './passes';

// The mixture of a race: what every expert says of a row is kept until the row's label comes, judged by it then, and weighed
// by its discounted losses. src/reference/mixture.ts has the equations. A row of `said` is one expert's outputs.

/** 2⁻⁶⁰: adding and subtracting it makes what lies below 2⁻⁸⁴ zero. */
const ROUNDING: f32 = 8.673617379884035e-19;
const REACH: f32 = <f32>L.MIXTURE_REACH;
/** A tracker's output for a class counts as at least this. */
const LEAST_OUTPUT: f32 = 0.001;

// @ts-ignore: decorator
@inline function numberOf(mixture: usize, i: i32): f32 {
  return load<f32>(at(word(mixture, L.M_NUMBERS)) + ((<usize>i) << 2));
}

// @ts-ignore: decorator
@inline function saidOf(mixture: usize, slot: i32): usize {
  return at(word(mixture, L.M_SAID)) + bytesOf(slot * pad4(word(mixture, L.M_EXPERTS)) * pad4(word(mixture, L.M_OUTPUTS)));
}

/** The header of network k. */
// @ts-ignore: decorator
@inline function headerOf(group: usize, k: i32): usize {
  return at(word(group, L.G_HEADERS + k));
}

/** v, and 0 where it is not finite. */
// @ts-ignore: decorator
@inline function finite(v: v128): v128 {
  return v128.and(v, f32x4.lt(f32x4.abs(v), f32x4.splat(Infinity)));
}

// @ts-ignore: decorator
@inline function keep(to: usize, from: usize, bytes: usize): void {
  for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, finite(v128.load(from + i)));
}

/** Outputs of a tracker as probabilities of n classes: cut, squared, made to add up to 1. */
function keepProbabilities(to: usize, from: usize, n: i32, centre: f32): void {
  const one = constant(K_ONE);
  const least = f32x4.splat(LEAST_OUTPUT);
  const middle = f32x4.splat(centre);
  let total = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) {
    const v = f32x4.pmax(least, f32x4.pmin(one, add(finite(v128.load(from + bytesOf(i))), middle)));
    const p = v128.and(mul(v, v), lanesBelow(i, n));
    total = add(total, p);
    v128.store(to + bytesOf(i), p);
  }
  const all = f32x4.splat(sum(total));
  for (const end = to + bytesOf(pad4(n)); to < end; to += 16) v128.store(to, f32x4.div(v128.load(to), all));
}

/** Byte address of the means and deviations kept in a slot. */
// @ts-ignore: decorator
@inline function scalesOf(mixture: usize, slot: i32): usize {
  return at(word(mixture, L.M_SCALES)) + bytesOf(slot * 4 * pad4(word(mixture, L.M_OUTPUTS)));
}

/** Two float64 cut to ±FARTHEST, as the lower two of four float32. */
// @ts-ignore: decorator
@inline function near(v: v128): v128 {
  const farthest = f64x2.splat(L.MIXTURE_FARTHEST);
  return f32x4.demote_f64x2_zero(f64x2.pmax(f64x2.neg(farthest), f64x2.pmin(farthest, v)));
}

/** The naive prediction in deviations of the target, to `said`; means and deviations are kept in the slot. */
// @ts-ignore: decorator
@inline function keepNaive(mixture: usize, slot: i32, said: usize): void {
  const naive = at(word(mixture, L.M_NAIVE));
  const mean = at(word(mixture, L.M_MEAN));
  const deviation = at(word(mixture, L.M_DEVIATION));
  const bytes = bytesOf(2 * pad4(word(mixture, L.M_OUTPUTS)));
  const means = scalesOf(mixture, slot);
  const deviations = means + bytes;
  for (let i: usize = 0; i < bytes; i += 32, said += 16) {
    const m0 = v128.load(mean + i);
    const m1 = v128.load(mean + i, 16);
    const d0 = v128.load(deviation + i);
    const d1 = v128.load(deviation + i, 16);
    const low = near(f64x2.div(f64x2.sub(v128.load(naive + i), m0), d0));
    const high = near(f64x2.div(f64x2.sub(v128.load(naive + i, 16), m1), d1));
    v128.store(said, i64x2.shuffle(low, high, 0, 2));
    v128.store(means + i, m0);
    v128.store(means + i, m1, 16);
    v128.store(deviations + i, d0);
    v128.store(deviations + i, d1, 16);
  }
}

/** Keeps in a slot what everybody says of the row. @hot */
export function keepSaid(mixture: usize, slot: i32): void {
  const n = word(mixture, L.M_OUTPUTS);
  const bytes = bytesOf(pad4(n));
  const group = at(word(mixture, L.M_GROUP));
  let said = saidOf(mixture, slot);
  for (let k = 0, count = word(group, L.G_COUNT); k < count; k++, said += bytes) {
    keep(said, at(word(lossRecord(headerOf(group, k)), L.L_A)), bytes);
  }
  if (word(group, L.G_BANK)) {
    const bank = at(word(group, L.G_BANK));
    let tracker = bank + (L.BANK_WORDS << 2);
    for (let k = 0, count = word(bank, L.B_COUNT); k < count; k++, said += bytes, tracker += L.TRACKER_WORDS << 2) {
      const output = at(word(tracker, L.T_OUTPUT));
      if (word(mixture, L.M_IS_CLASSES)) keepProbabilities(said, output, n, numberOf(mixture, L.MN_CENTRE));
      else keep(said, output, bytes);
    }
  }
  keepNaive(mixture, slot, said);
}

/**
 * The weighted mean of what is kept in a slot, scaled back; without the naive predictor where it is out and others are believed.
 *
 * @hot
 */
export function mixSaid(mixture: usize, slot: i32, isNaiveOut: bool): void {
  const experts = word(mixture, L.M_EXPERTS);
  const weights = at(word(mixture, L.M_WEIGHTS));
  let end = weights + bytesOf(experts);
  let scale: f32 = 1;
  if (isNaiveOut) {
    let others: f32 = 0;
    for (let w = weights; w < end - 4; w += 4) others += load<f32>(w);
    if (others > 0) {
      end -= 4;
      scale = 1 / others;
    }
  }
  const bytes = bytesOf(pad4(word(mixture, L.M_OUTPUTS)));
  let mean = at(word(mixture, L.M_MEAN));
  let deviation = at(word(mixture, L.M_DEVIATION));
  let prediction = at(word(mixture, L.M_PREDICTION));
  const said = saidOf(mixture, slot);
  for (let i: usize = 0; i < bytes; i += 16) {
    let total = f32x4.splat(0);
    for (let w = weights, p = said + i; w < end; w += 4, p += bytes) total = add(total, mul(v128.load32_splat(w), v128.load(p)));
    const mixed = mul(total, f32x4.splat(scale));
    const low = f64x2.promote_low_f32x4(mixed);
    const high = f64x2.promote_low_f32x4(i64x2.shuffle(mixed, mixed, 1, 1));
    v128.store(prediction, f64x2.add(v128.load(mean), f64x2.mul(low, v128.load(deviation))));
    v128.store(prediction, f64x2.add(v128.load(mean, 16), f64x2.mul(high, v128.load(deviation, 16))), 16);
    mean += 32;
    deviation += 32;
    prediction += 32;
  }
}

/** Σ min(|o·unit − y|, limit) of four experts, the first of which is at `said`. */
// @ts-ignore: decorator
@inline function errorsOf(said: usize, truth: usize, units: usize, bytes: usize, limit: v128): v128 {
  let r0 = f32x4.splat(0);
  let r1 = r0;
  let r2 = r0;
  let r3 = r0;
  const said2 = said + (bytes << 1);
  for (let i: usize = 0; i < bytes; i += 16) {
    const y = v128.load(truth + i);
    const u = v128.load(units + i);
    r0 = add(r0, f32x4.pmin(limit, f32x4.abs(sub(mul(v128.load(said + i), u), y))));
    r1 = add(r1, f32x4.pmin(limit, f32x4.abs(sub(mul(v128.load(said + bytes + i), u), y))));
    r2 = add(r2, f32x4.pmin(limit, f32x4.abs(sub(mul(v128.load(said2 + i), u), y))));
    r3 = add(r3, f32x4.pmin(limit, f32x4.abs(sub(mul(v128.load(said2 + bytes + i), u), y))));
  }
  return rowSums(r0, r1, r2, r3);
}

// @ts-ignore: decorator
@inline function square(v: v128): v128 {
  return mul(v, v);
}

/** Σ (o − y)² of four experts. */
// @ts-ignore: decorator
@inline function squaresOf(said: usize, truth: usize, bytes: usize): v128 {
  let r0 = f32x4.splat(0);
  let r1 = r0;
  let r2 = r0;
  let r3 = r0;
  const said2 = said + (bytes << 1);
  for (let i: usize = 0; i < bytes; i += 16) {
    const y = v128.load(truth + i);
    r0 = add(r0, square(sub(v128.load(said + i), y)));
    r1 = add(r1, square(sub(v128.load(said + bytes + i), y)));
    r2 = add(r2, square(sub(v128.load(said2 + i), y)));
    r3 = add(r3, square(sub(v128.load(said2 + bytes + i), y)));
  }
  return rowSums(r0, r1, r2, r3);
}

/** Truth and units: where the label lies in today's deviations from the mean kept in a slot, and how many of those one kept was. */
// @ts-ignore: decorator
@inline function placeLabel(mixture: usize, slot: i32): void {
  const label = at(word(mixture, L.M_LABEL));
  const deviation = at(word(mixture, L.M_DEVIATION));
  const bytes = bytesOf(2 * pad4(word(mixture, L.M_OUTPUTS)));
  const means = scalesOf(mixture, slot);
  const deviations = means + bytes;
  const one = f64x2.splat(1);
  let truth = at(word(mixture, L.M_TRUTH));
  let units = at(word(mixture, L.M_UNITS));
  for (let i: usize = 0; i < bytes; i += 32, truth += 16, units += 16) {
    const low = f64x2.div(one, v128.load(deviation + i));
    const high = f64x2.div(one, v128.load(deviation + i, 16));
    const lowPlace = near(f64x2.mul(f64x2.sub(v128.load(label + i), v128.load(means + i)), low));
    const highPlace = near(f64x2.mul(f64x2.sub(v128.load(label + i, 16), v128.load(means + i, 16)), high));
    v128.store(truth, i64x2.shuffle(lowPlace, highPlace, 0, 2));
    const lowUnit = near(f64x2.mul(v128.load(deviations + i), low));
    const highUnit = near(f64x2.mul(v128.load(deviations + i, 16), high));
    v128.store(units, i64x2.shuffle(lowUnit, highUnit, 0, 2));
  }
}

/** Judges what is kept in a slot by the label. @hot */
export function judgeSaid(mixture: usize, slot: i32): void {
  placeLabel(mixture, slot);
  const experts = word(mixture, L.M_EXPERTS);
  const bytes = bytesOf(pad4(word(mixture, L.M_OUTPUTS)));
  const isClasses = word(mixture, L.M_IS_CLASSES) != 0;
  const truth = at(word(mixture, L.M_TRUTH));
  const units = at(word(mixture, L.M_UNITS));
  const numbers = at(word(mixture, L.M_NUMBERS));
  const limit = v128.load32_splat(numbers, L.MN_LIMIT << 2);
  const share = v128.load32_splat(numbers, L.MN_SHARE << 2);
  const memory = v128.load32_splat(numbers, L.MN_MEMORY << 2);
  const rounding = f32x4.splat(ROUNDING);
  let sums = at(word(mixture, L.M_SUMS));
  for (let k = 0, said = saidOf(mixture, slot); k < experts; k += 4, said += bytes << 2, sums += 16) {
    const losses = isClasses ? squaresOf(said, truth, bytes) : errorsOf(said, truth, units, bytes, limit);
    const discounted = add(mul(v128.load(sums), memory), f32x4.pmin(limit, mul(losses, share)));
    v128.store(sums, v128.and(sub(add(discounted, rounding), rounding), lanesBelow(k, experts)));
  }
  const mass = numberOf(mixture, L.MN_MASS) * numberOf(mixture, L.MN_MEMORY) + 1;
  store<f32>(numbers + (L.MN_MASS << 2), mass);
  weigh(mixture);
}

/** Weights from sums: w ∝ exp(−rate · sum), 0 where that is less than e^−REACH times the largest. @hot */
export function weigh(mixture: usize): void {
  const experts = word(mixture, L.M_EXPERTS);
  const bytes = bytesOf(experts);
  const sums = at(word(mixture, L.M_SUMS));
  const weights = at(word(mixture, L.M_WEIGHTS));
  const infinite = f32x4.splat(Infinity);
  let lowest = infinite;
  for (let k = 0; k < experts; k += 4) {
    lowest = f32x4.pmin(lowest, v128.bitselect(v128.load(sums + bytesOf(k)), infinite, lanesBelow(k, experts)));
  }
  lowest = f32x4.pmin(lowest, i32x4.shuffle(lowest, lowest, 2, 3, 0, 1));
  lowest = f32x4.pmin(lowest, i32x4.shuffle(lowest, lowest, 1, 0, 3, 2));
  const rate = f32x4.splat(numberOf(mixture, L.MN_RATE));
  const reach = f32x4.splat(-REACH);
  let total = f32x4.splat(0);
  for (let k = 0; k < experts; k += 4) {
    const x = mul(sub(lowest, v128.load(sums + bytesOf(k))), rate);
    const w = v128.and(expNonPositive(x), v128.and(f32x4.ge(x, reach), lanesBelow(k, experts)));
    total = add(total, w);
    v128.store(weights + bytesOf(k), w);
  }
  const share = f32x4.splat(<f32>1 / sum(total));
  for (let i: usize = 0; i < bytes; i += 16) v128.store(weights + i, mul(v128.load(weights + i), share));
}

/** Softens the steps to come on the row that is there: 1 / (1 + factor · (‖x‖² + others)). @hot */
export function soften(mixture: usize): void {
  const group = at(word(mixture, L.M_GROUP));
  const first = headerOf(group, 0);
  let length = f32x4.splat(0);
  for (let p = at(word(first, L.H_INPUT)), end = p + bytesOf(word(first, L.H_INPUTS)); p < end; p += 16) {
    const x = v128.load(p);
    length = add(length, mul(x, x));
  }
  const long = sum(length) + numberOf(mixture, L.MN_OTHERS);
  let factor = at(word(mixture, L.M_FACTORS));
  for (let k = 0, count = word(group, L.G_COUNT); k < count; k++, factor += 4) {
    store<f32>(at(word(headerOf(group, k), L.H_ROW_WEIGHTS)), <f32>1 / (1 + load<f32>(factor) * long));
  }
}

/** The target of the trackers, from that of the networks. @hot */
export function centreTarget(mixture: usize): void {
  const group = at(word(mixture, L.M_GROUP));
  if (!word(group, L.G_BANK)) return;
  const n = word(mixture, L.M_OUTPUTS);
  const from = at(word(headerOf(group, 0), L.H_TARGET));
  const to = at(word(at(word(group, L.G_BANK)), L.B_TARGET));
  const centre = f32x4.splat(numberOf(mixture, L.MN_CENTRE));
  for (let i = 0; i < n; i += 4) {
    v128.store(to + bytesOf(i), v128.and(sub(v128.load(from + bytesOf(i)), centre), lanesBelow(i, n)));
  }
}
