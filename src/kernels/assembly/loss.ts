import {
  LOSS_ABSOLUTE_ERROR, LOSS_BINARY_CROSS_ENTROPY, LOSS_HUBER, LOSS_QUANTILE, LOSS_SQUARED_ERROR,
} from '../../plan/layout';
import { maximum } from './activation';
import { K_HALF, K_ONE } from './constants.generated';
import { expNonPositive, log, log1pUnit } from './math';
import { add, constant, lanesBelow, mul, sub, sum } from './memory';

/**
 * ℓ of one column, and d ← ∂ℓ/∂a, which under the activation the loss is fused with is δ itself.                 (B1)
 * Formulas stand in src/reference/loss.ts; `p` are the loss's numbers, or 0.
 *
 * sums    lanes 4c + j in order from 0, then (s0 + s1) + (s2 + s3)
 * @hot
 */
export function lossOf(kind: i32, a: usize, y: usize, d: usize, z: usize, p: usize, n: i32, stride: i32): f32 {
  if (kind == LOSS_SQUARED_ERROR) {
    let s = f32x4.splat(0);
    for (let i: usize = 0, bytes = (<usize>stride) << 2; i < bytes; i += 16) {
      const r = sub(v128.load(a + i), v128.load(y + i));
      s = add(s, mul(r, r));
      v128.store(d + i, r);
    }
    return <f32>0.5 * sum(s); // ½ Σ (a − y)²
  }
  if (kind == LOSS_BINARY_CROSS_ENTROPY) return binaryCrossEntropy(a, y, d, z, p, n);
  if (kind == LOSS_ABSOLUTE_ERROR || kind == LOSS_HUBER || kind == LOSS_QUANTILE) return robust(kind, a, y, d, p, n);
  return crossEntropy(a, y, d, z, p, n);
}

/** absoluteError, huber and quantile. */
function robust(kind: i32, a: usize, y: usize, d: usize, p: usize, n: i32): f32 {
  const zero = f32x4.splat(0);
  const one = constant(K_ONE);
  let s = zero;
  for (let i = 0; i < n; i += 4) {
    const o = (<usize>i) << 2;
    const r = sub(v128.load(a + o), v128.load(y + o));
    const sign = v128.and(r, i32x4.splat(0x80000000));
    const isReal = lanesBelow(i, n);
    let loss: v128;
    let slope: v128;
    if (kind == LOSS_ABSOLUTE_ERROR) {
      loss = v128.xor(r, sign);
      slope = v128.and(v128.or(one, sign), v128.or(f32x4.lt(r, zero), f32x4.gt(r, zero)));
    } else if (kind == LOSS_HUBER) {
      const size = v128.xor(r, sign);
      const c = f32x4.pmin(size, v128.load(p + o));
      loss = mul(c, sub(size, mul(constant(K_HALF), c)));
      slope = v128.bitselect(f32x4.neg(c), c, f32x4.lt(r, zero));
    } else {
      const q = v128.load(p + o);
      const u = sub(v128.load(y + o), v128.load(a + o));
      loss = f32x4.pmax(mul(q, u), mul(sub(q, one), u));
      slope = v128.or(
        v128.and(f32x4.neg(q), f32x4.gt(u, zero)),
        v128.and(sub(one, q), f32x4.lt(u, zero)),
      );
    }
    s = add(s, v128.and(loss, isReal));
    v128.store(d + o, v128.and(slope, isReal));
  }
  return sum(s);
}

/** −Σ w·y·log a, δ = a·Σ w·y − w·y. */
function crossEntropy(a: usize, y: usize, d: usize, z: usize, p: usize, n: i32): f32 {
  const m = maximum(z, n);
  const logScale = f32x4.extract_lane(log(maximum(a, n)), 0);
  let dots = f32x4.splat(0);
  let totals = f32x4.splat(0);
  for (let i = 0; i < n; i += 4) {
    const o = (<usize>i) << 2;
    let target = v128.load(y + o);
    if (p) target = mul(v128.load(p + o), target);
    dots = add(dots, mul(target, v128.and(sub(v128.load(z + o), m), lanesBelow(i, n))));
    totals = add(totals, target);
  }
  const total = sum(totals);
  for (let i = 0; i < n; i += 4) {
    const o = (<usize>i) << 2;
    const y0 = v128.load(y + o);
    const delta = p
      ? sub(mul(v128.load(a + o), f32x4.splat(total)), mul(v128.load(p + o), y0))
      : sub(v128.load(a + o), y0);
    v128.store(d + o, delta);
  }
  return -(sum(dots) + total * logScale);
}

/** Σ w·(max(z, 0) − z·y + log(1 + e^−|z|)), δ = w·(a − y). */
function binaryCrossEntropy(a: usize, y: usize, d: usize, z: usize, p: usize, n: i32): f32 {
  const zero = f32x4.splat(0);
  let s = zero;
  for (let i = 0; i < n; i += 4) {
    const o = (<usize>i) << 2;
    const v = v128.load(z + o);
    const hinge = sub(v128.andnot(v, f32x4.lt(v, zero)), mul(v, v128.load(y + o)));
    let loss = add(hinge, log1pUnit(expNonPositive(f32x4.neg(f32x4.abs(v)))));
    let delta = sub(v128.load(a + o), v128.load(y + o));
    if (p) {
      loss = mul(v128.load(p + o), loss);
      delta = mul(v128.load(p + o), delta);
    }
    s = add(s, v128.and(loss, lanesBelow(i, n)));
    v128.store(d + o, delta);
  }
  return sum(s);
}
