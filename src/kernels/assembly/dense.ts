import { add, mul, sub } from './memory';

// Dense layer over weights in row panels (plan/plan.ts, panelIndex): a block of four columns is four vectors, one a row.
// nIn and nOut are padded to multiples of 4 throughout; padding holds zeros and stays zero.

/** Four accumulators to one vector of four row sums: ((lane0 + lane1) + (lane2 + lane3)) of each. */
// @ts-ignore: decorator
@inline function rowSums(r0: v128, r1: v128, r2: v128, r3: v128): v128 {
  const low01 = i32x4.shuffle(r0, r1, 0, 4, 1, 5);
  const low23 = i32x4.shuffle(r2, r3, 0, 4, 1, 5);
  const high01 = i32x4.shuffle(r0, r1, 2, 6, 3, 7);
  const high23 = i32x4.shuffle(r2, r3, 2, 6, 3, 7);
  return add(
    add(i64x2.shuffle(low01, low23, 0, 2), i64x2.shuffle(low01, low23, 1, 3)),
    add(i64x2.shuffle(high01, high23, 0, 2), i64x2.shuffle(high01, high23, 1, 3)),
  );
}

/**
 * z = W·a + b.                                                                                        (F1), one column
 *
 * sums    lane j of a row takes columns 4c + j in order from 0; then ((l0 + l1) + (l2 + l3)) + b
 * @hot
 */
export function denseForward(w: usize, b: usize, a: usize, z: usize, nIn: i32, nOut: i32): void {
  const aEnd = a + ((<usize>nIn) << 2);
  const panel = (<usize>nIn) << 4;
  const zEnd = z + ((<usize>nOut) << 2);
  const pairsEnd = z + ((<usize>(nOut & ~7)) << 2);
  // Two panels share each load of a: eight accumulators, enough to hide the latency of an addition.
  while (z < pairsEnd) {
    let r0 = f32x4.splat(0);
    let r1 = r0;
    let r2 = r0;
    let r3 = r0;
    let r4 = r0;
    let r5 = r0;
    let r6 = r0;
    let r7 = r0;
    let v = w + panel;
    for (let p = a; p < aEnd; p += 16) {
      const x = v128.load(p);
      r0 = add(r0, mul(v128.load(w), x));
      r1 = add(r1, mul(v128.load(w, 16), x));
      r2 = add(r2, mul(v128.load(w, 32), x));
      r3 = add(r3, mul(v128.load(w, 48), x));
      r4 = add(r4, mul(v128.load(v), x));
      r5 = add(r5, mul(v128.load(v, 16), x));
      r6 = add(r6, mul(v128.load(v, 32), x));
      r7 = add(r7, mul(v128.load(v, 48), x));
      w += 64;
      v += 64;
    }
    w = v;
    let upper = rowSums(r0, r1, r2, r3);
    let lower = rowSums(r4, r5, r6, r7);
    if (b) {
      upper = add(upper, v128.load(b));
      lower = add(lower, v128.load(b, 16));
      b += 32;
    }
    v128.store(z, upper);
    v128.store(z, lower, 16);
    z += 32;
  }
  if (z < zEnd) {
    let r0 = f32x4.splat(0);
    let r1 = r0;
    let r2 = r0;
    let r3 = r0;
    for (let p = a; p < aEnd; p += 16) {
      const x = v128.load(p);
      r0 = add(r0, mul(v128.load(w), x));
      r1 = add(r1, mul(v128.load(w, 16), x));
      r2 = add(r2, mul(v128.load(w, 32), x));
      r3 = add(r3, mul(v128.load(w, 48), x));
      w += 64;
    }
    let last = rowSums(r0, r1, r2, r3);
    if (b) last = add(last, v128.load(b));
    v128.store(z, last);
  }
}

/** What four rows of one block add to ∂ℓ/∂a: (w0·δ0 + w1·δ1) + (w2·δ2 + w3·δ3). */
// @ts-ignore: decorator
@inline function pull(w0: v128, w1: v128, w2: v128, w3: v128, d0: v128, d1: v128, d2: v128, d3: v128): v128 {
  return add(add(mul(w0, d0), mul(w1, d1)), add(mul(w2, d2), mul(w3, d3)));
}

/**
 * ∂ℓ/∂a = Wᵀ·δ, nothing learned.                                                                      (B2), one column
 *
 * sums    panel by panel in order from 0, within a panel as `pull`
 * @hot
 */
export function denseBackward(w: usize, delta: usize, da: usize, nIn: i32, nOut: i32): void {
  const daEnd = da + ((<usize>nIn) << 2);
  const deltaEnd = delta + ((<usize>nOut) << 2);
  memory.fill(da, 0, (<usize>nIn) << 2);
  for (; delta < deltaEnd; delta += 16) {
    const d0 = v128.load32_splat(delta);
    const d1 = v128.load32_splat(delta, 4);
    const d2 = v128.load32_splat(delta, 8);
    const d3 = v128.load32_splat(delta, 12);
    for (let q = da; q < daEnd; q += 16) {
      const drawn = pull(v128.load(w), v128.load(w, 16), v128.load(w, 32), v128.load(w, 48), d0, d1, d2, d3);
      v128.store(q, add(v128.load(q), drawn));
      w += 64;
    }
  }
}

/**
 * ∂ℓ/∂a = Wᵀ·δ with the weights before the update, and W ← W − η·δ·aᵀ, in one sweep.       (B2), (B5), m = 1, plain sgd
 *
 * sums    as denseBackward
 * rounds  w − δ·(η·a), one rounding an operation
 * @hot
 */
export function denseSweep(w: usize, delta: usize, a: usize, da: usize, nIn: i32, nOut: i32, rate: v128): void {
  const bytes = (<usize>nIn) << 2;
  const aEnd = a + bytes;
  const panel = (<usize>nIn) << 4;
  const deltaEnd = delta + ((<usize>nOut) << 2);
  const pairsEnd = delta + ((<usize>(nOut & ~7)) << 2);
  memory.fill(da, 0, bytes);
  for (; delta < pairsEnd; delta += 32) {
    const d0 = v128.load32_splat(delta);
    const d1 = v128.load32_splat(delta, 4);
    const d2 = v128.load32_splat(delta, 8);
    const d3 = v128.load32_splat(delta, 12);
    const d4 = v128.load32_splat(delta, 16);
    const d5 = v128.load32_splat(delta, 20);
    const d6 = v128.load32_splat(delta, 24);
    const d7 = v128.load32_splat(delta, 28);
    let v = w + panel;
    let q = da;
    for (let p = a; p < aEnd; p += 16) {
      const x = mul(rate, v128.load(p));
      let w0 = v128.load(w);
      let w1 = v128.load(w, 16);
      let w2 = v128.load(w, 32);
      let w3 = v128.load(w, 48);
      let sum = add(v128.load(q), pull(w0, w1, w2, w3, d0, d1, d2, d3));
      v128.store(w, sub(w0, mul(d0, x)));
      v128.store(w, sub(w1, mul(d1, x)), 16);
      v128.store(w, sub(w2, mul(d2, x)), 32);
      v128.store(w, sub(w3, mul(d3, x)), 48);
      w0 = v128.load(v);
      w1 = v128.load(v, 16);
      w2 = v128.load(v, 32);
      w3 = v128.load(v, 48);
      sum = add(sum, pull(w0, w1, w2, w3, d4, d5, d6, d7));
      v128.store(v, sub(w0, mul(d4, x)));
      v128.store(v, sub(w1, mul(d5, x)), 16);
      v128.store(v, sub(w2, mul(d6, x)), 32);
      v128.store(v, sub(w3, mul(d7, x)), 48);
      v128.store(q, sum);
      w += 64;
      v += 64;
      q += 16;
    }
    w = v;
  }
  if (delta < deltaEnd) {
    const d0 = v128.load32_splat(delta);
    const d1 = v128.load32_splat(delta, 4);
    const d2 = v128.load32_splat(delta, 8);
    const d3 = v128.load32_splat(delta, 12);
    let q = da;
    for (let p = a; p < aEnd; p += 16) {
      const x = mul(rate, v128.load(p));
      const w0 = v128.load(w);
      const w1 = v128.load(w, 16);
      const w2 = v128.load(w, 32);
      const w3 = v128.load(w, 48);
      v128.store(q, add(v128.load(q), pull(w0, w1, w2, w3, d0, d1, d2, d3)));
      v128.store(w, sub(w0, mul(d0, x)));
      v128.store(w, sub(w1, mul(d1, x)), 16);
      v128.store(w, sub(w2, mul(d2, x)), 32);
      v128.store(w, sub(w3, mul(d3, x)), 48);
      w += 64;
      q += 16;
    }
  }
}

/** W ← W − η·δ·aᵀ, rounded as denseSweep does.                                            (B5), m = 1, plain sgd  @hot */
export function denseUpdate(w: usize, delta: usize, a: usize, nIn: i32, nOut: i32, rate: v128): void {
  const aEnd = a + ((<usize>nIn) << 2);
  const deltaEnd = delta + ((<usize>nOut) << 2);
  for (; delta < deltaEnd; delta += 16) {
    const d0 = v128.load32_splat(delta);
    const d1 = v128.load32_splat(delta, 4);
    const d2 = v128.load32_splat(delta, 8);
    const d3 = v128.load32_splat(delta, 12);
    for (let p = a; p < aEnd; p += 16) {
      const x = mul(rate, v128.load(p));
      v128.store(w, sub(v128.load(w), mul(d0, x)));
      v128.store(w, sub(v128.load(w, 16), mul(d1, x)), 16);
      v128.store(w, sub(v128.load(w, 32), mul(d2, x)), 32);
      v128.store(w, sub(v128.load(w, 48), mul(d3, x)), 48);
      w += 64;
    }
  }
}

/** gw ← gw + δ·aᵀ, one column's share of Σ_k.                                                             (B5)  @hot */
export function denseGradient(gw: usize, delta: usize, a: usize, nIn: i32, nOut: i32): void {
  const aEnd = a + ((<usize>nIn) << 2);
  const deltaEnd = delta + ((<usize>nOut) << 2);
  for (; delta < deltaEnd; delta += 16) {
    const d0 = v128.load32_splat(delta);
    const d1 = v128.load32_splat(delta, 4);
    const d2 = v128.load32_splat(delta, 8);
    const d3 = v128.load32_splat(delta, 12);
    for (let p = a; p < aEnd; p += 16) {
      const x = v128.load(p);
      v128.store(gw, add(v128.load(gw), mul(d0, x)));
      v128.store(gw, add(v128.load(gw, 16), mul(d1, x)), 16);
      v128.store(gw, add(v128.load(gw, 32), mul(d2, x)), 32);
      v128.store(gw, add(v128.load(gw, 48), mul(d3, x)), 48);
      gw += 64;
    }
  }
}

/** to ← to + from over `n` padded elements.                                                  (B6), one column  @hot */
export function addTo(to: usize, from: usize, n: i32): void {
  const end = to + ((<usize>n) << 2);
  for (; to < end; to += 16, from += 16) v128.store(to, add(v128.load(to), v128.load(from)));
}

/** v ← v·s over `n` padded elements.                                                                          @hot */
export function scale(v: usize, n: i32, s: v128): void {
  const end = v + ((<usize>n) << 2);
  for (; v < end; v += 16) v128.store(v, mul(v128.load(v), s));
}

/** p ← p − η·g over `n` padded elements.                                                                      @hot */
export function sgdUpdate(p: usize, g: usize, n: i32, rate: v128): void {
  const end = p + ((<usize>n) << 2);
  for (; p < end; p += 16, g += 16) v128.store(p, sub(v128.load(p), mul(rate, v128.load(g))));
}
