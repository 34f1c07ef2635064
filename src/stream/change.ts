import type { Mixture } from '../engine/index.js';
import type { StateArray } from '../online/index.js';
import { HAS_LABEL, type PendingRows } from './pending.js';
import { RegressionHead } from './regression.js';

/**
 * Changes of numbers over `horizon` rows: the label of a row is the change since the row that many before, the naive
 * prediction is no change. Scores are the task's, which knows the values.
 */
export class ChangeHead extends RegressionHead {
  /** [width], of the row scored last: the change that would go on as before. */
  readonly scoredLine: Float64Array;
  /** [horizon + 1, width]: the change over the rows before each row that waits; 0 where it is not known. */
  private readonly lines: Float64Array;

  /**
   * @param names of the target values
   * @param interval coverage of the intervals; 0: none
   */
  constructor(
    names: readonly string[],
    window: number,
    readonly horizon: number,
    interval: number,
  ) {
    super(names, window, horizon + 1, interval);
    this.lines = new Float64Array((horizon + 1) * this.width);
    this.scoredLine = new Float64Array(this.width);
  }

  /** @hot */
  override writeNaive(to: Float64Array, off: number): void {
    for (let i = 0; i < this.width; i++) to[off + i] = 0;
  }

  override moveTo(mixture: Mixture): void {
    const { latest } = this;
    super.moveTo(mixture);
    this.latest = latest; // a value, and no change: what is naive stays 0
  }

  /** @hot */
  override publish(pending: PendingRows, slot: number): boolean {
    const finite = super.publish(pending, slot);
    const { width, lines } = this;
    const isKnown = (pending.flags[slot] & HAS_LABEL) !== 0;
    for (let i = 0, off = slot * width; i < width; i++, off++) {
      pending.baselines[off] = 0;
      lines[off] = isKnown ? pending.labels[off] : 0;
    }
    return finite;
  }

  /** Keeps what is to be scored. @hot */
  override score(pending: PendingRows, slot: number, labels: Float64Array, labelOff: number): void {
    const { width, lines, truth, scoredPrediction, scoredLine } = this;
    for (let i = 0, off = slot * width; i < width; i++, off++) {
      truth[i] = labels[labelOff + i];
      scoredPrediction[i] = pending.predictions[off];
      scoredLine[i] = lines[off];
    }
    this.intervals?.score(pending, slot, labels, labelOff);
  }

  override scores(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.lines`, shape: [this.horizon + 1, this.width], data: this.lines },
      ...(this.intervals?.state(`${prefix}.interval`) ?? []),
    ];
  }
}
