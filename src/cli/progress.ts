const INTERVAL_MS = 100;
const BAR = 24;

/** A bar at the bottom of a terminal; nothing where the output is none. */
export class Progress {
  private lastMs = -Infinity;
  private isShown = false;

  constructor(private readonly out: NodeJS.WriteStream = process.stderr) {}

  /** @param share of what is to be done, from 0 to 1; NaN where it is not known */
  show(share: number, text: string): void {
    const now = performance.now();
    if (!this.out.isTTY || now - this.lastMs < INTERVAL_MS) return;
    this.lastMs = now;
    this.isShown = true;
    const full = Math.round(BAR * share);
    const bar = Number.isNaN(share)
      ? ''
      : `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${Math.round(100 * share)} %  `;
    this.out.write(`\r\x1b[K${`${bar}${text}`.slice(0, this.out.columns - 1)}`);
  }

  end(): void {
    if (this.isShown) this.out.write('\r\x1b[K');
    this.isShown = false;
  }
}
