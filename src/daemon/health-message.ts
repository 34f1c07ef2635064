import type { LiveTask } from './live-task.js';
import { scoreOf, unitOf } from './status.js';

/** How a task is, in one flat object for programs. */
export interface HealthMessage {
  connected: boolean;
  learning: boolean;
  /** Why it has ended; null while it runs. */
  ended: string | null;
  rows: number;
  rowsPerSecond: number;
  scored: number;
  /** What the figures are: `error` or `accuracy`. */
  measure: string;
  model: number | null;
  baseline: number | null;
  windowModel: number | null;
  windowBaseline: number | null;
  skill: number | null;
  quarantined: number;
  missing: number;
  lost: number;
  gaps: number;
  reconnects: number;
  checkpointAgeS: number | null;
}

export function healthMessage(task: LiveTask): HealthMessage {
  const { report, isConnected, isLearning, ended, rowsPerSecond, link, checkpoint } = task.status();
  const { label, model, baseline, windowModel, windowBaseline, skill } = scoreOf(report, unitOf(task.config));
  return {
    connected: isConnected,
    learning: isLearning,
    ended,
    rows: report.rows,
    rowsPerSecond: Math.round(10 * rowsPerSecond) / 10,
    scored: report.scored,
    measure: label,
    model,
    baseline,
    windowModel,
    windowBaseline,
    skill,
    quarantined: report.quarantined,
    missing: report.missing,
    lost: report.lost,
    gaps: report.gaps,
    reconnects: Math.max(0, (link.opens ?? 1) - 1),
    checkpointAgeS: checkpoint.ageS === null ? null : Math.round(checkpoint.ageS),
  };
}
