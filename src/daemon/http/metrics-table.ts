import type { LiveTask, TaskStatus } from '../live-task.js';
import { unitOf } from '../status.js';
import { STEP_BOUNDS_S } from '../step-timer.js';
import { errorOf } from './feed.js';

/** A value with the labels it has besides its task. */
export type Sample = [labels: Record<string, string>, value: number];

/** One metric of a task: its name without `edgegrad_`, what it says, and how it is read off a status. */
export interface TaskMetric {
  name: string;
  type: 'counter' | 'gauge';
  help: string;
  labels?: readonly string[];
  read(status: TaskStatus, task: LiveTask): number | null | undefined | Sample[];
}

/** `rejectedTooLong`: `tooLong`. */
const rejects = (format: string, counters: object): Sample[] =>
  Object.entries(counters as Record<string, number>)
    .filter(([name]) => name.startsWith('rejected'))
    .map(([name, value]) => {
      const reason = name.slice('rejected'.length);
      return [{ format, reason: reason[0].toLowerCase() + reason.slice(1) }, value];
    });

/** Nothing of an anomaly, which has no truth that could be missed. */
const errorIn = (task: LiveTask, over: 'window' | 'all', whose: 'model' | 'baseline') =>
  task.stream.task.kind === 'anomaly' ? null : errorOf(task, over)[whose];

/** Of an anomaly, what it says of rows; nothing of other kinds. */
const expertsOf = ({ report: { learner } }: TaskStatus) => (learner.kind === 'race' ? learner.experts : []);
const anomalyOf = ({ report }: TaskStatus) => (report.kind === 'anomaly' ? report.metrics : undefined);

/** Every metric there is of a task, in the order it is printed; docs/http.md has the same table. */
export const TASK_METRICS: readonly TaskMetric[] = [
  {
    name: 'task_info',
    type: 'gauge',
    help: 'What a task is, always 1: its kind, and the unit of its errors where all targets have the same.',
    labels: ['kind', 'unit'],
    read: (_, { stream, config }) => [[{ kind: stream.task.kind, unit: unitOf(config) }, 1]],
  },
  { name: 'rows_total', type: 'counter', help: 'Rows taken, whatever became of them.', read: (s) => s.report.rows },
  {
    name: 'rows_predicted_total',
    type: 'counter',
    help: 'Rows that were predicted from.',
    read: (s) => s.report.predicted,
  },
  {
    name: 'rows_scored_total',
    type: 'counter',
    help: 'Predictions whose truth came.',
    read: (s) => s.report.scored,
  },
  { name: 'rows_learned_total', type: 'counter', help: 'Rows learned from.', read: (s) => s.report.learned },
  {
    name: 'rows_lost_total',
    type: 'counter',
    help: 'Rows the device sent that never arrived.',
    read: (s) => s.report.lost,
  },
  {
    name: 'rows_quarantined_total',
    type: 'counter',
    help: 'Rows with a value out of range or with too large a step.',
    read: (s) => s.report.quarantined,
  },
  {
    name: 'quarantine_total',
    type: 'counter',
    help: 'The same by column and reason (range, step); a row counts in every column that was wrong.',
    labels: ['column', 'reason'],
    read: (s) =>
      Object.entries(s.report.quarantine).flatMap(([column, reasons]): Sample[] =>
        Object.entries(reasons).map(([reason, value]) => [{ column, reason }, value]),
      ),
  },
  {
    name: 'rows_missing_total',
    type: 'counter',
    help: 'Rows without one of the features.',
    read: (s) => s.report.missing,
  },
  {
    name: 'labels_missing_total',
    type: 'counter',
    help: 'Rows without one of the targets.',
    read: (s) => s.report.missingLabels,
  },
  {
    name: 'labels_total',
    type: 'counter',
    help: 'Labels from outside the rows.',
    read: (s) => s.report.labels,
  },
  {
    name: 'labels_refused_total',
    type: 'counter',
    help: 'Of these, those not used: unused (no row waits for it), bad (a value missing or out of range).',
    labels: ['reason'],
    read: (s) => [
      [{ reason: 'unused' }, s.report.unusedLabels],
      [{ reason: 'bad' }, s.report.badLabels],
    ],
  },
  {
    name: 'steps_skipped_total',
    type: 'counter',
    help: 'Steps refused because something was not finite.',
    read: (s) => s.report.skippedSteps,
  },
  {
    name: 'predictions_not_finite_total',
    type: 'counter',
    help: 'Predictions that were not finite.',
    read: (s) => s.report.notFinite,
  },
  {
    name: 'gaps_total',
    type: 'counter',
    help: 'Gaps, across which nothing is learned, by reason.',
    labels: ['reason'],
    read: (s) => Object.entries(s.report.gapReasons).map(([reason, value]): Sample => [{ reason }, value ?? 0]),
  },
  {
    name: 'rejects_total',
    type: 'counter',
    help: 'Lines and frames that were no rows, by format (text, frames) and reason (docs/wire.md).',
    labels: ['format', 'reason'],
    read: (s) => [...rejects('text', s.lines), ...rejects('frames', s.frames)],
  },
  {
    name: 'lines_refused_total',
    type: 'counter',
    help: 'Lines that were no rows, by reason; noFormat: before a format was found, banners among them.',
    labels: ['reason'],
    read: (s) => s.refusals.reasons.map(({ reason, count }): Sample => [{ reason }, count]),
  },
  {
    name: 'lines_undecided',
    type: 'gauge',
    help: 'Lines held while no format has been found; they may still become rows.',
    read: (s) => s.refusals.undecided,
  },
  {
    name: 'refusing',
    type: 'gauge',
    help: '1 while a tenth of the latest lines is refused, or all of them.',
    read: (s) => Number(s.refusals.isRefusing),
  },
  {
    name: 'device_restarts_total',
    type: 'counter',
    help: 'Starts of a device that speaks frames.',
    read: (s) => s.frames.restarts,
  },
  {
    name: 'window_error',
    type: 'gauge',
    help: 'Mean absolute error over the last window of scored rows; of classes the share that was wrong.',
    read: (_, task) => errorIn(task, 'window', 'model'),
  },
  {
    name: 'window_baseline_error',
    type: 'gauge',
    help: 'The same of the baseline: the last known value or class, no change, or a line.',
    read: (_, task) => errorIn(task, 'window', 'baseline'),
  },
  {
    name: 'error',
    type: 'gauge',
    help: 'Mean absolute error over all scored rows; of classes the share that was wrong.',
    read: (_, task) => errorIn(task, 'all', 'model'),
  },
  {
    name: 'baseline_error',
    type: 'gauge',
    help: 'The same of the baseline.',
    read: (_, task) => errorIn(task, 'all', 'baseline'),
  },
  {
    name: 'anomaly_score',
    type: 'gauge',
    help: 'How unusual the last row was; anomaly tasks only, which have no errors.',
    read: (s) => anomalyOf(s)?.score,
  },
  {
    name: 'anomaly_threshold',
    type: 'gauge',
    help: 'Scores above it raise the alarm, once it is known.',
    read: (s) => anomalyOf(s)?.threshold,
  },
  {
    name: 'in_alarm',
    type: 'gauge',
    help: '1 while an anomaly task is in alarm.',
    read: (s) => (anomalyOf(s) === undefined ? null : Number(anomalyOf(s)?.isInAlarm)),
  },
  { name: 'alarms_total', type: 'counter', help: 'Times an alarm was raised.', read: (s) => anomalyOf(s)?.alarms },
  {
    name: 'drift_detections_total',
    type: 'counter',
    help: 'Changes for good that a watcher told, by what it watches (loss or a column) and how.',
    labels: ['on', 'detector'],
    read: (s) => s.report.drift.map(({ on, detector, detections }): Sample => [{ on, detector }, detections]),
  },
  {
    name: 'learner_weight_ratio',
    type: 'gauge',
    help: 'Part of each learner of a race in the prediction, 0 to 1; learners are numbered, as rates may move.',
    labels: ['learner'],
    read: (s) => expertsOf(s).map(({ kind, weight }, k): Sample => [{ learner: `${kind} ${k}` }, weight]),
  },
  {
    name: 'learner_rate',
    type: 'gauge',
    help: 'Step size of each network of a race, drift of each tracker.',
    labels: ['learner'],
    read: (s) =>
      expertsOf(s).flatMap(({ kind, rate }, k): Sample[] =>
        rate === null ? [] : [[{ learner: `${kind} ${k}` }, rate]],
      ),
  },
  { name: 'learning', type: 'gauge', help: '1 while rows are learned from.', read: (s) => Number(s.isLearning) },
  { name: 'running', type: 'gauge', help: '0 once the task has ended.', read: (s) => Number(s.ended === null) },
  { name: 'source_connected', type: 'gauge', help: '1 while the source is open.', read: (s) => Number(s.isConnected) },
  { name: 'received_bytes_total', type: 'counter', help: 'Bytes from the source.', read: (s) => s.link.rxBytes },
  {
    name: 'queued_bytes',
    type: 'gauge',
    help: 'Bytes that wait to be learned from.',
    read: (s) => s.link.rxQueuedBytes,
  },
  {
    name: 'overflow_bytes_total',
    type: 'counter',
    help: 'Bytes dropped, as they came faster than they were learned from.',
    read: (s) => s.link.rxOverflowBytes,
  },
  {
    name: 'source_opens_total',
    type: 'counter',
    help: 'Times the source was opened, reconnects included.',
    read: (s) => s.link.opens,
  },
  {
    name: 'source_disconnects_total',
    type: 'counter',
    help: 'Times the source went away.',
    read: (s) => s.link.disconnects,
  },
  {
    name: 'source_failed_attempts_total',
    type: 'counter',
    help: 'Attempts to open it that failed.',
    read: (s) => s.link.failedAttempts,
  },
  {
    name: 'last_row_age_seconds',
    type: 'gauge',
    help: 'Since the last row of this process was done.',
    read: (s) => s.lastRowAgeS,
  },
  {
    name: 'lag_seconds',
    type: 'gauge',
    help: 'From when the device took the last row until it was learned, by its clock as pings show it; frames only.',
    read: (s) => s.lagS,
  },
  {
    name: 'checkpoint_age_seconds',
    type: 'gauge',
    help: 'Since the last checkpoint of this process was on the disk.',
    read: (s) => s.checkpoint.ageS,
  },
  {
    name: 'checkpoint_unsaved_steps',
    type: 'gauge',
    help: 'Rows learned since.',
    read: (s) => s.checkpoint.unsavedSteps,
  },
  {
    name: 'checkpoints_total',
    type: 'counter',
    help: 'Checkpoints of this process, by result (written, failed).',
    labels: ['result'],
    read: (s) => [
      [{ result: 'written' }, s.checkpoint.written],
      [{ result: 'failed' }, s.checkpoint.failed],
    ],
  },
  {
    name: 'checkpoint_bytes_total',
    type: 'counter',
    help: 'Bytes of checkpoints written.',
    read: (s) => s.checkpoint.bytesWritten,
  },
  {
    name: 'recording_bytes_total',
    type: 'counter',
    help: 'Bytes of recordings written.',
    read: (s) => s.recording?.bytesWritten,
  },
  {
    name: 'recording_lost_bytes_total',
    type: 'counter',
    help: 'Received bytes that were not recorded.',
    read: (s) => s.recording?.lostBytes,
  },
  {
    name: 'recording_queue_bytes',
    type: 'gauge',
    help: 'Bytes that wait for the disk of the recording.',
    read: (s) => s.recording?.queueBytes,
  },
];

/** Of how long rows took, as the exposition format has it: at most so many seconds, cumulated. */
export function stepBuckets({ buckets }: TaskStatus['steps']): [le: string, count: number][] {
  let sum = 0;
  return buckets.map((count, i) => {
    sum += count;
    return [i < STEP_BOUNDS_S.length ? String(STEP_BOUNDS_S[i]) : '+Inf', sum];
  });
}
