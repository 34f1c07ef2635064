/** The last so many lists of numbers, all of one width. */
export class Ring {
  private readonly values: Float64Array;
  private count = 0;

  constructor(
    private readonly width: number,
    private readonly room: number,
  ) {
    this.values = new Float64Array(room * width);
  }

  get array(): Float64Array {
    return this.values;
  }

  /** Room for one more in place of the oldest, NaN all over; where it begins in `array`. @hot */
  add(): number {
    const { values, width } = this;
    const off = (this.count++ % this.room) * width;
    for (let i = off; i < off + width; i++) values[i] = Number.NaN;
    return off;
  }

  /** Where each begins, the oldest first. */
  offsets(): number[] {
    const { count, room, width } = this;
    const kept = Math.min(count, room);
    return Array.from({ length: kept }, (_, k) => ((count - kept + k) % room) * width);
  }
}
