import { layout as L, pad4, panelIndex } from '../plan/index.js';
import { denseForward, sum4 } from './dense.js';

// Trackers: linear models y = W·φ whose weights are expected to drift; recursive least squares as a Kalman filter.
//
// Weights are taken to wander and to be drawn back to 0 (an Ornstein–Uhlenbeck process), so that their covariance P, shared
// by all outputs, returns to prior·I where nothing is observed: it can neither wind up nor vanish, whatever the rows, and
// one step never overshoots. With φ of the row and noise variance 1, in standardised units:
//
//     k = P·φ,  g = k / (1 + φ·k),  W ← shrink·(W + e·gᵀ),  P ← (1 − drift)·(P − k·gᵀ) + drift·prior·I       (K)
//
// P is kept as s·(N + D): the scale s takes the factors (1 − drift), so that N, the part beside the diagonal, is only ever
// subtracted from, and D is the diagonal, which alone grows. N is a whole matrix and stays symmetric to the last bit.
// With q = (N + D)·φ, v = 1 + s·φ·q and h = √(s/v)·q, (K) is
//
//     W ← shrink·(W + e·(s/v)·qᵀ),  s ← (1 − drift)·s,  N ← N − h·hᵀ,  D ← max(D − h², 0) + drift·prior/s    (K')
//
// Once s is ½ or less, N and D are halved and s doubled: exact, but for what is below 2⁻⁸⁴, which becomes 0.
// Noise enters D at every row, so that rounding, which may leave N + D a little indefinite, is overcome and never grows.

const f = Math.fround;

/** Adding and subtracting it makes what lies below 2⁻⁸⁴ zero: nothing decays into the subnormals. */
const ROUNDING = 2 ** -60;

const lanes = new Float32Array(4);

/** Lane j takes elements 4c + j in order from 0; then (s0 + s1) + (s2 + s3). */
function dot(mem: Float32Array, a: number, b: number, n: number): number {
  lanes.fill(0);
  for (let i = 0; i < n; i++) lanes[i & 3] = f(lanes[i & 3] + f(mem[a + i] * mem[b + i]));
  return sum4(lanes);
}

/** What runs the records of a tracker bank over an arena. Every function takes the element offset of its words. */
export function createReferenceTrackers(buffer: ArrayBuffer) {
  const mem = new Float32Array(buffer);
  const words = new Int32Array(buffer);
  const doubles = new Float64Array(buffer);

  /** φ = [x, 1, 0 …, σ(A·x + c)] with σ(v) = v / √(1 + v²), a sigmoid of ± × ÷ √ only. @hot */
  function writeFeatures(bank: number): void {
    const inputs = words[bank + L.B_INPUTS];
    const units = words[bank + L.B_UNITS];
    const features = words[bank + L.B_FEATURES];
    const row = words[bank + L.B_INPUT];
    mem.copyWithin(features, row, row + inputs);
    mem[features + inputs] = 1;
    const curved = features + pad4(inputs + 1);
    denseForward(mem, words[bank + L.B_MATRIX], words[bank + L.B_OFFSETS], row, curved, pad4(inputs), units);
    for (let i = curved; i < curved + units; i++) mem[i] = mem[i] / f(Math.sqrt(f(1 + f(mem[i] * mem[i]))));
  }

  /** W·φ. @hot */
  function predictOne(bank: number, tracker: number): void {
    const size = words[tracker + L.T_SIZE];
    for (let c = 0; c < words[bank + L.B_OUTPUTS]; c++) {
      const w = words[tracker + L.T_WEIGHTS] + c * size;
      mem[words[tracker + L.T_OUTPUT] + c] = dot(mem, w, words[bank + L.B_FEATURES], size);
    }
  }

  /** (K'). Errors are cut to ±3. @hot */
  function learnOne(bank: number, tracker: number): void {
    const size = words[tracker + L.T_SIZE];
    const features = words[bank + L.B_FEATURES];
    const covariance = words[tracker + L.T_COVARIANCE];
    const diagonal = words[tracker + L.T_DIAGONAL];
    const gain = words[tracker + L.T_GAIN];
    const product = words[tracker + L.T_PRODUCT];
    const numbers = words[tracker + L.T_NUMBERS] / 2;
    predictOne(bank, tracker);

    denseForward(mem, covariance, 0, features, product, size, size);
    for (let i = 0; i < size; i++) mem[product + i] = mem[product + i] + f(mem[diagonal + i] * mem[features + i]); // q
    const scale = doubles[numbers + L.N_SCALE];
    const spread = 1 + scale * dot(mem, features, product, size); // v
    const part = scale / (spread > 1 ? spread : 1);

    const shrink = f(doubles[numbers + L.N_SHRINK]);
    for (let c = 0; c < words[bank + L.B_OUTPUTS]; c++) {
      const error = f(mem[words[bank + L.B_TARGET] + c] - mem[words[tracker + L.T_OUTPUT] + c]);
      const cut = Math.max(-L.TRACKER_ERROR_LIMIT, Math.min(L.TRACKER_ERROR_LIMIT, error));
      const step = f(cut * part);
      const w = words[tracker + L.T_WEIGHTS] + c * size;
      for (let i = 0; i < size; i++) {
        const moved = f(f(mem[w + i] + f(step * mem[product + i])) * shrink);
        mem[w + i] = f(moved + ROUNDING) - ROUNDING;
      }
    }

    const next = scale * doubles[numbers + L.N_KEEP];
    const back = f(doubles[numbers + L.N_BACK] / next);
    const root = f(Math.sqrt(part));
    for (let i = 0; i < size; i++) {
      const h = f(mem[product + i] * root);
      const left = f(mem[diagonal + i] - f(h * h));
      mem[gain + i] = h;
      mem[diagonal + i] = (left > 0 ? left : 0) + back;
    }
    for (let i = 0; i < size; i++) {
      for (let j = 0; j < size; j++) {
        const at = covariance + panelIndex(i, j, size);
        if (i !== j) mem[at] = mem[at] - f(mem[gain + i] * mem[gain + j]);
      }
    }
    doubles[numbers + L.N_SCALE] = next;
    if (next <= 0.5) halve(covariance, diagonal, size, numbers);
  }

  function halve(covariance: number, diagonal: number, size: number, numbers: number): void {
    for (let i = covariance; i < covariance + size * size; i++) mem[i] = f(f(mem[i] * 0.5) + ROUNDING) - ROUNDING;
    for (let i = diagonal; i < diagonal + size; i++) mem[i] = mem[i] * 0.5;
    doubles[numbers + L.N_SCALE] = 2 * doubles[numbers + L.N_SCALE];
  }

  /** Calls `work` with the record of every tracker. */
  function forEach(bank: number, work: (bank: number, tracker: number) => void): void {
    for (let k = 0; k < words[bank + L.B_COUNT]; k++) work(bank, bank + L.BANK_WORDS + k * L.TRACKER_WORDS);
  }

  return {
    /** Outputs of every tracker for the row. */
    predictTrackers(bank: number): void {
      writeFeatures(bank);
      forEach(bank, predictOne);
    },

    /** One step of every tracker towards the target. Row and target are finite. Overwrites outputs. */
    learnTrackers(bank: number): void {
      writeFeatures(bank);
      forEach(bank, learnOne);
    },

    /** Nothing waits here: every update is made at once. */
    settleTrackers(): void {},
  };
}
