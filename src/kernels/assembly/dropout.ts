import { lanesBelow, mul } from './memory';

// The draws are hashes of where they stand; see src/reference/dropout.ts.

// @ts-ignore: decorator
@inline function draw(key: i32, unit: i32): i32 {
  let t = key + unit * <i32>0x9e3779b9;
  t = (t ^ <i32>(<u32>t >> 16)) * <i32>0x21f0aaad;
  t = (t ^ <i32>(<u32>t >> 15)) * <i32>0x735a2d97;
  return t ^ <i32>(<u32>t >> 15);
}

// @ts-ignore: decorator
@inline function draws(key: i32, unit: i32): v128 {
  const units = i32x4.add(i32x4.splat(unit), i32x4(0, 1, 2, 3));
  let t = i32x4.add(i32x4.splat(key), i32x4.mul(units, i32x4.splat(0x9e3779b9)));
  t = i32x4.mul(v128.xor(t, i32x4.shr_u(t, 16)), i32x4.splat(0x21f0aaad));
  t = i32x4.mul(v128.xor(t, i32x4.shr_u(t, 15)), i32x4.splat(0x735a2d97));
  return v128.xor(t, i32x4.shr_u(t, 15));
}

/** The key of a layer's draws for one column of one step. */
export function dropoutKey(salt: i32, steps: i32, column: i32): i32 {
  return draw(draw(salt, steps), column);
}

/** a = x · factor, factor = scale where the draw keeps the unit, else 0. @hot */
export function dropoutForward(key: i32, kept: i32, scale: f32, x: usize, factors: usize, a: usize, n: i32): void {
  for (let i = 0; i < n; i += 4) {
    const p = (<usize>i) << 2;
    const isKept = v128.and(i32x4.lt_s(i32x4.shr_u(draws(key, i), 1), i32x4.splat(kept)), lanesBelow(i, n));
    const factor = v128.and(f32x4.splat(scale), isKept);
    v128.store(factors + p, factor);
    v128.store(a + p, mul(v128.load(x + p), factor));
  }
}

/** to = from · factor over `n` padded elements. @hot */
export function multiply(to: usize, from: usize, factors: usize, n: i32): void {
  const end = to + ((<usize>n) << 2);
  for (; to < end; to += 16, from += 16, factors += 16) {
    v128.store(to, mul(v128.load(from), v128.load(factors)));
  }
}
