import { layout as L, pad4 } from '../plan/index.js';
import { activate, isUnbounded, pullBack } from './activation.js';
import type { ReferenceArena } from './arena.js';
import { denseBackward, denseForward } from './dense.js';
import { dropoutForward, dropoutKey } from './dropout.js';
import { layerNormBackward, layerNormForward } from './layer-norm.js';
import { lossOf } from './loss.js';

const f = Math.fround;

/** The passes over the op records: forward, loss, deltas. */
export function createPasses({ mem, words, opAt, lossAt, isLayer, peakOf }: ReferenceArena) {
  /** Largest |x|, |a| an update can multiply by, and |δ| of the step under way; NaN where one of them is. */
  const peaks = { input: 0, activation: 0, delta: 0 };

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

  return { peaks, runForward, runLoss, runDeltas };
}
