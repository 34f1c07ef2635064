import * as L from '../../plan/layout';
import { BOUND_TO_KEEP, LARGEST, movedBound, moveOf } from './bounds';
import { peakParameter } from './gradients';
import { ONE, word } from './memory';
import { peakActivation, peakDelta, peakInput } from './passes';

// What a step refuses, and the bounds by which it knows.

// Bits of float32 numbers.
export const NOT_FINITE: i32 = 0x7f800000;
const HALF: i32 = 0x3f000000;

/** The larger rate, as its bits: neither is negative, so bits compare as the numbers do. */
// @ts-ignore: decorator
@inline export function largerRate(s: usize): i32 {
  return max(load<i32>(s + (L.S_RATE << 2)), load<i32>(s + (L.S_BIAS_RATE << 2)));
}

/** An e with |v| < 2^e, at least 0, from the bits of |v|. */
// @ts-ignore: decorator
@inline export function orders(bits: i32): i32 {
  return (max(bits, HALF) >> 23) - 126;
}

// @ts-ignore: decorator
@inline export function number(s: usize, i: i32): f32 {
  return load<f32>(s + ((<usize>i) << 2));
}

// @ts-ignore: decorator
@inline export function setNumber(s: usize, i: i32, value: f32): void {
  store<f32>(s + ((<usize>i) << 2), value);
}

// @ts-ignore: decorator
@inline export function isNotFinite(v: f32): bool {
  return (reinterpret<i32>(v) & 0x7fffffff) >= NOT_FINITE;
}

/**
 * Whether no delta can leave float32 in this step, whatever the layers between do, so that the sweep, which cannot be
 * taken back, may run. Uses magnitudes only; what it decides changes speed, never a result.
 */
// @ts-ignore: decorator
@inline export function cannotOverflow(header: usize, rate: i32, bound: f32): bool {
  const growth =
    word(header, L.H_GROWTH_BITS) + word(header, L.H_GROWTH_LAYERS) * orders(reinterpret<i32>(bound)) + orders(peakDelta);
  return growth + orders(peakActivation) + orders(rate) <= 120;
}

/** |δ|·max(|a|, 1): no element of a gradient is larger. */
// @ts-ignore: decorator
@inline export function reach(): f64 {
  return <f64>reinterpret<f32>(peakDelta) * <f64>reinterpret<f32>(max(peakActivation, ONE));
}

export function refuse(s: usize, reason: i32): f32 {
  const counter = s + ((<usize>reason) << 2);
  store<u32>(counter, load<u32>(counter) + 1);
  setNumber(s, L.S_LOSS, NaN);
  return NaN;
}

/** A bound on every parameter, looked up, or found out where it has grown useless. */
// @ts-ignore: decorator
@inline export function parameterBound(header: usize, s: usize): f32 {
  const bound = number(s, L.S_PARAMETER_BOUND);
  return bound <= BOUND_TO_KEEP ? bound : reinterpret<f32>(peakParameter(header));
}

/** Whether gradient sums and, if it is due, the update stay within float32; keeps the bounds that follow. */
export function staysFinite(header: usize, s: usize, isNew: bool, isDue: bool): bool {
  const sum = (isNew ? 0.0 : <f64>number(s, L.S_GRADIENT_BOUND)) + reach() * <f64>word(header, L.H_EXAMPLES);
  if (!(sum <= LARGEST)) return false;
  if (isDue) {
    const optimizer = word(header, L.H_OPTIMIZER);
    const decay = <f64>number(s, L.S_DECAY);
    const clip = min(<f64>number(s, L.S_CLIP_VALUE), <f64>number(s, L.S_CLIP_NORM));
    const bound = <f64>parameterBound(header, s);
    let g = min(sum * <f64>number(s, L.S_INVERSE_ROWS) * 1.000001, clip);
    if (optimizer != L.OPTIMIZER_ADAMW) g += decay * bound;
    let rate = max(<f64>number(s, L.S_RATE), <f64>number(s, L.S_BIAS_RATE));
    const shrink = optimizer == L.OPTIMIZER_ADAMW ? rate * decay * bound : 0.0;
    const momentum = <f64>number(s, L.S_MOMENTUM);
    if (optimizer >= L.OPTIMIZER_ADAM) rate /= 1.0 - load<f64>(s + (L.S_BETA1_POWER << 2)) * momentum;
    const move = moveOf(
      <f64>number(s, L.S_STATE_BOUND), optimizer, g, rate, momentum, <f64>number(s, L.S_EPSILON),
      <f64>number(s, L.S_MOST_STEPS),
    );
    // Plain sgd multiplies η·a before δ.
    if (optimizer == L.OPTIMIZER_SGD && !(rate * <f64>reinterpret<f32>(max(peakActivation, ONE)) <= LARGEST)) return false;
    const largest = bound + move + shrink;
    if (!(largest <= LARGEST && movedBound <= LARGEST)) return false;
    // Rounded up, so that a bound stays one: rounding is monotone, and so is each operation of the update.
    setNumber(s, L.S_PARAMETER_BOUND, <f32>(largest * 1.000001));
    setNumber(s, L.S_STATE_BOUND, <f32>(movedBound * 1.000001));
  }
  setNumber(s, L.S_GRADIENT_BOUND, <f32>(sum * 1.000001));
  return true;
}

/** What is not finite, the first in the order of the step. */
export function reasonToRefuse(header: usize, loss: f32): i32 {
  if (peakInput(header) >= NOT_FINITE) return L.S_REFUSED_INPUT;
  // An infinite activation is refused even where a bounded layer above would hide it: what it multiplies is lost.
  return isNotFinite(loss) || peakActivation >= NOT_FINITE ? L.S_REFUSED_LOSS : L.S_REFUSED_DELTA;
}

/** The bound on every parameter after a sweep: as staysFinite has it for plain sgd; that it stays finite is proved. */
// @ts-ignore: decorator
@inline export function keepSweptBound(s: usize, rate: i32, bound: f32): void {
  const move = <f64>reinterpret<f32>(rate) * (reach() * 1.000001);
  setNumber(s, L.S_PARAMETER_BOUND, <f32>((<f64>bound + move) * 1.000001));
}
