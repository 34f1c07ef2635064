import type { StateArray } from './state.js';

const POSITION = 0;
const COUNT = 1;
const MODEL_SUM = 2;
const BASELINE_SUM = 3;
const WORST_MODEL = 4;
const WORST_BASELINE = 5;
const HAS_WORST = 6;

/** Sums over one window; the mean error is `model / count`. */
export interface WindowSums {
  count: number;
  model: number;
  baseline: number;
}

/**
 * Sums of the last `size` errors of a model and its baseline, and the worst full window of the model so far.
 *
 * Nothing is ever subtracted, so no rounding collects and one enormous error leaves no trace once it has left the
 * window: the errors of this pass over the ring are summed as they come, and those of the pass before are kept as
 * suffix sums, made once a pass, so that the window is sum + suffix[position].
 */
export class ErrorWindow {
  /** [0, position): errors of this pass · [position, size): suffix sums of the pass before, or zeros. */
  private readonly model: Float64Array;
  private readonly baseline: Float64Array;
  private readonly scalars = new Float64Array(7);

  constructor(readonly size: number) {
    this.model = new Float64Array(size);
    this.baseline = new Float64Array(size);
  }

  /**
   * Takes the errors of one scored row, model and baseline, both finite and ≥ 0. Every `size` rows it costs one pass
   * over the ring. They come in an array because V8 allocates for a double that is handed to a function.
   *
   * @hot
   */
  push(errors: Float64Array): void {
    const { model, baseline, scalars, size } = this;
    const modelError = errors[0];
    const baselineError = errors[1];
    let position = scalars[POSITION];
    model[position] = modelError;
    baseline[position] = baselineError;
    position++;
    scalars[MODEL_SUM] = scalars[MODEL_SUM] + modelError;
    scalars[BASELINE_SUM] = scalars[BASELINE_SUM] + baselineError;
    if (position === size) {
      for (let i = size - 2; i >= 0; i--) {
        model[i] = model[i] + model[i + 1];
        baseline[i] = baseline[i] + baseline[i + 1];
      }
      position = 0;
      scalars[MODEL_SUM] = 0;
      scalars[BASELINE_SUM] = 0;
    }
    scalars[POSITION] = position;
    if (scalars[COUNT] < size) scalars[COUNT] = scalars[COUNT] + 1;
    if (scalars[COUNT] === size) {
      const sum = scalars[MODEL_SUM] + model[position];
      if (scalars[HAS_WORST] === 0 || sum > scalars[WORST_MODEL]) {
        scalars[HAS_WORST] = 1;
        scalars[WORST_MODEL] = sum;
        scalars[WORST_BASELINE] = scalars[BASELINE_SUM] + baseline[position];
      }
    }
  }

  /** The last rows, fewer than `size` while there have not been more; null before the first. */
  current(): WindowSums | null {
    const { scalars } = this;
    if (scalars[COUNT] === 0) return null;
    const position = scalars[POSITION];
    return {
      count: scalars[COUNT],
      model: scalars[MODEL_SUM] + this.model[position],
      baseline: scalars[BASELINE_SUM] + this.baseline[position],
    };
  }

  /** The full window in which the model was worst; null before the first full window. */
  worst(): WindowSums | null {
    const { scalars } = this;
    if (scalars[HAS_WORST] === 0) return null;
    return { count: this.size, model: scalars[WORST_MODEL], baseline: scalars[WORST_BASELINE] };
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.model`, shape: [this.size], data: this.model },
      { name: `${prefix}.baseline`, shape: [this.size], data: this.baseline },
      { name: `${prefix}.scalars`, shape: [this.scalars.length], data: this.scalars },
    ];
  }
}
