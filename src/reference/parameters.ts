import { layout as L, pad4 } from '../plan/index.js';
import type { ReferenceArena } from './arena.js';
import { denseGradient, denseUpdate } from './dense.js';
import { type Update, updateOne } from './optimizer.js';

const f = Math.fround;

/** The passes over the parameters: whole gradients, their norm, and the update by any optimizer. */
export function createParameterPasses({ mem, words, doubles, peakOf, eachLayer }: ReferenceArena) {
  const update: Update = {
    optimizer: 0,
    scale: 1,
    clipValue: 0,
    decay: 0,
    rate: 0,
    shrink: 0,
    momentum: 0,
    rho: 0,
    epsilon: 0,
    correction: 1,
  };

  /** Adds this step's columns to the gradient sums, from zero where they are new.                        (B5), (B6) */
  function runGradients(header: number, isNew: boolean): void {
    const m = words[header + L.H_EXAMPLES];
    const toGradient = words[header + L.H_TO_GRADIENT];
    eachLayer(header, (op, weights, biases) => {
      const gw = words[op + L.D_W] + toGradient;
      const gb = words[op + L.D_B] + toGradient;
      if (isNew) mem.fill(0, gw, gw + weights);
      if (isNew) mem.fill(0, gb, gb + biases);
      const nIn = pad4(words[op + L.D_IN]);
      const stride = pad4(words[op + L.D_OUT]);
      for (let k = 0; k < m; k++) {
        const delta = words[op + L.D_DELTA] + k * stride;
        if (words[op + L.OP_CODE] === L.OP_LAYER_NORM) {
          const normalised = words[op + L.D_SIDE] + k * stride;
          for (let i = 0; i < weights; i++) mem[gw + i] = mem[gw + i] + f(mem[delta + i] * mem[normalised + i]);
        } else {
          denseGradient(mem, gw, delta, words[op + L.D_A_IN] + k * nIn, nIn, stride);
        }
        for (let i = 0; i < biases; i++) mem[gb + i] = mem[gb + i] + mem[delta + i];
      }
    });
  }

  /** Gradient sums to means. */
  function scaleGradients(header: number, share: number): void {
    if (share === 1) return;
    const toGradient = words[header + L.H_TO_GRADIENT];
    eachLayer(header, (op, weights, biases) => {
      const gw = words[op + L.D_W] + toGradient;
      const gb = words[op + L.D_B] + toGradient;
      for (let i = 0; i < weights; i++) mem[gw + i] = mem[gw + i] * share;
      for (let i = 0; i < biases; i++) mem[gb + i] = mem[gb + i] * share;
    });
  }

  /** The largest parameter magnitude. */
  function peakParameter(header: number): number {
    let peak = 0;
    eachLayer(header, (op, weights, biases) => {
      peak = peakOf(words[op + L.D_W], weights, peak);
      peak = peakOf(words[op + L.D_B], biases, peak);
    });
    return peak;
  }

  /** Σ v² in float64, over lanes 4c + j in order from 0, then (s0 + s1) + (s2 + s3). */
  function squares(from: number, n: number): number {
    const s = [0, 0, 0, 0];
    for (let i = 0; i < n; i++) s[i & 3] += mem[from + i] * mem[from + i];
    return s[0] + s[1] + (s[2] + s[3]);
  }

  /** Squared norm of the whole gradient of layers that change; that of a rank-1 matrix is |δ|²·|a|². */
  function gradientSquares(header: number): number {
    const toGradient = words[header + L.H_TO_GRADIENT];
    let total = 0;
    eachLayer(header, (op, weights, biases) => {
      if (words[op + L.D_FROZEN] !== 0) return;
      if (toGradient !== 0) {
        total += squares(words[op + L.D_W] + toGradient, weights);
        total += squares(words[op + L.D_B] + toGradient, biases);
      } else {
        const inputs = squares(words[op + L.D_A_IN], pad4(words[op + L.D_IN])) + (biases > 0 ? 1 : 0);
        total += squares(words[op + L.D_DELTA], pad4(words[op + L.D_OUT])) * inputs;
      }
    });
    return total;
  }

  /** Fills in what is the same for every parameter of this update; β powers go on by one. */
  function beginUpdate(header: number): void {
    const state = words[header + L.H_STATE];
    update.optimizer = words[header + L.H_OPTIMIZER];
    update.clipValue = mem[state + L.S_CLIP_VALUE];
    update.momentum = mem[state + L.S_MOMENTUM];
    update.rho = mem[state + L.S_RHO];
    update.epsilon = mem[state + L.S_EPSILON];
    update.scale = 1;
    const clipNorm = mem[state + L.S_CLIP_NORM];
    if (clipNorm < Number.POSITIVE_INFINITY) {
      const scale = clipNorm / (Math.sqrt(gradientSquares(header)) + 1e-6);
      update.scale = scale < 1 ? f(scale) : 1;
    }
    if (update.optimizer >= L.OPTIMIZER_ADAM) {
      const powers = state >> 1;
      doubles[powers + (L.S_BETA1_POWER >> 1)] *= update.momentum;
      doubles[powers + (L.S_BETA2_POWER >> 1)] *= update.rho;
      update.correction = f(1 / Math.sqrt(1 - doubles[powers + (L.S_BETA2_POWER >> 1)]));
    }
  }

  /** η of a group; adam's is divided by 1 − β₁ᵗ. */
  function setGroup(header: number, rate: number, decay: number): void {
    const state = words[header + L.H_STATE];
    const isAdam = update.optimizer >= L.OPTIMIZER_ADAM;
    update.rate = isAdam ? f(rate / (1 - doubles[(state + L.S_BETA1_POWER) >> 1])) : rate;
    update.decay = decay;
    update.shrink = f(rate * decay);
  }

  /** Every parameter from its gradient, by the optimizer. @hot */
  function runUpdate(header: number): void {
    const state = words[header + L.H_STATE];
    const toGradient = words[header + L.H_TO_GRADIENT];
    const to1 = words[header + L.H_TO_STATE1];
    const to2 = words[header + L.H_TO_STATE2];
    const rate = mem[state + L.S_RATE];
    const biasRate = mem[state + L.S_BIAS_RATE];
    if (words[header + L.H_SWEEPS] === 0) beginUpdate(header);
    eachLayer(header, (op, weights, biases) => {
      if (words[op + L.D_FROZEN] !== 0) return;
      const w = words[op + L.D_W];
      const b = words[op + L.D_B];
      const delta = words[op + L.D_DELTA];
      const a = words[op + L.D_A_IN];
      const nIn = pad4(words[op + L.D_IN]);
      if (words[header + L.H_SWEEPS] !== 0) {
        denseUpdate(mem, w, delta, a, nIn, weights / nIn, rate);
        for (let i = 0; i < biases; i++) mem[b + i] = mem[b + i] - f(biasRate * mem[delta + i]);
        return;
      }
      const isNorm = words[op + L.OP_CODE] === L.OP_LAYER_NORM;
      setGroup(header, isNorm ? biasRate : rate, isNorm ? 0 : mem[state + L.S_DECAY]);
      for (let i = 0; i < weights; i++) {
        // From the place in a panel to row and column: blocks of 16, four rows of four.
        const row = Math.floor(i / (4 * nIn)) * 4 + ((i >> 2) & 3);
        const column = (Math.floor(i / 16) % (nIn / 4)) * 4 + (i & 3);
        const g = toGradient !== 0 ? mem[w + toGradient + i] : f(mem[delta + row] * mem[a + column]);
        updateOne(mem, update, w + i, w + to1 + i, w + to2 + i, g);
      }
      setGroup(header, biasRate, 0);
      for (let i = 0; i < biases; i++) {
        const g = toGradient !== 0 ? mem[b + toGradient + i] : mem[delta + i];
        updateOne(mem, update, b + i, b + to1 + i, b + to2 + i, g);
      }
    });
  }

  return { runGradients, scaleGradients, runUpdate, peakParameter };
}
