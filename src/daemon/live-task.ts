import type { FrameCounters, LineCounters } from '../bridge/index.js';
import type { RecorderMetrics } from '../recording/index.js';
import type { Stream, StreamReport } from '../stream/index.js';
import type { Config } from './config.js';
import type { Priority } from './journal.js';

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
  /** What the source has counted: rxBytes, opens, disconnects … */
  link: Record<string, number>;
  checkpoint: {
    file: string;
    /** Seconds since the last one that is on the disk, of this process; null before. */
    ageS: number | null;
    written: number;
    failed: number;
    bytesWritten: number;
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
  /** Keeps a checkpoint now. When it resolves, it survives a power cut. @throws DaemonError */
  save(): Promise<void>;
  /** Holds back rows that lose nothing by waiting (a pipe's), or lets them come again. */
  hold(isHeld: boolean): void;
  /** Pauses learning, or goes on with it; predictions go on either way. */
  setLearning(on: boolean): void;
  /**
   * A label from outside.
   *
   * @param values of the targets, in their order
   * @param age of which row: so many before the latest; `task.labelWait` says how far back
   * @returns as `Stream.label`
   */
  label(values: readonly number[], age: number): number;
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
  /** Never rejects. */
  stop(): Promise<void>;
}
