import { readFileSync } from 'node:fs';
import type { Config } from './config.js';
import type { Priority } from './journal.js';
import { changedKeys } from './reload.js';
import { withoutSecrets } from './secrets.js';

/** Keys that a reload can change, and those of them that are in force from the next start on. */
const CHANGEABLE = /^(source|checkpoint\.intervalS|record|output|http|mqtt)\b/;
const LATER = /^record\.directory\b/;

export interface TaskConfigOptions {
  say(text: string, priority?: Priority): void;
  /** The task has ended, or is about to: nothing changes any more. */
  isOver(): boolean;
  /** Does what another configuration says, where `changed` are the keys that differ. Where it throws, nothing has changed. */
  use(next: Config, changed: readonly string[]): Promise<void>;
}

/** The configuration a task runs with, and how another takes its place while it runs. */
export class TaskConfig {
  /** A reload under way; never rejects. */
  private reloading: Promise<void> = Promise.resolve();

  constructor(
    private inForce: Config,
    private readonly options: TaskConfigOptions,
  ) {}

  get current(): Config {
    return this.inForce;
  }

  /** Resolves when no reload is under way. */
  settled(): Promise<void> {
    return this.reloading;
  }

  /**
   * Goes on with another configuration, keeping what was learned. What is learned, and from which columns, cannot
   * change so: such a configuration is refused, and the one in force kept.
   *
   * @param load reads the configuration; what it throws is said, and the one in force kept
   */
  reload(load: () => Config): Promise<void> {
    this.reloading = this.reloading.then(() => this.reread(load));
    return this.reloading;
  }

  /** The keys that keep another configuration from being gone on with. */
  fixedIn(next: Config): string[] {
    return changedKeys(this.inForce, next).filter((key) => !CHANGEABLE.test(key));
  }

  /**
   * As recordings have it, without secrets.
   *
   * @param replay what a budget of time for replay came to
   */
  recorded(replay: number): { file: string; text: string; resolved: Config } {
    const config = this.inForce;
    const memory = config.memory && { ...config.memory, replay };
    return { file: config.file, ...withoutSecrets({ ...config, memory }, textOf(config.file)) };
  }

  private async reread(load: () => Config): Promise<void> {
    const { say, isOver } = this.options;
    if (isOver()) return;
    let next: Config;
    try {
      next = load();
    } catch (error) {
      say(`configuration kept as it was: ${(error as Error).message}`, 'error');
      return;
    }
    const changed = changedKeys(this.inForce, next);
    const fixed = this.fixedIn(next);
    if (changed.length === 0) say('configuration read again: nothing has changed');
    else if (fixed.length > 0) {
      say(
        `configuration kept as it was: ${fixed.join(', ')} cannot change without losing what was learned; start again with --fresh`,
      );
    } else await this.replace(next, changed);
  }

  private async replace(next: Config, changed: readonly string[]): Promise<void> {
    const { say, use } = this.options;
    const before = this.inForce;
    this.inForce = next;
    try {
      await use(next, changed);
      const later = changed.filter((key) => LATER.test(key));
      const now = changed.filter((key) => !LATER.test(key));
      if (now.length > 0) say(`configuration changed: ${now.join(', ')}`);
      if (later.length > 0) say(`configuration changed from the next start on: ${later.join(', ')}`);
    } catch (error) {
      say(`configuration kept as it was: ${(error as Error).message}`);
      this.inForce = before;
    }
  }
}

/** The text of a configuration file; empty where it has gone since it was read. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
