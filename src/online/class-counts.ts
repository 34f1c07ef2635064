import { FADED } from './score-sums.js';
import type { StateArray } from './state.js';

const TRUTHS = 0;
const PREDICTIONS = 1;
const RIGHT = 2;
const BASELINE_PREDICTIONS = 3;
const BASELINE_RIGHT = 4;
const KINDS = 5;

/** Scores that need to know which class was taken for which; null where a denominator is zero. */
export interface ClassScores {
  accuracy: number | null;
  /** Mean recall of the classes that have occurred. */
  balancedAccuracy: number | null;
  /** Cohen's; null while all truth and all predictions are one class. */
  kappa: number | null;
  /** Macro: mean F1 of the classes that have occurred or been predicted. */
  f1: number | null;
}

/** One class: `recall` of its rows were predicted, `precision` of its predictions were right; f1 is their harmonic mean. */
export interface ClassFigures {
  /** Rows of it; where rows fade, what is left of them. */
  rows: number;
  predicted: number;
  recall: number | null;
  precision: number | null;
  f1: number | null;
}

/** How often each class was true, predicted, and both, of a model and of its baseline. */
export class ClassCounts {
  /** [5, classes] */
  private readonly counts: Float64Array;

  constructor(readonly classes: number) {
    this.counts = new Float64Array(KINDS * classes);
  }

  /** Counts one row, or with −1 takes it back. @hot */
  add(prediction: number, baseline: number, truth: number, sign: number): void {
    const { classes, counts } = this;
    counts[TRUTHS * classes + truth] = counts[TRUTHS * classes + truth] + sign;
    counts[PREDICTIONS * classes + prediction] = counts[PREDICTIONS * classes + prediction] + sign;
    counts[BASELINE_PREDICTIONS * classes + baseline] = counts[BASELINE_PREDICTIONS * classes + baseline] + sign;
    if (prediction === truth) counts[RIGHT * classes + truth] = counts[RIGHT * classes + truth] + sign;
    if (baseline === truth) counts[BASELINE_RIGHT * classes + truth] = counts[BASELINE_RIGHT * classes + truth] + sign;
  }

  /** Multiplies every count by what is left of it after a row. @hot */
  fade(factor: number): void {
    const { counts } = this;
    for (let i = 0; i < counts.length; i++) {
      const left = counts[i] * factor;
      counts[i] = left < FADED ? 0 : left;
    }
  }

  /** Rows counted. */
  private total(): number {
    let total = 0;
    for (let c = 0; c < this.classes; c++) total += this.counts[TRUTHS * this.classes + c];
    return total;
  }

  /** Rows that were right. */
  private right(of: 'model' | 'baseline'): number {
    const { classes, counts } = this;
    const kind = of === 'model' ? RIGHT : BASELINE_RIGHT;
    let right = 0;
    for (let c = 0; c < classes; c++) right += counts[kind * classes + c];
    return right;
  }

  figures(c: number, of: 'model' | 'baseline'): ClassFigures {
    const { classes, counts } = this;
    const rows = counts[TRUTHS * classes + c];
    const predicted = counts[(of === 'model' ? PREDICTIONS : BASELINE_PREDICTIONS) * classes + c];
    const right = counts[(of === 'model' ? RIGHT : BASELINE_RIGHT) * classes + c];
    return {
      rows,
      predicted,
      recall: ratio(right, rows),
      precision: ratio(right, predicted),
      f1: ratio(2 * right, rows + predicted),
    };
  }

  /** (p − p_baseline) / (1 − p_baseline); null while the baseline was always right. */
  kappaOverBaseline(): number | null {
    const total = this.total();
    const baselineRight = this.right('baseline');
    return above(this.right('model') - baselineRight, total - baselineRight, total);
  }

  scores(of: 'model' | 'baseline'): ClassScores {
    const total = this.total();
    const right = this.right(of);
    let chance = 0;
    let recalls = 0;
    let occurred = 0;
    let f1s = 0;
    let seen = 0;
    for (let c = 0; c < this.classes; c++) {
      const { rows, predicted, recall, f1 } = this.figures(c, of);
      chance += rows * predicted;
      if (recall !== null) {
        recalls += recall;
        occurred++;
      }
      if (f1 !== null) {
        f1s += f1;
        seen++;
      }
    }
    return {
      accuracy: ratio(right, total),
      balancedAccuracy: ratio(recalls, occurred),
      kappa: above(right * total - chance, total * total - chance, total * total),
      f1: ratio(f1s, seen),
    };
  }

  state(name: string): StateArray[] {
    return [{ name, shape: [KINDS, this.classes], data: this.counts }];
  }
}

function ratio(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

/** part / room, null where of `whole` nothing but rounding is left for room: rows that fade are no whole numbers. */
function above(part: number, room: number, whole: number): number | null {
  return room > 1e-9 * whole ? part / room : null;
}
