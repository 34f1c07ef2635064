/** What a frame's number or clock tells. */
export const IN_ORDER = 0;
/** The rows of this frame, or some of them, have come before. */
export const OLD = 1;
/** The device's count has jumped: it began anew. */
export const JUMP = 2;

const HALF = 0x10000;
/** Less than this many rows back is an old frame, more a jump; so is more than half the numbers ahead. */
const OLD_ROWS = 1024;

/**
 * Which row is expected next and what time it is on the device: the rules under *Row numbers* and *Starts and clocks* of
 * the protocol. Numbers beyond 31 bits live in typed arrays, so that nothing allocates.
 */
export class Sequence {
  /** [1]: the number of the next row. */
  readonly next = new Uint32Array(1);
  /** [1]: rows that were lost before the frame last compared; with OLD, how many rows back it begins. */
  readonly rows = new Uint32Array(1);
  /** [1]: the device's time of the frame last timed, microseconds, without wraps. */
  readonly timeUs = new Float64Array(1);
  /** [1]: that of the last row. */
  private readonly rowTimeUs = new Float64Array(1);
  /** [1]: the low half of `timeUs`, as it came. */
  private readonly clock = new Int32Array(1);

  private isStarted = false;
  /** Whether the high half of `next` is known. */
  private isFull = false;
  private hasTime = false;
  private hasRowTime = false;

  /** Nothing has been heard: the first frame says what is expected. */
  forget(): void {
    this.isStarted = false;
    this.isFull = false;
    this.restartClock();
  }

  /** The device has begun anew, at row 0. */
  restart(): void {
    this.isStarted = true;
    this.isFull = true;
    this.next[0] = 0;
    this.restartClock();
  }

  /**
   * Compares the low half of a number with what is expected, and expects it. Gives IN_ORDER, OLD or JUMP, and `rows`.
   * @hot
   */
  compareLow(seq: number): number {
    const next = this.next;
    const rows = this.rows;
    rows[0] = 0;
    if (!this.isStarted) {
      this.isStarted = true;
      next[0] = seq;
      return IN_ORDER;
    }
    const ahead = (seq - next[0]) & 0xffff;
    if (ahead < HALF / 2) {
      rows[0] = ahead;
      next[0] += ahead;
      return IN_ORDER;
    }
    if (ahead >= HALF - OLD_ROWS) {
      rows[0] = HALF - ahead;
      return OLD;
    }
    this.isFull = false;
    next[0] = seq;
    this.restartClock();
    return JUMP;
  }

  /** The same with the whole number in `full[0]`. */
  compareFull(full: Uint32Array): number {
    const next = this.next;
    const rows = this.rows;
    if (!this.isStarted || !this.isFull) {
      const order = this.compareLow(full[0] & 0xffff);
      next[0] = full[0] + (order === OLD ? rows[0] : 0);
      this.isFull = true;
      return order;
    }
    rows[0] = full[0] - next[0];
    if (rows[0] < 0x80000000) {
      next[0] = full[0];
      return IN_ORDER;
    }
    const back = next[0] - full[0];
    rows[0] = back;
    if (rows[0] <= OLD_ROWS) return OLD;
    rows[0] = 0;
    next[0] = full[0];
    this.restartClock();
    return JUMP;
  }

  /**
   * Takes a frame's clock, the unsigned 32 bits at `at`: of the times with it for their low half, `timeUs` becomes the one
   * nearest to what it was.
   * @hot
   */
  tick(frame: DataView, at: number): void {
    const clock = this.clock;
    const before = clock[0];
    clock[0] = frame.getInt32(at, true); // signed: never a heap number
    if (this.hasTime) this.timeUs[0] += (clock[0] - before) | 0;
    else {
      this.hasTime = true;
      this.timeUs[0] = clock[0] >>> 0;
    }
  }

  /**
   * Takes the time of a frame's first and last new row, `stepUs[0]` apart, `first` and `last` steps after `timeUs`.
   * Returns whether the first is earlier than the row before it.
   * @hot
   */
  isEarlier(stepUs: Float64Array, first: number, last: number): boolean {
    const before = this.rowTimeUs[0];
    const isEarlier = this.hasRowTime && this.timeUs[0] + first * stepUs[0] < before;
    this.rowTimeUs[0] = this.timeUs[0] + last * stepUs[0];
    this.hasRowTime = true;
    return isEarlier;
  }

  private restartClock(): void {
    this.hasTime = false;
    this.hasRowTime = false;
  }
}
