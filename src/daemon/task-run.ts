import { Pipeline } from '../recording/index.js';
import type { SpecError } from '../spec/index.js';
import { createStream, restoreStream, type Stream, saveStream } from '../stream/index.js';
import { CheckpointStore, DaemonError } from './checkpoints.js';
import type { Config } from './config.js';
import { changedKeys } from './reload.js';
import { type OpenedSource, openSource } from './source.js';
import { scoreOf, summary, unitOf } from './status.js';
import { StatusLine } from './status-line.js';

export interface RunOptions {
  /** Leave out the checkpoint that is there. */
  fresh: boolean;
  /** Where status and summary go. */
  out: NodeJS.WriteStream;
}

/** Why a run has ended. */
const STOPPED = 'stopped';
const END_OF_LOG = 'end of log';

/**
 * One task from start to end: its stream, where its rows come from, and its checkpoints.
 *
 * Rows are learned in the calls of the source; everything else here happens between them, and may be slow or fail
 * without stopping the learning.
 */
export class TaskRun {
  readonly stream: Stream;
  private config: Config;
  private readonly store: CheckpointStore;
  private readonly status: StatusLine;
  private readonly pipeline: Pipeline;
  private readonly isFresh: boolean;
  private opened: OpenedSource | null = null;
  private isLost = false;
  private mismatch: SpecError | undefined;
  /** The last save asked for; rejects where it failed. */
  private saved: Promise<void> = Promise.resolve();
  private savedSteps = 0;
  private saveTimer: NodeJS.Timeout | undefined;
  private end!: (reason: string) => void;
  private readonly ended = new Promise<string>((resolve) => {
    this.end = resolve;
  });
  /** A reload under way; never rejects. */
  private reloading: Promise<void> = Promise.resolve();

  /** @throws SpecError where columns, task and network do not fit together */
  constructor(config: Config, { fresh, out }: RunOptions) {
    const { name, columns, task, checkpoint } = config;
    const { seed, executor, ...network } = config.network;
    this.config = config;
    this.isFresh = fresh;
    this.stream = createStream({ columns, task, network, seed, executor });
    this.store = new CheckpointStore(checkpoint.directory, name);
    this.status = new StatusLine(out);
    this.pipeline = new Pipeline(this.stream, {
      onRow: () => this.status.sample(this.stream),
      onFormat: (format) => {
        this.mismatch = undefined;
        const how =
          format.kind === 'csv'
            ? `CSV with "${format.delimiter === '\t' ? '\\t' : format.delimiter}"`
            : 'label and value';
        this.status.say(`rows are ${how}, ${format.fields} fields${format.names ? ' with names' : ''}`);
      },
      onMismatch: (problem) => {
        this.mismatch = problem;
        this.status.say(problem.message);
      },
    });
  }

  /**
   * Learns until the source ends or `stop` is called; goes on from the last checkpoint, and keeps one at the end.
   *
   * @throws EdgegradError where it cannot begin, DaemonError where the last checkpoint cannot be written
   */
  async run(): Promise<void> {
    const { stream, store, status } = this;
    await store.prepare();
    if (!this.isFresh) await this.resume();
    this.savedSteps = stream.network.steps;
    status.begin(stream.rows);
    this.opened = await openSource(this.config);
    const shown = setInterval(() => this.show(), status.isTerminal ? 200 : 10_000);
    this.setSaveTimer();
    let reason: string;
    try {
      await this.startSource();
      reason = await this.ended;
      await this.reloading;
      await this.stopSource();
      if (reason === END_OF_LOG) this.pipeline.finish();
      this.show();
    } finally {
      clearInterval(shown);
      clearInterval(this.saveTimer);
      await this.opened?.close();
      status.end();
    }
    await this.save();
    this.summarise();
    if (this.mismatch !== undefined && this.pipeline.rowsDecoded === 0) throw this.mismatch;
    if (reason !== END_OF_LOG && reason !== STOPPED) {
      throw new DaemonError('RUN_CUT_OFF', {
        where: this.opened.source.name,
        found: reason,
        expected: 'the whole log',
        remedy: 'start again; what was learned is saved',
      });
    }
  }

  /** Ends the run: `run` saves, says what was learned, and returns. */
  stop(): void {
    this.end(STOPPED);
  }

  /** Keeps a checkpoint now. When it resolves, it survives a power cut. @throws DaemonError */
  save(): Promise<void> {
    this.savedSteps = this.stream.network.steps;
    const bytes = saveStream(this.stream);
    this.saved = this.saved.catch(() => {}).then(() => this.store.save(bytes));
    return this.saved;
  }

  /** The same for whoever does not wait: says how it went. */
  saveAndSay(): void {
    this.save().then(
      () => this.status.say(`saved ${this.store.file}, hash ${this.stream.hash()}`),
      (error: Error) => this.status.say(error.message),
    );
  }

  /**
   * Goes on with another configuration, keeping what was learned. What is learned, and from which columns, cannot
   * change so: such a configuration is refused, and the one in force kept.
   *
   * @param load reads the configuration; what it throws is said, and the one in force kept
   */
  reload(load: () => Config): void {
    this.reloading = this.reloading.then(async () => {
      let next: Config;
      try {
        next = load();
      } catch (error) {
        this.status.say(`configuration kept as it was: ${(error as Error).message}`);
        return;
      }
      const changed = changedKeys(this.config, next);
      const fixed = changed.filter((key) => !/^(source|checkpoint\.intervalS)\b/.test(key));
      if (changed.length === 0) this.status.say('configuration read again: nothing has changed');
      else if (fixed.length > 0) {
        this.status.say(
          `configuration kept as it was: ${fixed.join(', ')} cannot change without losing what was learned; start again with --fresh`,
        );
      } else await this.use(next, changed);
    });
  }

  private async use(next: Config, changed: readonly string[]): Promise<void> {
    const before = this.config;
    this.config = next;
    this.setSaveTimer();
    try {
      if (changed.some((key) => key.startsWith('source'))) {
        await this.stopSource();
        await this.opened?.close();
        this.isLost = true;
        // A device that is not there yet is no reason to end: it was configured on purpose.
        this.opened = await openSource({ ...next, source: { ...next.source, wait: true } });
        void this.startSource().catch((error: Error) => this.end(error.message));
      }
      this.status.say(`configuration changed: ${changed.join(', ')}`);
    } catch (error) {
      this.status.say(`configuration kept as it was: ${(error as Error).message}`);
      this.config = before;
      this.setSaveTimer();
      this.opened = await openSource({ ...before, source: { ...before.source, wait: true } });
      void this.startSource().catch((failure: Error) => this.end(failure.message));
    }
  }

  private async resume(): Promise<void> {
    const { stream, status } = this;
    const { used, refused } = await this.store.load((bytes, file) => restoreStream(stream, bytes, file));
    for (const error of refused) status.say(error.message);
    if (used !== undefined) {
      status.say(`goes on from ${used}: ${stream.rows} rows, hash ${stream.hash()}`);
      // The device went on while nobody listened: rows from before and after do not belong together.
      stream.gap('restart');
    } else if (refused.length > 0) {
      throw refused[0];
    }
  }

  private async startSource(): Promise<void> {
    const { pipeline, status, stream } = this;
    const { source, description, opensMidLine, endsItself, device } = this.opened!;
    await source.start({
      bytes: (buffer, length) => pipeline.bytes(buffer, length),
      opened: (what) => {
        status.say(
          this.isLost ? `${what} is back` : `${this.config.name}: ${description}; ${stream.network.executor} executor`,
        );
        pipeline.opened({ isAgain: this.isLost, mayBeMidLine: opensMidLine });
      },
      closed: (reason) => {
        this.isLost = true;
        if (device !== undefined) this.end(reason);
        else if (endsItself) this.end(reason === 'end of file' ? END_OF_LOG : reason);
        else if (reason !== 'stopped') status.say(`${source.name} is gone: ${reason}; waiting for it`);
      },
    });
    if (device === undefined) return;
    device.start();
    device.finished
      .then(() => arrivalOf(device.totalBytes, source))
      .then(
        () => this.end(END_OF_LOG),
        (error: Error) => this.end(error.message),
      );
  }

  private async stopSource(): Promise<void> {
    this.opened?.device?.stop();
    await this.opened?.source.stop();
  }

  private setSaveTimer(): void {
    clearInterval(this.saveTimer);
    const { intervalS } = this.config.checkpoint;
    if (intervalS === 0) return;
    this.saveTimer = setInterval(() => {
      if (this.stream.network.steps === this.savedSteps) return;
      this.save().catch((error: Error) => this.status.say(error.message));
    }, 1000 * intervalS);
  }

  private show(): void {
    this.status.show(this.config.name, this.stream, unitOf(this.config));
  }

  private summarise(): void {
    const { status, stream, config } = this;
    const report = stream.report();
    const lines = this.pipeline.lines();
    const rejected = lines.rxLines - lines.rowsDecoded - lines.headers - lines.comments;
    status.say(`${config.name}: ${report.rows} rows in all, ${this.pipeline.rowsDecoded} of them in this run`);
    status.say(summary(report, scoreOf(report, unitOf(config)), rejected));
    status.say(`  saved ${this.store.file}, hash ${stream.hash()}`);
  }
}

/** Resolves when the source has received everything a device sent; a cut before would lose what is on its way. */
async function arrivalOf(bytes: number, source: { counters(): Record<string, number> }): Promise<void> {
  for (let idleMs = 0, before = -1; idleMs < 5000; idleMs += 5) {
    const { rxBytes } = source.counters();
    if (rxBytes >= bytes) return;
    if (rxBytes !== before) idleMs = 0;
    before = rxBytes;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
