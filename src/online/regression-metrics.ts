import type { IntervalReport } from './interval-metrics.js';
import type { QuantileReport } from './quantile-metrics.js';
import { FADED, ScoreSums } from './score-sums.js';
import type { StateArray } from './state.js';
import type { Sums } from './window.js';

// Prequential scores: every row is scored before it is learned from. A score that does not exist is null, so that a
// report is the same object after a trip through JSON: nothing scored yet, or a ratio whose denominator is zero.

export interface RegressionScores {
  /** Mean of |prediction − truth|. */
  mae: number | null;
  /** Root of the mean of its square. */
  rmse: number | null;
  /**
   * 1 − Σ (prediction − truth)² / Σ (mean − truth)², with the mean of the truths scored before the row: of all of them, and
   * for windows and fading scores of the lately scored ones. Null while truth has not varied.
   */
  r2: number | null;
}

/** Scores of several rows, model and baseline beside each other. */
export interface RegressionWindow extends RegressionScores {
  /** Scored rows in it; where rows fade, what is left of them. */
  scored: number;
  /** 1 − mae / baselineMae; null when the baseline was perfect. */
  skill: number | null;
  baselineMae: number | null;
  baselineRmse: number | null;
  baselineR2: number | null;
}

export interface RegressionTotals {
  metrics: RegressionScores & { skill: number | null };
  /** The same of the last known value. */
  baseline: RegressionScores;
}

/** Of one output. */
export interface RegressionTarget extends RegressionTotals {
  name: string;
  window: RegressionWindow | null;
  fading: RegressionWindow | null;
}

/** Of several outputs: mae and r2 are means over them, rmse is the root of the mean over them. */
export interface RegressionReport extends RegressionTotals {
  scored: number;
  /** The last `size` scored rows, and the window of the largest mae. */
  window: { size: number; current: RegressionWindow | null; worst: RegressionWindow | null };
  /** All rows, faded by 1 − 1/size a row. */
  fading: RegressionWindow | null;
  targets: RegressionTarget[];
  /** Null where `task.interval` is 0. */
  interval: IntervalReport | null;
  /** Where the task names quantiles. */
  quantiles?: QuantileReport;
}

// Channels of an output, `outputs` of each, one kind after the other.
const ABSOLUTE = 0;
const SQUARED = 1;
const BASELINE_ABSOLUTE = 2;
const BASELINE_SQUARED = 3;
const DEVIATION = 4;
const CHANNELS = 5;

/** MAE, RMSE, R² and skill of predicted numbers, beside the last known value as baseline. */
export class RegressionMetrics {
  private readonly outputs: number;
  private readonly sums: ScoreSums;
  /** [outputs]: means of all truths scored, and of the lately scored ones. */
  private readonly means: Float64Array;
  private readonly recentMeans: Float64Array;
  /** [outputs]: Σ (truth − mean)², by the mean before it. */
  private readonly deviations: Float64Array;
  /** [2]: rows in `means` · Σ fade^age in `recentMeans`. */
  private readonly counts = new Float64Array(2);
  private readonly fade: number;

  /** @param names one an output */
  constructor(
    private readonly names: readonly string[],
    window: number,
  ) {
    this.outputs = names.length;
    this.sums = new ScoreSums(CHANNELS * this.outputs, window, this.outputs);
    this.means = new Float64Array(this.outputs);
    this.recentMeans = new Float64Array(this.outputs);
    this.deviations = new Float64Array(this.outputs);
    this.fade = 1 - 1 / window;
  }

  /**
   * Scores the outputs at `off` of three arrays of finite values.
   *
   * @hot
   */
  update(prediction: Float64Array, baseline: Float64Array, off: number, truth: Float64Array, truthOff: number): void {
    const { outputs, sums, means, recentMeans, deviations, counts, fade } = this;
    const { row } = sums;
    const isFirst = counts[0] === 0;
    const n = counts[0] + 1;
    const mass = counts[1] * fade + 1;
    for (let i = 0; i < outputs; i++) {
      const y = truth[truthOff + i];
      const e = prediction[off + i] - y;
      const eBaseline = baseline[off + i] - y;
      row[ABSOLUTE * outputs + i] = Math.abs(e);
      row[SQUARED * outputs + i] = e * e;
      row[BASELINE_ABSOLUTE * outputs + i] = Math.abs(eBaseline);
      row[BASELINE_SQUARED * outputs + i] = eBaseline * eBaseline;
      const d = y - means[i];
      const recent = y - recentMeans[i];
      if (!isFirst) deviations[i] = deviations[i] + d * d;
      row[DEVIATION * outputs + i] = isFirst ? 0 : recent * recent;
      means[i] = means[i] + d / n;
      recentMeans[i] = recentMeans[i] + recent / mass;
    }
    counts[0] = n;
    counts[1] = mass;
    sums.add();
  }

  report(): Omit<RegressionReport, 'interval'> {
    const { outputs, sums, names } = this;
    const total = this.total();
    const current = sums.current();
    const fading = sums.fading();
    return {
      scored: sums.rows,
      ...totalsOf(total, outputs, 0, outputs),
      window: {
        size: sums.window,
        current: windowOf(current, outputs, 0, outputs),
        worst: windowOf(sums.worst(), outputs, 0, outputs),
      },
      fading: windowOf(fading, outputs, 0, outputs),
      targets: names.map((name, i) => ({
        name,
        ...totalsOf(total, outputs, i, i + 1),
        window: windowOf(current, outputs, i, i + 1),
        fading: windowOf(fading, outputs, i, i + 1),
      })),
    };
  }

  /** Of all rows: deviations from the mean of all. */
  private total(): Sums | null {
    const total = this.sums.total();
    total?.values.set(this.deviations, DEVIATION * this.outputs);
    return total;
  }

  state(prefix: string): StateArray[] {
    const { outputs } = this;
    return [
      ...this.sums.state(`${prefix}.sums`),
      { name: `${prefix}.means`, shape: [outputs], data: this.means },
      { name: `${prefix}.recentMeans`, shape: [outputs], data: this.recentMeans },
      { name: `${prefix}.deviations`, shape: [outputs], data: this.deviations },
      { name: `${prefix}.counts`, shape: [2], data: this.counts },
    ];
  }
}

/** Of outputs from … to. */
function scoresOf(
  { count, values }: Sums,
  outputs: number,
  from: number,
  to: number,
  absolute: number,
  squared: number,
): RegressionScores & { absolute: number } {
  let sumAbsolute = 0;
  let sumSquared = 0;
  let sumR2 = 0;
  let varied = 0;
  for (let i = from; i < to; i++) {
    sumAbsolute += values[absolute * outputs + i];
    sumSquared += values[squared * outputs + i];
    const deviation = values[DEVIATION * outputs + i];
    if (!(deviation > FADED)) continue;
    sumR2 += 1 - values[squared * outputs + i] / deviation;
    varied++;
  }
  const n = count * (to - from);
  return {
    mae: sumAbsolute / n,
    rmse: Math.sqrt(sumSquared / n),
    r2: varied > 0 ? sumR2 / varied : null,
    absolute: sumAbsolute,
  };
}

function windowOf(sums: Sums | null, outputs: number, from: number, to: number): RegressionWindow | null {
  if (sums === null) return null;
  const { absolute, ...model } = scoresOf(sums, outputs, from, to, ABSOLUTE, SQUARED);
  const baseline = scoresOf(sums, outputs, from, to, BASELINE_ABSOLUTE, BASELINE_SQUARED);
  return {
    scored: sums.count,
    ...model,
    skill: baseline.absolute > 0 ? 1 - absolute / baseline.absolute : null,
    baselineMae: baseline.mae,
    baselineRmse: baseline.rmse,
    baselineR2: baseline.r2,
  };
}

function totalsOf(sums: Sums | null, outputs: number, from: number, to: number): RegressionTotals {
  const all = windowOf(sums, outputs, from, to);
  return {
    metrics: { mae: all?.mae ?? null, rmse: all?.rmse ?? null, r2: all?.r2 ?? null, skill: all?.skill ?? null },
    baseline: { mae: all?.baselineMae ?? null, rmse: all?.baselineRmse ?? null, r2: all?.baselineR2 ?? null },
  };
}
