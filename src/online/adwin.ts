import { DRIFT, type DriftDetector, type DriftDirection, isUsable, STABLE } from './drift-detector.js';
import { naturalLog } from './logarithm.js';
import type { StateArray } from './state.js';

/** Rows of buckets: the window holds up to about buckets · 2³² values, then loses its oldest. */
const ROWS = 32;
/** 2ʳ, the values in a bucket of row r. */
const SIZES = new Float64Array(ROWS);
for (let row = 0, size = 1; row < ROWS; row++, size *= 2) SIZES[row] = size;
/** Neither part of a cut is shorter. */
const SHORTEST = 5;

const WIDTH = 0;
const CLOCK = 1;
const LEAST = 2;
const MOST = 3;
const IGNORED = 4;
// Of the whole window, worked out at every check.
const SUM = 0;
const VARIANCE = 1;

export interface AdwinOptions {
  /** δ: at every check, the probability of a cut where nothing has changed is at most this. */
  delta?: number;
  /** M: buckets of each size; more of them, finer cuts. */
  buckets?: number;
  /** The window is checked whenever this many values have come. */
  every?: number;
  /** The shortest window that is checked. */
  grace?: number;
  direction?: DriftDirection;
  /** Between the least and the largest value there can be, 1 in the paper. Absent: between those there were. */
  range?: number;
}

/**
 * Adaptive window (Bifet & Gavaldà 2007), over an exponential histogram. The window is as long as its mean has not changed: while
 * two parts W₀ (older) and W₁ of it, cut between buckets, have means that differ by more than
 *
 *     ε = √((2/m)·σ²·ln(2/δ′)) + (2/3m)·R·ln(2/δ′)    1/m = 1/n₀ + 1/n₁,   δ′ = δ/ln n
 *
 * its oldest bucket is dropped; σ² is the variance of the window, n its length, R the range of values. Dropping is a drift where
 * the mean changed in the direction asked for.
 *
 * A bucket of row r is the sum of 2ʳ values and n·variance of them. When a row has more than M, its two oldest become one of
 * the next row, so that n values take about M·log₂(n/M) buckets.
 */
export class Adwin implements DriftDetector {
  /** [ROWS, buckets + 1], the oldest of a row first. */
  private readonly sums: Float64Array;
  /** [ROWS, buckets + 1]: size · variance. */
  private readonly m2: Float64Array;
  /** [ROWS]: buckets in use. */
  private readonly counts = new Int32Array(ROWS);
  private readonly scalars = new Float64Array(5);
  private readonly totals = new Float64Array(2);
  private readonly options: Required<Omit<AdwinOptions, 'range'>>;
  private readonly stride: number;
  private readonly fixedRange: number;

  constructor(options: AdwinOptions = {}) {
    this.options = { delta: 0.002, buckets: 5, every: 32, grace: 10, direction: 'both', ...options };
    this.fixedRange = options.range ?? 0;
    this.stride = this.options.buckets + 1;
    this.sums = new Float64Array(ROWS * this.stride);
    this.m2 = new Float64Array(ROWS * this.stride);
  }

  get ignored(): number {
    return this.scalars[IGNORED];
  }

  /** Values in the window. */
  get width(): number {
    return this.scalars[WIDTH];
  }

  /** @hot */
  update(values: Float64Array): number {
    const { scalars, sums, m2, counts } = this;
    const { every, grace } = this.options;
    const x = values[0];
    if (!isUsable(x)) {
      scalars[IGNORED] = scalars[IGNORED] + 1;
      return STABLE;
    }
    const isFirst = scalars[WIDTH] === 0;
    if (isFirst || x < scalars[LEAST]) scalars[LEAST] = x;
    if (isFirst || x > scalars[MOST]) scalars[MOST] = x;
    sums[counts[0]] = x;
    m2[counts[0]] = 0;
    counts[0] = counts[0] + 1;
    scalars[WIDTH] = scalars[WIDTH] + 1;
    this.compress();
    const clock = scalars[CLOCK] + 1;
    scalars[CLOCK] = clock === every ? 0 : clock;
    return clock === every && scalars[WIDTH] >= grace ? this.shrink() : STABLE;
  }

  /** Makes one bucket of the two oldest, in every row that has too many. @hot */
  private compress(): void {
    const { sums, m2, counts, stride } = this;
    for (let row = 0; counts[row] === stride; row++) {
      if (row === ROWS - 1) {
        this.drop(row);
        return;
      }
      const from = row * stride;
      const to = (row + 1) * stride + counts[row + 1];
      const size = SIZES[row];
      const between = (sums[from] - sums[from + 1]) / size;
      sums[to] = sums[from] + sums[from + 1];
      m2[to] = m2[from] + m2[from + 1] + between * between * (size / 2);
      counts[row + 1] = counts[row + 1] + 1;
      counts[row] = stride - 2;
      for (let i = from; i < from + stride - 2; i++) {
        sums[i] = sums[i + 2];
        m2[i] = m2[i + 2];
      }
      sums[from + stride - 2] = sums[from + stride - 1] = 0;
      m2[from + stride - 2] = m2[from + stride - 1] = 0;
    }
  }

  /** Leaves out the oldest bucket of a row. @hot */
  private drop(row: number): void {
    const { sums, m2, counts, stride, scalars } = this;
    const left = counts[row] - 1;
    const end = row * stride + left;
    for (let i = row * stride; i < end; i++) {
      sums[i] = sums[i + 1];
      m2[i] = m2[i + 1];
    }
    sums[end] = m2[end] = 0;
    counts[row] = left;
    scalars[WIDTH] = scalars[WIDTH] - SIZES[row];
  }

  /** Drops what is older than a change. @hot */
  private shrink(): number {
    const { scalars, counts } = this;
    const { grace, direction } = this.options;
    let level = STABLE;
    let hasCut = false;
    while (scalars[WIDTH] >= grace) {
      const change = this.findCut();
      if (change === 0) break;
      hasCut = true;
      if (direction === 'both' || (direction === 'up') === change > 0) level = DRIFT;
      let row = ROWS - 1;
      while (counts[row] === 0) row--;
      this.drop(row);
    }
    if (hasCut) this.remeasure();
    return level;
  }

  /** @returns 1 or −1 where the mean rises or falls at the first cut, the oldest, that tells a change; 0 where none does @hot */
  private findCut(): number {
    const { sums, counts, totals, scalars, stride, fixedRange } = this;
    const range = fixedRange > 0 ? fixedRange : scalars[MOST] - scalars[LEAST];
    if (!(range > 0)) return 0;
    this.total();
    const n = scalars[WIDTH];
    const logarithm = naturalLog((2 * naturalLog(n)) / this.options.delta);
    const spread = 2 * totals[VARIANCE] * logarithm;
    const bound = (2 / 3) * range * logarithm;
    let n0 = 0;
    let sum0 = 0;
    for (let row = ROWS - 1; row >= 0; row--) {
      for (let i = row * stride, end = i + counts[row]; i < end; i++) {
        n0 += SIZES[row];
        sum0 += sums[i];
        const n1 = n - n0;
        if (n1 < SHORTEST) return 0;
        if (n0 < SHORTEST) continue;
        const inverse = n / (n0 * n1); // 1/m
        const change = (totals[SUM] * (n0 / n) - sum0) * inverse; // µ₁ − µ₀
        const epsilon = Math.sqrt(spread * inverse) + bound * inverse;
        if (change > epsilon) return 1;
        if (change < -epsilon) return -1;
      }
    }
    return 0;
  }

  /** Sum and variance of the window, from its buckets, the oldest first. @hot */
  private total(): void {
    const { sums, m2, counts, totals, stride } = this;
    let n = 0;
    let sum = 0;
    let squares = 0;
    for (let row = ROWS - 1; row >= 0; row--) {
      const size = SIZES[row];
      for (let i = row * stride, end = i + counts[row]; i < end; i++) {
        if (n > 0) {
          const between = sum * size - sums[i] * n;
          squares += (between * between) / (n * size * (n + size));
        }
        squares += m2[i];
        sum += sums[i];
        n += size;
      }
    }
    totals[SUM] = sum;
    totals[VARIANCE] = squares / n;
  }

  /** After a cut the extremes are those of the means of what is left, until values widen them. @hot */
  private remeasure(): void {
    const { sums, counts, scalars, stride } = this;
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let row = 0; row < ROWS; row++) {
      for (let i = row * stride, end = i + counts[row]; i < end; i++) {
        const mean = sums[i] / SIZES[row];
        if (mean < least) least = mean;
        if (mean > most) most = mean;
      }
    }
    scalars[LEAST] = least;
    scalars[MOST] = most;
  }

  state(prefix: string): StateArray[] {
    const { sums, m2, counts, scalars, stride } = this;
    return [
      { name: `${prefix}.sums`, shape: [ROWS, stride], data: sums },
      { name: `${prefix}.m2`, shape: [ROWS, stride], data: m2 },
      { name: `${prefix}.counts`, shape: [ROWS], data: counts },
      { name: `${prefix}.scalars`, shape: [scalars.length], data: scalars },
    ];
  }
}
