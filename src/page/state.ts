import type { TaskStatusMessage } from '../daemon/http/messages.js';

/** How a task is, in a few words. */
export interface State {
  text: string;
  tone: 'good' | 'warn' | 'bad';
}

export function stateOf({ ended, isConnected, isLearning, lastRowAgeS, report, refusals }: TaskStatusMessage): State {
  if (ended !== null) return { text: `ended: ${ended}`, tone: 'bad' };
  if (!isConnected) return { text: 'waits for its source', tone: 'bad' };
  if (refusals.isRefusing) {
    return { text: refusals.rowsSince === 0 ? 'no line is a row' : 'lines are refused', tone: 'bad' };
  }
  if (report.kind === 'anomaly' && report.metrics.isInAlarm) {
    return { text: `alarm: ${report.metrics.column}${isLearning ? '' : ', paused'}`, tone: 'bad' };
  }
  if (!isLearning) return { text: 'paused', tone: 'warn' };
  if (lastRowAgeS === null) return { text: 'waits for rows', tone: 'warn' };
  return { text: 'learning', tone: 'good' };
}
