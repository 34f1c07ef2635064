import type { RawLine } from '../bridge/index.js';
import type { Stream } from '../stream/index.js';
import type { Config } from './config.js';
import type { Priority } from './journal.js';
import type { TaskEvent, TaskStatus } from './task-status.js';

export type { TaskEvent, TaskStatus };

/** Who wants to know what a task does. */
export interface TaskObserver {
  /** A row has gone through; `outcome` as `Stream.accept` returns it. Called from the hot path: short, without allocating. */
  row?(outcome: number): void;
  /** A label came from outside the rows, for the row `age` rows ago; `outcome` as `Stream.label` returns it. */
  label?(outcome: number, age: number): void;
  event?(event: TaskEvent): void;
}

/** A task of a running process, as its outputs see it: pages, metrics, brokers, pipes. */
export interface LiveTask {
  readonly config: Config;
  readonly stream: Stream;
  status(): TaskStatus;
  /** The latest lines of the device with what became of each, oldest first; good ones from the first call on. */
  latestLines(): RawLine[];
  /** The latest events, oldest first; a bounded number of them. */
  events(): readonly TaskEvent[];
  /** Returns what ends it. */
  observe(observer: TaskObserver): () => void;
  /** Keeps a checkpoint now. When it resolves, it survives a power cut. @throws DaemonError where it cannot, or the task is not running */
  save(): Promise<void>;
  /** Holds back rows that lose nothing by waiting (a pipe's), or lets them come again. */
  hold(isHeld: boolean): void;
  /** Pauses learning, or goes on with it; predictions go on either way. @throws DaemonError where the task is not running */
  setLearning(on: boolean): void;
  /**
   * A label from outside.
   *
   * @param values of the targets, in their order
   * @param age of which row: so many before the latest; `task.labelWait` says how far back
   * @returns as `Stream.label`
   * @throws DaemonError where the task is not running
   */
  label(values: readonly number[], age: number): number;
  /** A question to ask now and then: is what comes in dealt with? */
  progress(): () => boolean;
}

/** What an output may do with the process. */
export interface OutputContext {
  readonly tasks: readonly LiveTask[];
  /** A line for a person. */
  say(text: string, priority: Priority): void;
  /** Ends the run: every task saves. */
  stop(): void;
}

/** Where what a process does goes to. */
export interface Output<Settings> {
  /**
   * @param isPatient what cannot be had yet is tried again until it can; otherwise that is an error
   * @throws EdgegradError where it cannot begin
   */
  start(isPatient: boolean): Promise<void>;
  /** Goes on with other settings. @throws EdgegradError where those cannot be used: then with the ones it had */
  change(settings: Settings): Promise<void>;
  /**
   * Hands out what still waits, and ends. Never rejects.
   *
   * @param withinMs how long that may take
   */
  stop(withinMs: number): Promise<void>;
}
