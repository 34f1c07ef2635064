import type { StateArray } from './state.js';

const POSITION = 0;
const COUNT = 1;
const HAS_WORST = 2;

/** Sums of what several rows have scored; a mean is `values[c] / count`. */
export interface Sums {
  /** Rows in them; where rows fade, what is left of them. */
  count: number;
  /** [channels], a copy. */
  values: Float64Array;
}

/**
 * Sums of the last `size` rows of several values each, and the worst full window so far.
 *
 * Nothing is ever subtracted, so no rounding collects and one enormous value leaves no trace once it has left the
 * window: the rows of this pass over the ring are summed as they come, and those of the pass before are kept as
 * suffix sums, made once a pass, so that the window is sum + suffix[position].
 */
export class WindowSums {
  /** [size, channels]; [0, position): rows of this pass · [position, size): suffix sums of the pass before, or zeros. */
  private readonly ring: Float64Array;
  /** [channels]: of this pass. */
  private readonly sums: Float64Array;
  /** [channels]: of the worst full window. */
  private readonly worstSums: Float64Array;
  /** [2]: Σ of the judged channels, of this window and of the worst. */
  private readonly judgements = new Float64Array(2);
  private readonly scalars = new Float64Array(3);

  /** @param judged the first channels, whose sum says which window is the worst */
  constructor(
    readonly channels: number,
    readonly size: number,
    private readonly judged: number,
  ) {
    this.ring = new Float64Array(size * channels);
    this.sums = new Float64Array(channels);
    this.worstSums = new Float64Array(channels);
  }

  /** Takes a row [channels], finite and ≥ 0. Every `size` rows it costs one pass over the ring. @hot */
  push(row: Float64Array): void {
    const { channels, size, ring, sums, scalars } = this;
    let position = scalars[POSITION];
    for (let c = 0, at = position * channels; c < channels; c++, at++) {
      ring[at] = row[c];
      sums[c] = sums[c] + row[c];
    }
    position++;
    if (position === size) {
      for (let at = (size - 1) * channels - 1; at >= 0; at--) ring[at] = ring[at] + ring[at + channels];
      position = 0;
      sums.fill(0);
    }
    scalars[POSITION] = position;
    if (scalars[COUNT] < size) scalars[COUNT] = scalars[COUNT] + 1;
    if (scalars[COUNT] === size) this.judge(position * channels);
  }

  /** @hot */
  private judge(start: number): void {
    const { channels, judged, ring, sums, worstSums, judgements, scalars } = this;
    judgements[0] = 0;
    for (let c = 0; c < judged; c++) judgements[0] = judgements[0] + (sums[c] + ring[start + c]);
    if (scalars[HAS_WORST] === 1 && judgements[0] <= judgements[1]) return;
    scalars[HAS_WORST] = 1;
    judgements[1] = judgements[0];
    for (let c = 0; c < channels; c++) worstSums[c] = sums[c] + ring[start + c];
  }

  /** The last rows, fewer than `size` while there have not been more; null before the first. */
  current(): Sums | null {
    const { channels, ring, sums, scalars } = this;
    if (scalars[COUNT] === 0) return null;
    const start = scalars[POSITION] * channels;
    return { count: scalars[COUNT], values: sums.map((sum, c) => sum + ring[start + c]) };
  }

  /** The full window in which the judged channels were worst; null before the first full window. */
  worst(): Sums | null {
    if (this.scalars[HAS_WORST] === 0) return null;
    return { count: this.size, values: this.worstSums.slice() };
  }

  state(prefix: string): StateArray[] {
    const { channels, size } = this;
    return [
      { name: `${prefix}.ring`, shape: [size, channels], data: this.ring },
      { name: `${prefix}.sums`, shape: [channels], data: this.sums },
      { name: `${prefix}.worst`, shape: [channels], data: this.worstSums },
      { name: `${prefix}.judgements`, shape: [2], data: this.judgements },
      { name: `${prefix}.scalars`, shape: [this.scalars.length], data: this.scalars },
    ];
  }
}
