import { add, mul, sub } from './memory';

// Dense layer over weights in row panels (plan/plan.ts, panelIndex): a block of four columns is four vectors, one a row.
// nIn and nOut are padded to multiples of 4 throughout; padding holds zeros and stays zero.

/** Four accumulators to one vector of four row sums: ((lane0 + lane1) + (lane2 + lane3)) of each. */
// @ts-ignore: decorator
@inline export function rowSums(r0: v128, r1: v128, r2: v128, r3: v128): v128 {
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
 * shape   two panels share each load of a: eight accumulators, enough to hide the latency of an addition. Two blocks of
 *         columns a turn make the body too large for V8 to unroll, and the second panel stands first, so that V8 uses
 *         each load where it is made: either way it would otherwise spill. What inlines it holds little else, for the
 *         same reason.
 * @hot
 */
// @ts-ignore: decorator
@inline export function denseForward(w: usize, b: usize, a: usize, z: usize, nIn: i32, nOut: i32): void {
  const aEnd = a + ((<usize>nIn) << 2);
  const panel = (<usize>nIn) << 4;
  const zEnd = z + ((<usize>nOut) << 2);
  const pairsEnd = z + ((<usize>(nOut & ~7)) << 2);
  const isOdd = nIn & 4; // blocks
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
    let p = a;
    if (isOdd) {
      const x = v128.load(p);
      r4 = add(r4, mul(v128.load(v), x));
      r5 = add(r5, mul(v128.load(v, 16), x));
      r6 = add(r6, mul(v128.load(v, 32), x));
      r7 = add(r7, mul(v128.load(v, 48), x));
      r0 = add(r0, mul(v128.load(w), x));
      r1 = add(r1, mul(v128.load(w, 16), x));
      r2 = add(r2, mul(v128.load(w, 32), x));
      r3 = add(r3, mul(v128.load(w, 48), x));
      w += 64;
      v += 64;
      p += 16;
    }
    if (p < aEnd) do {
      const x = v128.load(p);
      const y = v128.load(p, 16);
      r4 = add(add(r4, mul(v128.load(v), x)), mul(v128.load(v, 64), y));
      r5 = add(add(r5, mul(v128.load(v, 16), x)), mul(v128.load(v, 80), y));
      r6 = add(add(r6, mul(v128.load(v, 32), x)), mul(v128.load(v, 96), y));
      r7 = add(add(r7, mul(v128.load(v, 48), x)), mul(v128.load(v, 112), y));
      r0 = add(add(r0, mul(v128.load(w), x)), mul(v128.load(w, 64), y));
      r1 = add(add(r1, mul(v128.load(w, 16), x)), mul(v128.load(w, 80), y));
      r2 = add(add(r2, mul(v128.load(w, 32), x)), mul(v128.load(w, 96), y));
      r3 = add(add(r3, mul(v128.load(w, 48), x)), mul(v128.load(w, 112), y));
      w += 128;
      v += 128;
      p += 32;
    } while (p < aEnd);
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
    const last = panelSums(w, a, aEnd);
    v128.store(z, b ? add(last, v128.load(b)) : last);
  }
}

/** Four of W·a, those of one panel. sums as denseForward */
// @ts-ignore: decorator
@inline export function panelSums(w: usize, a: usize, aEnd: usize): v128 {
  let r0 = f32x4.splat(0);
  let r1 = r0;
  let r2 = r0;
  let r3 = r0;
  if ((aEnd - a) & 16) {
    const x = v128.load(a);
    r0 = add(r0, mul(v128.load(w), x));
    r1 = add(r1, mul(v128.load(w, 16), x));
    r2 = add(r2, mul(v128.load(w, 32), x));
    r3 = add(r3, mul(v128.load(w, 48), x));
    w += 64;
    a += 16;
  }
  if (a < aEnd) do {
    const x = v128.load(a);
    const y = v128.load(a, 16);
    r0 = add(add(r0, mul(v128.load(w), x)), mul(v128.load(w, 64), y));
    r1 = add(add(r1, mul(v128.load(w, 16), x)), mul(v128.load(w, 80), y));
    r2 = add(add(r2, mul(v128.load(w, 32), x)), mul(v128.load(w, 96), y));
    r3 = add(add(r3, mul(v128.load(w, 48), x)), mul(v128.load(w, 112), y));
    w += 128;
    a += 32;
  } while (a < aEnd);
  return rowSums(r0, r1, r2, r3);
}

/**
 * W ← W − δ·(η·a')ᵀ and b ← b − η·δ, put off by the step before, and z = W·a + b with both new, in one pass.
 *                                                                                    (B5), (B6), (F1), one column
 *
 * scaled  η·a' of the step before, rounded
 * sums    as denseForward
 * @hot
 */
// @ts-ignore: decorator
@inline export function denseUpdateForward(
  w: usize, b: usize, delta: usize, scaled: usize, a: usize, z: usize, nIn: i32, nOut: i32, biasRate: f32,
): void {
  const zEnd = z + ((<usize>nOut) << 2);
  if (nIn == 8) updateForwardEight(w, b, delta, scaled, a, z, zEnd, biasRate);
  else updateForwardAny(w, b, delta, scaled, a, z, zEnd, a + ((<usize>nIn) << 2), biasRate);
}

// @ts-ignore: decorator
@inline function updateForwardAny(
  w: usize, b: usize, delta: usize, scaled: usize, a: usize, z: usize, zEnd: usize, aEnd: usize, biasRate: f32,
): void {
  for (; z < zEnd; z += 16, delta += 16) {
    const d = v128.load(delta);
    const d0 = i32x4.shuffle(d, d, 0, 0, 0, 0);
    const d1 = i32x4.shuffle(d, d, 1, 1, 1, 1);
    const d2 = i32x4.shuffle(d, d, 2, 2, 2, 2);
    const d3 = i32x4.shuffle(d, d, 3, 3, 3, 3);
    let r0 = f32x4.splat(0);
    let r1 = r0;
    let r2 = r0;
    let r3 = r0;
    let p = a;
    let q = scaled;
    do {
      const s = v128.load(q);
      const x = v128.load(p);
      r0 = add(r0, mul(moved(w, d0, s), x));
      r1 = add(r1, mul(moved(w + 16, d1, s), x));
      r2 = add(r2, mul(moved(w + 32, d2, s), x));
      r3 = add(r3, mul(moved(w + 48, d3, s), x));
      w += 64;
      p += 16;
      q += 16;
    } while (p < aEnd);
    let sums = rowSums(r0, r1, r2, r3);
    if (b) {
      sums = add(sums, updatedBias(b, d, f32x4.splat(biasRate)));
      b += 16;
    }
    v128.store(z, sums);
  }
}

/** The same of eight inputs: a row of few sensors stays in registers from panel to panel. */
// @ts-ignore: decorator
@inline function updateForwardEight(
  w: usize, b: usize, delta: usize, scaled: usize, a: usize, z: usize, zEnd: usize, biasRate: f32,
): void {
  const x = v128.load(a);
  const y = v128.load(a, 16);
  const s = v128.load(scaled);
  const t = v128.load(scaled, 16);
  do {
    const d = v128.load(delta);
    const d0 = i32x4.shuffle(d, d, 0, 0, 0, 0);
    const d1 = i32x4.shuffle(d, d, 1, 1, 1, 1);
    const d2 = i32x4.shuffle(d, d, 2, 2, 2, 2);
    const d3 = i32x4.shuffle(d, d, 3, 3, 3, 3);
    const zero = f32x4.splat(0);
    const r0 = add(add(zero, mul(moved(w, d0, s), x)), mul(moved(w + 64, d0, t), y));
    const r1 = add(add(zero, mul(moved(w + 16, d1, s), x)), mul(moved(w + 80, d1, t), y));
    const r2 = add(add(zero, mul(moved(w + 32, d2, s), x)), mul(moved(w + 96, d2, t), y));
    const r3 = add(add(zero, mul(moved(w + 48, d3, s), x)), mul(moved(w + 112, d3, t), y));
    let sums = rowSums(r0, r1, r2, r3);
    if (b) {
      sums = add(sums, updatedBias(b, d, f32x4.splat(biasRate)));
      b += 16;
    }
    v128.store(z, sums);
    w += 128;
    delta += 16;
    z += 16;
  } while (z < zEnd);
}

/** Four of w ← w − δ·s. returns them                                                                             (B5) */
// @ts-ignore: decorator
@inline function moved(w: usize, d: v128, s: v128): v128 {
  const v = sub(v128.load(w), mul(d, s));
  v128.store(w, v);
  return v;
}

/** Four of b ← b − η·δ. returns them                                                                             (B6) */
// @ts-ignore: decorator
@inline export function updatedBias(b: usize, d: v128, rate: v128): v128 {
  const moved = sub(v128.load(b), mul(rate, d));
  v128.store(b, moved);
  return moved;
}

/** Zeros; memory.fill is a call, and dear for a short column. */
// @ts-ignore: decorator
@inline function clear(from: usize, end: usize): void {
  for (; from < end; from += 16) v128.store(from, f32x4.splat(0));
}

/** What four rows of one block add to ∂ℓ/∂a: (w0·δ0 + w1·δ1) + (w2·δ2 + w3·δ3). */
// @ts-ignore: decorator
@inline export function pull(w0: v128, w1: v128, w2: v128, w3: v128, d0: v128, d1: v128, d2: v128, d3: v128): v128 {
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
  clear(da, daEnd);
  for (; delta < deltaEnd; delta += 16) {
    const d = v128.load(delta);
    const d0 = i32x4.shuffle(d, d, 0, 0, 0, 0);
    const d1 = i32x4.shuffle(d, d, 1, 1, 1, 1);
    const d2 = i32x4.shuffle(d, d, 2, 2, 2, 2);
    const d3 = i32x4.shuffle(d, d, 3, 3, 3, 3);
    for (let q = da; q < daEnd; q += 16) {
      const drawn = pull(v128.load(w), v128.load(w, 16), v128.load(w, 32), v128.load(w, 48), d0, d1, d2, d3);
      v128.store(q, add(v128.load(q), drawn));
      w += 64;
    }
  }
}

/**
 * ∂ℓ/∂a = Wᵀ·δ with the weights before the update, W ← W − η·δ·aᵀ and b ← b − η·δ, in one sweep.
 *                                                                             (B2), (B5), (B6), m = 1, plain sgd
 *
 * sums    as denseBackward
 * rounds  w − δ·(η·a), one rounding an operation
 * @hot
 */
// @ts-ignore: decorator
@inline export function denseSweep(
  w: usize, b: usize, delta: usize, a: usize, da: usize, nIn: i32, nOut: i32, rate: v128, biasRate: v128,
): void {
  const panel = (<usize>nIn) << 4;
  const deltaEnd = delta + ((<usize>nOut) << 2);
  sweepPanel(w, b, delta, a, da, nIn, rate, biasRate, true);
  for (delta += 16; delta < deltaEnd; delta += 16) {
    w += panel;
    if (b) b += 16;
    sweepPanel(w, b, delta, a, da, nIn, rate, biasRate, false);
  }
}

/** One panel of the sweep. The first begins ∂ℓ/∂a, the others add to it. */
// @ts-ignore: decorator
@inline function sweepPanel(
  w: usize, b: usize, delta: usize, a: usize, da: usize, nIn: i32, rate: v128, biasRate: v128, isFirst: bool,
): void {
  const d = v128.load(delta);
  const d0 = i32x4.shuffle(d, d, 0, 0, 0, 0);
  const d1 = i32x4.shuffle(d, d, 1, 1, 1, 1);
  const d2 = i32x4.shuffle(d, d, 2, 2, 2, 2);
  const d3 = i32x4.shuffle(d, d, 3, 3, 3, 3);
  if (b) updatedBias(b, d, biasRate);
  const end = a + ((<usize>nIn) << 2);
  do {
    const x = mul(rate, v128.load(a));
    const w0 = v128.load(w);
    v128.store(w, sub(w0, mul(d0, x)));
    const w1 = v128.load(w, 16);
    v128.store(w, sub(w1, mul(d1, x)), 16);
    const w2 = v128.load(w, 32);
    v128.store(w, sub(w2, mul(d2, x)), 32);
    const w3 = v128.load(w, 48);
    v128.store(w, sub(w3, mul(d3, x)), 48);
    v128.store(da, add(isFirst ? f32x4.splat(0) : v128.load(da), pull(w0, w1, w2, w3, d0, d1, d2, d3)));
    a += 16;
    da += 16;
    w += 64;
  } while (a < end);
}

/** W ← W − δ·sᵀ, s = η·a as the step left it.                                               (B5), m = 1, plain sgd */
export function subtractOuter(w: usize, delta: usize, s: usize, nIn: i32, nOut: i32): void {
  denseUpdate(w, delta, s, nIn, nOut, f32x4.splat(1));
}

/** W ← W − η·δ·aᵀ, rounded as denseSweep does.                                            (B5), m = 1, plain sgd  @hot */
export function denseUpdate(w: usize, delta: usize, a: usize, nIn: i32, nOut: i32, rate: v128): void {
  const aEnd = a + ((<usize>nIn) << 2);
  const deltaEnd = delta + ((<usize>nOut) << 2);
  for (; delta < deltaEnd; delta += 16) {
    const d = v128.load(delta);
    const d0 = i32x4.shuffle(d, d, 0, 0, 0, 0);
    const d1 = i32x4.shuffle(d, d, 1, 1, 1, 1);
    const d2 = i32x4.shuffle(d, d, 2, 2, 2, 2);
    const d3 = i32x4.shuffle(d, d, 3, 3, 3, 3);
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
    const d = v128.load(delta);
    const d0 = i32x4.shuffle(d, d, 0, 0, 0, 0);
    const d1 = i32x4.shuffle(d, d, 1, 1, 1, 1);
    const d2 = i32x4.shuffle(d, d, 2, 2, 2, 2);
    const d3 = i32x4.shuffle(d, d, 3, 3, 3, 3);
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

/** to ← v·s over `n` padded elements.                                                                         @hot */
// @ts-ignore: decorator
@inline export function scaleTo(to: usize, v: usize, n: i32, s: v128): void {
  const end = v + ((<usize>n) << 2);
  for (; v < end; v += 16, to += 16) v128.store(to, mul(v128.load(v), s));
}

/** p ← p − η·g over `n` padded elements.                                                                      @hot */
// @ts-ignore: decorator
@inline export function sgdUpdate(p: usize, g: usize, n: i32, rate: v128): void {
  const end = p + ((<usize>n) << 2);
  for (; p < end; p += 16, g += 16) v128.store(p, sub(v128.load(p), mul(rate, v128.load(g))));
}
