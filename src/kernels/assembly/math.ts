import {
  K_EXP_C2, K_EXP_C3, K_EXP_C4, K_EXP_C5, K_EXP_C6, K_EXP_MIN, K_FOUR, K_GAUSS_D1, K_GAUSS_D2, K_GAUSS_STEPS,
  K_GELU_MAX, K_GELU_P0, K_GELU_P1, K_GELU_P2, K_GELU_P3, K_GELU_Q0, K_GELU_Q1, K_GELU_Q2, K_GELU_Q3, K_HALF,
  K_INFINITY, K_INV_SQRT_2PI, K_LN2, K_LN2_HI, K_LN2_LO, K_LN4, K_LOG2E, K_LOG_C1, K_LOG_C2, K_LOG_C3, K_LOG_C4,
  K_LOG_FIELD, K_LOG_MIN, K_MINUS_INFINITY, K_ONE, K_ROUND, K_ROUND_HALF, K_SATURATION, K_SIGMOID_D1, K_SIGMOID_D2,
  K_SOFTPLUS_C1, K_SOFTPLUS_C2, K_SOFTPLUS_C3, K_SOFTPLUS_C4, K_TANH_D1, K_TANH_D2, K_TANH_STEP, K_TANH_STEPS, K_TWO,
} from './constants.generated';
import { add, constant, mul, sub } from './memory';

// Float32 transcendentals, four at a time: the formulas, their derivation and their bounds stand in
// src/reference/math.ts, operation by operation the same.

/** e^r − 1 for |r| ≤ ½·ln 2. */
// @ts-ignore: decorator
@inline function expm1Reduced(r: v128): v128 {
  let p = add(mul(constant(K_EXP_C6), r), constant(K_EXP_C5));
  p = add(mul(p, r), constant(K_EXP_C4));
  p = add(mul(p, r), constant(K_EXP_C3));
  p = add(mul(p, r), constant(K_EXP_C2));
  p = add(mul(p, r), constant(K_ONE));
  return mul(p, r);
}

/** e^x for x ≤ 0; 0 below 2⁻¹²⁶. */
// @ts-ignore: decorator
@inline export function expNonPositive(x: v128): v128 {
  const t = add(mul(x, constant(K_LOG2E)), constant(K_ROUND));
  const n = sub(t, constant(K_ROUND));
  const r = sub(sub(x, mul(n, constant(K_LN2_HI))), mul(n, constant(K_LN2_LO)));
  const p = add(expm1Reduced(r), constant(K_ONE));
  return v128.andnot(mul(p, i32x4.shl(t, 23)), f32x4.lt(x, constant(K_EXP_MIN)));
}

/** e^x − 1 for x ≤ 0. */
// @ts-ignore: decorator
@inline export function expm1NonPositive(x: v128): v128 {
  const a = f32x4.pmax(x, constant(K_EXP_MIN));
  const t = add(mul(a, constant(K_LOG2E)), constant(K_ROUND));
  const r = sub(a, mul(sub(t, constant(K_ROUND)), constant(K_LN2)));
  const s = i32x4.shl(t, 23);
  return add(mul(s, expm1Reduced(r)), sub(s, constant(K_ONE)));
}

/** tanh x. */
// @ts-ignore: decorator
@inline export function tanh(x: v128): v128 {
  const sign = v128.and(x, i32x4.splat(0x80000000));
  const a = f32x4.pmin(v128.xor(x, sign), constant(K_SATURATION));
  const t = add(mul(a, constant(K_TANH_STEPS)), constant(K_ROUND_HALF));
  const r = sub(a, mul(sub(t, constant(K_ROUND_HALF)), constant(K_TANH_STEP)));
  const w = mul(r, r);
  const d = add(mul(add(mul(constant(K_TANH_D2), w), constant(K_TANH_D1)), w), constant(K_ONE));
  const s = i32x4.shl(t, 23);
  const v = add(mul(sub(s, constant(K_HALF)), d), mul(add(s, constant(K_HALF)), r));
  return v128.or(f32x4.div(v, add(v, sub(d, r))), sign);
}

/** tanh of every element of a padded column, in place: the constants stay in registers from one vector to the next. */
// @ts-ignore: decorator
@inline export function tanhColumn(p: usize, end: usize): void {
  const saturation = constant(K_SATURATION);
  const steps = constant(K_TANH_STEPS);
  const round = constant(K_ROUND_HALF);
  const step = constant(K_TANH_STEP);
  const d1 = constant(K_TANH_D1);
  const d2 = constant(K_TANH_D2);
  const half = constant(K_HALF);
  const one = constant(K_ONE);
  const minus = i32x4.splat(0x80000000);
  do {
    const x = v128.load(p);
    const sign = v128.and(x, minus);
    const a = f32x4.pmin(v128.xor(x, sign), saturation);
    const t = add(mul(a, steps), round);
    const r = sub(a, mul(sub(t, round), step));
    const w = mul(r, r);
    const d = add(mul(add(mul(d2, w), d1), w), one);
    const s = i32x4.shl(t, 23);
    const v = add(mul(sub(s, half), d), mul(add(s, half), r));
    v128.store(p, v128.or(f32x4.div(v, add(v, sub(d, r))), sign));
    p += 16;
  } while (p < end);
}

/** 1 / (1 + e^−x). */
// @ts-ignore: decorator
@inline export function sigmoid(x: v128): v128 {
  const a = f32x4.pmin(x, constant(K_SATURATION));
  const t = add(mul(a, constant(K_LOG2E)), constant(K_ROUND));
  const n = sub(t, constant(K_ROUND));
  const r = sub(sub(a, mul(n, constant(K_LN2_HI))), mul(n, constant(K_LN2_LO)));
  const w = mul(r, r);
  const d = add(mul(add(mul(constant(K_SIGMOID_D2), w), constant(K_SIGMOID_D1)), w), constant(K_TWO));
  const v = mul(i32x4.shl(t, 23), add(d, r));
  return v128.andnot(f32x4.div(v, add(v, sub(d, r))), f32x4.lt(x, constant(K_EXP_MIN)));
}

/** g − log(1 + g) for √½ − 1 ≤ g ≤ 1. */
// @ts-ignore: decorator
@inline function logShortfall(g: v128): v128 {
  const s = f32x4.div(g, add(constant(K_TWO), g));
  const z = mul(s, s);
  let q = add(mul(constant(K_LOG_C4), z), constant(K_LOG_C3));
  q = add(mul(q, z), constant(K_LOG_C2));
  q = add(mul(q, z), constant(K_LOG_C1));
  return mul(s, sub(g, mul(q, z)));
}

/** log(1 + e) for 0 ≤ e ≤ 1. */
// @ts-ignore: decorator
@inline export function log1pUnit(e: v128): v128 {
  return sub(e, logShortfall(e));
}

/** Natural logarithm; −Infinity below 2⁻¹²⁶, NaN below 0. */
export function log(x: v128): v128 {
  const i = i32x4.add(x, i32x4.splat(0x004afb0d));
  const k = sub(v128.or(i32x4.shr_u(i, 23), i32x4.splat(0x4b000000)), constant(K_LOG_FIELD));
  const g = sub(i32x4.add(v128.and(i, i32x4.splat(0x007fffff)), i32x4.splat(0x3f3504f3)), constant(K_ONE));
  const tail = sub(logShortfall(g), mul(k, constant(K_LN2_LO)));
  const y = add(mul(k, constant(K_LN2_HI)), sub(g, tail));
  const low = v128.or(constant(K_MINUS_INFINITY), f32x4.lt(x, f32x4.splat(0))); // all ones is a NaN
  const finite = v128.bitselect(low, y, f32x4.lt(x, constant(K_LOG_MIN)));
  return v128.bitselect(finite, add(x, x), f32x4.lt(x, constant(K_INFINITY)));
}

/** max(x, 0) + log(1 + e^−|x|). */
// @ts-ignore: decorator
@inline export function softplus(x: v128): v128 {
  const a = v128.or(x, i32x4.splat(0x80000000));
  const t = add(mul(a, constant(K_LOG2E)), constant(K_ROUND));
  const n = sub(t, constant(K_ROUND));
  const r = sub(sub(a, mul(n, constant(K_LN2_HI))), mul(n, constant(K_LN2_LO)));
  const w = mul(r, r);
  const d = add(mul(add(mul(constant(K_SIGMOID_D2), w), constant(K_SIGMOID_D1)), w), constant(K_TWO));
  const v = mul(i32x4.shl(t, 23), add(d, r));
  const g = f32x4.div(v, add(mul(v, constant(K_HALF)), sub(d, r)));
  const z = mul(g, g);
  let q = add(mul(constant(K_SOFTPLUS_C4), z), constant(K_SOFTPLUS_C3));
  q = add(mul(q, z), constant(K_SOFTPLUS_C2));
  q = add(mul(q, z), constant(K_SOFTPLUS_C1));
  const tail = v128.andnot(add(g, mul(g, mul(q, z))), f32x4.lt(a, constant(K_EXP_MIN)));
  return add(v128.andnot(x, f32x4.lt(x, f32x4.splat(0))), tail);
}

/** e^(−a²/2)·p/q for 0 ≤ a ≤ GELU_MAX. */
// @ts-ignore: decorator
@inline function gaussianTimes(a: v128, p: v128, q: v128): v128 {
  const u = mul(a, a);
  const t = sub(constant(K_ROUND), mul(u, constant(K_GAUSS_STEPS)));
  const r = add(u, mul(sub(t, constant(K_ROUND)), constant(K_LN4)));
  const w = mul(r, r);
  const d = add(mul(add(mul(constant(K_GAUSS_D2), w), constant(K_GAUSS_D1)), w), constant(K_FOUR));
  const v = mul(i32x4.shl(t, 23), sub(d, r));
  return f32x4.div(mul(v, p), mul(add(d, r), q));
}

// @ts-ignore: decorator
@inline function geluP(a: v128): v128 {
  let p = add(mul(constant(K_GELU_P3), a), constant(K_GELU_P2));
  p = add(mul(p, a), constant(K_GELU_P1));
  return add(mul(p, a), constant(K_GELU_P0));
}

// @ts-ignore: decorator
@inline function geluQ(a: v128): v128 {
  let q = add(mul(add(a, constant(K_GELU_Q3)), a), constant(K_GELU_Q2));
  q = add(mul(q, a), constant(K_GELU_Q1));
  return add(mul(q, a), constant(K_GELU_Q0));
}

/** x·Φ(x). */
// @ts-ignore: decorator
@inline export function gelu(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), constant(K_GELU_MAX));
  const tail = gaussianTimes(a, geluP(a), geluQ(a));
  return sub(v128.andnot(x, f32x4.lt(x, f32x4.splat(0))), mul(a, tail));
}

/** Φ(x) + x·φ(x). */
// @ts-ignore: decorator
@inline export function geluDerivative(x: v128): v128 {
  const a = f32x4.pmin(f32x4.abs(x), constant(K_GELU_MAX));
  const q = geluQ(a);
  const h = gaussianTimes(a, sub(geluP(a), mul(mul(constant(K_INV_SQRT_2PI), a), q)), q);
  return v128.bitselect(h, sub(constant(K_ONE), h), f32x4.lt(x, f32x4.splat(0)));
}
