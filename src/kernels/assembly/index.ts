import * as L from '../../plan/layout';
import { activate } from './activation';
import { chainForward, chainLoss, chainSweep } from './chain';
import { BOUND_TO_KEEP, LARGEST, movedBound, moveOf } from './bounds';
import { allGradients, allUpdates, peakParameter, scaleGradients } from './gradients';
import { expNonPositive, log, log1pUnit } from './math';
import { at, ONE, state, word } from './memory';
import {
  layerSweep, OP_BYTES, outputLayer, peakActivation, peakDelta, peakInput, runDeltas, runForward, runLoss, runPullBack,
  runSettle, setPeakDelta,
} from './passes';

// The step. Every export takes the element offset of a plan's header, so one memory can hold several.

// Bits of float32 numbers.
const NOT_FINITE: i32 = 0x7f800000;
const HALF: i32 = 0x3f000000;

/** The larger rate, as its bits: neither is negative, so bits compare as the numbers do. */
// @ts-ignore: decorator
@inline function largerRate(s: usize): i32 {
  return max(load<i32>(s + (L.S_RATE << 2)), load<i32>(s + (L.S_BIAS_RATE << 2)));
}

/** An e with |v| < 2^e, at least 0, from the bits of |v|. */
// @ts-ignore: decorator
@inline function orders(bits: i32): i32 {
  return (max(bits, HALF) >> 23) - 126;
}

// @ts-ignore: decorator
@inline function number(s: usize, i: i32): f32 {
  return load<f32>(s + ((<usize>i) << 2));
}

// @ts-ignore: decorator
@inline function setNumber(s: usize, i: i32, value: f32): void {
  store<f32>(s + ((<usize>i) << 2), value);
}

// @ts-ignore: decorator
@inline function isNotFinite(v: f32): bool {
  return (reinterpret<i32>(v) & 0x7fffffff) >= NOT_FINITE;
}

/**
 * Whether no delta can leave float32 in this step, whatever the layers between do, so that the sweep, which cannot be
 * taken back, may run. Uses magnitudes only; what it decides changes speed, never a result.
 */
// @ts-ignore: decorator
@inline function cannotOverflow(header: usize, rate: i32, bound: f32): bool {
  const growth =
    word(header, L.H_GROWTH_BITS) + word(header, L.H_GROWTH_LAYERS) * orders(reinterpret<i32>(bound)) + orders(peakDelta);
  return growth + orders(peakActivation) + orders(rate) <= 120;
}

/** |δ|·max(|a|, 1): no element of a gradient is larger. */
// @ts-ignore: decorator
@inline function reach(): f64 {
  return <f64>reinterpret<f32>(peakDelta) * <f64>reinterpret<f32>(max(peakActivation, ONE));
}

function refuse(s: usize, reason: i32): f32 {
  const counter = s + ((<usize>reason) << 2);
  store<u32>(counter, load<u32>(counter) + 1);
  setNumber(s, L.S_LOSS, NaN);
  return NaN;
}

/** A bound on every parameter, looked up, or found out where it has grown useless. */
// @ts-ignore: decorator
@inline function parameterBound(header: usize, s: usize): f32 {
  const bound = number(s, L.S_PARAMETER_BOUND);
  return bound <= BOUND_TO_KEEP ? bound : reinterpret<f32>(peakParameter(header));
}

/** Whether gradient sums and, if it is due, the update stay within float32; keeps the bounds that follow. */
function staysFinite(header: usize, s: usize, isNew: bool, isDue: bool): bool {
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
    const largest = bound + move + shrink;
    if (!(largest <= LARGEST && movedBound <= LARGEST)) return false;
    // Rounded up, so that a bound stays one: rounding is monotone, and so is each operation of the update.
    setNumber(s, L.S_PARAMETER_BOUND, <f32>(largest * 1.000001));
    setNumber(s, L.S_STATE_BOUND, <f32>(movedBound * 1.000001));
  }
  setNumber(s, L.S_GRADIENT_BOUND, <f32>(sum * 1.000001));
  return true;
}

/** Backward and update of every layer, one sweep over its weights. m = 1, plain sgd. @hot */
function runSweep(header: usize, rate: v128, biasRate: v128): void {
  const first = at(word(header, L.H_OPS));
  const last = outputLayer(header);
  for (let op = last; op > first; op -= OP_BYTES) {
    if (op != last) runPullBack(op, 1);
    layerSweep(header, op, rate, biasRate);
  }
}

/** Predicts; learns nothing. @hot */
export function forward(plan: i32): void {
  const header = at(plan);
  if (word(header, L.H_CHAIN)) chainForward(header, false);
  else runForward(header, false);
}

/** Makes an update that was put off; call it before parameters are read or written from outside. */
export function settle(plan: i32): void {
  runSettle(at(plan));
}

/**
 * J, with whole mean gradients left where the plan keeps them; learns nothing.
 *
 * returns  NaN where something is not finite (counted by reason)
 */
export function gradient(plan: i32): f32 {
  const header = at(plan);
  const loss = evaluate(header);
  if (isNotFinite(loss)) return loss;
  runDeltas(header);
  if (peakDelta >= NOT_FINITE) return refuse(state(header), L.S_REFUSED_DELTA);
  allGradients(header, true);
  scaleGradients(header, number(state(header), L.S_INVERSE_EXAMPLES));
  return loss;
}

/** Forward, loss and the delta of the output layer. returns J, or NaN (counted by reason) @hot */
// @ts-ignore: decorator
@inline function evaluate(header: usize): f32 {
  let loss: f32;
  if (word(header, L.H_CHAIN)) {
    chainForward(header, true);
    loss = chainLoss(header);
  } else {
    runForward(header, true);
    loss = runLoss(header);
    setPeakDelta(0);
    runPullBack(outputLayer(header), word(header, L.H_EXAMPLES));
  }
  const isRefused = isNotFinite(loss) || peakActivation >= NOT_FINITE || peakDelta >= NOT_FINITE;
  return isRefused ? refuse(state(header), reasonToRefuse(header, loss)) : loss;
}

/** What is not finite, the first in the order of the step. */
function reasonToRefuse(header: usize, loss: f32): i32 {
  if (peakInput(header) >= NOT_FINITE) return L.S_REFUSED_INPUT;
  // An infinite activation is refused even where a bounded layer above would hide it: what it multiplies is lost.
  return isNotFinite(loss) || peakActivation >= NOT_FINITE ? L.S_REFUSED_LOSS : L.S_REFUSED_DELTA;
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
  const loss = evaluate(header);
  if (isNotFinite(loss)) return loss;

  const bound = parameterBound(header, s);
  const rate = largerRate(s);
  if (word(header, L.H_SWEEPS) && cannotOverflow(header, rate, bound)) {
    const rates = f32x4.splat(number(s, L.S_RATE));
    const biasRates = f32x4.splat(number(s, L.S_BIAS_RATE));
    if (word(header, L.H_CHAIN)) chainSweep(header, rates, biasRates);
    else runSweep(header, rates, biasRates);
    // As staysFinite has it for this optimizer; that it does is proved already.
    const move = <f64>reinterpret<f32>(rate) * (reach() * 1.000001);
    setNumber(s, L.S_PARAMETER_BOUND, <f32>((<f64>bound + move) * 1.000001));
  } else {
    setNumber(s, L.S_PARAMETER_BOUND, bound);
    runDeltas(header);
    if (peakDelta >= NOT_FINITE) return refuse(s, L.S_REFUSED_DELTA);
    const accumulated = load<i32>(s + (L.S_ACCUMULATED << 2));
    const isDue = accumulated + 1 >= word(header, L.H_ACCUMULATE);
    if (!staysFinite(header, s, accumulated == 0, isDue)) return refuse(s, L.S_REFUSED_UPDATE);
    if (word(header, L.H_TO_GRADIENT)) allGradients(header, accumulated == 0);
    if (isDue) {
      if (word(header, L.H_TO_GRADIENT)) scaleGradients(header, number(s, L.S_INVERSE_ROWS));
      allUpdates(header, s);
    }
    store<i32>(s + (L.S_ACCUMULATED << 2), isDue ? 0 : accumulated + 1);
  }
  setNumber(s, L.S_LOSS, loss);
  store<u64>(s + (L.S_STEPS << 2), load<u64>(s + (L.S_STEPS << 2)) + 1);
  return loss;
}

/** A step; returns 1 where it was taken, 0 where it was refused. The loss is in the state. @hot */
export function tryStep(plan: i32): i32 {
  return isNotFinite(step(plan)) ? 0 : 1;
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
export { learnTrackers, predictTrackers, settleTrackers } from './tracker';
