import type { RawLine } from '../../bridge/refusals.js';
import type { TaskEvent, TaskStatus } from '../task-status.js';

// What goes between the process and its page, as JSON. The page is built from these declarations too, so nothing here
// needs Node.

/** GET /healthz. Without the token, where one is needed, only `status`. */
export interface HealthMessage {
  status: 'ok' | 'degraded' | 'failing';
  tasks: { name: string; problems: string[]; notes: string[] }[];
}

/** One column or output. */
export interface FieldMessage {
  name: string;
  unit: string;
  /** Of a class column; 0 of a number. */
  classes: number;
}

/** Model and baseline beside each other; smaller is better. Null before the first scored row. */
export interface ErrorMessage {
  model: number | null;
  baseline: number | null;
}

/** How a task is now; sent every second. */
export interface TaskStatusMessage extends Omit<TaskStatus, 'steps'> {
  /** The latest lines of the device with what became of each, oldest first. */
  latestLines: RawLine[];
  /** The place of the latest row, which labels go by. */
  place: number;
  /** What it is compared with; of a forecast this may change. */
  baselineName: string;
  /** Over the last `window` scored rows, and over all. */
  windowError: ErrorMessage;
  error: ErrorMessage;
  /** Seconds a row takes from bytes to learned; null where it is not known. */
  stepS: number | null;
}

/**
 * One row: its place, then its values, predictions, lower ends and upper ends, as many of each as `TaskMessage` names.
 * Null where there is none.
 */
export type RowSample = (number | null)[];

/**
 * A scored row: its place, the truth, what was predicted, what the baseline was, and the ends of the interval. Of a forecast
 * the place is that of the row that was forecast.
 */
export type ScoredSample = (number | null)[];

/** A row of the time before the page was opened: when it was, and what was scored by then. */
export interface PastSample {
  timeMs: number;
  row: RowSample;
  scored: ScoredSample | null;
}

/** What a task is; sent when the page begins to listen. */
export interface TaskMessage {
  name: string;
  kind: string;
  /** Of rows: those that are read. */
  columns: FieldMessage[];
  outputs: FieldMessage[];
  /** What truths are of: the outputs, or the class column. */
  truths: FieldMessage[];
  hasIntervals: boolean;
  /** What a row's predictions say is of later rows. */
  isForecast: boolean;
  /** `wrong` of classes: a share; `error` of numbers, in `errorUnit`; `score` of anomalies, whose baseline is the threshold. */
  errorName: string;
  errorUnit: string;
  window: number;
  /** What may be labelled, and how many rows wait for it; 0: labels come in rows only. */
  targets: FieldMessage[];
  labelWait: number;
  /** The plan of the network as a table. */
  plan: string;
  status: TaskStatusMessage;
  events: TaskEvent[];
  past: PastSample[];
  /** The windowed error since the process began: [when, model, baseline]. */
  errors: [number, number | null, number | null][];
}

/** When something was said. */
export interface MomentMessage {
  /** By the wall clock, since 1970; it may be set, and everything told before moves with it. */
  timeMs: number;
  /** By a clock that goes on evenly for as long as the process runs. */
  steadyMs: number;
}

/** GET /api/events, `begin`: the first message. */
export interface BeginMessage extends MomentMessage {
  version: string;
  /** Tells one process from the next. */
  startedMs: number;
  tasks: TaskMessage[];
}

/** GET /api/events, `rows`: up to twenty times a second. */
export interface RowsMessage extends MomentMessage {
  /** Index of the task. */
  task: number;
  rows: RowSample[];
  scored: ScoredSample[];
  windowError: ErrorMessage;
}

/** GET /api/events, `status`, and GET /api/status: every second. */
export interface StatusMessage extends MomentMessage {
  rssBytes: number;
  tasks: TaskStatusMessage[];
}

/** GET /api/events, `event`: something has happened to a task. */
export interface TaskEventMessage {
  task: number;
  event: TaskEvent;
}
