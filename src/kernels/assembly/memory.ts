import { H_STATE } from '../../plan/layout';

// Short names for what every kernel does with the arena. Offsets come in elements, addresses are bytes.

/** Byte address of an element offset. */
// @ts-ignore: decorator
@inline export function at(offset: i32): usize {
  return (<usize>(<u32>offset)) << 2;
}

/** Word `i` of the record or header at byte address `record`. */
// @ts-ignore: decorator
@inline export function word(record: usize, i: i32): i32 {
  return load<i32>(record + ((<usize>i) << 2));
}

// @ts-ignore: decorator
@inline export function add(a: v128, b: v128): v128 {
  return f32x4.add(a, b);
}

// @ts-ignore: decorator
@inline export function sub(a: v128, b: v128): v128 {
  return f32x4.sub(a, b);
}

// @ts-ignore: decorator
@inline export function mul(a: v128, b: v128): v128 {
  return f32x4.mul(a, b);
}

/** Constant `i` of the arena's table, in all four lanes. */
// @ts-ignore: decorator
@inline export function constant(i: i32): v128 {
  return v128.load((<usize>i) << 4);
}

/** The lanes of one vector added as the contract says: (s0 + s1) + (s2 + s3). */
// @ts-ignore: decorator
@inline export function sum(s: v128): f32 {
  return (
    f32x4.extract_lane(s, 0) + f32x4.extract_lane(s, 1) + (f32x4.extract_lane(s, 2) + f32x4.extract_lane(s, 3))
  );
}

/** All ones in the lanes of a vector starting at `i` that belong to the first `n` elements. */
// @ts-ignore: decorator
@inline export function lanesBelow(i: i32, n: i32): v128 {
  return i32x4.lt_s(i32x4.add(i32x4(0, 1, 2, 3), i32x4.splat(i)), i32x4.splat(n));
}

/** Magnitudes as integers: ordered as the floats are, with NaN above infinity. */
// @ts-ignore: decorator
@inline export function magnitudes(v: v128): v128 {
  return v128.and(v, i32x4.splat(0x7fffffff));
}

/** The largest of four integer lanes. */
// @ts-ignore: decorator
@inline export function largest(m: v128): i32 {
  return max(
    max(i32x4.extract_lane(m, 0), i32x4.extract_lane(m, 1)),
    max(i32x4.extract_lane(m, 2), i32x4.extract_lane(m, 3)),
  );
}

/** Bits of 1. */
export const ONE: i32 = 0x3f800000;

/** A running maximum of magnitudes, four lanes of it: the sign is shifted out, and integers compare as the floats do. */
// @ts-ignore: decorator
@inline export function higher(peak: v128, v: v128): v128 {
  return i32x4.max_u(peak, i32x4.shl(v, 1));
}

/** Bits of the largest magnitude that went into `peak`. */
// @ts-ignore: decorator
@inline export function peakBits(peak: v128): i32 {
  const pairs = i32x4.max_u(peak, i32x4.shuffle(peak, peak, 2, 3, 0, 1));
  return i32x4.extract_lane(i32x4.max_u(pairs, i32x4.shuffle(pairs, pairs, 1, 0, 3, 2)), 0) >>> 1;
}

/** Bits of the largest magnitude among `stride` elements at `from`; ≥ 0x7f800000 if one is not finite. */
export function peakOf(from: usize, stride: i32): i32 {
  const end = from + ((<usize>stride) << 2);
  let peak = i32x4.splat(0);
  for (let p = from; p < end; p += 16) peak = i32x4.max_s(peak, magnitudes(v128.load(p)));
  return largest(peak);
}

/** Padded to a multiple of 4. */
// @ts-ignore: decorator
@inline export function pad4(n: i32): i32 {
  return (n + 3) & ~3;
}

/** Bytes of `n` elements. */
// @ts-ignore: decorator
@inline export function bytesOf(n: i32): usize {
  return (<usize>n) << 2;
}

/** The state words of the plan whose header stands at byte address `header`. */
// @ts-ignore: decorator
@inline export function state(header: usize): usize {
  return at(word(header, H_STATE));
}
