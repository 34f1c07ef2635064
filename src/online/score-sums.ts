import type { StateArray } from './state.js';
import { type Sums, WindowSums } from './window.js';

/** What has faded to less is taken to be 0: nothing lingers among the subnormals. */
export const FADED = 1e-100;

/**
 * Sums of what rows score, several values each, over three horizons: all rows; the last `window` of them; and all of them
 * faded by 1 − 1/window a row, so that about as many count, the latest most.
 */
export class ScoreSums {
  /** [channels]: where the values of a row are put before `add`, finite and ≥ 0. */
  readonly row: Float64Array;
  private readonly all: Float64Array;
  private readonly faded: Float64Array;
  /** [2]: rows · Σ fade^age. */
  private readonly counts = new Float64Array(2);
  private readonly recent: WindowSums;
  private readonly fade: number;

  /** @param judged the first channels, whose sum says which window is the worst */
  constructor(
    readonly channels: number,
    readonly window: number,
    judged: number,
  ) {
    this.row = new Float64Array(channels);
    this.all = new Float64Array(channels);
    this.faded = new Float64Array(channels);
    this.recent = new WindowSums(channels, window, judged);
    this.fade = 1 - 1 / window;
  }

  /** Takes the row in `row`. @hot */
  add(): void {
    const { channels, row, all, faded, counts, recent, fade } = this;
    counts[0] = counts[0] + 1;
    counts[1] = counts[1] * fade + 1;
    for (let c = 0; c < channels; c++) {
      all[c] = all[c] + row[c];
      const sum = faded[c] * fade + row[c];
      faded[c] = sum < FADED ? 0 : sum;
    }
    recent.push(row);
  }

  /** Rows added. */
  get rows(): number {
    return this.counts[0];
  }

  /** Null before the first row, as the others. */
  total(): Sums | null {
    return this.rows > 0 ? { count: this.rows, values: this.all.slice() } : null;
  }

  fading(): Sums | null {
    return this.rows > 0 ? { count: this.counts[1], values: this.faded.slice() } : null;
  }

  current(): Sums | null {
    return this.recent.current();
  }

  /** The worst full window; null before there is one. */
  worst(): Sums | null {
    return this.recent.worst();
  }

  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.all`, shape: [this.channels], data: this.all },
      { name: `${prefix}.faded`, shape: [this.channels], data: this.faded },
      { name: `${prefix}.counts`, shape: [2], data: this.counts },
      ...this.recent.state(`${prefix}.window`),
    ];
  }
}
