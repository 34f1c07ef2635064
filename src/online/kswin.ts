import { Random } from '../engine/index.js';
import { DRIFT, type DriftDetector, type DriftDirection, isUsable, STABLE } from './drift-detector.js';
import { naturalLog } from './logarithm.js';
import type { StateArray } from './state.js';

/** Up to so many values are sorted by insertion. */
const FEW = 64;

const COUNT = 0;
const POSITION = 1;
const IGNORED = 0;

export interface KswinOptions {
  /** α: the probability that one test tells a change where there is none. */
  alpha?: number;
  /** n: values in the window. */
  window?: number;
  /** r: the latest of them, compared with as many of the others; n ≥ 2r. */
  recent?: number;
  direction?: DriftDirection;
  /** Of the sampling, 0 … 2³² − 1. */
  seed?: number;
}

/**
 * Kolmogorov–Smirnov windowing (Raab, Heusinger & Schleif 2020). With every value of a full window of n, the latest r are compared
 * with r others, drawn at random without replacement: drift where the distance of their empirical distributions is more
 * than that of the two-sample test, D > √(−½·ln(α/2)) · √(2/r). Then all but the latest r are forgotten.
 *
 * Any change of the distribution is told; where a direction is asked for, the mean must have changed in it.
 */
export class Kswin implements DriftDetector {
  /** [n], a ring. */
  private readonly values: Float64Array;
  private readonly place = new Int32Array(2);
  private readonly counts = new Float64Array(1);
  private readonly random: Random;
  /** [n − r] and [r], of the test. */
  private readonly others: Float64Array;
  private readonly sample: Float64Array;
  private readonly latest: Float64Array;
  /** r · the critical distance. */
  private readonly limit: number;
  private readonly direction: DriftDirection;

  constructor({ alpha = 0.005, window = 100, recent = 30, direction = 'both', seed = 1 }: KswinOptions = {}) {
    this.values = new Float64Array(window);
    this.others = new Float64Array(window - recent);
    this.sample = this.others.subarray(0, recent);
    this.latest = new Float64Array(recent);
    this.random = new Random(seed);
    this.limit = Math.sqrt(-0.5 * naturalLog(alpha / 2)) * Math.sqrt(2 / recent) * recent;
    this.direction = direction;
  }

  get ignored(): number {
    return this.counts[IGNORED];
  }

  /** @hot */
  update(values: Float64Array): number {
    const { counts, place } = this;
    const ring = this.values;
    const x = values[0];
    if (!isUsable(x)) {
      counts[IGNORED] = counts[IGNORED] + 1;
      return STABLE;
    }
    const at = place[POSITION];
    ring[at] = x;
    place[POSITION] = at + 1 === ring.length ? 0 : at + 1;
    if (place[COUNT] < ring.length) place[COUNT] = place[COUNT] + 1;
    if (place[COUNT] < ring.length) return STABLE;
    this.draw();
    const { sample, latest } = this;
    let change = 0;
    for (let i = 0; i < latest.length; i++) change += latest[i] - sample[i];
    sort(sample);
    sort(latest);
    if (!(distance(sample, latest) > this.limit)) return STABLE;
    this.forget();
    if (this.direction === 'up') return change > 0 ? DRIFT : STABLE;
    if (this.direction === 'down') return change < 0 ? DRIFT : STABLE;
    return DRIFT;
  }

  /** Writes the latest values and a sample of the others, by the first r swaps of a Fisher–Yates shuffle. @hot */
  private draw(): void {
    const { values, place, others, latest, random } = this;
    let from = place[POSITION];
    for (let i = 0; i < others.length; i++) {
      others[i] = values[from];
      from = from + 1 === values.length ? 0 : from + 1;
    }
    for (let i = 0; i < latest.length; i++) {
      latest[i] = values[from];
      from = from + 1 === values.length ? 0 : from + 1;
    }
    for (let i = 0; i < latest.length; i++) {
      const j = i + random.below(others.length - i);
      const drawn = others[j];
      others[j] = others[i];
      others[i] = drawn;
    }
  }

  /** Keeps the latest values alone, now at the front of the ring. @hot */
  private forget(): void {
    const { values, place, latest } = this;
    const r = latest.length;
    let from = place[POSITION] - r;
    if (from < 0) from += values.length;
    for (let i = 0; i < r; i++) {
      latest[i] = values[from];
      from = from + 1 === values.length ? 0 : from + 1;
    }
    values.fill(0);
    values.set(latest);
    place[COUNT] = r;
    place[POSITION] = r;
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.values`, shape: [this.values.length], data: this.values },
      { name: `${prefix}.place`, shape: [2], data: this.place },
      { name: `${prefix}.counts`, shape: [1], data: this.counts },
      { name: `${prefix}.random`, shape: [4], data: this.random.words },
    ];
  }
}

/** In place, rising; without a comparator V8's own allocates nothing, but a call of it costs more than a few values do. @hot */
function sort(values: Float64Array): void {
  if (values.length > FEW) {
    values.sort();
    return;
  }
  for (let i = 1; i < values.length; i++) {
    const x = values[i];
    let j = i;
    for (; j > 0 && values[j - 1] > x; j--) values[j] = values[j - 1];
    values[j] = x;
  }
}

/** The largest distance of the empirical distributions of two sorted samples of one size r, times r. @hot */
function distance(a: Float64Array, b: Float64Array): number {
  const r = a.length;
  let most = 0;
  for (let i = 0, j = 0; i < r && j < r; ) {
    const x = a[i] < b[j] ? a[i] : b[j];
    while (i < r && a[i] === x) i++;
    while (j < r && b[j] === x) j++;
    const d = i < j ? j - i : i - j;
    if (d > most) most = d;
  }
  return most;
}
