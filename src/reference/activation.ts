import { layout as L } from '../plan/index.js';
import { sum4 } from './dense.js';
import { expNonPositive, sigmoid, tanh } from './math.js';

// A pass of its own over one column of n units: z in, a out, in place. Padding is not touched: it is zero already.

const f = Math.fround;
const lanes = new Float32Array(4);

/** a = g(z) in place.                                                                            (F2), one column  @hot */
export function activate(mem: Float32Array, kind: number, a: number, n: number): void {
  switch (kind) {
    case L.A_RELU:
      for (let i = 0; i < n; i++) if (mem[a + i] < 0) mem[a + i] = 0;
      break;
    case L.A_SIGMOID:
      for (let i = 0; i < n; i++) mem[a + i] = sigmoid(mem[a + i]);
      break;
    case L.A_TANH:
      for (let i = 0; i < n; i++) mem[a + i] = tanh(mem[a + i]);
      break;
    case L.A_SOFTMAX:
      softmax(mem, a, n);
      break;
  }
}

/** The largest of n elements; NaN elements are passed over.                                                    @hot */
export function maximum(mem: Float32Array, from: number, n: number): number {
  let m = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < n; i++) if (mem[from + i] > m) m = mem[from + i];
  return m;
}

/** aᵢ = exp(zᵢ − max z) / Σ; the sum over lanes 4c + j in order from 0, then (s0 + s1) + (s2 + s3). */
function softmax(mem: Float32Array, a: number, n: number): void {
  const m = maximum(mem, a, n);
  lanes.fill(0);
  for (let i = 0; i < n; i++) {
    const e = expNonPositive(f(mem[a + i] - m));
    lanes[i & 3] = lanes[i & 3] + e;
    mem[a + i] = e;
  }
  const s = sum4(lanes);
  for (let i = 0; i < n; i++) mem[a + i] = mem[a + i] / s;
}

/**
 * d ← δ: ∂ℓ/∂a pulled back through g, in place.                                          (B3), (B4), one column  @hot
 */
export function pullBack(mem: Float32Array, kind: number, a: number, d: number, n: number): void {
  switch (kind) {
    case L.A_RELU:
      for (let i = 0; i < n; i++) if (!(mem[a + i] > 0)) mem[d + i] = 0;
      break;
    case L.A_SIGMOID: // a·(1 − a)
      for (let i = 0; i < n; i++) mem[d + i] = mem[d + i] * f(mem[a + i] * f(1 - mem[a + i]));
      break;
    case L.A_TANH: // 1 − a²
      for (let i = 0; i < n; i++) mem[d + i] = mem[d + i] * f(1 - f(mem[a + i] * mem[a + i]));
      break;
    case L.A_SOFTMAX: {
      // (∂a/∂z)ᵀ·∂ℓ/∂a without the matrix: δⱼ = aⱼ·(∂ℓ/∂aⱼ − Σᵢ aᵢ·∂ℓ/∂aᵢ)
      lanes.fill(0);
      for (let i = 0; i < n; i++) lanes[i & 3] = lanes[i & 3] + f(mem[a + i] * mem[d + i]);
      const dot = sum4(lanes);
      for (let i = 0; i < n; i++) mem[d + i] = mem[a + i] * f(mem[d + i] - dot);
      break;
    }
  }
}
