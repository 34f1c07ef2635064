import { DRIFT, type DriftDetector, type DriftDirection, isUsable, STABLE } from './drift-detector.js';
import { MIN_DEVIATION } from './scaler.js';
import type { StateArray } from './state.js';

const COUNT = 0;
const MEAN = 1;
/** n · variance of the values the scale is taken from. */
const M2 = 2;
const SCALE = 3;
const RISE = 4;
const LEAST_RISE = 5;
const FALL = 6;
const MOST_FALL = 7;
const IGNORED = 8;

/** A scale of its own is this many standard deviations: most values then lie in a span of 1, as the paper's λ expects. */
const DEVIATIONS = 4;

export interface PageHinkleyOptions {
  /** δ: changes of the mean as small as this are let pass. */
  delta?: number;
  /** λ: the larger, the fewer false alarms and the later the true ones. */
  lambda?: number;
  /** α: what is left of a sum after a value, 0 < α ≤ 1. */
  alpha?: number;
  /** Values before it judges, since the start or the last drift. */
  grace?: number;
  direction?: DriftDirection;
  /** Values are divided by it. Absent: four standard deviations of the first `grace` ones since the start or the last drift. */
  scale?: number;
}

/**
 * Page–Hinkley test (Page 1954; with δ, λ and fading as in Gama, Sebastião & Rodrigues 2013). With x̄ₜ the mean of all values
 * since the last drift,
 *
 *     m ← α·m + (xₜ − x̄ₜ − δ)   drift where m − min m > λ   (the mean rises)
 *     m ← α·m + (xₜ − x̄ₜ + δ)   drift where max m − m > λ   (it falls)
 */
export class PageHinkley implements DriftDetector {
  private readonly scalars = new Float64Array(9);
  private readonly options: Required<Omit<PageHinkleyOptions, 'scale'>>;
  private readonly fixedScale: number;

  constructor({
    delta = 0.005,
    lambda = 50,
    alpha = 0.9999,
    grace = 30,
    direction = 'both',
    scale = 0,
  }: PageHinkleyOptions = {}) {
    this.options = { delta, lambda, alpha, grace, direction };
    this.fixedScale = scale;
    this.scalars[SCALE] = this.fixedScale;
  }

  get ignored(): number {
    return this.scalars[IGNORED];
  }

  /** @hot */
  update(values: Float64Array): number {
    const { scalars, fixedScale } = this;
    const { delta, lambda, alpha, grace, direction } = this.options;
    const x = values[0];
    if (!isUsable(x)) {
      scalars[IGNORED] = scalars[IGNORED] + 1;
      return STABLE;
    }
    const n = scalars[COUNT] + 1;
    const before = x - scalars[MEAN];
    const mean = scalars[MEAN] + before / n;
    scalars[COUNT] = n;
    scalars[MEAN] = mean;
    if (fixedScale === 0 && n <= grace) {
      scalars[M2] = scalars[M2] + before * (x - mean);
      scalars[SCALE] = DEVIATIONS * Math.max(Math.sqrt(scalars[M2] / n), MIN_DEVIATION);
      return STABLE;
    }
    const change = (x - mean) / scalars[SCALE];
    const rise = scalars[RISE] * alpha + (change - delta);
    const fall = scalars[FALL] * alpha + (change + delta);
    scalars[RISE] = rise;
    scalars[FALL] = fall;
    if (rise < scalars[LEAST_RISE]) scalars[LEAST_RISE] = rise;
    if (fall > scalars[MOST_FALL]) scalars[MOST_FALL] = fall;
    if (n < grace) return STABLE;
    const hasRisen = direction !== 'down' && rise - scalars[LEAST_RISE] > lambda;
    const hasFallen = direction !== 'up' && scalars[MOST_FALL] - fall > lambda;
    if (!hasRisen && !hasFallen) return STABLE;
    scalars.fill(0, 0, IGNORED);
    scalars[SCALE] = fixedScale;
    return DRIFT;
  }

  state(prefix: string): StateArray[] {
    return [{ name: `${prefix}.scalars`, shape: [this.scalars.length], data: this.scalars }];
  }
}
