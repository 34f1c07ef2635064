import { panelIndex } from '../plan/index.js';

// Dense layer, one readable function an operation, rounding and summing exactly as the contract of the layer says.
// `nIn` and `nOut` are padded to multiples of 4; padding holds zeros and stays zero.

const f = Math.fround;

/** (s0 + s1) + (s2 + s3): how four partial sums become one everywhere. */
export function sum4(s: Float32Array): number {
  return f(f(s[0] + s[1]) + f(s[2] + s[3]));
}

const lanes = new Float32Array(4);

/**
 * z = W·a + b.                                                                                        (F1), one column
 *
 * reads   w, panels [nOut, nIn] · b [nOut], or none at 0 · a [nIn]
 * writes  z [nOut], which may not overlap a
 * sums    lane j takes columns 4c + j in order from 0; then ((s0 + s1) + (s2 + s3)) + b
 * @hot
 */
export function denseForward(
  mem: Float32Array,
  w: number,
  b: number,
  a: number,
  z: number,
  nIn: number,
  nOut: number,
): void {
  for (let i = 0; i < nOut; i++) {
    lanes.fill(0);
    for (let j = 0; j < nIn; j++) {
      lanes[j & 3] = f(lanes[j & 3] + f(mem[w + panelIndex(i, j, nIn)] * mem[a + j]));
    }
    const s = sum4(lanes);
    mem[z + i] = b === 0 ? s : f(s + mem[b + i]);
  }
}

/**
 * ∂ℓ/∂a = Wᵀ·δ.                                                                                       (B2), one column
 *
 * reads   w, panels [nOut, nIn], before the update · delta [nOut]
 * writes  da [nIn], overwritten; may overlap neither
 * sums    rows in fours: (w0·δ0 + w1·δ1) + (w2·δ2 + w3·δ3), added in order from 0
 * @hot
 */
export function denseBackward(
  mem: Float32Array,
  w: number,
  delta: number,
  da: number,
  nIn: number,
  nOut: number,
): void {
  for (let j = 0; j < nIn; j++) {
    let s = 0;
    for (let i = 0; i < nOut; i += 4) {
      for (let r = 0; r < 4; r++) lanes[r] = mem[w + panelIndex(i + r, j, nIn)] * mem[delta + i + r];
      s = f(s + sum4(lanes));
    }
    mem[da + j] = s; // Σᵢ w[i,j]·δ[i]
  }
}

/**
 * W ← W − η·δ·aᵀ.                                                                    (B5), m = 1, sgd and nothing else
 *
 * rounds  w − δ·(η·a), one rounding an operation
 * @hot
 */
export function denseUpdate(
  mem: Float32Array,
  w: number,
  delta: number,
  a: number,
  nIn: number,
  nOut: number,
  rate: number,
): void {
  for (let i = 0; i < nOut; i++) {
    for (let j = 0; j < nIn; j++) {
      const at = w + panelIndex(i, j, nIn);
      mem[at] = mem[at] - f(mem[delta + i] * f(rate * mem[a + j]));
    }
  }
}

/** gw ← gw + δ·aᵀ, one column's share of Σ_k.                                                             (B5)  @hot */
export function denseGradient(
  mem: Float32Array,
  gw: number,
  delta: number,
  a: number,
  nIn: number,
  nOut: number,
): void {
  for (let i = 0; i < nOut; i++) {
    for (let j = 0; j < nIn; j++) {
      const at = gw + panelIndex(i, j, nIn);
      mem[at] = f(mem[at] + f(mem[delta + i] * mem[a + j]));
    }
  }
}
