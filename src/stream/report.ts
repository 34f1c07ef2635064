import type { ClassificationReport, RegressionReport } from '../online/index.js';
import type { AnomalyReport } from './anomaly.js';
import type { DriftReport } from './drift-watch.js';
import type { ForecastReport } from './forecast.js';
import type { MonitorReport } from './forgetting-monitor.js';
import type { LearnerReport } from './learner.js';
import type { MemoryReport } from './replayer.js';

/** Why rows before and after do not belong together. */
export const GAP_REASONS = ['time', 'sequence', 'reconnect', 'restart', 'request'] as const;
export type GapReason = (typeof GAP_REASONS)[number];

export interface StreamCounters {
  /** Rows accepted, whatever became of them. */
  rows: number;
  predicted: number;
  /** Steps the network took; of a forecast, those of all horizons. */
  learned: number;
  /** Rows with a value out of range or with too large a step. */
  quarantined: number;
  /** The same by column and reason; a row counts in every column that was wrong. */
  quarantine: Record<string, { range: number; step: number }>;
  /** Rows without one of the features, or of what is to be forecast. */
  missing: number;
  /** Rows whose lags or windows reached back before the start or a gap: they were made of the rows there were. */
  shortHistory: number;
  /** Rows, not quarantined, without one of the targets. */
  missingLabels: number;
  /** Labels that came from outside the rows. */
  labels: number;
  /** Of these, those whose row was no longer waited for, not predicted from, or had its label. */
  unusedLabels: number;
  /** Of these, those with a value missing or out of range. */
  badLabels: number;
  gaps: number;
  gapReasons: Partial<Record<GapReason, number>>;
  /** Rows the device sent that never arrived. */
  lost: number;
  /** Steps refused because something was not finite. */
  skippedSteps: number;
  /** Predictions that were not finite. */
  notFinite: number;
  /** Watchers of the loss and of columns, and what they told, in the order declared. */
  drift: DriftReport[];
  /** Who learns, and how: weights and rates of a race, what safety did to a declared network; of the first horizon. */
  learner: LearnerReport;
  /** What is remembered, and what the probe of forgetting shows; where they were asked for. */
  memory?: MemoryReport;
  monitor?: MonitorReport;
}

/** What is reported of a kind of task, beside the counters. */
export type TaskScores = RegressionReport | ClassificationReport | ForecastReport | AnomalyReport;

export type StreamReport =
  | ({ kind: 'regress' } & StreamCounters & RegressionReport)
  | ({ kind: 'classify' } & StreamCounters & ClassificationReport)
  | ({ kind: 'forecast' } & StreamCounters & ForecastReport)
  | ({ kind: 'anomaly' } & StreamCounters & AnomalyReport);

// Counters, one float64 each.
export const ROWS = 0;
export const PREDICTIONS = 1;
export const STEPS = 2;
export const QUARANTINES = 3;
export const MISSING_ROWS = 4;
export const MISSING_LABELS = 5;
export const LOST = 6;
export const SKIPPED_STEPS = 7;
export const NOT_FINITE_ROWS = 8;
export const LABELS = 9;
export const UNUSED_LABELS = 10;
export const BAD_LABELS = 11;
export const SHORT_ROWS = 12;
export const GAPS = 13; // one for each of GAP_REASONS
export const COUNTERS = GAPS + GAP_REASONS.length;

/** Puts counters and scores together as plain data. */
export function reportOf(
  kind: StreamReport['kind'],
  counts: Float64Array,
  quarantine: StreamCounters['quarantine'],
  scores: TaskScores,
  learner: LearnerReport,
  drift: DriftReport[],
  retention: Pick<StreamCounters, 'memory' | 'monitor'> = {},
): StreamReport {
  const gapReasons: StreamCounters['gapReasons'] = {};
  let gaps = 0;
  GAP_REASONS.forEach((reason, i) => {
    const n = counts[GAPS + i];
    gaps += n;
    if (n > 0) gapReasons[reason] = n;
  });
  return {
    kind,
    rows: counts[ROWS],
    predicted: counts[PREDICTIONS],
    learned: counts[STEPS],
    ...scores,
    quarantined: counts[QUARANTINES],
    quarantine,
    missing: counts[MISSING_ROWS],
    shortHistory: counts[SHORT_ROWS],
    missingLabels: counts[MISSING_LABELS],
    labels: counts[LABELS],
    unusedLabels: counts[UNUSED_LABELS],
    badLabels: counts[BAD_LABELS],
    gaps,
    gapReasons,
    lost: counts[LOST],
    skippedSteps: counts[SKIPPED_STEPS],
    notFinite: counts[NOT_FINITE_ROWS],
    drift,
    learner,
    ...retention,
  } as StreamReport;
}
