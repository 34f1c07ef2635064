import { layout as L, pad4 } from '../plan/index.js';

/** The arena a plan lies in, and how its records are found; offsets in the plan count 32-bit elements. */
export type ReferenceArena = ReturnType<typeof openArena>;

export function openArena(buffer: ArrayBuffer) {
  const mem = new Float32Array(buffer);
  const words = new Int32Array(buffer);
  const counts = new Uint32Array(buffer);
  const doubles = new Float64Array(buffer);

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

  /** Calls `visit` with every layer that has parameters: op record, and elements of weight and bias, padding included. */
  function eachLayer(header: number, visit: (op: number, weights: number, biases: number) => void): void {
    for (let op = opAt(header, 0); op < lossAt(header); op += L.OP_WORDS) {
      if (!isLayer(op) || words[op + L.OP_CODE] === L.OP_DROPOUT) continue;
      const nOut = pad4(words[op + L.D_OUT]);
      const weights = words[op + L.OP_CODE] === L.OP_LAYER_NORM ? nOut : nOut * pad4(words[op + L.D_IN]);
      visit(op, weights, words[op + L.D_B] === 0 ? 0 : nOut);
    }
  }

  return { mem, words, counts, doubles, opAt, lossAt, isLayer, peakOf, eachLayer };
}
