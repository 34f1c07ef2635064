import { layout as L } from '../plan/index.js';
import { maximum } from './activation.js';
import { sum4 } from './dense.js';
import { expNonPositive, log, log1pUnit } from './math.js';

const f = Math.fround;
const lanes = new Float32Array(4);

/**
 * ℓ of one column, and d ← ∂ℓ/∂a, which under the activation the loss is fused with is δ itself.                 (B1)
 *
 * reads   a, y, z [n] · p [n], the loss's numbers, or none at 0
 * writes  d [n]
 * sums    lanes 4c + j in order from 0, then (s0 + s1) + (s2 + s3)
 * @hot
 */
export function lossOf(
  mem: Float32Array,
  kind: number,
  a: number,
  y: number,
  d: number,
  z: number,
  p: number,
  n: number,
): number {
  lanes.fill(0);
  switch (kind) {
    case L.LOSS_ABSOLUTE_ERROR: // Σ |a − y|, ∂ = sign(a − y)
      for (let i = 0; i < n; i++) {
        const r = f(mem[a + i] - mem[y + i]);
        lanes[i & 3] = lanes[i & 3] + Math.abs(r);
        mem[d + i] = r > 0 ? 1 : r < 0 ? -1 : 0;
      }
      return sum4(lanes);
    case L.LOSS_HUBER: // with c = min(|r|, κ): Σ c·(|r| − ½c), ∂ = c with the sign of r
      for (let i = 0; i < n; i++) {
        const r = f(mem[a + i] - mem[y + i]);
        const size = Math.abs(r);
        const c = mem[p + i] < size ? mem[p + i] : size;
        lanes[i & 3] = lanes[i & 3] + f(c * f(size - f(0.5 * c)));
        mem[d + i] = r < 0 ? -c : c;
      }
      return sum4(lanes);
    case L.LOSS_QUANTILE: // r = y − a: Σ max(τ·r, (τ − 1)·r), ∂/∂a = −τ above, 1 − τ below
      for (let i = 0; i < n; i++) {
        const r = f(mem[y + i] - mem[a + i]);
        const above = f(mem[p + i] * r);
        const below = f(f(mem[p + i] - 1) * r);
        lanes[i & 3] = lanes[i & 3] + (above < below ? below : above);
        mem[d + i] = r > 0 ? -mem[p + i] : r < 0 ? 1 - mem[p + i] : 0;
      }
      return sum4(lanes);
    case L.LOSS_SQUARED_ERROR: // ½ Σ (a − y)²
      for (let i = 0; i < n; i++) {
        mem[d + i] = mem[a + i] - mem[y + i];
        lanes[i & 3] = lanes[i & 3] + f(mem[d + i] * mem[d + i]);
      }
      return f(0.5 * sum4(lanes));
    case L.LOSS_BINARY_CROSS_ENTROPY:
      return binaryCrossEntropy(mem, a, y, d, z, p, n);
    default:
      return crossEntropy(mem, a, y, d, z, p, n);
  }
}

/** Σ w·(max(z, 0) − z·y + log(1 + e^−|z|)), the form that neither overflows nor cancels; δ = w·(a − y). */
function binaryCrossEntropy(
  mem: Float32Array,
  a: number,
  y: number,
  d: number,
  z: number,
  p: number,
  n: number,
): number {
  for (let i = 0; i < n; i++) {
    const v = mem[z + i];
    const hinge = f((v < 0 ? 0 : v) - f(v * mem[y + i]));
    const loss = f(hinge + log1pUnit(expNonPositive(-Math.abs(v))));
    const r = f(mem[a + i] - mem[y + i]);
    lanes[i & 3] = lanes[i & 3] + (p === 0 ? loss : f(mem[p + i] * loss));
    mem[d + i] = p === 0 ? r : mem[p + i] * r;
  }
  return sum4(lanes);
}

/**
 * −Σ w·y·log a, from z: log aᵢ = (zᵢ − max z) + log max a, since the largest of exp(z − max z) is 1.
 * δ = a·Σ w·y − w·y, which without weights is a − y, as targets add up to 1.
 */
function crossEntropy(mem: Float32Array, a: number, y: number, d: number, z: number, p: number, n: number): number {
  const m = maximum(mem, z, n);
  const logScale = log(maximum(mem, a, n));
  const target = (i: number) => (p === 0 ? mem[y + i] : f(mem[p + i] * mem[y + i]));
  for (let i = 0; i < n; i++) lanes[i & 3] = lanes[i & 3] + f(target(i) * f(mem[z + i] - m));
  const dots = sum4(lanes);
  lanes.fill(0);
  for (let i = 0; i < n; i++) lanes[i & 3] = lanes[i & 3] + target(i);
  const total = sum4(lanes);
  for (let i = 0; i < n; i++) mem[d + i] = p === 0 ? mem[a + i] - mem[y + i] : f(mem[a + i] * total) - target(i);
  return -f(dots + f(total * logScale));
}
