import { DaemonError } from './checkpoints.js';
import type { Config } from './config.js';
import { Console } from './console.js';
import { SystemdNotifier } from './notify.js';
import { type OutputSection, Outputs } from './outputs.js';
import { changedKeys } from './reload.js';
import { openSource, Ports } from './source.js';
import { TaskRun } from './task-run.js';
import { checkTogether, ofProcess } from './together.js';

export interface DaemonOptions {
  /** Leave out the checkpoints that are there. */
  fresh: boolean;
  /** Where status and summary go. */
  out: NodeJS.WriteStream;
}

/** How often the lines are written anew: on a terminal, and elsewhere. */
const SHOW_MS = 200;
const SHOW_ELSEWHERE_MS = 10_000;
/** How long outputs may take for their last words, and how soon after a stop all is to be over. */
const LAST_WORDS_MS = 1000;
const LEAST_LAST_WORDS_MS = 200;
const STOP_MS = 1700;

/**
 * The process: its tasks, which do not know of each other, and what goes out of it. Ends when every task has; one that
 * fails is told of at once and leaves the others alone.
 */
export class Daemon {
  readonly tasks: readonly TaskRun[];
  private readonly console: Console;
  private readonly notifier: SystemdNotifier;
  private readonly outputs: Outputs;
  /** A reload under way; never rejects. */
  private reloading: Promise<void> = Promise.resolve();
  private lines: readonly string[] = [];
  /** When it was told to stop. */
  private stoppedMs = Number.NaN;

  /** @throws SpecError where columns, task and network of a configuration do not fit together, or several configurations */
  constructor(configs: readonly Config[], { fresh, out }: DaemonOptions) {
    checkTogether(configs);
    this.console = new Console(out);
    const ports = new Ports();
    const prefixOf = ({ name }: Config) => (configs.length > 1 ? `${name}: ` : '');
    this.tasks = configs.map(
      (config, position) =>
        new TaskRun(config, {
          fresh,
          position,
          open: (current) => openSource(current, ports),
          say: (text, priority) => this.console.say(`${prefixOf(config)}${text}`, priority),
        }),
    );
    this.outputs = new Outputs({
      tasks: this.tasks,
      say: (text, priority) => this.console.say(text, priority),
      stop: () => this.stop(),
    });
    this.notifier = new SystemdNotifier({ onProblem: (message) => this.console.say(message, 'warning') });
  }

  /**
   * Runs all tasks to their ends.
   *
   * @throws EdgegradError once all have ended, where one failed
   */
  async run(): Promise<void> {
    const { tasks, console, notifier } = this;
    const shown = setInterval(() => this.show(), console.isTerminal ? SHOW_MS : SHOW_ELSEWHERE_MS);
    const began: TaskRun[] = [];
    const failures: { task: TaskRun; error: Error }[] = [];
    // The process is ready when every task that can has begun.
    const beginning = async (what: string) => {
      if (began.length > 0 && began.length + failures.length >= tasks.length) await notifier.ready(what);
    };
    try {
      await this.outputs.start(ofProcess(tasks.map(({ config }) => config)));
      const questions = tasks.map((task) => task.progress());
      notifier.watch({
        isProgressing: () => questions.map((isProgressing) => isProgressing()).every(Boolean),
        status: () => this.lines.join('; '),
      });
      await Promise.all(
        tasks.map(async (task) => {
          try {
            await task.run(async (what) => {
              if (!began.includes(task)) began.push(task);
              await beginning(what);
            });
          } catch (error) {
            failures.push({ task, error: error as Error });
            if (tasks.length > 1) console.say(`${task.config.name}: ${(error as Error).message}`, 'error');
            if (!began.includes(task)) await beginning(began.map(({ config }) => config.name).join(', '));
          }
        }),
      );
    } finally {
      void notifier.stopped('has saved what was learned');
      clearInterval(shown);
      const leftMs = this.stoppedMs + STOP_MS - performance.now();
      const withinMs = leftMs < LAST_WORDS_MS ? Math.max(leftMs, LEAST_LAST_WORDS_MS) : LAST_WORDS_MS;
      await this.outputs.stop(withinMs);
      if (began.length > 0) this.show();
      console.end();
    }
    for (const task of began) console.say(task.summary());
    if (failures.length === 0) return;
    if (tasks.length === 1) throw failures[0].error;
    throw new DaemonError('RUN_TASKS', {
      where: failures.map(({ task }) => task.config.name).join(', '),
      found: `${failures.length} of ${tasks.length} tasks failed, as said above`,
      expected: 'none',
    });
  }

  /** Ends the run: every task saves, says what was learned, and `run` returns. Called again: says what it waits for. */
  stop(): void {
    if (!this.isStopping) {
      this.stoppedMs = performance.now();
      void this.notifier.stopping('saves what was learned');
    }
    for (const task of this.tasks) task.stop();
  }

  /** Keeps checkpoints, and says how it went. */
  saveAndSay(): void {
    for (const task of this.tasks) task.saveAndSay();
  }

  /**
   * Goes on with configurations read again, in the order of the tasks. One that cannot be read is kept as it was; if
   * what there is then cannot run together, all are; a section that says what goes out and cannot be had stays as it was.
   *
   * @param load reads them; what it throws is said
   */
  reload(load: readonly (() => Config)[]): Promise<void> {
    this.reloading = this.reloading.then(() => this.reread(load));
    return this.reloading;
  }

  private async reread(load: readonly (() => Config)[]): Promise<void> {
    const { tasks } = this;
    await this.notifier.reloading();
    const read = tasks.map(({ config }, i): { next: Config; problem?: unknown } => {
      try {
        return { next: load[i]() };
      } catch (problem) {
        return { next: config, problem };
      }
    });
    let refused: unknown;
    let kept: OutputSection[] = [];
    try {
      checkTogether(read.map(({ next }) => next));
      // Of a task that does not take its own, no section is taken either.
      kept = await this.goOut(tasks.map((task, i) => (task.takes(read[i].next) ? read[i].next : task.config)));
    } catch (error) {
      refused = error;
    }
    await Promise.all(
      tasks.map((task, i) => {
        const problem = read[i].problem ?? refused;
        const next = { ...read[i].next };
        for (const section of kept) Object.assign(next, { [section]: task.config[section] });
        // Then what has not changed has been said.
        if (problem === undefined && kept.length > 0 && changedKeys(task.config, next).length === 0) return undefined;
        return task.reload(() => {
          if (problem !== undefined) throw problem;
          return next;
        });
      }),
    );
    if (!this.isStopping) await this.notifier.ready(this.lines.join('; '));
  }

  /** What goes out from now on. Returns the sections that stay as they were. @throws SpecError where these do not agree */
  private async goOut(configs: readonly Config[]): Promise<OutputSection[]> {
    const config = ofProcess(configs);
    return this.isStopping ? [] : this.outputs.change(config);
  }

  private get isStopping(): boolean {
    return !Number.isNaN(this.stoppedMs);
  }

  private show(): void {
    this.lines = this.tasks.map((task) => task.text(this.console.width));
    this.console.show(this.lines);
  }
}
