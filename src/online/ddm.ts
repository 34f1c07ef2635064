import { DRIFT, type DriftDetector, STABLE, WARNING } from './drift-detector.js';
import type { StateArray } from './state.js';

const COUNT = 0;
const RATE = 1;
const LEAST_RATE = 2;
const LEAST_SPREAD = 3;
const IGNORED = 4;

export interface DdmOptions {
  /** Spreads above the least error rate at which it warns. */
  warning?: number;
  /** The same at which there is drift. */
  drift?: number;
  /** Values before it judges, since the start or the last drift. */
  grace?: number;
}

/**
 * Drift detection method (Gama, Medas, Castillo & Rodrigues 2004), of errors 0 or 1. With p the error rate since the last drift
 * and s = √(p(1 − p)/n), it keeps p_min and s_min of where p + s was least, and tells
 *
 *     warning  where p + s ≥ p_min + 2·s_min,   drift  where p + s ≥ p_min + 3·s_min.
 *
 * A rate of 0 is no minimum: its spread of 0 would make the first error a drift.
 */
export class Ddm implements DriftDetector {
  private readonly scalars = new Float64Array(5);
  private readonly warning: number;
  private readonly drift: number;
  private readonly grace: number;

  constructor({ warning = 2, drift = 3, grace = 30 }: DdmOptions = {}) {
    this.warning = warning;
    this.drift = drift;
    this.grace = grace;
  }

  get ignored(): number {
    return this.scalars[IGNORED];
  }

  /** Values outside 0 … 1 are left out too. @hot */
  update(values: Float64Array): number {
    const { scalars, grace } = this;
    const x = values[0];
    if (!(x >= 0 && x <= 1)) {
      scalars[IGNORED] = scalars[IGNORED] + 1;
      return STABLE;
    }
    const n = scalars[COUNT] + 1;
    const p = scalars[RATE] + (x - scalars[RATE]) / n;
    scalars[COUNT] = n;
    scalars[RATE] = p;
    if (n < grace || !(p > 0)) return STABLE;
    const s = Math.sqrt((p * (1 - p)) / n);
    const hasLeast = scalars[LEAST_RATE] > 0;
    if (!hasLeast || p + s <= scalars[LEAST_RATE] + scalars[LEAST_SPREAD]) {
      scalars[LEAST_RATE] = p;
      scalars[LEAST_SPREAD] = s;
      return STABLE;
    }
    if (p + s >= scalars[LEAST_RATE] + this.drift * scalars[LEAST_SPREAD]) {
      scalars.fill(0, 0, IGNORED);
      return DRIFT;
    }
    return p + s >= scalars[LEAST_RATE] + this.warning * scalars[LEAST_SPREAD] ? WARNING : STABLE;
  }

  state(prefix: string): StateArray[] {
    return [{ name: `${prefix}.scalars`, shape: [this.scalars.length], data: this.scalars }];
  }
}
