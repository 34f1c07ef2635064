/** What a wall clock may drift or be slewed by before what is drawn moves with it. */
const SET_MS = 500;

/** When the process said something, by its two clocks. */
export interface Moment {
  /** Since 1970; may be set. */
  timeMs: number;
  /** Goes on evenly for as long as the process runs. */
  steadyMs: number;
}

/** The clock of the process: what comes in goes by its steady clock, and is shown at the times of its wall clock. */
export class ProcessClock {
  /** What the wall clock is ahead of the steady one; NaN: nothing was heard yet. */
  private wallAheadMs = Number.NaN;
  /** What the steady one is ahead of this browser's `performance.now()`. */
  private steadyAheadMs = -Infinity;

  /** @returns by how many milliseconds the wall clock was set since: what is drawn already has to move as far */
  hear({ timeMs, steadyMs }: Moment): number {
    // The least delayed message tells best.
    this.steadyAheadMs = Math.max(steadyMs - performance.now(), this.steadyAheadMs - 1);
    const ahead = timeMs - steadyMs;
    const setMs = ahead - this.wallAheadMs;
    if (Math.abs(setMs) < SET_MS) return 0;
    this.wallAheadMs = ahead;
    return Number.isNaN(setMs) ? 0 : setMs;
  }

  /** Another process is there, whose steady clock is another one. */
  reset(): void {
    this.wallAheadMs = Number.NaN;
    this.steadyAheadMs = -Infinity;
  }

  /** The wall clock's time at a time of the steady one, milliseconds since 1970. */
  timeOf(steadyMs: number): number {
    return steadyMs + this.wallAheadMs;
  }

  /** What the wall clock of the process shows now. */
  get nowMs(): number {
    return this.timeOf(performance.now() + this.steadyAheadMs);
  }
}
