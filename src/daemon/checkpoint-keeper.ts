import { setTimeout as sleep } from 'node:timers/promises';
import type { RecordedSession } from '../recording/index.js';
import { restoreStream, type Stream, saveStream } from '../stream/index.js';
import { CheckpointStore, DaemonError } from './checkpoints.js';
import type { Priority } from './journal.js';
import type { TaskStatus } from './live-task.js';
import { Patience } from './patience.js';
import { SaveSchedule } from './save-schedule.js';

/** How long a checkpoint waits for the recording. */
const RECORDING_WAIT_MS = 2000;

export interface KeeperOptions {
  directory: string;
  name: string;
  say(text: string, priority?: Priority): void;
  /** The session of the run. @throws DaemonError where there is none */
  session(): RecordedSession;
}

/**
 * Keeps checkpoints of a stream, one after the other: now and then, when asked to, at the end. One that fails is said
 * once, tried again, and said when it works.
 */
export class CheckpointKeeper {
  private readonly store: CheckpointStore;
  /** The last save asked for; rejects where it failed. */
  private saved: Promise<void> = Promise.resolve();
  /** The last checkpoint kept aside; never rejects. */
  private keptAside: Promise<void> = Promise.resolve();
  /** The save in progress. */
  private running: Promise<void> | null = null;
  /** The save after it, shared by all requests since it began. */
  private wanted: Promise<void> | null = null;
  /** The save after it is reported in the log. */
  private isWantedSaid = false;
  /** The save at the end. */
  private last: Promise<void> | null = null;
  private savedSteps = 0;
  private savedMs: number | null = null;
  /** The last save worked. */
  private isSaved = false;
  /** Why it did not. */
  private problem: string | null = null;
  private readonly saves = { written: 0, failed: 0, bytesWritten: 0 };
  private readonly schedule = new SaveSchedule(
    () => this.isChanged,
    () => this.save(),
  );
  /** The last save did not work, and that was said. */
  private isFailing = false;
  private readonly patience: Patience;
  /** The end has come: checkpoints wait for the recording no longer. */
  private hurry!: () => void;
  private readonly hurried = new Promise<void>((resolve) => {
    this.hurry = resolve;
  });

  constructor(
    private readonly stream: Stream,
    private readonly options: KeeperOptions,
  ) {
    this.store = new CheckpointStore(options.directory, options.name);
    this.patience = new Patience((text, priority) => options.say(text, priority));
  }

  /** Whether something was learned since the last one. */
  get isChanged(): boolean {
    return this.stream.network.steps !== this.savedSteps;
  }

  /** The file of the last one, where it is as the stream is; undefined otherwise. */
  get file(): string | undefined {
    return this.isSaved ? this.store.file : undefined;
  }

  status(): TaskStatus['checkpoint'] {
    const { store, stream, savedMs, saves, problem } = this;
    return {
      file: store.file,
      ageS: savedMs === null ? null : (performance.now() - savedMs) / 1000,
      ...saves,
      unsavedSteps: stream.network.steps - this.savedSteps,
      problem,
    };
  }

  /** Makes the place for them. @throws SpecError where that cannot be, whatever is mended */
  async prepare(): Promise<void> {
    const prepared = this.store.prepare().catch((error: unknown) => {
      // A disk that is full or read-only may be mended while this learns.
      if (!(error instanceof DaemonError)) throw error;
      this.failed(error);
    });
    await this.patience.during(`the disk of ${this.store.file}`, prepared);
  }

  /**
   * Puts the stream where the last usable one was.
   *
   * @returns its file, undefined where there is none
   * @throws CheckpointError where there are some and none can be used
   */
  async resume(): Promise<string | undefined> {
    const { stream, options } = this;
    const loaded = this.store.load((bytes, file) => restoreStream(stream, bytes, file));
    const { used, refused } = await this.patience.during(`the disk to read ${this.store.file}`, loaded);
    for (const error of refused) options.say(error.message, 'warning');
    if (used !== undefined) options.say(`goes on from ${used}: ${stream.rows} rows, hash ${stream.hash()}`);
    else if (refused.length > 0) throw refused[0];
    this.savedSteps = stream.network.steps;
    return used;
  }

  /** From now on one every `intervalS` seconds, where something was learned; 0: none. */
  every(intervalS: number): void {
    this.schedule.every(intervalS);
  }

  stop(): void {
    this.schedule.stop();
  }

  /**
   * Keeps one that has all that was learned before this call. When it resolves, it survives a power cut. Requests made
   * during a save share one save after it.
   *
   * @throws DaemonError
   */
  async save(): Promise<void> {
    if (this.running === null) return this.begin(false);
    this.wanted ??= this.running
      .catch(() => {}) // its own requester has the error
      .then(() => {
        const isSaid = this.isWantedSaid;
        this.wanted = null;
        this.isWantedSaid = false;
        return this.last ?? this.begin(isSaid);
      });
    return this.wanted;
  }

  /** The same for a request without an answer: the log has the result. */
  saveAndSay(): void {
    const { options, isFailing } = this;
    const isFirst = !this.isWantedSaid;
    if (this.running !== null) this.isWantedSaid = true;
    const saved = this.running === null ? this.begin(true) : this.save();
    saved.catch((error: Error) => {
      if (isFailing && isFirst) options.say(error.message, 'error'); // a first failure is said anyway
    });
  }

  private begin(isSaid: boolean): Promise<void> {
    const saved = this.saveNow(isSaid);
    this.running = saved;
    const over = () => {
      if (this.running === saved) this.running = null;
    };
    saved.then(over, over);
    return saved;
  }

  private async saveNow(isSaid: boolean): Promise<void> {
    const { options, store, stream } = this;
    const what = isSaid ? `saved ${store.file}, hash ${stream.hash()}, ${stream.rows} rows` : '';
    const session = options.session();
    const bytes = saveStream(this.stream);
    // First in the recording, so that it knows every checkpoint there is; but its disk may not answer.
    const recorded = session.checkpoint('saved', store.file);
    const saved = this.write(bytes, this.atMost(recorded));
    saved.then(
      () => {
        if (this.isFailing) options.say(`checkpoints are kept again, in ${store.file}`, 'notice');
        this.isFailing = false;
        if (isSaid) options.say(what);
      },
      (error: Error) => this.failed(error),
    );
    return saved;
  }

  /** Keeps one aside, and at most `keep` of those there are. */
  saveAside(keep: number): void {
    const { options, store, stream } = this;
    const bytes = saveStream(stream);
    const file = store.asideFile(stream.rows);
    const recorded = options.session().checkpoint('aside', file);
    this.keptAside = this.keptAside
      .then(() => this.atMost(recorded))
      .then(() => store.saveAside(file, bytes, keep))
      .catch((error: Error) => options.say(error.message, 'error'));
  }

  /** Keeps the last one, once all before it are done, and says so where that takes long. @throws DaemonError */
  async finish(): Promise<void> {
    const { store, stream, keptAside } = this;
    this.hurry();
    const kept = keptAside.then(() => this.write(saveStream(stream)));
    this.last = kept;
    await this.patience.during(`the disk to take ${store.file} (killed now, it leaves the one before)`, kept);
  }

  /** Says what it waits for, where it does. */
  remind(): void {
    this.patience.remind();
  }

  private async atMost(recorded: Promise<void>): Promise<void> {
    await Promise.race([recorded, sleep(RECORDING_WAIT_MS), this.hurried]);
  }

  private failed(error: Error): void {
    if (!this.isFailing) this.options.say(`${error.message}; learning goes on, and it is tried again`, 'error');
    this.isFailing = true;
  }

  /** Keeps a state of now, after the ones before it. */
  private write(bytes: Uint8Array, after: Promise<void> = Promise.resolve()): Promise<void> {
    this.savedSteps = this.stream.network.steps;
    this.saved = this.saved
      .catch(() => {})
      .then(() => after)
      .then(() => this.store.save(bytes))
      .then(
        () => {
          this.savedMs = performance.now();
          this.isSaved = true;
          this.problem = null;
          this.saves.written++;
          this.saves.bytesWritten += bytes.length;
        },
        (error: Error) => {
          this.isSaved = false;
          this.problem = error.message;
          this.savedSteps = -1;
          this.saves.failed++;
          throw error;
        },
      );
    return this.saved;
  }
}
