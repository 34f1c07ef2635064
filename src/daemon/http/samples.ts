/**
 * The rows between two looks, at most so many: each a list of numbers whose first is its place. Where there are more,
 * every second one is left out, by its place, so that two lists of the same rows leave out the same ones.
 */
export class Samples {
  private readonly values: Float64Array;
  private count = 0;

  constructor(
    private readonly width: number,
    private readonly room: number,
  ) {
    this.values = new Float64Array(room * width);
  }

  get isFull(): boolean {
    return this.count === this.room;
  }

  get length(): number {
    return this.count;
  }

  /** Room for one more, NaN all over; where it begins in `array`. Not to be called when full. @hot */
  add(): number {
    const { values, width } = this;
    const off = this.count * width;
    this.count++;
    for (let i = off; i < off + width; i++) values[i] = Number.NaN;
    return off;
  }

  get array(): Float64Array {
    return this.values;
  }

  /** Leaves those whose place is a multiple of `stride`. @hot */
  thin(stride: number): void {
    const { values, width } = this;
    let kept = 0;
    for (let k = 0; k < this.count; k++) {
      if (values[k * width] % stride !== 0) continue;
      values.copyWithin(kept * width, k * width, (k + 1) * width);
      kept++;
    }
    this.count = kept;
  }

  /** What there is, as JSON takes it; none are left. */
  take(): (number | null)[][] {
    const { values, width, count } = this;
    this.count = 0;
    return Array.from({ length: count }, (_, k) => shortened(values, k * width, width));
  }

  clear(): void {
    this.count = 0;
  }
}

/** Numbers of six digits, the first one whole; null for what is none. */
export function shortened(values: Float64Array, off: number, width: number): (number | null)[] {
  const list: (number | null)[] = [values[off]];
  for (let i = off + 1; i < off + width; i++) list.push(short(values[i]));
  return list;
}

export const short = (value: number): number | null =>
  Number.isFinite(value) ? Number.parseFloat(value.toPrecision(6)) : null;
