/** The first attempt after a failed one, where checkpoints are seldom; then twice as long each time. */
const FIRST_RETRY_S = 5;
const LAST_RETRY_S = 300;

/**
 * When checkpoints are kept: every so often where something was learned since the last. After one that failed it is
 * tried again sooner, and then less and less often, until one works.
 */
export class SaveSchedule {
  private intervalS = 0;
  private failures = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly isChanged: () => boolean,
    private readonly save: () => Promise<void>,
  ) {}

  /** From now on every `intervalS` seconds; 0: never. */
  every(intervalS: number): void {
    this.stop();
    this.intervalS = intervalS;
    this.failures = 0;
    this.next();
  }

  stop(): void {
    clearTimeout(this.timer);
    this.intervalS = 0;
  }

  private next(): void {
    const { intervalS, failures } = this;
    if (intervalS === 0) return;
    const retryS = Math.min(LAST_RETRY_S, Math.min(intervalS, FIRST_RETRY_S) * 2 ** (failures - 1));
    this.timer = setTimeout(() => void this.due(), 1000 * (failures === 0 ? intervalS : retryS));
  }

  private async due(): Promise<void> {
    const { timer } = this;
    if (this.isChanged()) {
      this.failures = await this.save().then(
        () => 0,
        () => this.failures + 1,
      );
    }
    if (this.timer === timer) this.next();
  }
}
