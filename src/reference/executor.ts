import { layout as L, pad4 } from '../plan/index.js';
import { activate, isUnbounded, pullBack } from './activation.js';
import { BOUND_TO_KEEP, LARGEST, moveOf } from './bounds.js';
import { denseBackward, denseForward, denseGradient, denseUpdate } from './dense.js';
import { dropoutForward, dropoutKey } from './dropout.js';
import { layerNormBackward, layerNormForward } from './layer-norm.js';
import { lossOf } from './loss.js';
import { type Update, updateOne } from './optimizer.js';
import { createReferenceTrackers } from './tracker.js';

const f = Math.fround;

/**
 * Runs a plan's op records one readable function after the other: forward, loss, all deltas, whole gradients where the
 * plan keeps them, then the update. The simd executor does the same in fewer passes; both leave the same bits.
 *
 * @param buffer the arena; offsets in the plan count its 32-bit elements
 */
export function createReferenceExecutor(buffer: ArrayBuffer) {
  const mem = new Float32Array(buffer);
  const words = new Int32Array(buffer);
  const counts = new Uint32Array(buffer);
  const doubles = new Float64Array(buffer);

  /** Largest |x|, |a| an update can multiply by, and |δ| of the step under way; NaN where one of them is. */
  const peaks = { input: 0, activation: 0, delta: 0 };
  const moved = { bound: 0 };
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

  /** Record `i` of the plan whose header stands at `header`. */
  const opAt = (header: number, i: number) => words[header + L.H_OPS] + i * L.OP_WORDS;
  const lossAt = (header: number) => opAt(header, words[header + L.H_OP_COUNT] - 1);
  const isLayer = (op: number) => {
    const code = words[op + L.OP_CODE];
    return code !== L.OP_INPUT && code !== L.OP_OUTPUT;
  };

  /** Largest magnitude, NaN where one of them is. */
  function peakOf(from: number, n: number, before = 0): number {
    let peak = before;
    for (let i = 0; i < n && !Number.isNaN(peak); i++) {
      const v = Math.abs(mem[from + i]);
      if (!(v <= peak)) peak = v;
    }
    return peak;
  }

  /** Columns of n values from one stride to another. */
  function restride(from: number, fromStride: number, to: number, toStride: number, n: number, m: number): void {
    for (let k = 0; k < m; k++) {
      for (let i = 0; i < n; i++) mem[to + k * toStride + i] = mem[from + k * fromStride + i];
    }
  }

  /** (F1), (F2). @hot */
  function runForward(header: number, isLearning: boolean): void {
    const m = words[header + L.H_EXAMPLES];
    const end = lossAt(header);
    for (let op = opAt(header, 0); op < end; op += L.OP_WORDS) {
      const code = words[op + L.OP_CODE];
      if (code === L.OP_INPUT) {
        const n = words[op + L.IO_N];
        const to = words[op + L.IO_TO];
        if (words[op + L.IO_FROM] !== 0) restride(words[op + L.IO_FROM], n, to, pad4(n), n, m);
        peaks.input = peakOf(to, pad4(n) * m);
        peaks.activation = peaks.input;
      } else if (code === L.OP_OUTPUT) {
        const n = words[op + L.IO_N];
        restride(words[op + L.IO_FROM], pad4(n), words[op + L.IO_TO], n, n, m);
      } else {
        for (let k = 0; k < m; k++) layerForward(header, op, k, isLearning);
      }
    }
  }

  /** Column k of one layer. @hot */
  function layerForward(header: number, op: number, k: number, isLearning: boolean): void {
    const n = words[op + L.D_OUT];
    const nIn = pad4(words[op + L.D_IN]);
    const stride = pad4(n);
    const a = words[op + L.D_A_IN] + k * nIn;
    const out = words[op + L.D_A_OUT] + k * stride;
    const w = words[op + L.D_W];
    const b = words[op + L.D_B];
    const side = words[op + L.D_SIDE];
    switch (words[op + L.OP_CODE]) {
      case L.OP_SHORTCUT:
        denseForward(mem, w, 0, a, out, nIn, stride);
        return;
      case L.OP_DENSE:
        denseForward(mem, w, b, a, out, nIn, stride);
        if (side !== 0) for (let i = 0; i < n; i++) mem[out + i] = mem[out + i] + mem[side + k * stride + i];
        break;
      case L.OP_LAYER_NORM:
        layerNormForward(mem, w, b, a, side + k * stride, words[op + L.D_SCALE] + k, out, n);
        peaks.activation = peakOf(side + k * stride, n, peaks.activation);
        break;
      case L.OP_DROPOUT:
        if (isLearning) {
          const steps = words[words[header + L.H_STATE] + L.S_STEPS];
          const key = dropoutKey(words[op + L.D_SALT], steps, k);
          dropoutForward(mem, key, w, mem[op + L.D_B], a, side + k * stride, out, n);
        } else {
          mem.copyWithin(out, a, a + n);
        }
        peaks.activation = peakOf(out, n, peaks.activation);
        return;
    }
    const kind = words[op + L.D_ACTIVATION];
    const z = words[op + L.D_Z];
    if (z !== 0) mem.copyWithin(z + k * stride, out, out + stride);
    activate(mem, kind, out, n);
    if (isUnbounded(kind)) peaks.activation = peakOf(out, n, peaks.activation);
  }

  /** J, and ∂ℓ/∂a (or δ) of the output layer left behind. @hot */
  function runLoss(header: number): number {
    const m = words[header + L.H_EXAMPLES];
    const op = lossAt(header);
    const n = words[op + L.L_N];
    const stride = pad4(n);
    const y = words[op + L.L_Y];
    const from = words[op + L.L_FROM];
    const targets = words[op + L.L_TARGETS];
    let total = 0;
    for (let k = 0; k < m; k++) {
      const at = k * stride;
      // A target stands for as many outputs as there are quantiles of it.
      if (from !== 0) {
        for (let i = 0; i < n; i++) mem[y + at + i] = mem[from + k * targets + Math.floor((i * targets) / n)];
      }
      const d = words[op + L.L_DA] + at;
      const z = words[op + L.L_Z] + at;
      let loss = lossOf(mem, words[op + L.L_KIND], words[op + L.L_A] + at, y + at, d, z, words[op + L.L_PARAMETERS], n);
      const weight = mem[words[header + L.H_ROW_WEIGHTS] + k];
      if (weight !== 1) {
        loss = f(loss * weight);
        for (let i = 0; i < n; i++) mem[d + i] = mem[d + i] * weight;
      }
      total = f(total + loss);
    }
    return m === 1 ? total : f(total * mem[words[header + L.H_STATE] + L.S_INVERSE_EXAMPLES]);
  }

  /** Deltas of every layer, all columns, from the output down. @hot */
  function runDeltas(header: number): void {
    const m = words[header + L.H_EXAMPLES];
    peaks.delta = 0;
    for (let op = lossAt(header) - L.OP_WORDS; op >= opAt(header, 0); op -= L.OP_WORDS) {
      if (!isLayer(op)) continue;
      for (let k = 0; k < m; k++) layerBackward(op, k);
    }
  }

  /** Column k of one layer: its δ, and ∂ℓ/∂a of the layer below. @hot */
  function layerBackward(op: number, k: number): void {
    const n = words[op + L.D_OUT];
    const nIn = pad4(words[op + L.D_IN]);
    const stride = pad4(n);
    const delta = words[op + L.D_DELTA] + k * stride;
    const side = words[op + L.D_SIDE] + k * stride;
    if (words[op + L.D_DELTA_READY] === 0) {
      const z = words[op + L.D_Z] + k * stride;
      pullBack(mem, words[op + L.D_ACTIVATION], words[op + L.D_A_OUT] + k * stride, z, delta, n);
    }
    peaks.delta = peakOf(delta, n, peaks.delta);
    if (words[op + L.D_DA_IN] === 0) return;
    const da = words[op + L.D_DA_IN] + k * nIn;
    const w = words[op + L.D_W];
    switch (words[op + L.OP_CODE]) {
      case L.OP_DENSE:
        denseBackward(mem, w, delta, da, nIn, stride);
        break;
      case L.OP_LAYER_NORM:
        layerNormBackward(mem, w, delta, side, words[op + L.D_SCALE] + k, da, n);
        break;
      case L.OP_DROPOUT:
        for (let i = 0; i < n; i++) mem[da + i] = mem[delta + i] * mem[side + i];
        break;
    }
  }

  /** Calls `visit` with every layer that has parameters: op record, and elements of weight and bias, padding included. */
  function eachLayer(header: number, visit: (op: number, weights: number, biases: number) => void): void {
    for (let op = opAt(header, 0); op < lossAt(header); op += L.OP_WORDS) {
      if (!isLayer(op) || words[op + L.OP_CODE] === L.OP_DROPOUT) continue;
      const nOut = pad4(words[op + L.D_OUT]);
      const weights = words[op + L.OP_CODE] === L.OP_LAYER_NORM ? nOut : nOut * pad4(words[op + L.D_IN]);
      visit(op, weights, words[op + L.D_B] === 0 ? 0 : nOut);
    }
  }

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

  function refuse(state: number, reason: number): number {
    counts[state + reason]++;
    mem[state + L.S_LOSS] = Number.NaN;
    return Number.NaN;
  }

  /** Forward, loss and deltas. @returns J, or NaN where something is not finite (counted by reason) @hot */
  function evaluate(header: number): number {
    const state = words[header + L.H_STATE];
    runForward(header, true);
    if (!(peaks.input < Number.POSITIVE_INFINITY)) return refuse(state, L.S_REFUSED_INPUT);
    // An infinite activation is refused even where a bounded layer above would hide it: what it multiplies is lost.
    if (!(peaks.activation < Number.POSITIVE_INFINITY)) return refuse(state, L.S_REFUSED_LOSS);
    const loss = runLoss(header);
    if (!Number.isFinite(loss)) return refuse(state, L.S_REFUSED_LOSS);
    runDeltas(header);
    if (!(peaks.delta < Number.POSITIVE_INFINITY)) return refuse(state, L.S_REFUSED_DELTA);
    return loss;
  }

  /**
   * Whether the gradient sums, and the update if one is due, stay within float32, whatever the numbers between; keeps
   * the bounds that follow from it.
   */
  function staysFinite(header: number, isNew: boolean, isDue: boolean): boolean {
    const state = words[header + L.H_STATE];
    const reach = peaks.delta * Math.max(peaks.activation, 1);
    const sum = (isNew ? 0 : mem[state + L.S_GRADIENT_BOUND]) + reach * words[header + L.H_EXAMPLES];
    if (!(sum <= LARGEST)) return false;
    if (isDue) {
      const optimizer = words[header + L.H_OPTIMIZER];
      const decay = mem[state + L.S_DECAY];
      const clip = Math.min(mem[state + L.S_CLIP_VALUE], mem[state + L.S_CLIP_NORM]);
      let bound = mem[state + L.S_PARAMETER_BOUND];
      if (!(bound <= BOUND_TO_KEEP)) bound = peakParameter(header);
      let g = Math.min(sum * mem[state + L.S_INVERSE_ROWS] * 1.000001, clip);
      if (optimizer !== L.OPTIMIZER_ADAMW) g += decay * bound;
      let rate = Math.max(mem[state + L.S_RATE], mem[state + L.S_BIAS_RATE]);
      const shrink = optimizer === L.OPTIMIZER_ADAMW ? rate * decay * bound : 0;
      if (optimizer >= L.OPTIMIZER_ADAM) {
        rate /= 1 - doubles[(state + L.S_BETA1_POWER) >> 1] * mem[state + L.S_MOMENTUM];
      }
      moved.bound = mem[state + L.S_STATE_BOUND];
      const move = moveOf(
        moved,
        optimizer,
        g,
        rate,
        mem[state + L.S_MOMENTUM],
        mem[state + L.S_EPSILON],
        mem[state + L.S_MOST_STEPS],
      );
      const largest = bound + move + shrink;
      if (!(largest <= LARGEST && moved.bound <= LARGEST)) return false;
      // Rounded up, so that a bound stays one: rounding is monotone, and so is each operation of the update.
      mem[state + L.S_PARAMETER_BOUND] = largest * 1.000001;
      mem[state + L.S_STATE_BOUND] = moved.bound * 1.000001;
    }
    mem[state + L.S_GRADIENT_BOUND] = sum * 1.000001;
    return true;
  }

  /** 1 where the step was taken, 0 where it was refused; the loss is left in S_LOSS. */
  function step(header: number): number {
    const state = words[header + L.H_STATE];
    const loss = evaluate(header);
    if (Number.isNaN(loss)) return 0;
    const accumulated = counts[state + L.S_ACCUMULATED];
    const isDue = accumulated + 1 >= words[header + L.H_ACCUMULATE];
    if (!staysFinite(header, accumulated === 0, isDue)) {
      refuse(state, L.S_REFUSED_UPDATE);
      return 0;
    }
    if (words[header + L.H_TO_GRADIENT] !== 0) runGradients(header, accumulated === 0);
    if (isDue) {
      if (words[header + L.H_TO_GRADIENT] !== 0) scaleGradients(header, mem[state + L.S_INVERSE_ROWS]);
      runUpdate(header);
    }
    counts[state + L.S_ACCUMULATED] = isDue ? 0 : accumulated + 1;
    mem[state + L.S_LOSS] = loss;
    if (++counts[state + L.S_STEPS] === 2 ** 32) counts[state + L.S_STEPS_HIGH]++;
    return 1;
  }

  return {
    ...createReferenceTrackers(buffer),

    /** Predicts; learns nothing. */
    forward(header: number): void {
      runForward(header, false);
    },

    /** J, with whole mean gradients left where the plan keeps them; learns nothing. */
    gradient(header: number): number {
      const loss = evaluate(header);
      if (Number.isNaN(loss)) return loss;
      runGradients(header, true);
      scaleGradients(header, mem[words[header + L.H_STATE] + L.S_INVERSE_EXAMPLES]);
      return loss;
    },

    step,

    /** Nothing waits here: every update is made at once. */
    settle(): void {},

    /** `count` steps on the resident rows, in order; the sum of the losses. m = 1. */
    stepRows(header: number, count: number): number {
      const nIn = words[header + L.H_INPUTS];
      const nOut = words[header + L.H_TARGETS];
      let total = 0;
      for (let k = 0; k < count; k++) {
        const row = words[header + L.H_ROWS] + k * nIn;
        const target = words[header + L.H_ROW_TARGETS] + k * nOut;
        mem.copyWithin(words[header + L.H_INPUT], row, row + nIn);
        mem.copyWithin(words[header + L.H_TARGET], target, target + nOut);
        step(header);
        total += mem[words[header + L.H_STATE] + L.S_LOSS];
      }
      return total;
    },
  };
}
