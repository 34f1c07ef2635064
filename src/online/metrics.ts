import type { StateArray } from './state.js';
import { ErrorWindow, type WindowSums } from './window.js';

// Prequential scores: every row is scored before it is learned from. A score that does not exist is null, so that a
// report is the same object after a trip through JSON: nothing scored yet, or a ratio whose denominator is zero.

/** Scores of one window, model and baseline beside each other. */
export interface RegressionWindow {
  /** Scored rows in it. */
  scored: number;
  mae: number;
  baselineMae: number;
  /** 1 − mae / baselineMae; null when the baseline was perfect. */
  skill: number | null;
}

export interface RegressionReport {
  scored: number;
  /** Errors averaged over outputs, then over rows; null before the first scored row. Skill is null also when the baseline is perfect. */
  metrics: { mae: number | null; rmse: number | null; skill: number | null };
  /** The same of the last known value. */
  baseline: { mae: number | null; rmse: number | null };
  window: { size: number; current: RegressionWindow | null; worst: RegressionWindow | null };
}

const SCORED = 0;
const ABSOLUTE = 1;
const SQUARED = 2;
const BASELINE_ABSOLUTE = 3;
const BASELINE_SQUARED = 4;

/** MAE, RMSE and skill of predicted numbers, beside the last known value as baseline. */
export class RegressionMetrics {
  private readonly sums = new Float64Array(5);
  private readonly window: ErrorWindow;
  /** [2]: of the row being scored, model and baseline. */
  private readonly errors = new Float64Array(2);

  constructor(
    readonly outputs: number,
    windowSize: number,
  ) {
    this.window = new ErrorWindow(windowSize);
  }

  /**
   * Scores the outputs at `off` of three arrays of finite values.
   *
   * @hot
   */
  update(prediction: Float64Array, baseline: Float64Array, off: number, truth: Float64Array, truthOff: number): void {
    const { outputs, sums } = this;
    let absolute = 0;
    let squared = 0;
    let baselineAbsolute = 0;
    let baselineSquared = 0;
    for (let i = 0; i < outputs; i++) {
      const y = truth[truthOff + i];
      const e = prediction[off + i] - y;
      const eBaseline = baseline[off + i] - y;
      absolute += Math.abs(e);
      squared += e * e;
      baselineAbsolute += Math.abs(eBaseline);
      baselineSquared += eBaseline * eBaseline;
    }
    absolute /= outputs;
    baselineAbsolute /= outputs;
    sums[SCORED] = sums[SCORED] + 1;
    sums[ABSOLUTE] = sums[ABSOLUTE] + absolute;
    sums[SQUARED] = sums[SQUARED] + squared / outputs;
    sums[BASELINE_ABSOLUTE] = sums[BASELINE_ABSOLUTE] + baselineAbsolute;
    sums[BASELINE_SQUARED] = sums[BASELINE_SQUARED] + baselineSquared / outputs;
    this.errors[0] = absolute;
    this.errors[1] = baselineAbsolute;
    this.window.push(this.errors);
  }

  report(): RegressionReport {
    const { sums, window } = this;
    const scored = sums[SCORED];
    const mean = (sum: number) => (scored > 0 ? sum / scored : null);
    const rootMean = (sum: number) => (scored > 0 ? Math.sqrt(sum / scored) : null);
    return {
      scored,
      metrics: {
        mae: mean(sums[ABSOLUTE]),
        rmse: rootMean(sums[SQUARED]),
        skill: skillOf(sums[ABSOLUTE], sums[BASELINE_ABSOLUTE]),
      },
      baseline: { mae: mean(sums[BASELINE_ABSOLUTE]), rmse: rootMean(sums[BASELINE_SQUARED]) },
      window: {
        size: window.size,
        current: regressionWindow(window.current()),
        worst: regressionWindow(window.worst()),
      },
    };
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.sums`, shape: [this.sums.length], data: this.sums },
      ...this.window.state(`${prefix}.window`),
    ];
  }
}

function skillOf(model: number, baseline: number): number | null {
  return baseline > 0 ? 1 - model / baseline : null;
}

function regressionWindow(sums: WindowSums | null): RegressionWindow | null {
  if (sums === null) return null;
  return {
    scored: sums.count,
    mae: sums.model / sums.count,
    baselineMae: sums.baseline / sums.count,
    skill: skillOf(sums.model, sums.baseline),
  };
}

export interface ClassificationWindow {
  /** Scored rows in it. */
  scored: number;
  accuracy: number;
  baselineAccuracy: number;
}

export interface ClassificationReport {
  scored: number;
  metrics: {
    /** Part of the scored rows that were right; null before the first. */
    accuracy: number | null;
    /** Cohen's, from the confusion matrix; null while all truth and all predictions are one class. */
    kappa: number | null;
    /** (p − p_last) / (1 − p_last), p_last the accuracy of the last known class; null while that was always right. */
    kappaLastClass: number | null;
  };
  /** The same of the last known class. */
  baseline: { accuracy: number | null };
  window: { size: number; current: ClassificationWindow | null; worst: ClassificationWindow | null };
}

/** Accuracy and kappa of predicted classes, beside the last known class as baseline. */
export class ClassificationMetrics {
  /** [truth, prediction] row-major, in rows. */
  private readonly confusion: Float64Array;
  /** Rows where the baseline was right. */
  private readonly baselineRight = new Float64Array(1);
  private readonly window: ErrorWindow;
  /** [2]: of the row being scored, model and baseline. */
  private readonly errors = new Float64Array(2);

  constructor(
    readonly classes: number,
    windowSize: number,
  ) {
    this.confusion = new Float64Array(classes * classes);
    this.window = new ErrorWindow(windowSize);
  }

  /**
   * Scores one row; all three are classes, 0 … classes − 1.
   *
   * @hot
   */
  update(prediction: number, baseline: number, truth: number): void {
    const cell = truth * this.classes + prediction;
    this.confusion[cell] = this.confusion[cell] + 1;
    if (baseline === truth) this.baselineRight[0] = this.baselineRight[0] + 1;
    this.errors[0] = prediction === truth ? 0 : 1;
    this.errors[1] = baseline === truth ? 0 : 1;
    this.window.push(this.errors);
  }

  report(): ClassificationReport {
    const { classes, confusion, window } = this;
    let scored = 0;
    let right = 0;
    let chance = 0;
    for (let c = 0; c < classes; c++) {
      let truths = 0;
      let predictions = 0;
      for (let k = 0; k < classes; k++) {
        truths += confusion[c * classes + k];
        predictions += confusion[k * classes + c];
      }
      scored += truths;
      right += confusion[c * classes + c];
      chance += truths * predictions;
    }
    const baselineRight = this.baselineRight[0];
    // Both kappas multiplied through by whole numbers, so that "no room above chance" is an exact zero.
    const aboveChance = scored * scored - chance;
    const aboveBaseline = scored - baselineRight;
    return {
      scored,
      metrics: {
        accuracy: scored > 0 ? right / scored : null,
        kappa: aboveChance > 0 ? (right * scored - chance) / aboveChance : null,
        kappaLastClass: aboveBaseline > 0 ? (right - baselineRight) / aboveBaseline : null,
      },
      baseline: { accuracy: scored > 0 ? baselineRight / scored : null },
      window: {
        size: window.size,
        current: classificationWindow(window.current()),
        worst: classificationWindow(window.worst()),
      },
    };
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.confusion`, shape: [this.classes, this.classes], data: this.confusion },
      { name: `${prefix}.baselineRight`, shape: [1], data: this.baselineRight },
      ...this.window.state(`${prefix}.window`),
    ];
  }
}

function classificationWindow(sums: WindowSums | null): ClassificationWindow | null {
  if (sums === null) return null;
  return {
    scored: sums.count,
    accuracy: (sums.count - sums.model) / sums.count,
    baselineAccuracy: (sums.count - sums.baseline) / sums.count,
  };
}
