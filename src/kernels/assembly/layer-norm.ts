import { add, lanesBelow, mul, sub, sum } from './memory';

// Layer normalisation of one column of n units: formulas and order of operations stand in src/reference/layer-norm.ts.

const EPSILON: f32 = 1e-5;

// @ts-ignore: decorator
@inline function mean(lanes: v128, n: i32): v128 {
  return f32x4.splat(sum(lanes) / <f32>n);
}

/** x̂ = (x − mean)·s, s = 1/√(variance + ε), z = w·x̂ + b. @hot */
export function layerNormForward(w: usize, b: usize, x: usize, normalised: usize, scale: usize, z: usize, n: i32): void {
  const bytes = (<usize>n) << 2;
  let lanes = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) lanes = add(lanes, v128.load(x + i));
  const centre = mean(lanes, n);
  lanes = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const c = v128.and(sub(v128.load(x + i), centre), lanesBelow(<i32>(i >> 2), n));
    v128.store(normalised + i, c);
    lanes = add(lanes, mul(c, c));
  }
  const s: f32 = 1 / sqrt<f32>(sum(lanes) / <f32>n + EPSILON);
  store<f32>(scale, s);
  const scales = f32x4.splat(s);
  for (let i: usize = 0; i < bytes; i += 16) {
    const y = mul(v128.load(normalised + i), scales);
    v128.store(normalised + i, y);
    v128.store(z + i, add(mul(v128.load(w + i), y), v128.load(b + i)));
  }
}

/** ∂ℓ/∂x = s·(g − mean(g) − x̂·mean(g·x̂)), g = w·δ. @hot */
export function layerNormBackward(w: usize, delta: usize, normalised: usize, scale: usize, da: usize, n: i32): void {
  const bytes = (<usize>n) << 2;
  let lanes = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) {
    const g = mul(v128.load(w + i), v128.load(delta + i));
    v128.store(da + i, g);
    lanes = add(lanes, g);
  }
  const centre = mean(lanes, n);
  lanes = f32x4.splat(0);
  for (let i: usize = 0; i < bytes; i += 16) lanes = add(lanes, mul(v128.load(da + i), v128.load(normalised + i)));
  const tilt = mean(lanes, n);
  const scales = v128.load32_splat(scale);
  for (let i: usize = 0; i < bytes; i += 16) {
    const d = sub(sub(v128.load(da + i), centre), mul(v128.load(normalised + i), tilt));
    v128.store(da + i, v128.and(mul(scales, d), lanesBelow(<i32>(i >> 2), n)));
  }
}

/** to ← to + δ·x̂ over `n` padded elements: the gradient of w. @hot */
export function addProducts(to: usize, delta: usize, normalised: usize, n: i32): void {
  const end = to + ((<usize>n) << 2);
  for (; to < end; to += 16, delta += 16, normalised += 16) {
    v128.store(to, add(v128.load(to), mul(v128.load(delta), v128.load(normalised))));
  }
}
