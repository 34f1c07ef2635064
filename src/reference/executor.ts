import { layout as L } from '../plan/index.js';
import { activate, isUnbounded, pullBack } from './activation.js';
import { denseBackward, denseForward, denseGradient, denseUpdate, sgdUpdate } from './dense.js';
import { lossOf } from './loss.js';

const f = Math.fround;

/** The largest float32; an update that might reach beyond it is refused. */
const LARGEST = 3.4028234663852886e38;

/**
 * Runs a plan's op records one readable function after the other: forward, loss, all deltas, then the update.
 * The simd executor does the same in fewer passes; both leave the same bits.
 *
 * @param buffer the arena; offsets in the plan count its 32-bit elements
 */
export function createReferenceExecutor(buffer: ArrayBuffer) {
  const mem = new Float32Array(buffer);
  const words = new Int32Array(buffer);
  const counts = new Uint32Array(buffer);

  /** Record `i` of the plan whose header stands at `header`. */
  const opAt = (header: number, i: number) => words[header + L.H_OPS] + i * L.OP_WORDS;
  const lossAt = (header: number) => opAt(header, words[header + L.H_OP_COUNT] - 1);

  /** Largest magnitude, NaN where one of them is. */
  function peakOf(from: number, n: number): number {
    let peak = 0;
    for (let i = 0; i < n; i++) {
      const v = Math.abs(mem[from + i]);
      if (!(v <= peak)) peak = v;
      if (Number.isNaN(peak)) return peak;
    }
    return peak;
  }

  /** Columns of n values from one stride to another. */
  function restride(from: number, fromStride: number, to: number, toStride: number, n: number, m: number): void {
    for (let k = 0; k < m; k++) {
      for (let i = 0; i < n; i++) mem[to + k * toStride + i] = mem[from + k * fromStride + i];
    }
  }

  /** (F1), (F2). Returns the largest |a| an update can multiply by. @hot */
  function runForward(header: number): number {
    const m = words[header + L.H_EXAMPLES];
    const end = lossAt(header);
    let peak = 0;
    for (let op = opAt(header, 0); op < end; op += L.OP_WORDS) {
      const code = words[op + L.OP_CODE];
      if (code === L.OP_INPUT) {
        const from = words[op + L.IO_FROM];
        const n = words[op + L.IO_N];
        if (from !== 0) restride(from, n, words[op + L.IO_TO], words[op + L.IO_STRIDE], n, m);
        peak = peakOf(words[op + L.IO_TO], words[op + L.IO_STRIDE] * m);
      } else if (code === L.OP_OUTPUT) {
        const n = words[op + L.IO_N];
        restride(words[op + L.IO_FROM], words[op + L.IO_STRIDE], words[op + L.IO_TO], n, n, m);
      } else {
        const nIn = words[op + L.D_IN_STRIDE];
        const stride = words[op + L.D_OUT_STRIDE];
        const z = words[op + L.D_Z];
        for (let k = 0; k < m; k++) {
          const out = words[op + L.D_A_OUT] + k * stride;
          const a = words[op + L.D_A_IN] + k * nIn;
          denseForward(mem, words[op + L.D_W], words[op + L.D_B], a, out, nIn, stride);
          if (z !== 0) mem.copyWithin(z + k * stride, out, out + stride);
          activate(mem, words[op + L.D_ACTIVATION], out, words[op + L.D_OUT]);
        }
        const kind = words[op + L.D_ACTIVATION];
        if (isUnbounded(kind)) {
          const reached = peakOf(words[op + L.D_A_OUT], stride * m);
          if (!(reached <= peak)) peak = reached;
        }
      }
    }
    return peak;
  }

  /** J, and ∂ℓ/∂a (or δ) of the output layer left behind. @hot */
  function runLoss(header: number): number {
    const m = words[header + L.H_EXAMPLES];
    const op = lossAt(header);
    const n = words[op + L.L_N];
    const stride = words[op + L.L_STRIDE];
    const y = words[op + L.L_Y];
    const from = words[op + L.L_FROM];
    if (from !== 0) restride(from, n, y, stride, n, m);
    let total = 0;
    for (let k = 0; k < m; k++) {
      const at = k * stride;
      const a = words[op + L.L_A] + at;
      const loss = lossOf(mem, words[op + L.L_KIND], a, y + at, words[op + L.L_DA] + at, words[op + L.L_Z] + at, n);
      total = f(total + loss);
    }
    return m === 1 ? total : f(total * mem[words[header + L.H_STATE] + L.S_INVERSE_EXAMPLES]);
  }

  /** Deltas of every layer, from the output down, and whole gradients where the plan keeps them. Returns max |δ|. @hot */
  function runBackward(header: number): number {
    const m = words[header + L.H_EXAMPLES];
    let peak = 0;
    for (let op = lossAt(header) - L.OP_WORDS; op >= opAt(header, 0); op -= L.OP_WORDS) {
      if (words[op + L.OP_CODE] !== L.OP_DENSE) continue;
      const nIn = words[op + L.D_IN_STRIDE];
      const stride = words[op + L.D_OUT_STRIDE];
      const gw = words[op + L.D_GW];
      const gb = words[op + L.D_GB];
      const da = words[op + L.D_DA_IN];
      if (gw !== 0) mem.fill(0, gw, gw + nIn * stride);
      if (gb !== 0) mem.fill(0, gb, gb + stride);
      for (let k = 0; k < m; k++) {
        const delta = words[op + L.D_DELTA] + k * stride;
        const a = words[op + L.D_A_IN] + k * nIn;
        if (words[op + L.D_DELTA_READY] === 0) {
          pullBack(
            mem,
            words[op + L.D_ACTIVATION],
            words[op + L.D_A_OUT] + k * stride,
            words[op + L.D_Z] + k * stride,
            delta,
            words[op + L.D_OUT],
          );
        }
        const reached = peakOf(delta, stride);
        if (!(reached <= peak)) peak = reached;
        if (gw !== 0) denseGradient(mem, gw, delta, a, nIn, stride);
        if (gb !== 0) for (let i = 0; i < stride; i++) mem[gb + i] = mem[gb + i] + mem[delta + i]; // (B6)
        if (da !== 0) denseBackward(mem, words[op + L.D_W], delta, da + k * nIn, nIn, stride); // old weights
      }
      if (m > 1) {
        const share = mem[words[header + L.H_STATE] + L.S_INVERSE_EXAMPLES];
        if (gw !== 0) for (let i = 0; i < nIn * stride; i++) mem[gw + i] = mem[gw + i] * share;
        if (gb !== 0) for (let i = 0; i < stride; i++) mem[gb + i] = mem[gb + i] * share;
      }
      if (!(peak < Number.POSITIVE_INFINITY)) return peak;
    }
    return peak;
  }

  /** W ← W − η·∂J/∂W, b ← b − η·∂J/∂b. @hot */
  function runUpdate(header: number, rate: number): void {
    for (let op = opAt(header, 0); op < lossAt(header); op += L.OP_WORDS) {
      if (words[op + L.OP_CODE] !== L.OP_DENSE) continue;
      const nIn = words[op + L.D_IN_STRIDE];
      const stride = words[op + L.D_OUT_STRIDE];
      const w = words[op + L.D_W];
      const b = words[op + L.D_B];
      const gw = words[op + L.D_GW];
      if (gw !== 0) {
        sgdUpdate(mem, w, gw, nIn * stride, rate);
        if (b !== 0) sgdUpdate(mem, b, words[op + L.D_GB], stride, rate);
      } else {
        const delta = words[op + L.D_DELTA];
        denseUpdate(mem, w, delta, words[op + L.D_A_IN], nIn, stride, rate);
        if (b !== 0) sgdUpdate(mem, b, delta, stride, rate);
      }
    }
  }

  /** The largest parameter magnitude. */
  function peakParameter(header: number): number {
    let peak = 0;
    for (let op = opAt(header, 0); op < lossAt(header); op += L.OP_WORDS) {
      if (words[op + L.OP_CODE] !== L.OP_DENSE) continue;
      const stride = words[op + L.D_OUT_STRIDE];
      peak = Math.max(peak, peakOf(words[op + L.D_W], words[op + L.D_IN_STRIDE] * stride));
      if (words[op + L.D_B] !== 0) peak = Math.max(peak, peakOf(words[op + L.D_B], stride));
    }
    return peak;
  }

  function refuse(state: number, reason: number): number {
    counts[state + reason]++;
    mem[state + L.S_LOSS] = Number.NaN;
    return Number.NaN;
  }

  /** Forward, loss and deltas; learns nothing. Leaves |δ|'s peak in `peaks[1]`, |a|'s in `peaks[0]`. @hot */
  const peaks = new Float64Array(2);
  function evaluate(header: number): number {
    const state = words[header + L.H_STATE];
    peaks[0] = runForward(header);
    const input = opAt(header, 0);
    const inputs = words[input + L.IO_STRIDE] * words[header + L.H_EXAMPLES];
    if (!(peakOf(words[input + L.IO_TO], inputs) < Number.POSITIVE_INFINITY)) return refuse(state, L.S_REFUSED_INPUT);
    const loss = runLoss(header);
    if (!Number.isFinite(loss)) return refuse(state, L.S_REFUSED_LOSS);
    peaks[1] = runBackward(header);
    if (!(peaks[1] < Number.POSITIVE_INFINITY)) return refuse(state, L.S_REFUSED_DELTA);
    return loss;
  }

  function step(header: number): number {
    const state = words[header + L.H_STATE];
    const loss = evaluate(header);
    if (Number.isNaN(loss)) return loss;
    const rate = mem[state + L.S_RATE];
    const reach = peaks[1] * Math.max(peaks[0], 1); // how far a unit rate can move a parameter, in float64
    const bound = mem[state + L.S_PARAMETER_BOUND];
    let largest = bound + rate * peaks[1] * Math.max(peaks[0], 1);
    if (!(largest <= LARGEST)) largest = peakParameter(header) + rate * peaks[1] * Math.max(peaks[0], 1);
    if (!(largest <= LARGEST && reach * words[header + L.H_EXAMPLES] <= LARGEST)) {
      return refuse(state, L.S_REFUSED_UPDATE);
    }
    runUpdate(header, rate);
    mem[state + L.S_PARAMETER_BOUND] = largest * 1.0000001; // rounded up, so that the bound stays one
    mem[state + L.S_LOSS] = loss;
    if (++counts[state + L.S_STEPS] === 2 ** 32) counts[state + L.S_STEPS_HIGH]++;
    return loss;
  }

  return {
    forward(header: number): void {
      runForward(header);
    },
    gradient: evaluate,
    step,
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
        total += step(header);
      }
      return total;
    },
  };
}
