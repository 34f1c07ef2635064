import { existsSync, type FSWatcher, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

const FIRST_DELAY_MS = 100;
const LAST_DELAY_MS = 5000;
/** After a change of the directory: long enough for udev to set the permissions of a new node. */
const SETTLE_MS = 5;

/**
 * When to try a path again: after 0.1 s, then twice as long each time up to 5 s, each shortened by up to half at random
 * so that many processes do not try together; and at once when something changes about the path.
 */
export class Retry {
  private delayMs = FIRST_DELAY_MS;
  private timer: NodeJS.Timeout | null = null;
  private watcher: FSWatcher | null = null;

  constructor(
    /** What appears in a directory when it is worth trying; null where nothing does. */
    private readonly path: string | null,
    /** Whether any change of the directory may have brought it: it is named by a pattern. */
    private readonly isPattern: boolean,
    private readonly attempt: () => void,
    private readonly random: () => number,
  ) {}

  /** Calls `attempt` once, later. */
  schedule(): void {
    this.cancel();
    this.timer = setTimeout(() => this.fire(), this.delayMs * (1 - this.random() / 2));
    this.delayMs = Math.min(LAST_DELAY_MS, this.delayMs * 2);
    this.watch();
  }

  cancel(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.watcher?.close();
    this.watcher = null;
  }

  /** It worked: the next wait is a short one again. */
  succeeded(): void {
    this.cancel();
    this.delayMs = FIRST_DELAY_MS;
  }

  private fire(): void {
    this.cancel();
    this.attempt();
  }

  /** Watches the nearest directory that exists: `/dev/serial/by-id` itself comes and goes with its devices. */
  private watch(): void {
    if (this.path === null) return;
    let child = this.path;
    let directory = dirname(child);
    while (!existsSync(directory) && dirname(directory) !== directory) {
      child = directory;
      directory = dirname(directory);
    }
    try {
      this.watcher = watch(directory, { persistent: false }, (_, name) => {
        if (!this.isPattern && name !== null && name !== basename(child)) return;
        this.cancel();
        this.delayMs = FIRST_DELAY_MS;
        this.timer = setTimeout(() => this.fire(), SETTLE_MS);
      });
      this.watcher.on('error', () => this.watcher?.close());
    } catch {
      // No watches left, or none on this file system: the timer is enough.
    }
  }
}
