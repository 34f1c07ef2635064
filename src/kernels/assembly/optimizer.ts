import * as L from '../../plan/layout';
import { add, mul, sub } from './memory';

// Four elements at a time; formulas and order of roundings stand in src/reference/optimizer.ts. One pass over gradient,
// state and parameter; what is the same for every element is set up once an update.

const VANISHED: f32 = 7.888609052210118e-31; // 2⁻¹⁰⁰

let optimizer: i32 = 0;
let scale: f32 = 1;
let clipValue: f32 = 0;
let decay: f32 = 0;
let rate: f32 = 0;
let shrink: f32 = 0;
let momentum: f32 = 0;
let rho: f32 = 0;
let epsilon: f32 = 0;
let correction: f32 = 1;

// @ts-ignore: decorator
@inline function number(s: usize, i: i32): f32 {
  return load<f32>(s + ((<usize>i) << 2));
}

/** Begins an update; β powers go on by one. @param squares of the whole gradient, where clipping by norm asks */
export function beginUpdate(s: usize, kind: i32, squares: f64): void {
  optimizer = kind;
  clipValue = number(s, L.S_CLIP_VALUE);
  momentum = number(s, L.S_MOMENTUM);
  rho = number(s, L.S_RHO);
  epsilon = number(s, L.S_EPSILON);
  scale = 1;
  const clipNorm = number(s, L.S_CLIP_NORM);
  if (clipNorm < Infinity) {
    const wanted = <f64>clipNorm / (sqrt<f64>(squares) + 1e-6);
    if (wanted < 1) scale = <f32>wanted;
  }
  if (kind >= L.OPTIMIZER_ADAM) {
    const power1 = s + (L.S_BETA1_POWER << 2);
    const power2 = s + (L.S_BETA2_POWER << 2);
    store<f64>(power1, load<f64>(power1) * <f64>momentum);
    store<f64>(power2, load<f64>(power2) * <f64>rho);
    correction = <f32>(1.0 / sqrt<f64>(1.0 - load<f64>(power2)));
  }
}

/** η and λ of a group; adam's η is divided by 1 − β₁ᵗ. */
export function setGroup(s: usize, groupRate: f32, groupDecay: f32): void {
  rate = groupRate;
  if (optimizer >= L.OPTIMIZER_ADAM) rate = <f32>(<f64>groupRate / (1.0 - load<f64>(s + (L.S_BETA1_POWER << 2))));
  decay = groupDecay;
  shrink = groupRate * groupDecay;
}

// @ts-ignore: decorator
@inline function vanish(v: v128): v128 {
  return v128.and(v, f32x4.ge(f32x4.abs(v), f32x4.splat(VANISHED)));
}

/** Four parameters at `p`, their states at `s1` and `s2`, from their gradients. */
// @ts-ignore: decorator
@inline function updateFour(p: usize, s1: usize, s2: usize, gradient: v128): void {
  let g = mul(gradient, f32x4.splat(scale));
  g = f32x4.pmin(g, f32x4.splat(clipValue));
  g = f32x4.pmax(g, f32x4.splat(-clipValue));
  const w = v128.load(p);
  if (optimizer != L.OPTIMIZER_ADAMW) g = add(g, mul(f32x4.splat(decay), w));
  if (optimizer == L.OPTIMIZER_SGD) {
    v128.store(p, sub(w, mul(f32x4.splat(rate), g)));
    return;
  }
  const old = mul(f32x4.splat(momentum), v128.load(s1));
  if (optimizer == L.OPTIMIZER_MOMENTUM) {
    const b = vanish(add(old, g));
    v128.store(s1, b);
    v128.store(p, sub(w, mul(f32x4.splat(rate), b)));
  } else if (optimizer == L.OPTIMIZER_NESTEROV) {
    const b = vanish(add(old, g));
    v128.store(s1, b);
    v128.store(p, sub(w, mul(f32x4.splat(rate), add(g, mul(f32x4.splat(momentum), b)))));
  } else if (optimizer == L.OPTIMIZER_RMSPROP) {
    const v = vanish(add(mul(f32x4.splat(rho), v128.load(s1)), mul(f32x4.splat(1 - rho), mul(g, g))));
    v128.store(s1, v);
    const step = f32x4.div(mul(f32x4.splat(rate), g), add(f32x4.sqrt(v), f32x4.splat(epsilon)));
    v128.store(p, sub(w, step));
  } else {
    const a = vanish(add(old, mul(f32x4.splat(1 - momentum), g)));
    const v = vanish(add(mul(f32x4.splat(rho), v128.load(s2)), mul(f32x4.splat(1 - rho), mul(g, g))));
    v128.store(s1, a);
    v128.store(s2, v);
    const kept = optimizer == L.OPTIMIZER_ADAMW ? sub(w, mul(f32x4.splat(shrink), w)) : w;
    const size = add(mul(f32x4.sqrt(v), f32x4.splat(correction)), f32x4.splat(epsilon));
    v128.store(p, sub(kept, f32x4.div(mul(f32x4.splat(rate), a), size)));
  }
}

/** `n` padded parameters from gradients that lie whole. @hot */
export function updateFrom(p: usize, to1: usize, to2: usize, g: usize, n: i32): void {
  const end = p + ((<usize>n) << 2);
  for (; p < end; p += 16, g += 16) updateFour(p, p + to1, p + to2, v128.load(g));
}

/** A matrix in panels from its rank-1 gradient δ·aᵀ, which is never stored. @hot */
export function updateRankOne(w: usize, to1: usize, to2: usize, delta: usize, a: usize, nIn: i32, nOut: i32): void {
  const aEnd = a + ((<usize>nIn) << 2);
  const deltaEnd = delta + ((<usize>nOut) << 2);
  for (; delta < deltaEnd; delta += 16) {
    for (let q = a; q < aEnd; q += 16) {
      const x = v128.load(q);
      for (let row: usize = 0; row < 16; row += 4, w += 16) {
        updateFour(w, w + to1, w + to2, mul(v128.load32_splat(delta + row), x));
      }
    }
  }
}

/** Σ v² in float64 over `n` padded elements: lanes 4c + j in order from 0, then (s0 + s1) + (s2 + s3). */
export function squares(from: usize, n: i32): f64 {
  let low = f64x2.splat(0);
  let high = low;
  for (const end = from + ((<usize>n) << 2); from < end; from += 16) {
    const v = v128.load(from);
    const a = f64x2.promote_low_f32x4(v);
    const b = f64x2.promote_low_f32x4(i64x2.shuffle(v, v, 1, 1));
    low = f64x2.add(low, f64x2.mul(a, a));
    high = f64x2.add(high, f64x2.mul(b, b));
  }
  return (
    f64x2.extract_lane(low, 0) + f64x2.extract_lane(low, 1) + (f64x2.extract_lane(high, 0) + f64x2.extract_lane(high, 1))
  );
}
