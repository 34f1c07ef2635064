import { NO_INTERVAL } from './conformal.js';
import { ScoreSums } from './score-sums.js';
import type { StateArray } from './state.js';
import type { Sums } from './window.js';

/** Intervals that were published before their truth came, of the model and of the same method around the baseline. */
export interface IntervalScores {
  /** Scored rows with an interval; where rows fade, what is left of them. */
  scored: number;
  /** Part of the truths inside, ends included, of all outputs together. Null before the first. */
  covered: number | null;
  /** Mean of upper − lower. */
  width: number | null;
  baselineCovered: number | null;
  baselineWidth: number | null;
}

export interface IntervalReport extends IntervalScores {
  /** Part of the truths that is to be inside. */
  coverage: number;
  /** The last `size` of them, and the window that covered least. */
  window: { size: number; current: IntervalScores; worst: IntervalScores };
  /** All, faded by 1 − 1/size a row. */
  fading: IntervalScores;
  /** One an output. */
  targets: ({ name: string; window: IntervalScores; fading: IntervalScores } & IntervalScores)[];
}

// Channels of an output, `outputs` of each, one kind after the other.
const MISSED = 0;
const WIDTH = 1;
const BASELINE_MISSED = 2;
const BASELINE_WIDTH = 3;
const CHANNELS = 4;

/** Coverage and width of intervals. */
export class IntervalMetrics {
  private readonly sums: ScoreSums;

  /** @param names one an output */
  constructor(
    private readonly names: readonly string[],
    private readonly coverage: number,
    window: number,
  ) {
    this.sums = new ScoreSums(CHANNELS * names.length, window, names.length);
  }

  /**
   * Scores the outputs at `off` of four arrays, where all of them have an interval.
   *
   * @hot
   */
  update(
    prediction: Float64Array,
    halfWidths: Float64Array,
    baseline: Float64Array,
    baselineHalfWidths: Float64Array,
    off: number,
    truth: Float64Array,
    truthOff: number,
  ): void {
    const { sums } = this;
    const { row } = sums;
    const outputs = this.names.length;
    for (let i = 0; i < outputs; i++) {
      const y = truth[truthOff + i];
      const half = halfWidths[off + i];
      const baselineHalf = baselineHalfWidths[off + i];
      if (half === NO_INTERVAL || baselineHalf === NO_INTERVAL) return;
      const p = prediction[off + i];
      const b = baseline[off + i];
      row[MISSED * outputs + i] = p - half <= y && y <= p + half ? 0 : 1;
      row[WIDTH * outputs + i] = 2 * half;
      row[BASELINE_MISSED * outputs + i] = b - baselineHalf <= y && y <= b + baselineHalf ? 0 : 1;
      row[BASELINE_WIDTH * outputs + i] = 2 * baselineHalf;
    }
    sums.add();
  }

  report(): IntervalReport {
    const { sums, names, coverage } = this;
    const outputs = names.length;
    const total = sums.total();
    const current = sums.current();
    const fading = sums.fading();
    return {
      coverage,
      ...scoresOf(total, outputs, 0, outputs),
      window: {
        size: sums.window,
        current: scoresOf(current, outputs, 0, outputs),
        worst: scoresOf(sums.worst(), outputs, 0, outputs),
      },
      fading: scoresOf(fading, outputs, 0, outputs),
      targets: names.map((name, i) => ({
        name,
        ...scoresOf(total, outputs, i, i + 1),
        window: scoresOf(current, outputs, i, i + 1),
        fading: scoresOf(fading, outputs, i, i + 1),
      })),
    };
  }

  state(prefix: string): StateArray[] {
    return this.sums.state(prefix);
  }
}

/** Means over outputs from … to. */
function scoresOf(sums: Sums | null, outputs: number, from: number, to: number): IntervalScores {
  const mean = (channel: number): number | null => {
    if (sums === null) return null;
    let sum = 0;
    for (let i = from; i < to; i++) sum += sums.values[channel * outputs + i];
    return sum / (sums.count * (to - from));
  };
  const missed = mean(MISSED);
  const baselineMissed = mean(BASELINE_MISSED);
  return {
    scored: sums?.count ?? 0,
    covered: missed === null ? null : 1 - missed,
    width: mean(WIDTH),
    baselineCovered: baselineMissed === null ? null : 1 - baselineMissed,
    baselineWidth: mean(BASELINE_WIDTH),
  };
}
