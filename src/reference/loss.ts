import { layout as L } from '../plan/index.js';
import { maximum } from './activation.js';
import { sum4 } from './dense.js';
import { expNonPositive, log, log1pUnit } from './math.js';

const f = Math.fround;
const lanes = new Float32Array(4);

/**
 * ℓ of one column, and d ← ∂ℓ/∂a, which under the activation the loss is fused with is δ = a − y itself.        (B1)
 *
 * reads   a, y, z [n]
 * writes  d [n]
 * sums    lanes 4c + j in order from 0, then (s0 + s1) + (s2 + s3)
 * @hot
 */
export function lossOf(mem: Float32Array, kind: number, a: number, y: number, d: number, z: number, n: number): number {
  for (let i = 0; i < n; i++) mem[d + i] = mem[a + i] - mem[y + i];
  lanes.fill(0);
  if (kind === L.LOSS_SQUARED_ERROR) {
    for (let i = 0; i < n; i++) lanes[i & 3] = lanes[i & 3] + f(mem[d + i] * mem[d + i]);
    return f(0.5 * sum4(lanes)); // ½ Σ (a − y)²
  }
  if (kind === L.LOSS_BINARY_CROSS_ENTROPY) {
    // Σ max(z, 0) − z·y + log(1 + e^−|z|), the form that neither overflows nor cancels
    for (let i = 0; i < n; i++) {
      const v = mem[z + i];
      const hinge = f((v < 0 ? 0 : v) - f(v * mem[y + i]));
      lanes[i & 3] = lanes[i & 3] + f(hinge + log1pUnit(expNonPositive(-Math.abs(v))));
    }
    return sum4(lanes);
  }
  // −Σ y·log a, from z: log aᵢ = (zᵢ − max z) + log max a, since the largest of exp(z − max z) is 1
  const m = maximum(mem, z, n);
  const logScale = log(maximum(mem, a, n));
  for (let i = 0; i < n; i++) lanes[i & 3] = lanes[i & 3] + f(mem[y + i] * f(mem[z + i] - m));
  const dots = sum4(lanes);
  lanes.fill(0);
  for (let i = 0; i < n; i++) lanes[i & 3] = lanes[i & 3] + mem[y + i];
  return -f(dots + f(sum4(lanes) * logScale));
}
