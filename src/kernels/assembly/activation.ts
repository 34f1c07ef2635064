import {
  A_ELU, A_GELU, A_LEAKY_RELU, A_RELU, A_SIGMOID, A_SILU, A_SOFTMAX, A_SOFTPLUS, A_SOFTSIGN, A_TANH,
} from '../../plan/layout';
import { K_LEAK, K_ONE } from './constants.generated';
import { add, constant, lanesBelow, largest, magnitudes, mul, peakOf, sub, sum } from './memory';
import { expm1NonPositive, expNonPositive, gelu, geluDerivative, sigmoid, softplus, tanhColumn } from './math';

// A pass of its own over one column: z in, a out, in place. Padding enters as zeros and leaves as zeros.

/**
 * a = g(z) in place; n units, padded to stride.                                                       (F2), one column
 *
 * returns  the bits of the largest |a| where g is unbounded, else 0 (|a| ≤ 1)
 * @hot
 */
export function activate(kind: i32, a: usize, n: i32, stride: i32): i32 {
  const end = a + ((<usize>stride) << 2);
  if (kind == A_TANH) {
    tanhColumn(a, end);
    return 0;
  }
  if (kind == A_SIGMOID) {
    for (; a < end; a += 16) v128.store(a, sigmoid(v128.load(a)));
    clearPadding(end - 16, stride - 4, n);
    return 0;
  }
  if (kind == A_RELU) {
    let peak = i32x4.splat(0);
    for (; a < end; a += 16) {
      const z = v128.load(a);
      const y = v128.andnot(z, f32x4.lt(z, f32x4.splat(0))); // z < 0 ? 0 : z, so that NaN stays NaN
      peak = i32x4.max_s(peak, magnitudes(y));
      v128.store(a, y);
    }
    return largest(peak);
  }
  if (kind == A_SOFTMAX) {
    softmax(a, n, stride);
    return 0;
  }
  const from = a;
  if (kind == A_SOFTSIGN) {
    for (; a < end; a += 16) {
      const z = v128.load(a);
      v128.store(a, f32x4.div(z, add(constant(K_ONE), f32x4.abs(z))));
    }
    return 0;
  }
  if (kind == A_LEAKY_RELU) {
    for (; a < end; a += 16) {
      const z = v128.load(a);
      v128.store(a, v128.bitselect(mul(constant(K_LEAK), z), z, f32x4.lt(z, f32x4.splat(0))));
    }
  } else if (kind == A_ELU) {
    for (; a < end; a += 16) {
      const z = v128.load(a);
      v128.store(a, v128.bitselect(expm1NonPositive(z), z, f32x4.lt(z, f32x4.splat(0))));
    }
  } else if (kind == A_SOFTPLUS) {
    for (; a < end; a += 16) v128.store(a, softplus(v128.load(a)));
    clearPadding(end - 16, stride - 4, n);
  } else if (kind == A_SILU) {
    for (; a < end; a += 16) {
      const z = v128.load(a);
      v128.store(a, mul(z, sigmoid(z)));
    }
  } else if (kind == A_GELU) {
    for (; a < end; a += 16) v128.store(a, gelu(v128.load(a)));
  }
  return peakOf(from, stride);
}

/** Whether |a| ≤ 1, whatever z is. */
// @ts-ignore: decorator
@inline export function isBounded(kind: i32): bool {
  return kind == A_TANH || kind == A_SIGMOID || kind == A_SOFTMAX || kind == A_SOFTSIGN;
}

// @ts-ignore: decorator
@inline function clearPadding(last: usize, i: i32, n: i32): void {
  v128.store(last, v128.and(v128.load(last), lanesBelow(i, n)));
}

/** The largest of the first n elements, in all lanes. NaN elements are passed over. */
export function maximum(from: usize, n: i32): v128 {
  const low = f32x4.splat(-Infinity);
  let m = low;
  for (let i = 0; i < n; i += 4) {
    m = f32x4.pmax(m, v128.bitselect(v128.load(from + ((<usize>i) << 2)), low, lanesBelow(i, n)));
  }
  m = f32x4.pmax(m, i32x4.shuffle(m, m, 2, 3, 0, 1));
  return f32x4.pmax(m, i32x4.shuffle(m, m, 1, 0, 3, 2));
}

/** aᵢ = exp(zᵢ − max z) / Σ, the sum over lanes 4c + j in order, then (s0 + s1) + (s2 + s3). */
function softmax(a: usize, n: i32, stride: i32): void {
  const m = maximum(a, n);
  let total = f32x4.splat(0);
  for (let i = 0; i < stride; i += 4) {
    const p = a + ((<usize>i) << 2);
    const e = v128.and(expNonPositive(sub(v128.load(p), m)), lanesBelow(i, n));
    total = add(total, e);
    v128.store(p, e);
  }
  const s = f32x4.splat(sum(total));
  const end = a + ((<usize>stride) << 2);
  for (; a < end; a += 16) v128.store(a, f32x4.div(v128.load(a), s));
}

/**
 * d ← δ: ∂ℓ/∂a pulled back through g, in place; only looked at where the loss left δ itself.         (B1), (B3), (B4)
 *
 * returns  the bits of the largest |δ|
 * @hot
 */
export function pullBack(kind: i32, ready: i32, a: usize, z: usize, d: usize, stride: i32): i32 {
  if (ready) return peakOf(d, stride);
  const end = d + ((<usize>stride) << 2);
  let peak = i32x4.splat(0);
  if (kind == A_TANH) {
    const one = f32x4.splat(1);
    for (; d < end; a += 16, d += 16) {
      const y = v128.load(a);
      const delta = mul(v128.load(d), sub(one, mul(y, y)));
      peak = i32x4.max_s(peak, magnitudes(delta));
      v128.store(d, delta);
    }
  } else if (kind == A_SIGMOID) {
    const one = f32x4.splat(1);
    for (; d < end; a += 16, d += 16) {
      const y = v128.load(a);
      const delta = mul(v128.load(d), mul(y, sub(one, y)));
      peak = i32x4.max_s(peak, magnitudes(delta));
      v128.store(d, delta);
    }
  } else if (kind == A_RELU) {
    for (; d < end; a += 16, d += 16) {
      const delta = v128.and(v128.load(d), f32x4.gt(v128.load(a), f32x4.splat(0)));
      peak = i32x4.max_s(peak, magnitudes(delta));
      v128.store(d, delta);
    }
  } else if (kind == A_SOFTMAX) {
    // (∂a/∂z)ᵀ·∂ℓ/∂a without the matrix: δⱼ = aⱼ·(∂ℓ/∂aⱼ − Σᵢ aᵢ·∂ℓ/∂aᵢ)
    let dots = f32x4.splat(0);
    for (let p = a, q = d; q < end; p += 16, q += 16) dots = add(dots, mul(v128.load(p), v128.load(q)));
    const dot = f32x4.splat(sum(dots));
    for (; d < end; a += 16, d += 16) {
      const delta = mul(v128.load(a), sub(v128.load(d), dot));
      peak = i32x4.max_s(peak, magnitudes(delta));
      v128.store(d, delta);
    }
  } else {
    const from = d;
    pullBackSlowly(kind, a, z, d, end);
    return peakOf(from, stride);
  }
  return largest(peak);
}

/** The activations whose derivative costs more than a look at the result. */
function pullBackSlowly(kind: i32, a: usize, z: usize, d: usize, end: usize): void {
  const one = constant(K_ONE);
  const zero = f32x4.splat(0);
  if (kind == A_LEAKY_RELU) {
    for (; d < end; a += 16, d += 16) {
      const da = v128.load(d);
      v128.store(d, v128.bitselect(da, mul(constant(K_LEAK), da), f32x4.gt(v128.load(a), zero)));
    }
  } else if (kind == A_ELU) {
    for (; d < end; a += 16, d += 16) {
      const da = v128.load(d);
      const y = v128.load(a);
      v128.store(d, v128.bitselect(da, mul(da, add(y, one)), f32x4.gt(y, zero)));
    }
  } else if (kind == A_SOFTSIGN) {
    for (; d < end; a += 16, d += 16) {
      const t = sub(one, f32x4.abs(v128.load(a)));
      v128.store(d, mul(v128.load(d), mul(t, t)));
    }
  } else if (kind == A_SOFTPLUS) {
    for (; d < end; a += 16, d += 16) {
      v128.store(d, mul(v128.load(d), sub(one, expNonPositive(f32x4.neg(v128.load(a))))));
    }
  } else if (kind == A_SILU) {
    for (; d < end; z += 16, d += 16) {
      const v = v128.load(z);
      const s = sigmoid(v);
      v128.store(d, mul(v128.load(d), mul(s, add(one, mul(v, sub(one, s))))));
    }
  } else if (kind == A_GELU) {
    for (; d < end; z += 16, d += 16) v128.store(d, mul(v128.load(d), geluDerivative(v128.load(z))));
  }
}
