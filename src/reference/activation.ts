import { K, layout as L, pad4 } from '../plan/index.js';
import { sum4 } from './dense.js';
import { expm1NonPositive, expNonPositive, gelu, geluDerivative, sigmoid, softplus, tanh } from './math.js';

// A pass of its own over one column of n units: z in, a out, in place. Padding holds 0, or NaN where an infinite input
// met its zero weights; where g(0) is not 0 it is set to 0, as the vectors of the simd executor have to.

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
      clearPadding(mem, a, n);
      break;
    case L.A_TANH:
      for (let i = 0; i < n; i++) mem[a + i] = tanh(mem[a + i]);
      break;
    case L.A_SOFTMAX:
      softmax(mem, a, n);
      clearPadding(mem, a, n);
      break;
    case L.A_LEAKY_RELU:
      for (let i = 0; i < n; i++) if (mem[a + i] < 0) mem[a + i] = K.LEAK * mem[a + i];
      break;
    case L.A_ELU:
      for (let i = 0; i < n; i++) if (mem[a + i] < 0) mem[a + i] = expm1NonPositive(mem[a + i]);
      break;
    case L.A_SOFTSIGN: // z / (1 + |z|)
      for (let i = 0; i < n; i++) mem[a + i] = mem[a + i] / f(1 + Math.abs(mem[a + i]));
      break;
    case L.A_SOFTPLUS:
      for (let i = 0; i < n; i++) mem[a + i] = softplus(mem[a + i]);
      clearPadding(mem, a, n);
      break;
    case L.A_SILU: // z·σ(z)
      for (let i = 0; i < n; i++) mem[a + i] = mem[a + i] * sigmoid(mem[a + i]);
      break;
    case L.A_GELU:
      for (let i = 0; i < n; i++) mem[a + i] = gelu(mem[a + i]);
      break;
  }
}

function clearPadding(mem: Float32Array, a: number, n: number): void {
  for (let i = n; i < pad4(n); i++) mem[a + i] = 0;
}

/** Whether |a| has no bound, so that it has to be looked at. */
export function isUnbounded(kind: number): boolean {
  return kind !== L.A_TANH && kind !== L.A_SIGMOID && kind !== L.A_SOFTMAX && kind !== L.A_SOFTSIGN;
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
export function pullBack(mem: Float32Array, kind: number, a: number, z: number, d: number, n: number): void {
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
    case L.A_LEAKY_RELU:
      for (let i = 0; i < n; i++) if (!(mem[a + i] > 0)) mem[d + i] = K.LEAK * mem[d + i];
      break;
    case L.A_ELU: // a + 1 = e^z below 0
      for (let i = 0; i < n; i++) if (!(mem[a + i] > 0)) mem[d + i] = mem[d + i] * f(mem[a + i] + 1);
      break;
    case L.A_SOFTSIGN: // (1 − |a|)²
      for (let i = 0; i < n; i++) {
        const t = f(1 - Math.abs(mem[a + i]));
        mem[d + i] = mem[d + i] * f(t * t);
      }
      break;
    case L.A_SOFTPLUS: // σ(z) = 1 − e^−a
      for (let i = 0; i < n; i++) mem[d + i] = mem[d + i] * f(1 - expNonPositive(-mem[a + i]));
      break;
    case L.A_SILU: // σ·(1 + z·(1 − σ))
      for (let i = 0; i < n; i++) {
        const s = sigmoid(mem[z + i]);
        mem[d + i] = mem[d + i] * f(s * f(1 + f(mem[z + i] * f(1 - s))));
      }
      break;
    case L.A_GELU:
      for (let i = 0; i < n; i++) mem[d + i] = mem[d + i] * geluDerivative(mem[z + i]);
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
