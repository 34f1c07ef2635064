import { deviceOf, type Holder, readersOf } from '../ingest/index.js';
import type { Priority } from './journal.js';

/** Between looks while another program reads the port. */
const LOOK_MS = 2000;
/** Least time between looks for one, which take some milliseconds. */
const LEAST_MS = 5000;

export interface PortWatchOptions {
  /** The port, where there is a serial one. */
  port(): string | undefined;
  /** Lines that were refused so far: while none are, nothing is looked for. */
  refused(): number;
  /** Bytes that have come so far. */
  received(): number;
  /** Whether a row that has lost bytes would be noticed: by its checksum. */
  isChecked(): boolean;
  say(text: string, priority: Priority): void;
  isLearning(): boolean;
  setLearning(on: boolean): void;
}

/**
 * Looks for other programs that read the same port: each takes bytes away from the other, and what is left of two rows may
 * look like one. It looks when the port opens, when lines begin to be refused, and when bytes stay away; as long as there is such a program and
 * rows have no checksum, they are not learned from.
 */
export class PortWatch {
  private readers: Holder[] = [];
  private timer: NodeJS.Timeout | undefined;
  private lookedMs = Number.NEGATIVE_INFINITY;
  private refusedThen = 0;
  private receivedThen = 0;
  /** When bytes came last, and how long they have to stay away before it looks. */
  private heardMs = Number.NaN;
  private silenceMs = LEAST_MS;
  /** Learning was paused because of one. */
  private hasPaused = false;

  constructor(private readonly options: PortWatchOptions) {}

  /** Their names. */
  get others(): string[] {
    return this.readers.map(nameOf);
  }

  begin(): void {
    this.timer = setInterval(() => this.tick(performance.now()), LOOK_MS);
    this.timer.unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** The port has been opened. */
  opened(): void {
    this.look(performance.now());
  }

  private tick(nowMs: number): void {
    const refused = this.options.refused();
    const received = this.options.received();
    if (received !== this.receivedThen) {
      this.receivedThen = received;
      this.heardMs = nowMs;
      this.silenceMs = LEAST_MS;
    }
    const isWorse = refused > this.refusedThen;
    // The other may have taken everything.
    const isSilent = received > 0 && nowMs - this.heardMs >= this.silenceMs;
    if (this.readers.length === 0 && !isSilent && (!isWorse || nowMs - this.lookedMs < LEAST_MS)) return;
    if (isSilent) this.silenceMs = 2 * (nowMs - this.heardMs);
    this.refusedThen = refused;
    this.look(nowMs);
  }

  private look(nowMs: number): void {
    const { options } = this;
    this.lookedMs = nowMs;
    const port = options.port();
    const device = port === undefined ? undefined : deviceOf(port);
    const before = this.others;
    this.readers = device === undefined ? [] : readersOf(device);
    const isRead = this.readers.length > 0;
    if (isRead && before.length === 0) {
      const pids = this.readers.map(({ pid }) => pid).join(' ');
      const more = options.isChecked() ? '' : '; nothing is learned until it has gone';
      options.say(
        `${this.others.join(' and ')} reads the same port and takes bytes away${more}; close it, or: kill ${pids}`,
        'error',
      );
    } else if (!isRead && before.length > 0) options.say('no other program reads the port any more', 'notice');
    const distrusts = isRead && !options.isChecked();
    if (distrusts && !this.hasPaused && options.isLearning()) {
      this.hasPaused = true;
      options.setLearning(false);
    } else if (!distrusts && this.hasPaused) {
      this.hasPaused = false;
      options.setLearning(true);
    }
  }
}

const nameOf = ({ command, pid }: Holder): string => `${command} (process ${pid})`;
