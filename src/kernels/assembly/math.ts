import {
  K_EXP_C2, K_EXP_C3, K_EXP_C4, K_EXP_C5, K_EXP_C6, K_EXP_MIN, K_HALF, K_INFINITY, K_LN2_HI, K_LN2_LO, K_LOG2E, K_LOG_C1,
  K_LOG_C2, K_LOG_C3, K_LOG_C4, K_LOG_FIELD, K_LOG_MIN, K_MINUS_INFINITY, K_ONE, K_ROUND, K_ROUND_HALF, K_SATURATION,
  K_SIGMOID_D1, K_SIGMOID_D2, K_TANH_D1, K_TANH_D2, K_TANH_STEP, K_TANH_STEPS, K_TWO,
} from './constants.generated';
import { add, constant, mul, sub } from './memory';

// Float32 transcendentals, four at a time: the formulas, their derivation and their bounds stand in
// src/reference/math.ts, operation by operation the same.

/** e^x for x ≤ 0; 0 below 2⁻¹²⁶. */
// @ts-ignore: decorator
@inline export function expNonPositive(x: v128): v128 {
  const t = add(mul(x, constant(K_LOG2E)), constant(K_ROUND));
  const n = sub(t, constant(K_ROUND));
  const r = sub(sub(x, mul(n, constant(K_LN2_HI))), mul(n, constant(K_LN2_LO)));
  let p = add(mul(constant(K_EXP_C6), r), constant(K_EXP_C5));
  p = add(mul(p, r), constant(K_EXP_C4));
  p = add(mul(p, r), constant(K_EXP_C3));
  p = add(mul(p, r), constant(K_EXP_C2));
  p = add(mul(p, r), constant(K_ONE));
  p = add(mul(p, r), constant(K_ONE));
  return v128.andnot(mul(p, i32x4.shl(t, 23)), f32x4.lt(x, constant(K_EXP_MIN)));
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
