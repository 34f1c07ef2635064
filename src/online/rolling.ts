import type { StateArray } from './state.js';

// Statistics of the last `rows` rows. Nothing is ever subtracted, so that no rounding collects, a value that has left the
// window leaves no trace, and a constant column has deviation and slope exactly 0. Each pass over the ring is summed up as it
// comes; of the pass before, suffixes are kept, made once a pass: the window is the pass so far and the suffix that is left.
// Float64, and only + − × ÷ √ and comparisons.

// One aggregate: number of values, mean time and value, and sums of (t − mean t)², (x − mean x)², (t − mean t)·(x − mean x).
const N = 0;
const T = 1;
const X = 2;
const TT = 3;
const XX = 4;
const TX = 5;
const FIELDS = 6;

/** Mean, deviation and slope of several columns over the last rows; a missing value takes a place and counts for nothing. */
export class RollingMoments {
  /** [rows, width, FIELDS]: [0, position) the values of this pass · [position, rows) suffixes of the pass before. */
  private readonly ring: Float64Array;
  /** [width, FIELDS]: this pass so far. Its times begin at `rows`, those of the pass before at 0. */
  private readonly pass: Float64Array;
  private readonly one: Float64Array = new Float64Array(FIELDS);
  private readonly position = new Int32Array(1);

  /** @param rows ≥ 2 */
  constructor(
    readonly width: number,
    readonly rows: number,
  ) {
    this.ring = new Float64Array(rows * width * FIELDS);
    this.pass = new Float64Array(width * FIELDS);
  }

  /**
   * Takes a row: values[columns[i]] where isThere[columns[i]] is 1. Every `rows` rows it costs one pass over the ring.
   *
   * @hot
   */
  push(values: Float64Array, isThere: Uint8Array, columns: Int32Array): void {
    const { ring, pass, one, position, width, rows } = this;
    const place = position[0];
    for (let i = 0; i < width; i++) {
      const at = (place * width + i) * FIELDS;
      ring.fill(0, at, at + FIELDS);
      if (isThere[columns[i]] === 0) continue;
      ring[at + N] = one[N] = 1;
      ring[at + T] = place;
      one[T] = rows + place;
      ring[at + X] = one[X] = values[columns[i]];
      merge(pass, i * FIELDS, one, 0);
    }
    position[0] = place + 1;
    if (place + 1 < rows) return;
    for (let at = (rows - 1) * width * FIELDS - FIELDS; at >= 0; at -= FIELDS)
      merge(ring, at, ring, at + width * FIELDS);
    pass.fill(0);
    position[0] = 0;
  }

  /**
   * means[i], deviations[i] (population) and slopes[i] (least squares, change per row) of column i; 0 where there is no value,
   * slope 0 where there is one. Each [width].
   *
   * @hot
   */
  read(means: Float64Array, deviations: Float64Array, slopes: Float64Array): void {
    const { ring, pass, one, position, width } = this;
    for (let i = 0; i < width; i++) {
      for (let f = 0; f < FIELDS; f++) one[f] = ring[(position[0] * width + i) * FIELDS + f];
      merge(one, 0, pass, i * FIELDS);
      means[i] = one[X];
      deviations[i] = one[N] > 0 ? Math.sqrt(one[XX] / one[N]) : 0;
      slopes[i] = one[TT] > 0 ? one[TX] / one[TT] : 0;
    }
    one.fill(0);
  }

  /** Forgets every row. @hot */
  clear(): void {
    this.ring.fill(0);
    this.pass.fill(0);
    this.position[0] = 0;
  }

  state(prefix: string): StateArray[] {
    const { rows, width } = this;
    return [
      { name: `${prefix}.ring`, shape: [rows, width, FIELDS], data: this.ring },
      { name: `${prefix}.pass`, shape: [width, FIELDS], data: this.pass },
      { name: `${prefix}.position`, shape: [1], data: this.position },
    ];
  }
}

/** to[at …] ← the aggregate of it and of from[off …], by Chan, Golub and LeVeque, "Updating formulae" (1979). @hot */
function merge(to: Float64Array, at: number, from: Float64Array, off: number): void {
  const b = from[off + N];
  if (b === 0) return;
  const a = to[at + N];
  if (a === 0) {
    for (let f = 0; f < FIELDS; f++) to[at + f] = from[off + f];
    return;
  }
  const n = a + b;
  const t = from[off + T] - to[at + T];
  const x = from[off + X] - to[at + X];
  const weight = (a * b) / n;
  to[at + N] = n;
  to[at + T] = to[at + T] + (t * b) / n;
  to[at + X] = to[at + X] + (x * b) / n;
  to[at + TT] = to[at + TT] + from[off + TT] + t * t * weight;
  to[at + XX] = to[at + XX] + from[off + XX] + x * x * weight;
  to[at + TX] = to[at + TX] + from[off + TX] + t * x * weight;
}

/** Where there is no value, least and largest are these: finite, as all state is, and beyond every float32. */
const NO_LEAST = Number.MAX_VALUE;
const NO_LARGEST = -Number.MAX_VALUE;

/** Least and largest value of several columns over the last rows, exactly. */
export class RollingExtremes {
  /** [rows, width], as the ring of `RollingMoments`. */
  private readonly least: Float64Array;
  private readonly largest: Float64Array;
  /** [2, width]: of this pass so far. */
  private readonly pass: Float64Array;
  private readonly position = new Int32Array(1);

  /** @param rows ≥ 2 */
  constructor(
    readonly width: number,
    readonly rows: number,
  ) {
    this.least = new Float64Array(rows * width);
    this.largest = new Float64Array(rows * width);
    this.pass = new Float64Array(2 * width);
    this.clear();
  }

  /** Takes a row as `RollingMoments.push` does. @hot */
  push(values: Float64Array, isThere: Uint8Array, columns: Int32Array): void {
    const { least, largest, pass, position, width, rows } = this;
    const place = position[0];
    for (let i = 0; i < width; i++) {
      const isMissing = isThere[columns[i]] === 0;
      const low = isMissing ? NO_LEAST : values[columns[i]];
      const high = isMissing ? NO_LARGEST : low;
      least[place * width + i] = low;
      largest[place * width + i] = high;
      if (low < pass[i]) pass[i] = low;
      if (high > pass[width + i]) pass[width + i] = high;
    }
    position[0] = place + 1;
    if (place + 1 < rows) return;
    for (let at = (rows - 1) * width - 1; at >= 0; at--) {
      if (least[at + width] < least[at]) least[at] = least[at + width];
      if (largest[at + width] > largest[at]) largest[at] = largest[at + width];
    }
    this.startPass();
  }

  /** minima[i] and maxima[i] of column i, each [width]; 0 where there is no value. @hot */
  read(minima: Float64Array, maxima: Float64Array): void {
    const { least, largest, pass, position, width } = this;
    for (let i = 0; i < width; i++) {
      const low = Math.min(least[position[0] * width + i], pass[i]);
      const high = Math.max(largest[position[0] * width + i], pass[width + i]);
      minima[i] = low > high ? 0 : low;
      maxima[i] = low > high ? 0 : high;
    }
  }

  /** Forgets every row. @hot */
  clear(): void {
    this.least.fill(NO_LEAST);
    this.largest.fill(NO_LARGEST);
    this.startPass();
  }

  /** @hot */
  private startPass(): void {
    const { pass, width } = this;
    pass.fill(NO_LEAST, 0, width);
    pass.fill(NO_LARGEST, width);
    this.position[0] = 0;
  }

  state(prefix: string): StateArray[] {
    const { rows, width } = this;
    return [
      { name: `${prefix}.least`, shape: [rows, width], data: this.least },
      { name: `${prefix}.largest`, shape: [rows, width], data: this.largest },
      { name: `${prefix}.pass`, shape: [2, width], data: this.pass },
      { name: `${prefix}.position`, shape: [1], data: this.position },
    ];
  }
}
