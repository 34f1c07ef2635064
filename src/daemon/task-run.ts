import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pipeline, RecordedSession, Recorder } from '../recording/index.js';
import type { SpecError } from '../spec/index.js';
import { createStream, restoreStream, type Stream, saveStream } from '../stream/index.js';
import { CheckpointStore, DaemonError } from './checkpoints.js';
import type { Config } from './config.js';
import { DeviceLink } from './device-link.js';
import { keepsUp, SystemdNotifier } from './notify.js';
import { changedKeys } from './reload.js';
import { type LogPlayer, type OpenedSource, openSource } from './source.js';
import { scoreOf, summary, unitOf } from './status.js';
import { StatusLine } from './status-line.js';
import { VERSION } from './version.js';

export interface RunOptions {
  /** Leave out the checkpoint that is there. */
  fresh: boolean;
  /** Where status and summary go. */
  out: NodeJS.WriteStream;
}

/** Why a run has ended. */
const STOPPED = 'stopped';
const END_OF_LOG = 'end of log';

/** How long a checkpoint waits for the recording. */
const RECORDING_WAIT_MS = 2000;

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
  private readonly link: DeviceLink;
  private readonly notifier: SystemdNotifier;
  /** Keeps everything received; null where nothing is recorded. */
  private recorder: Recorder | null = null;
  private session!: RecordedSession;
  private readonly isFresh: boolean;
  private opened: OpenedSource | null = null;
  private isLost = false;
  private isOver = false;
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
    this.notifier = new SystemdNotifier({ onProblem: (message) => this.status.say(message, 'warning') });
    this.link = new DeviceLink(this.stream, {
      send: (bytes) => this.opened?.source.send(bytes) === true,
      say: (text) => this.status.say(text),
      rowPeriodS: config.source.rowPeriodS,
      output: config.source.output,
    });
    this.pipeline = new Pipeline(this.stream, {
      ...this.link.events(),
      onRow: (outcome) => {
        this.link.afterRow(this.pipeline, outcome);
        this.status.sample(this.stream);
      },
      onFormat: (format) => {
        this.mismatch = undefined;
        const how =
          format.kind === 'csv'
            ? `CSV with "${format.delimiter === '\t' ? '\\t' : format.delimiter}"`
            : 'label and value';
        this.status.say(`rows are ${how}, ${format.fields} fields${format.names ? ' with names' : ''}`);
      },
      onSchema: ({ columns: found }) => {
        this.mismatch = undefined;
        this.status.say(`rows are frames of ${found.map((column) => column.name).join(', ')}`);
      },
      onMismatch: (problem) => {
        this.mismatch = problem;
        this.status.say(problem.message, 'error');
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
    const checkpoint = this.isFresh ? undefined : await this.resume();
    this.recorder = this.openRecorder();
    this.session = new RecordedSession(this.recorder, this.pipeline, {
      config: this.recordedConfig(),
      edgegrad: VERSION,
      fresh: checkpoint === undefined,
    });
    // The device went on while nobody listened: rows from before and after do not belong together.
    if (checkpoint !== undefined) this.session.gap('restart');
    this.savedSteps = stream.network.steps;
    status.begin(stream.rows);
    this.opened = await openSource(this.config);
    const shown = setInterval(() => this.show(), status.isTerminal ? 200 : 10_000);
    this.setSaveTimer();
    let reason: string;
    try {
      this.watch();
      const { description } = this.opened;
      if (this.config.source.wait) await this.notifier.ready(`waits for ${description}`);
      await Promise.race([this.startSource(), this.ended]); // a port may be waited for, for ever
      await this.notifier.ready(description);
      reason = await this.ended;
      this.isOver = true;
      await this.reloading;
      await this.stopSource();
      await this.session.end(reason, reason === END_OF_LOG);
      this.show();
    } finally {
      void this.notifier.stopping('saves what was learned');
      clearInterval(shown);
      clearInterval(this.saveTimer);
      await this.opened?.close();
      status.end();
    }
    await this.write(saveStream(stream));
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
    const bytes = saveStream(this.stream);
    // First in the recording, so that it knows every checkpoint there is; but its disk may not answer.
    const recorded = this.session.checkpoint('saved', this.store.file);
    return this.write(bytes, Promise.race([recorded, sleep(RECORDING_WAIT_MS)]));
  }

  /** Keeps a state of now, after the ones before it. */
  private write(bytes: Uint8Array, after: Promise<void> = Promise.resolve()): Promise<void> {
    this.savedSteps = this.stream.network.steps;
    this.saved = this.saved
      .catch(() => {})
      .then(() => after)
      .then(() => this.store.save(bytes));
    return this.saved;
  }

  /** The same for whoever does not wait: says how it went. */
  saveAndSay(): void {
    this.save().then(
      () => this.status.say(`saved ${this.store.file}, hash ${this.stream.hash()}`),
      (error: Error) => this.status.say(error.message, 'error'),
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
      void this.notifier.reloading();
      await this.reread(load);
      void this.notifier.ready(this.status.text);
    });
  }

  private async reread(load: () => Config): Promise<void> {
    let next: Config;
    try {
      next = load();
    } catch (error) {
      this.status.say(`configuration kept as it was: ${(error as Error).message}`, 'error');
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
  }

  /** Feeds the watchdog of systemd as long as what comes in is dealt with. */
  private watch(): void {
    const { pipeline, stream, status } = this;
    const takesBytes = keepsUp(() => ({
      received: this.opened?.source.counters().rxBytes ?? 0,
      done: pipeline.lines().rxBytes + pipeline.frames().rxBytes,
    }));
    const takesRows = keepsUp(() => {
      const { rows, lost } = stream.report();
      return { received: pipeline.rowsDecoded, done: rows + lost };
    });
    this.notifier.watch({
      isProgressing: () => [takesBytes(), takesRows()].every(Boolean),
      status: () => status.text,
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
      this.session.configured(this.recordedConfig());
      this.status.say(`configuration changed: ${changed.join(', ')}`);
    } catch (error) {
      this.status.say(`configuration kept as it was: ${(error as Error).message}`);
      this.config = before;
      this.setSaveTimer();
      this.opened = await openSource({ ...before, source: { ...before.source, wait: true } });
      void this.startSource().catch((failure: Error) => this.end(failure.message));
    }
  }

  /** Takes the last usable checkpoint. Returns its file, undefined where there is none. */
  private async resume(): Promise<string | undefined> {
    const { stream, status } = this;
    const { used, refused } = await this.store.load((bytes, file) => restoreStream(stream, bytes, file));
    for (const error of refused) status.say(error.message, 'warning');
    if (used !== undefined) {
      status.say(`goes on from ${used}: ${stream.rows} rows, hash ${stream.hash()}`);
    } else if (refused.length > 0) {
      throw refused[0];
    }
    return used;
  }

  private openRecorder(): Recorder | null {
    const { name, record } = this.config;
    const { directory, ...limits } = record;
    if (directory === undefined) return null;
    return new Recorder({
      destination: { directory, name },
      library: `edgegrad ${VERSION}`,
      ...limits,
      onState: (message) => this.status.say(`recording: ${message}`),
      onDropped: (file) => this.status.say(`recording: dropped ${file} to make room`),
    });
  }

  private recordedConfig(): { file: string; text: string; resolved: Config } {
    return { file: this.config.file, text: textOf(this.config.file), resolved: this.config };
  }

  private async startSource(): Promise<void> {
    const { session, status, stream } = this;
    const { source, description, opensMidLine, endsItself, device } = this.opened!;
    const waiting = setTimeout(() => status.say(`waits for ${description}`), 500);
    waiting.unref();
    await source.start({
      bytes: (buffer, length) => session.bytes(buffer, length),
      opened: (what) => {
        clearTimeout(waiting);
        status.say(
          this.isLost ? `${what} is back` : `${this.config.name}: ${description}; ${stream.network.executor} executor`,
        );
        session.opened(what, { isAgain: this.isLost, mayBeMidLine: opensMidLine });
      },
      closed: (reason) => {
        this.isLost = true;
        this.link.closed();
        session.closed(reason);
        if (device !== undefined) this.endWith(device, reason);
        else if (endsItself) this.end(reason === 'end of file' ? END_OF_LOG : reason);
        else if (reason !== 'stopped') status.say(`${source.name} is gone: ${reason}; waiting for it`, 'warning');
      },
    });
    if (device === undefined) return;
    device.start();
    if (device.totalBytes === undefined) return; // its terminal goes with it
    const { totalBytes } = device;
    device.finished
      .then(() => arrivalOf(totalBytes, source, () => this.isOver))
      .then(
        () => this.end(END_OF_LOG),
        (error: Error) => this.end(error.message),
      );
  }

  /** The terminal of a device that plays a log has gone: because the log has ended, or it was cut off. */
  private endWith(device: LogPlayer, reason: string): void {
    if (device.totalBytes !== undefined) this.end(reason);
    else
      device.finished.then(
        () => this.end(END_OF_LOG),
        () => this.end(reason),
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
      this.save().catch((error: Error) => this.status.say(error.message, 'error'));
    }, 1000 * intervalS);
  }

  private show(): void {
    this.link.score = scoreOf(this.stream.report(), '').skill;
    this.status.show(this.config.name, this.stream, unitOf(this.config), this.counted());
  }

  /** What came damaged or not at all, in words; empty where all is well. */
  private counted(): string[] {
    const frames = this.pipeline.frames();
    const damaged =
      frames.rejectedTooLong +
      frames.rejectedCobs +
      frames.rejectedTooShort +
      frames.rejectedCrc +
      frames.rejectedLength;
    const parts: string[] = [];
    if (frames.rowsLost > 0) parts.push(`lost ${frames.rowsLost}`);
    if (damaged > 0) parts.push(`damaged ${damaged}`);
    if (frames.restarts > 0) parts.push(`restarts ${frames.restarts}`);
    return parts;
  }

  private summarise(): void {
    const { status, stream, config } = this;
    const report = stream.report();
    const lines = this.pipeline.lines();
    // Of frames, only the first went to the decoder of lines.
    const isText = this.pipeline.decoder.mode !== 'binary';
    const rejected = isText ? lines.rxLines - lines.rowsDecoded - lines.headers - lines.comments : 0;
    status.say(`${config.name}: ${report.rows} rows in all, ${this.pipeline.rowsDecoded} of them in this run`);
    status.say(summary(report, scoreOf(report, unitOf(config)), rejected));
    const frames = this.pipeline.frames();
    if (frames.rxFrames > 0) {
      const parts = [`${frames.rxFrames} frames`, `${frames.labels} labels`, ...this.counted()];
      status.say(`  ${parts.join(', ')}`);
    }
    if (this.recorder !== null) {
      const { bytesWritten, segments, lostBytes } = this.recorder.metrics();
      status.say(
        `  recorded ${bytesWritten} bytes in ${segments} files${lostBytes > 0 ? `, ${lostBytes} bytes lost` : ''}`,
      );
    }
    status.say(`  saved ${this.store.file}, hash ${stream.hash()}`);
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

/**
 * Resolves when the source has received everything a device sent; a cut before would lose what is on its way. Gives up
 * where nothing comes for five seconds, and once the run is over.
 */
async function arrivalOf(
  bytes: number,
  source: { counters(): Record<string, number> },
  isOver: () => boolean,
): Promise<void> {
  for (let idleMs = 0, before = -1; idleMs < 5000 && !isOver(); idleMs += 5) {
    const { rxBytes } = source.counters();
    if (rxBytes >= bytes) return;
    if (rxBytes !== before) idleMs = 0;
    before = rxBytes;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
