import { LOSS_BINARY_CROSS_ENTROPY, LOSS_SQUARED_ERROR } from '../../plan/layout';
import { maximum } from './activation';
import { expNonPositive, log, log1pUnit } from './math';
import { add, lanesBelow, mul, sub, sum } from './memory';

/**
 * ℓ of one column, and d ← ∂ℓ/∂a, which under the activation the loss is fused with is δ = a − y itself.        (B1)
 *
 * sums    lanes 4c + j in order from 0, then (s0 + s1) + (s2 + s3)
 * @hot
 */
export function lossOf(kind: i32, a: usize, y: usize, d: usize, z: usize, n: i32, stride: i32): f32 {
  let s = f32x4.splat(0);
  for (let i: usize = 0, bytes = (<usize>stride) << 2; i < bytes; i += 16) {
    const r = sub(v128.load(a + i), v128.load(y + i));
    s = add(s, mul(r, r));
    v128.store(d + i, r);
  }
  if (kind == LOSS_SQUARED_ERROR) return <f32>0.5 * sum(s); // ½ Σ (a − y)²
  if (kind == LOSS_BINARY_CROSS_ENTROPY) return binaryCrossEntropy(y, z, n);
  return crossEntropy(a, y, z, n, stride);
}

/** −Σ y·log a, from z: log aᵢ = (zᵢ − max z) + log max a, since the largest of exp(z − max z) is 1. */
function crossEntropy(a: usize, y: usize, z: usize, n: i32, stride: i32): f32 {
  const m = maximum(z, n);
  const logScale = f32x4.extract_lane(log(maximum(a, n)), 0);
  let dots = f32x4.splat(0);
  let totals = f32x4.splat(0);
  for (let i = 0; i < stride; i += 4) {
    const p = (<usize>i) << 2;
    const target = v128.load(y + p);
    dots = add(dots, mul(target, v128.and(sub(v128.load(z + p), m), lanesBelow(i, n))));
    totals = add(totals, target);
  }
  return -(sum(dots) + sum(totals) * logScale);
}

/** Σ max(z, 0) − z·y + log(1 + e^−|z|), the form that neither overflows nor cancels. */
function binaryCrossEntropy(y: usize, z: usize, n: i32): f32 {
  const zero = f32x4.splat(0);
  let s = zero;
  for (let i = 0; i < n; i += 4) {
    const p = (<usize>i) << 2;
    const v = v128.load(z + p);
    const hinge = sub(v128.andnot(v, f32x4.lt(v, zero)), mul(v, v128.load(y + p)));
    const soft = log1pUnit(expNonPositive(f32x4.neg(f32x4.abs(v))));
    s = add(s, v128.and(add(hinge, soft), lanesBelow(i, n)));
  }
  return sum(s);
}
