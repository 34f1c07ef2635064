import { sum4 } from './dense.js';

// Layer normalisation of one column of n units (Ba, Kiros & Hinton 2016). Sums run over lanes 4c + j in order from 0,
// then (s0 + s1) + (s2 + s3); a mean is that sum divided by n.

const f = Math.fround;
const lanes = new Float32Array(4);

/** Added to the variance. */
const EPSILON = f(1e-5);

/**
 * x̂ = (x − mean)·s with s = 1/√(variance + ε), z = w·x̂ + b.                                  (F2), before g, one column
 *
 * reads   x, w, b [n]
 * writes  normalised [n] = x̂ · scale [1] = s · z [n]
 * @hot
 */
export function layerNormForward(
  mem: Float32Array,
  w: number,
  b: number,
  x: number,
  normalised: number,
  scale: number,
  z: number,
  n: number,
): void {
  lanes.fill(0);
  for (let i = 0; i < n; i++) lanes[i & 3] = lanes[i & 3] + mem[x + i];
  const mean = f(sum4(lanes) / n);
  lanes.fill(0);
  for (let i = 0; i < n; i++) {
    const c = f(mem[x + i] - mean);
    mem[normalised + i] = c;
    lanes[i & 3] = lanes[i & 3] + f(c * c);
  }
  const variance = f(sum4(lanes) / n);
  const s = f(1 / f(Math.sqrt(f(variance + EPSILON))));
  mem[scale] = s;
  for (let i = 0; i < n; i++) {
    mem[normalised + i] = mem[normalised + i] * s;
    mem[z + i] = f(mem[w + i] * mem[normalised + i]) + mem[b + i];
  }
}

/**
 * ∂ℓ/∂x = s·(g − mean(g) − x̂·mean(g·x̂)), g = w·δ.                                                    (B4), one column
 *
 * writes  da [n], which may overlap nothing
 * @hot
 */
export function layerNormBackward(
  mem: Float32Array,
  w: number,
  delta: number,
  normalised: number,
  scale: number,
  da: number,
  n: number,
): void {
  lanes.fill(0);
  for (let i = 0; i < n; i++) {
    mem[da + i] = mem[w + i] * mem[delta + i];
    lanes[i & 3] = lanes[i & 3] + mem[da + i];
  }
  const mean = f(sum4(lanes) / n);
  lanes.fill(0);
  for (let i = 0; i < n; i++) lanes[i & 3] = lanes[i & 3] + f(mem[da + i] * mem[normalised + i]);
  const tilt = f(sum4(lanes) / n);
  for (let i = 0; i < n; i++) {
    mem[da + i] = mem[scale] * f(f(mem[da + i] - mean) - f(mem[normalised + i] * tilt));
  }
}
