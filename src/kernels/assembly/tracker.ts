import * as L from '../../plan/layout';
import { K_ONE } from './constants.generated';
import { denseForward, rowSums, subtractOuter } from './dense';
import { add, at, bytesOf, constant, mul, pad4, sub, sum, word } from './memory';

// Trackers: recursive least squares as a Kalman filter; src/reference/tracker.ts has the equations. N ← N − h·hᵀ waits for
// the next row, whose N·φ reads the matrix anyway.

const TRACKER_BYTES: usize = L.TRACKER_WORDS << 2;
/** 2⁻⁶⁰: adding and subtracting it makes what lies below 2⁻⁸⁴ zero. */
const ROUNDING: f32 = 8.673617379884035e-19;
const ERROR_LIMIT: f32 = <f32>L.TRACKER_ERROR_LIMIT;

// @ts-ignore: decorator
@inline function numberOf(tracker: usize, i: i32): f64 {
  return load<f64>(at(word(tracker, L.T_NUMBERS)) + ((<usize>i) << 3));
}

// @ts-ignore: decorator
@inline function setNumberOf(tracker: usize, i: i32, value: f64): void {
  store<f64>(at(word(tracker, L.T_NUMBERS)) + ((<usize>i) << 3), value);
}

/** φ = [x, 1, 0 …, σ(A·x + c)] with σ(v) = v / √(1 + v²). @hot */
function writeFeatures(bank: usize): void {
  const inputs = word(bank, L.B_INPUTS);
  const row = at(word(bank, L.B_INPUT));
  const features = at(word(bank, L.B_FEATURES));
  for (let i: usize = 0, end = bytesOf(pad4(inputs)); i < end; i += 16) v128.store(features + i, v128.load(row + i));
  store<f32>(features + bytesOf(inputs), 1);
  let p = features + bytesOf(pad4(inputs + 1));
  const units = word(bank, L.B_UNITS);
  denseForward(at(word(bank, L.B_MATRIX)), at(word(bank, L.B_OFFSETS)), row, p, pad4(inputs), units);
  const one = constant(K_ONE);
  for (const end = p + bytesOf(units); p < end; p += 16) {
    const v = v128.load(p);
    v128.store(p, f32x4.div(v, f32x4.sqrt(add(one, mul(v, v)))));
  }
}

/** Lane j takes elements 4c + j in order from 0; then (s0 + s1) + (s2 + s3). */
// @ts-ignore: decorator
@inline function dot(a: usize, b: usize, bytes: usize): f32 {
  let s = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) s = add(s, mul(v128.load(a + i), v128.load(b + i)));
  return sum(s);
}

/** W·φ. @hot */
function predictOne(bank: usize, tracker: usize): void {
  const bytes = bytesOf(word(tracker, L.T_SIZE));
  const features = at(word(bank, L.B_FEATURES));
  let w = at(word(tracker, L.T_WEIGHTS));
  let output = at(word(tracker, L.T_OUTPUT));
  for (const end = output + bytesOf(word(bank, L.B_OUTPUTS)); output < end; output += 4) {
    store<f32>(output, dot(w, features, bytes));
    w += bytes;
  }
}

/** q ← N·φ. @hot */
function product(tracker: usize, features: usize): void {
  const size = word(tracker, L.T_SIZE);
  denseForward(at(word(tracker, L.T_COVARIANCE)), 0, features, at(word(tracker, L.T_PRODUCT)), size, size);
}

/** N ← N − h·hᵀ and q ← N·φ in one pass. Summed as denseForward does. @hot */
function updateProduct(tracker: usize, features: usize): void {
  const bytes = bytesOf(word(tracker, L.T_SIZE));
  const gain = at(word(tracker, L.T_GAIN));
  let n = at(word(tracker, L.T_COVARIANCE));
  let q = at(word(tracker, L.T_PRODUCT));
  for (let h = gain, end = gain + bytes; h < end; h += 16, q += 16) {
    const h0 = v128.load32_splat(h);
    const h1 = v128.load32_splat(h, 4);
    const h2 = v128.load32_splat(h, 8);
    const h3 = v128.load32_splat(h, 12);
    let r0 = f32x4.splat(0);
    let r1 = r0;
    let r2 = r0;
    let r3 = r0;
    let i: usize = 0;
    do {
      const g = v128.load(gain + i);
      const x = v128.load(features + i);
      const n0 = sub(v128.load(n), mul(h0, g));
      v128.store(n, n0);
      r0 = add(r0, mul(n0, x));
      const n1 = sub(v128.load(n, 16), mul(h1, g));
      v128.store(n, n1, 16);
      r1 = add(r1, mul(n1, x));
      const n2 = sub(v128.load(n, 32), mul(h2, g));
      v128.store(n, n2, 32);
      r2 = add(r2, mul(n2, x));
      const n3 = sub(v128.load(n, 48), mul(h3, g));
      v128.store(n, n3, 48);
      r3 = add(r3, mul(n3, x));
      n += 64;
      i += 16;
    } while (i < bytes);
    v128.store(q, rowSums(r0, r1, r2, r3));
  }
}

/** What waits is made: N ← N − h·hᵀ. */
function settleOne(tracker: usize): void {
  if (numberOf(tracker, L.N_PUT_OFF) == 0) return;
  setNumberOf(tracker, L.N_PUT_OFF, 0);
  const gain = at(word(tracker, L.T_GAIN));
  const size = word(tracker, L.T_SIZE);
  subtractOuter(at(word(tracker, L.T_COVARIANCE)), gain, gain, size, size);
}

// A step is three passes over all trackers, so that one does not wait for the division and root of another.

/** q ← (N + D)·φ and s·φ·q, kept in N_PART. @hot */
function multiply(tracker: usize, features: usize): void {
  const bytes = bytesOf(word(tracker, L.T_SIZE));
  const q = at(word(tracker, L.T_PRODUCT));
  const diagonal = at(word(tracker, L.T_DIAGONAL));
  if (numberOf(tracker, L.N_PUT_OFF) != 0) updateProduct(tracker, features);
  else product(tracker, features);
  let dots = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const x = v128.load(features + i);
    const whole = add(v128.load(q + i), mul(v128.load(diagonal + i), x));
    v128.store(q + i, whole);
    dots = add(dots, mul(x, whole));
  }
  setNumberOf(tracker, L.N_PART, numberOf(tracker, L.N_SCALE) * <f64>sum(dots));
}

/** s/v, its root, s and what is added to D. @hot */
function weigh(tracker: usize): void {
  const scale = numberOf(tracker, L.N_SCALE);
  const spread = 1 + numberOf(tracker, L.N_PART);
  const part = scale / (spread > 1 ? spread : 1);
  const next = scale * numberOf(tracker, L.N_KEEP);
  setNumberOf(tracker, L.N_PART, part);
  setNumberOf(tracker, L.N_ROOT, sqrt<f64>(part));
  setNumberOf(tracker, L.N_SCALE, next);
  setNumberOf(tracker, L.N_ADDED, numberOf(tracker, L.N_BACK) / next);
}

/** W, h, D and the diagonal of N. @hot */
function move(bank: usize, tracker: usize, isPredicted: bool): void {
  const bytes = bytesOf(word(tracker, L.T_SIZE));
  const features = at(word(bank, L.B_FEATURES));
  const q = at(word(tracker, L.T_PRODUCT));
  const part = numberOf(tracker, L.N_PART);
  const shrink = f32x4.splat(<f32>numberOf(tracker, L.N_SHRINK));
  const rounding = f32x4.splat(ROUNDING);
  const target = at(word(bank, L.B_TARGET));
  const output = at(word(tracker, L.T_OUTPUT));
  let w = at(word(tracker, L.T_WEIGHTS));
  for (let c: usize = 0, end = bytesOf(word(bank, L.B_OUTPUTS)); c < end; c += 4) {
    if (!isPredicted) store<f32>(output + c, dot(w, features, bytes));
    const error = load<f32>(target + c) - load<f32>(output + c);
    const cut = max<f32>(-ERROR_LIMIT, min<f32>(ERROR_LIMIT, error));
    const step = f32x4.splat(<f32>(<f64>cut * part));
    for (let i: usize = 0; i < bytes; i += 16) {
      const moved = mul(add(v128.load(w + i), mul(step, v128.load(q + i))), shrink);
      v128.store(w + i, sub(add(moved, rounding), rounding));
    }
    w += bytes;
  }

  const root = f32x4.splat(<f32>numberOf(tracker, L.N_ROOT));
  const added = f32x4.splat(<f32>numberOf(tracker, L.N_ADDED));
  const zero = f32x4.splat(0);
  const gain = at(word(tracker, L.T_GAIN));
  const diagonal = at(word(tracker, L.T_DIAGONAL));
  let corner = at(word(tracker, L.T_COVARIANCE)); // the block of N with four of its diagonal
  for (let i: usize = 0; i < bytes; i += 16) {
    const h = mul(v128.load(q + i), root);
    const square = mul(h, h);
    v128.store(gain + i, h);
    v128.store(diagonal + i, add(f32x4.pmax(zero, sub(v128.load(diagonal + i), square)), added));
    // What h·hᵀ takes from it, so that N has zeros there again.
    v128.store32_lane(corner, square, 0);
    v128.store32_lane(corner, square, 1, 20);
    v128.store32_lane(corner, square, 2, 40);
    v128.store32_lane(corner, square, 3, 60);
    corner += (bytes << 2) + 64;
  }
  setNumberOf(tracker, L.N_PUT_OFF, 1);
  if (numberOf(tracker, L.N_SCALE) <= 0.5) halve(tracker);
}

/** N and D are halved, s is doubled. */
function halve(tracker: usize): void {
  settleOne(tracker);
  const bytes = bytesOf(word(tracker, L.T_SIZE));
  const half = f32x4.splat(0.5);
  const rounding = f32x4.splat(ROUNDING);
  let n = at(word(tracker, L.T_COVARIANCE));
  for (const end = n + ((bytes * bytes) >> 2); n < end; n += 16) {
    v128.store(n, sub(add(mul(v128.load(n), half), rounding), rounding));
  }
  let d = at(word(tracker, L.T_DIAGONAL));
  for (const end = d + bytes; d < end; d += 16) v128.store(d, mul(v128.load(d), half));
  setNumberOf(tracker, L.N_SCALE, 2 * numberOf(tracker, L.N_SCALE));
}

// @ts-ignore: decorator
@inline function endOf(bank: usize): usize {
  return bank + (L.BANK_WORDS << 2) + <usize>word(bank, L.B_COUNT) * TRACKER_BYTES;
}

/** Outputs of every tracker for the row. @hot */
export function predictTrackers(offset: i32): void {
  const bank = at(offset);
  writeFeatures(bank);
  for (let t = bank + (L.BANK_WORDS << 2), end = endOf(bank); t < end; t += TRACKER_BYTES) predictOne(bank, t);
}

/**
 * One step of every tracker towards the target. Row and target are finite. Overwrites outputs.
 *
 * isPredicted  whether features and outputs stand as `predictTrackers` left them for this row and state
 * @hot
 */
export function learnTrackers(offset: i32, isPredicted: i32): void {
  const bank = at(offset);
  if (!isPredicted) writeFeatures(bank);
  const first = bank + (L.BANK_WORDS << 2);
  const end = endOf(bank);
  const features = at(word(bank, L.B_FEATURES));
  for (let t = first; t < end; t += TRACKER_BYTES) multiply(t, features);
  for (let t = first; t < end; t += TRACKER_BYTES) weigh(t);
  for (let t = first; t < end; t += TRACKER_BYTES) move(bank, t, isPredicted != 0);
}

/** Makes what waits; before the state of trackers is read or written from outside. */
export function settleTrackers(offset: i32): void {
  const bank = at(offset);
  for (let t = bank + (L.BANK_WORDS << 2), end = endOf(bank); t < end; t += TRACKER_BYTES) settleOne(t);
}
