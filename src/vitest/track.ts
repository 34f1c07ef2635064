import { type ReplayOptions, type ReplayResult, replayLog } from '../recording/index.js';
import { SCORED, type Stream } from '../stream/index.js';

/** What can be followed over a replay: errors of a regression, the share of wrong classes. */
export type TrackedMetric = 'mae' | 'rmse' | 'errorRate';

/** A replay, with the error of every scored row. */
export interface TrackedReplay {
  readonly result: ReplayResult;
  /** Mean over the targets, for every scored row: |error|. For classes: 1 where the class was wrong. */
  readonly absolute: readonly number[];
  /** The same of error². */
  readonly squared: readonly number[];
  /** Rows a windowed mean is taken over: the task's. */
  readonly window: number;
}

/**
 * Plays a log, as `replayLog` does, and keeps the error of every row for `toStayBelow`.
 *
 * @throws what `replayLog` throws
 */
export async function trackReplay(
  log: string | readonly string[],
  options: ReplayOptions = {},
): Promise<TrackedReplay> {
  const absolute: number[] = [];
  const squared: number[] = [];
  const { result, stream } = await replayLog(log, {
    ...options,
    onRow: (stream, outcome, wallMs) => {
      options.onRow?.(stream, outcome, wallMs);
      if ((outcome & SCORED) !== 0) keep(stream, absolute, squared);
    },
  });
  return { result, absolute, squared, window: stream.task.window };
}

function keep({ task, truth, scoredPrediction }: Stream, absolute: number[], squared: number[]): void {
  if (task.kind === 'classify') {
    const isWrong = truth[0] === scoredPrediction[0] ? 0 : 1;
    absolute.push(isWrong);
    squared.push(isWrong);
    return;
  }
  let sum = 0;
  let squares = 0;
  for (let i = 0; i < truth.length; i++) {
    const error = scoredPrediction[i] - truth[i];
    sum += Math.abs(error);
    squares += error * error;
  }
  absolute.push(sum / truth.length);
  squared.push(squares / truth.length);
}

/** The largest windowed mean behind the first `after` scored rows, and the scored row at which its window ends. */
export function worstWindow(
  replay: TrackedReplay,
  metric: TrackedMetric,
  after: number,
): { worst: number; row: number } {
  const values = metric === 'rmse' ? replay.squared : replay.absolute;
  const found = { worst: Number.NEGATIVE_INFINITY, row: -1 };
  for (let end = after + replay.window; end <= values.length; end++) {
    // Summed anew for each window: a running sum would drift.
    let sum = 0;
    for (let i = end - replay.window; i < end; i++) sum += values[i];
    const mean = sum / replay.window;
    const value = metric === 'rmse' ? Math.sqrt(mean) : mean;
    if (value > found.worst) Object.assign(found, { worst: value, row: end });
  }
  return found;
}
