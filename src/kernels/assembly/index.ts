import * as L from '../../plan/layout';
import { activate } from './activation';
import { chainForward, chainLoss, chainPeak, chainSweep } from './chain';
import { allGradients, scaleGradients } from './gradients';
import { expNonPositive, log, log1pUnit } from './math';
import { at, state, word } from './memory';
import { centreTarget, judgeSaid, keepSaid, mixSaid, soften, weigh } from './mixture';
import {
  layerSweep, lossRecord, OP_BYTES, outputLayer, peakActivation, peakDelta, runDeltas, runForward, runLoss, runPullBack, runSettle,
  setPeakActivation, setPeakDelta,
} from './passes';
import {
  cannotOverflow, isNotFinite, keepSweptBound, largerRate, NOT_FINITE, number, parameterBound, reasonToRefuse, refuse,
} from './safety';
import { isTopPlain, shortTopStep } from './short-top';
import { learnTrackers, predictTrackers, settleTrackers } from './tracker';
import { countStep, learnInPasses } from './update';

// The step. Every export takes the element offset of a plan's header, so one memory can hold several.

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
  if (word(header, L.H_CHAIN)) chainForward(header, lossRecord(header), false);
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
  const loss = evaluate(header, false);
  if (isNotFinite(loss)) return loss;
  runDeltas(header);
  if (peakDelta >= NOT_FINITE) return refuse(state(header), L.S_REFUSED_DELTA);
  allGradients(header, true);
  scaleGradients(header, number(state(header), L.S_INVERSE_EXAMPLES));
  return loss;
}

/** Forward, loss and the delta of the output layer. returns J, or NaN (counted by reason) @hot */
// @ts-ignore: decorator
@inline function evaluate(header: usize, isForwarded: bool): f32 {
  let loss: f32;
  if (word(header, L.H_CHAIN)) {
    if (isForwarded) setPeakActivation(chainPeak(header));
    else chainForward(header, lossRecord(header), true);
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

/**
 * One step: forward, loss, backward, update. Leaves J in S_LOSS, or NaN where the input, the loss or a delta is not finite or
 * the update might overflow: nothing else has changed then but the counter of that reason.
 *
 * returns  whether the step was taken (a number with a fraction might have to be boxed on its way to JavaScript)
 * @hot
 */
export function step(plan: i32): bool {
  const header = at(plan);
  if (word(header, L.H_CHAIN) == L.CHAIN_WITH_SHORT_TOP && isTopPlain(header)) return shortTopStep(header, state(header));
  return learn(header, false);
}

/** `step` on the row and parameters `forward` has been called with last: a chain's activations stand as it left them. @hot */
export function stepForwarded(plan: i32): bool {
  return learn(at(plan), true);
}

// @ts-ignore: decorator
@inline function learn(header: usize, isForwarded: bool): bool {
  const s = state(header);
  const loss = evaluate(header, isForwarded);
  if (isNotFinite(loss)) return false;
  const bound = parameterBound(header, s);
  const rate = largerRate(s);
  if (!word(header, L.H_SWEEPS) || !cannotOverflow(header, rate, bound)) return learnInPasses(header, s, loss, bound);
  const rates = f32x4.splat(number(s, L.S_RATE));
  const biasRates = f32x4.splat(number(s, L.S_BIAS_RATE));
  if (word(header, L.H_CHAIN)) chainSweep(header, outputLayer(header), rates, biasRates);
  else runSweep(header, rates, biasRates);
  keepSweptBound(s, rate, bound);
  countStep(s, loss);
  return true;
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
    step(plan);
    total += <f64>number(state(header), L.S_LOSS);
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

export { learnTrackers, predictTrackers, settleTrackers };

/** `forward` of every network side by side, and `predictTrackers`. @hot */
export function predictGroup(offset: i32): void {
  const group = at(offset);
  for (let k = 0, n = word(group, L.G_COUNT); k < n; k++) forward(word(group, L.G_HEADERS + k));
  const bank = word(group, L.G_BANK);
  if (bank) predictTrackers(bank);
}

/**
 * `step` of every network side by side, `stepForwarded` where all of `predictGroup` still stands, and `learnTrackers`.
 *
 * returns  how many steps were refused
 * @hot
 */
export function learnGroup(offset: i32, isForwarded: i32): i32 {
  const group = at(offset);
  let refused = 0;
  for (let k = 0, n = word(group, L.G_COUNT); k < n; k++) {
    const header = word(group, L.G_HEADERS + k);
    if (!(isForwarded ? stepForwarded(header) : step(header))) refused++;
  }
  const bank = word(group, L.G_BANK);
  if (bank) learnTrackers(bank, isForwarded);
  return refused;
}

/**
 * `predictGroup`; what everybody says of the row is kept in a slot, and what it comes to is left in `prediction`.
 *
 * isNaiveOut  whether the naive predictor is left out, where anybody else is believed
 * @hot
 */
export function predictMixture(offset: i32, slot: i32, isNaiveOut: i32): void {
  const mixture = at(offset);
  predictGroup(word(mixture, L.M_GROUP));
  keepSaid(mixture, slot);
  mixSaid(mixture, slot, isNaiveOut != 0);
}

/** Judges everybody by what was said of the row in a slot and its label, and weighs them anew. @hot */
export function judgeMixture(offset: i32, slot: i32): void {
  judgeSaid(at(offset), slot);
}

/** `learnGroup`, steps softened and the target of the trackers made from that of the networks. @hot */
export function learnMixture(offset: i32, isForwarded: i32): i32 {
  const mixture = at(offset);
  soften(mixture);
  centreTarget(mixture);
  return learnGroup(word(mixture, L.M_GROUP), isForwarded);
}

/** Softens the steps to come on the row that is there. @hot */
export function softenMixture(offset: i32): void {
  soften(at(offset));
}

/** Weights from sums, after these were written from outside. */
export function weighMixture(offset: i32): void {
  weigh(at(offset));
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
