import type { LineCounters } from '../bridge/counters.js';
import type { FrameCounters } from '../bridge/frame-counters.js';
import type { RawLine } from '../bridge/refusals.js';
import type { RecorderMetrics } from '../recording/recorder.js';
import type { Quarantined } from '../stream/gates.js';
import type { StreamReport } from '../stream/report.js';
import type { Priority } from './journal.js';
import type { StepTimes } from './step-timer.js';

// Types alone: the page is built from them too.

/** Something that happened to a task, as its line in the log says it. */
export interface TaskEvent {
  /** Since 1970. */
  timeMs: number;
  priority: Priority;
  text: string;
}

/** Lines of the device that are no rows. */
export interface RefusalStatus {
  /** A tenth of the latest lines was refused, or all of them. */
  isRefusing: boolean;
  /** For how long; null where it is not so. */
  sinceS: number | null;
  /** Rows and refused lines since it began. */
  rowsSince: number;
  refusedSince: number;
  /** Since the process began: lines refused, lines that may still become rows, rows. */
  refused: number;
  undecided: number;
  rows: number;
  /** The latest of them; null where there is none. */
  latest: RawLine | null;
  /** The most frequent reason first; each with its latest line, and what helps. */
  reasons: { reason: string; count: number; example: RawLine; advice: string }[];
}

/** How a task is, as plain data. */
export interface TaskStatus {
  name: string;
  /** What its rows come from: `/dev/ttyACM0 at 115200`; '' before it was opened. */
  source: string;
  isConnected: boolean;
  /** Why the source does not open, though it is there; null where it does, or is not there. */
  sourceProblem: string | null;
  /** Other programs that read the same port. */
  otherReaders: string[];
  /** Why it has ended; null while it runs. */
  ended: string | null;
  isLearning: boolean;
  /** Rows a second, lately. */
  rowsPerSecond: number;
  report: StreamReport;
  lines: LineCounters;
  refusals: RefusalStatus;
  frames: FrameCounters;
  /** Which value of the last quarantined row passed which limit; null before there is one. */
  lastQuarantined: Quarantined | null;
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
