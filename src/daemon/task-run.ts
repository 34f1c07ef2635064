import { setTimeout as sleep } from 'node:timers/promises';
import type { RawLine } from '../bridge/index.js';
import { nothingRead, Pipeline, RecordedSession, Recorder, streamOptionsOf } from '../recording/index.js';
import type { SpecError } from '../spec/index.js';
import { createStream, DRIFTED, FORGOTTEN, type Stream } from '../stream/index.js';
import { CheckpointKeeper } from './checkpoint-keeper.js';
import { DaemonError } from './checkpoints.js';
import type { Config } from './config.js';
import { DeviceLink } from './device-link.js';
import { DriftNews } from './drift-news.js';
import type { Priority } from './journal.js';
import { learnAgain } from './learn-again.js';
import type { LiveTask, TaskEvent, TaskObserver, TaskStatus } from './live-task.js';
import { keepsUp } from './notify.js';
import { PortWatch } from './port-watch.js';
import { RefusalNews } from './refusals.js';
import { replayWithin } from './replay-budget.js';
import { RowWatch } from './row-watch.js';
import type { OpenedSource } from './source.js';
import { figure, scoreOf, unitOf } from './status.js';
import { StepTimer } from './step-timer.js';
import { TaskConfig } from './task-config.js';
import { TaskLine } from './task-line.js';
import { END_OF_LOG, TaskSource } from './task-source.js';
import { countedFrames, summaryOf } from './task-summary.js';
import { VERSION } from './version.js';

export interface TaskOptions {
  /** Leave out the checkpoint that is there. */
  fresh: boolean;
  /** A line for a person. */
  say(text: string, priority: Priority): void;
  /** Opens where rows come from. @throws EdgegradError */
  open(config: Config): Promise<OpenedSource>;
  /** Which of the tasks of the process it is, from 0. */
  position: number;
}

/** Why a run has ended. */
const STOPPED = 'stopped';

/** How long the end goes on with what waits to be learned from, and then waits for the recording. */
const LEARN_REST_MS = 600;
const RECORDING_WAIT_MS = 700;
/** Numbers of pings a task has to itself. */
const TOKENS = 2 ** 24;
/** Events kept for whoever looks later. */
const EVENTS = 200;

/**
 * One task from start to end: its stream, where its rows come from, and its checkpoints.
 *
 * Rows are learned in the calls of the source; everything else here happens between them, and may be slow or fail
 * without stopping the learning.
 */
export class TaskRun implements LiveTask {
  readonly stream: Stream;
  private readonly configs: TaskConfig;
  private readonly source: TaskSource;
  private readonly checkpoints: CheckpointKeeper;
  private readonly line: TaskLine;
  private readonly observers = new Set<TaskObserver>();
  private readonly latest: TaskEvent[] = [];
  private readonly pipeline: Pipeline;
  private readonly link: DeviceLink;
  private readonly driftNews: DriftNews;
  private readonly refusals: RefusalNews;
  private readonly portWatch: PortWatch;
  /** A watcher has told something that has not been said yet. */
  private hasDrifted = false;
  /** Keeps everything received; null where nothing is recorded. */
  private recorder: Recorder | null = null;
  /** Null before the run begins. */
  private session: RecordedSession | null = null;
  private readonly timer = new StepTimer();
  private isOver = false;
  private mismatch: SpecError | undefined;
  private end!: (reason: string) => void;
  private readonly ended = new Promise<string>((resolve) => {
    this.end = (reason) => {
      this.endedBy ??= reason;
      resolve(reason);
    };
  });
  private endedBy: string | null = null;
  /** The end has come, and what waited then had its time. */
  private readonly hadItsTime = this.ended.then(() => sleep(LEARN_REST_MS, undefined, { ref: false }));

  /** @throws SpecError where columns, task and network do not fit together */
  constructor(
    config: Config,
    private readonly options: TaskOptions,
  ) {
    const { name, checkpoint } = config;
    this.configs = new TaskConfig(config, {
      say: (text, priority) => this.say(text, priority),
      isOver: () => this.endedBy !== null,
      use: (next, changed) => this.use(next, changed),
    });
    this.stream = createStream(replayWithin(streamOptionsOf(config)));
    this.source = this.makeSource();
    this.driftNews = new DriftNews(this.stream);
    this.checkpoints = new CheckpointKeeper(this.stream, {
      directory: checkpoint.directory,
      name,
      say: (text, priority) => this.say(text, priority),
      session: () => this.running(),
    });
    this.line = new TaskLine(name, this.stream);
    this.link = new DeviceLink(this.stream, {
      send: (bytes) => this.source.send(bytes),
      say: (text) => this.say(text),
      wanted: config.source,
      firstToken: options.position * TOKENS,
    });
    const watch = new RowWatch({
      columns: this.stream.columns,
      isWatched: this.stream.required,
      row: this.stream.row,
      say: (text, priority) => this.say(text, priority),
    });
    const { onLabel, ...events } = this.link.events();
    this.pipeline = new Pipeline(this.stream, {
      ...events,
      onLabel: (row, outcome) => {
        onLabel?.(row, outcome);
        if ((outcome & FORGOTTEN) !== 0) this.sayForgotten();
        for (const observer of this.observers) observer.label?.(outcome, (this.pipeline.rowNumber - row) | 0);
      },
      onRow: (outcome) => {
        watch.take(outcome);
        this.link.afterRow(this.pipeline, outcome);
        if ((outcome & FORGOTTEN) !== 0) this.sayForgotten();
        this.line.sample();
        if ((outcome & DRIFTED) !== 0) this.hasDrifted = true;
        for (const observer of this.observers) observer.row?.(outcome);
      },
      onFormat: (format) => {
        this.mismatch = undefined;
        const how =
          format.kind === 'csv'
            ? `CSV with "${format.delimiter === '\t' ? '\\t' : format.delimiter}"`
            : 'label and value';
        this.session?.format(format);
        this.say(`rows are ${how}, ${format.fields} fields${format.names ? ' with names' : ''}`);
      },
      onSchema: ({ columns: found }) => {
        this.mismatch = undefined;
        this.say(`rows are frames of ${found.map((column) => column.name).join(', ')}`);
      },
      onMismatch: (problem) => {
        this.mismatch = problem;
        this.say(problem.message, 'error');
      },
    });
    this.refusals = new RefusalNews(this.pipeline, (text, priority) => this.say(text, priority));
    this.portWatch = new PortWatch({
      port: () => this.config.source.port,
      refused: () => this.pipeline.decoder.lines.refusals.refused,
      received: () => this.source.counters().rxBytes ?? 0,
      isChecked: () => this.pipeline.decoder.mode === 'binary' || this.pipeline.decoder.lines.format?.checksum === true,
      say: (text, priority) => this.say(text, priority),
      isLearning: () => this.stream.isLearning,
      setLearning: (on) => {
        if (this.session !== null && !this.isOver) this.session.setLearning(on);
      },
    });
  }

  /**
   * Learns until the source ends or `stop` is called; goes on from the last checkpoint, and keeps one at the end.
   *
   * @param isReady told when its source is open, or is waited for
   * @throws EdgegradError where it cannot begin, DaemonError where the last checkpoint cannot be written
   */
  async run(isReady: (what: string) => Promise<void>): Promise<void> {
    try {
      await this.learn(isReady);
    } catch (error) {
      this.end((error as Error).message);
      throw error;
    }
  }

  private async learn(isReady: (what: string) => Promise<void>): Promise<void> {
    const { checkpoints } = this;
    await checkpoints.prepare();
    const goesOn = !this.options.fresh && (await this.resume(isReady));
    if (this.endedBy !== null) return; // while it learned again: the checkpoint is as it was
    this.recorder = this.openRecorder();
    const session = new RecordedSession(this.recorder, this.pipeline, {
      config: this.recordedConfig(),
      edgegrad: VERSION,
      fresh: !goesOn,
    });
    this.session = session;
    // The device went on while nobody listened: rows from before and after do not belong together.
    if (goesOn) session.gap('restart');
    this.driftNews.begin();
    this.line.begin();
    this.refusals.begin();
    this.portWatch.begin();
    await this.source.open(this.config);
    checkpoints.every(this.config.checkpoint.intervalS);
    if (checkpoints.isChanged) checkpoints.save().catch(() => {}); // it is said
    let reason: string;
    try {
      const { description } = this.source;
      if (this.config.source.wait) await isReady(`waits for ${description}`);
      await Promise.race([this.source.start(), this.ended]); // a port may be waited for, for ever
      await isReady(description);
      reason = await this.ended;
      await this.configs.settled();
      await this.source.stop(this.hadItsTime);
    } finally {
      this.isOver = true;
      this.refusals.stop();
      this.portWatch.stop();
      checkpoints.stop();
      await this.source.close();
    }
    const recorded = this.endRecording(session, reason);
    await checkpoints.finish();
    await recorded;
    // An input that goes on from a checkpoint may be empty; one with something in it has to have a row.
    const hasEnded = reason === END_OF_LOG && this.pipeline.lines().rxBytes > 0;
    if (this.pipeline.rowsDecoded === 0) {
      if (hasEnded) throw nothingRead(this.source.name, this.pipeline.decoder.lines, this.mismatch);
      if (this.mismatch !== undefined) throw this.mismatch;
    }
    if (reason !== END_OF_LOG && reason !== STOPPED) {
      throw new DaemonError('RUN_CUT_OFF', {
        where: this.source.name,
        found: reason,
        expected: 'the whole log',
        remedy: 'start again; what was learned is saved',
      });
    }
  }

  get config(): Config {
    return this.configs.current;
  }

  /** Ends the run: `run` saves, says what was learned, and returns. Once it is ending: says what it waits for. */
  stop(): void {
    if (this.endedBy !== null) this.checkpoints.remind();
    this.end(STOPPED);
  }

  save(): Promise<void> {
    return this.checkpoints.save();
  }

  saveAndSay(): void {
    this.checkpoints.saveAndSay();
  }

  /** Says what watchers have told, between one piece of bytes and the next, where a recording can say what the state is. */
  private tellDrift(): void {
    this.hasDrifted = false;
    const notes = this.driftNews.take();
    for (const { text } of notes) this.say(text, 'notice');
    const keep = Math.max(0, ...notes.map((note) => note.keep));
    if (keep > 0) this.checkpoints.saveAside(keep);
  }

  /** Whether it goes on with another configuration. */
  takes(next: Config): boolean {
    return this.configs.fixedIn(next).length === 0;
  }

  /** As `TaskConfig.reload`. */
  reload(load: () => Config): Promise<void> {
    return this.configs.reload(load);
  }

  /** A question to ask now and then: is what comes in dealt with? */
  progress(): () => boolean {
    const { pipeline, stream } = this;
    const takesBytes = keepsUp(() => ({
      received: this.source.counters().rxBytes ?? 0,
      done: pipeline.lines().rxBytes + pipeline.frames().rxBytes,
    }));
    const takesRows = keepsUp(() => {
      const { rows, lost } = stream.report();
      return { received: pipeline.rowsDecoded, done: rows + lost };
    });
    return () => this.endedBy !== null || [takesBytes(), takesRows()].every(Boolean);
  }

  observe(observer: TaskObserver): () => void {
    this.observers.add(observer);
    return () => this.observers.delete(observer);
  }

  latestLines(): RawLine[] {
    return this.refusals.latest();
  }

  events(): readonly TaskEvent[] {
    return this.latest;
  }

  hold(isHeld: boolean): void {
    this.source.hold(isHeld);
  }

  setLearning(on: boolean): void {
    const session = this.running();
    if (on === this.stream.isLearning) return;
    session.setLearning(on);
    this.say(on ? 'learning goes on' : 'learning is paused');
  }

  label(values: readonly number[], age: number): number {
    const outcome = this.running().label(values, age);
    if ((outcome & DRIFTED) !== 0) this.tellDrift();
    if ((outcome & FORGOTTEN) !== 0) this.sayForgotten();
    for (const observer of this.observers) observer.label?.(outcome, age);
    return outcome;
  }

  /** @throws DaemonError where nothing can be done with the task any more, or yet */
  private running(): RecordedSession {
    if (this.session !== null && !this.isOver) return this.session;
    throw new DaemonError('TASK_NOT_RUNNING', {
      where: this.config.name,
      found: this.isOver ? `a task that has ended: ${this.endedBy}` : 'a task that has not begun',
      expected: 'one that is running',
    });
  }

  status(): TaskStatus {
    const { stream, pipeline, source, timer } = this;
    const { lastRowMs } = timer;
    const { clock } = this.link;
    const isTimed = clock.count > 0 && pipeline.decoder.mode === 'binary' && lastRowMs > 0;
    const lagS = isTimed ? lastRowMs / 1000 - clock.hostTimeOf(pipeline.decoder.frames.timeUs[0]) / 1e6 : Number.NaN;
    return {
      name: this.config.name,
      source: source.description,
      isConnected: source.isConnected,
      sourceProblem: source.problem,
      otherReaders: this.portWatch.others,
      ended: this.endedBy,
      isLearning: stream.isLearning,
      rowsPerSecond: this.line.rowsPerSecond,
      report: stream.report(),
      lines: pipeline.lines(),
      frames: pipeline.frames(),
      refusals: this.refusals.status(),
      lastQuarantined: stream.lastQuarantined(),
      link: source.counters(),
      steps: timer.times(),
      lastRowAgeS: lastRowMs > 0 ? (performance.now() - lastRowMs) / 1000 : null,
      // A device that plays a log faster than it was has a clock that tells nothing of now.
      lagS: lagS >= 0 ? lagS : null,
      checkpoint: this.checkpoints.status(),
      recording: this.recorder?.metrics() ?? null,
    };
  }

  private sayForgotten(): void {
    const { monitor } = this.stream.report();
    if (monitor === undefined) return;
    const { skill, bestSkill } = monitor;
    const action = this.stream.monitor?.rollback ? '; the best state was put back' : '';
    this.say(
      `has forgotten: skill on the held-out rows is ${figure(skill)}, the best state has ${figure(bestSkill)}${action}`,
      'warning',
    );
  }

  private say(text: string, priority: Priority = 'info'): void {
    const event = { timeMs: Date.now(), priority, text };
    if (this.latest.push(event) > EVENTS) this.latest.shift();
    this.options.say(text, priority);
    for (const observer of this.observers) observer.event?.(event);
  }

  private async use(next: Config, changed: readonly string[]): Promise<void> {
    if (changed.some((key) => key.startsWith('source'))) await this.source.change(next, this.hadItsTime);
    this.link.configure(next.source);
    this.checkpoints.every(next.checkpoint.intervalS);
    const { directory: _, ...limits } = next.record;
    this.recorder?.limit(limits);
    this.session!.configured(this.recordedConfig());
  }

  /**
   * Takes the last usable checkpoint, and learns again what its recording holds from there on. Returns whether there was
   * anything to go on from.
   */
  private async resume(isReady: (what: string) => Promise<void>): Promise<boolean> {
    const used = await this.checkpoints.resume();
    const again = await learnAgain(this.stream, this.config, {
      isFresh: used === undefined,
      resolved: this.recordedConfig().resolved,
      say: (text, priority) => this.say(text, priority),
      isReady,
      isEnded: () => this.endedBy !== null,
    });
    return used !== undefined || again;
  }

  private openRecorder(): Recorder | null {
    const { name, record } = this.config;
    const { directory, ...limits } = record;
    if (directory === undefined) return null;
    return new Recorder({
      destination: { directory, name },
      library: `edgegrad ${VERSION}`,
      ...limits,
      onState: (message) => this.say(`recording: ${message}`),
      onDropped: (file) => this.say(`recording: dropped ${file} to make room`),
    });
  }

  /**
   * Ends the recording, with what still waits to be learned from: whoever goes on from the checkpoint learns it then.
   * Resolves when it is written, or has had its time: one whose disk does not answer is whole up to its last chunk.
   */
  private async endRecording(session: RecordedSession, reason: string): Promise<void> {
    const { source, recorder, checkpoints } = this;
    const { waitingBytes } = source;
    const over = sleep(RECORDING_WAIT_MS, undefined, { ref: false });
    if (waitingBytes > 0) session.leave(checkpoints.status().file);
    const lostBefore = recorder?.metrics().lostBytes ?? 0;
    if (recorder === null) source.discard();
    else while (source.next()) await Promise.race([session.flush(), over]);
    await Promise.race([session.end(reason, reason === END_OF_LOG), over]);
    if (waitingBytes === 0) return;
    const { lostBytes = lostBefore + waitingBytes, queueBytes = 0 } = recorder?.metrics() ?? {};
    const lost = Math.min(waitingBytes, lostBytes - lostBefore + queueBytes);
    const waited = `${waitingBytes} bytes waited to be learned from`;
    if (lost === 0) this.say(`${waited}: they are recorded, and the next start learns them`, 'notice');
    else this.say(`${waited}: ${lost === waitingBytes ? 'they' : `${lost} of them`} are lost`, 'warning');
  }

  private recordedConfig(): { file: string; text: string; resolved: Config } {
    // A budget of time is recorded as what it came to.
    return this.configs.recorded(this.stream.report().memory?.replay ?? 0);
  }

  private makeSource(): TaskSource {
    const { stream, timer } = this;
    return new TaskSource({
      open: this.options.open,
      executor: stream.network.executor,
      say: (text, priority) => this.say(text, priority),
      bytes: (buffer, length) => {
        timer.begin(stream.rows);
        this.session!.bytes(buffer, length);
        timer.end(stream.rows);
        if (this.hasDrifted) this.tellDrift();
      },
      opened: (what, how) => {
        this.session!.opened(what, how);
        this.portWatch.opened();
      },
      closed: (reason) => {
        this.link.closed();
        this.session!.closed(reason);
      },
      ended: (reason) => this.end(reason),
    });
  }

  /** Its line for a person, counted up to now; called a few times a second, or less often. */
  text(width: number): string {
    this.link.score = scoreOf(this.stream.report(), '').skill;
    this.line.update();
    return this.line.text(
      unitOf(this.config),
      [...this.refusals.short, ...countedFrames(this.pipeline.frames())],
      width,
    );
  }

  /** What it came to, for a person. */
  summary(): string {
    const { pipeline, config, recorder, checkpoints } = this;
    return summaryOf(pipeline, config, recorder?.metrics(), checkpoints.file);
  }
}
