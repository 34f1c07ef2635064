import type { Priority } from './journal.js';

/** What takes longer is said, and then again now and then. */
const FIRST_MS = 1000;
const AGAIN_MS = 10_000;

/** Says what is waited for, where that takes longer than it should. */
export class Patience {
  private what = '';
  private sinceMs = Number.NaN;

  constructor(private readonly say: (text: string, priority: Priority) => void) {}

  /** Waits for `work`, which is `what` in words: `the disk to take x`. */
  async during<T>(what: string, work: Promise<T>): Promise<T> {
    this.what = what;
    this.sinceMs = performance.now();
    let timer = setTimeout(() => {
      this.remind();
      timer = setInterval(() => this.remind(), AGAIN_MS);
    }, FIRST_MS);
    try {
      return await work;
    } finally {
      clearTimeout(timer); // or the interval
      this.sinceMs = Number.NaN;
    }
  }

  /** Says it now, where something has been waited for long enough to be said. */
  remind(): void {
    const waitedMs = performance.now() - this.sinceMs;
    if (waitedMs >= FIRST_MS - 10)
      this.say(`waits for ${this.what}: ${Math.round(waitedMs / 1000)} s so far`, 'warning');
  }
}
