import type { FrameCounters, LineCounters } from '../bridge/index.js';
import type { RecorderMetrics } from '../recording/index.js';
import type { Stream, StreamReport } from '../stream/index.js';
import type { Config } from './config.js';
import type { Priority } from './journal.js';
import type { StepTimes } from './step-timer.js';

/** Something that happened to a task, as its line in the log says it. */
export interface TaskEvent {
  /** Since 1970. */
  timeMs: number;
  priority: Priority;
  text: string;
}

/** Who wants to know what a task does. */
export interface TaskObserver {
  /** A row has gone through; `outcome` as `Stream.accept` returns it. Called from the hot path: short, without allocating. */
  row?(outcome: number): void;
  /** A label came from outside the rows, for the row `age` rows ago; `outcome` as `Stream.label` returns it. */
  label?(outcome: number, age: number): void;
  event?(event: TaskEvent): void;
}

/** How a task is, as plain data. */
export interface TaskStatus {
  name: string;
  /** What its rows come from: `/dev/ttyACM0 at 115200`; '' before it was opened. */
  source: string;
  isConnected: boolean;
  /** Why it has ended; null while it runs. */
  ended: string | null;
  isLearning: boolean;
  /** Rows a second, lately. */
  rowsPerSecond: number;
  report: StreamReport;
  lines: LineCounters;
  frames: FrameCounters;
  /** What the source has counted: rxBytes, opens, disconnects …, and its queue: rxQueuedBytes, rxOverflowBytes */
  link: Record<string, number>;
  /** How long rows take from bytes to learned. */
  steps: StepTimes;
  /** Seconds since the last row was done; null before the first of this process. */
  lastRowAgeS: number | null;
  /** Seconds from when the device took the last row until it was done; null where its clock is not known. */
  lagS: number | null;
  checkpoint: {
    file: string;
    /** Seconds since the last one that is on the disk, of this process; null before. */
    ageS: number | null;
    written: number;
    failed: number;
    bytesWritten: number;
    /** Steps taken since. */
    unsavedSteps: number;
    /** Why the last one was not written; null where it was. */
    problem: string | null;
  };
  /** Null where nothing is recorded. */
  recording: RecorderMetrics | null;
}

/** A task of a running process, as its outputs see it: pages, metrics, brokers, pipes. */
export interface LiveTask {
  readonly config: Config;
  readonly stream: Stream;
  status(): TaskStatus;
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
export interface Output {
  /** @throws EdgegradError where it cannot begin */
  start(): Promise<void>;
  /**
   * Hands out what still waits, and ends. Never rejects.
   *
   * @param withinMs how long that may take
   */
  stop(withinMs: number): Promise<void>;
}
