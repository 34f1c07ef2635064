import { ClassCounts, type ClassFigures, type ClassScores } from './class-counts.js';
import { replaceByLog } from './logarithm.js';
import { ScoreSums } from './score-sums.js';
import type { StateArray } from './state.js';
import type { Sums } from './window.js';

export interface ClassificationScores extends ClassScores {
  /** Mean of −ln p of the class that was true, p ≥ 10⁻¹⁵. */
  logLoss: number | null;
}

/** Of the worst window: what needs no table of classes. Model and baseline beside each other. */
export interface WorstClassificationWindow {
  /** Scored rows in it; where rows fade, what is left of them. */
  scored: number;
  accuracy: number | null;
  baselineAccuracy: number | null;
  logLoss: number | null;
  baselineLogLoss: number | null;
}

export interface ClassificationWindow extends WorstClassificationWindow, ClassificationScores {
  accuracy: number | null;
  logLoss: number | null;
  /** As in `metrics`. */
  kappaLastClass: number | null;
  baselineBalancedAccuracy: number | null;
  baselineKappa: number | null;
  baselineF1: number | null;
}

/** Of one class. */
export interface ClassReport extends ClassFigures {
  /** The same of the last known class. */
  baselineRecall: number | null;
  baselineF1: number | null;
  window: ClassFigures;
  fading: ClassFigures;
}

export interface ClassificationReport {
  scored: number;
  metrics: ClassificationScores & {
    /** (p − p_last) / (1 − p_last), p_last the accuracy of the last known class; null while that was always right. */
    kappaLastClass: number | null;
  };
  /** The same of the last known class, as probable as it has proved to be. */
  baseline: ClassificationScores;
  /** The last `size` scored rows, and the window of the smallest accuracy. */
  window: { size: number; current: ClassificationWindow | null; worst: WorstClassificationWindow | null };
  /** All rows, faded by 1 − 1/size a row. */
  fading: ClassificationWindow | null;
  /** One a class. */
  classes: ClassReport[];
  /** [truth][prediction], in rows. */
  confusion: number[][];
}

const ERROR = 0;
const BASELINE_ERROR = 1;
const LOG_LOSS = 2;
const BASELINE_LOG_LOSS = 3;
const CHANNELS = 4;

/** Probabilities are taken to be at least this, so that no row costs more than 34.5. */
const LEAST_PROBABILITY = 1e-15;

/** Accuracy, kappa, F1 and log loss of predicted classes, beside the last known class as baseline. */
export class ClassificationMetrics {
  private readonly sums: ScoreSums;
  private readonly all: ClassCounts;
  private readonly recent: ClassCounts;
  private readonly faded: ClassCounts;
  /** [window]: of the last rows, truth · 2¹⁶ + prediction · 2⁸ + baseline. */
  private readonly ring: Int32Array;
  /** [truth, prediction] row-major, in rows. */
  private readonly confusion: Float64Array;
  /** [2]: of the probabilities of the row being scored. */
  private readonly logarithms = new Float64Array(2);
  private readonly fade: number;

  /** @param classes 2 … 256 */
  constructor(
    readonly classes: number,
    window: number,
  ) {
    this.sums = new ScoreSums(CHANNELS, window, 1);
    this.all = new ClassCounts(classes);
    this.recent = new ClassCounts(classes);
    this.faded = new ClassCounts(classes);
    this.ring = new Int32Array(window);
    this.confusion = new Float64Array(classes * classes);
    this.fade = 1 - 1 / window;
  }

  /**
   * Scores one row; the three are classes, 0 … classes − 1.
   *
   * @param probabilities [2]: what model and baseline had given the class that was true
   * @hot
   */
  update(prediction: number, baseline: number, truth: number, probabilities: Float64Array): void {
    const { classes, confusion, sums, all, recent, faded, ring, logarithms } = this;
    const cell = truth * classes + prediction;
    confusion[cell] = confusion[cell] + 1;
    all.add(prediction, baseline, truth, 1);
    faded.fade(this.fade);
    faded.add(prediction, baseline, truth, 1);
    const at = sums.rows % ring.length;
    if (sums.rows >= ring.length) recent.add((ring[at] >> 8) & 255, ring[at] & 255, ring[at] >> 16, -1);
    recent.add(prediction, baseline, truth, 1);
    ring[at] = (truth << 16) | (prediction << 8) | baseline;
    const { row } = sums;
    row[ERROR] = prediction === truth ? 0 : 1;
    row[BASELINE_ERROR] = baseline === truth ? 0 : 1;
    for (let k = 0; k < 2; k++) {
      const p = probabilities[k];
      logarithms[k] = p > LEAST_PROBABILITY ? (p < 1 ? p : 1) : LEAST_PROBABILITY;
    }
    replaceByLog(logarithms, 2);
    row[LOG_LOSS] = 0 - logarithms[0];
    row[BASELINE_LOG_LOSS] = 0 - logarithms[1];
    sums.add();
  }

  report(): ClassificationReport {
    const { classes, confusion, sums, all, recent, faded } = this;
    const total = sums.total();
    const worst = sums.worst();
    return {
      scored: sums.rows,
      metrics: {
        ...all.scores('model'),
        kappaLastClass: all.kappaOverBaseline(),
        logLoss: total && total.values[LOG_LOSS] / total.count,
      },
      baseline: { ...all.scores('baseline'), logLoss: total && total.values[BASELINE_LOG_LOSS] / total.count },
      window: {
        size: sums.window,
        current: windowOf(sums.current(), recent),
        worst: worst && worstOf(worst),
      },
      fading: windowOf(sums.fading(), faded),
      classes: Array.from({ length: classes }, (_, c) => {
        const { recall, f1 } = all.figures(c, 'baseline');
        return {
          ...all.figures(c, 'model'),
          baselineRecall: recall,
          baselineF1: f1,
          window: recent.figures(c, 'model'),
          fading: faded.figures(c, 'model'),
        };
      }),
      confusion: Array.from({ length: classes }, (_, c) =>
        Array.from(confusion.subarray(c * classes, (c + 1) * classes)),
      ),
    };
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.confusion`, shape: [this.classes, this.classes], data: this.confusion },
      ...this.all.state(`${prefix}.classes.all`),
      ...this.recent.state(`${prefix}.classes.window`),
      ...this.faded.state(`${prefix}.classes.faded`),
      { name: `${prefix}.ring`, shape: [this.ring.length], data: this.ring },
      ...this.sums.state(`${prefix}.sums`),
    ];
  }
}

function worstOf({ count, values }: Sums): WorstClassificationWindow {
  return {
    scored: count,
    accuracy: (count - values[ERROR]) / count,
    baselineAccuracy: (count - values[BASELINE_ERROR]) / count,
    logLoss: values[LOG_LOSS] / count,
    baselineLogLoss: values[BASELINE_LOG_LOSS] / count,
  };
}

function windowOf(sums: Sums | null, counts: ClassCounts): ClassificationWindow | null {
  if (sums === null) return null;
  const baseline = counts.scores('baseline');
  return {
    ...worstOf(sums),
    ...counts.scores('model'),
    kappaLastClass: counts.kappaOverBaseline(),
    baselineAccuracy: baseline.accuracy,
    baselineBalancedAccuracy: baseline.balancedAccuracy,
    baselineKappa: baseline.kappa,
    baselineF1: baseline.f1,
  };
}
