import { outcomeNames, PREDICTED, SCORED, type Stream } from '../stream/index.js';

/** What became of a row, for programs: pipes and brokers. Values that are not finite are null. */
export interface RowMessage {
  task: string;
  /** The row's number, from 1. */
  row: number;
  /** Its place among all rows the device sent, lost ones included: what a label for it names. */
  place: number;
  /** When it was taken, ISO 8601. */
  at: string;
  /** Its time column, seconds. */
  time?: number | null;
  /** What happened, in words: `predicted`, `quarantined`, `scored` … */
  outcome: string[];
  /** By name: values in the column's unit, or the probability of each class. */
  prediction?: Record<string, number | null>;
  /** By name: the quantiles that the task names, ascending. */
  quantiles?: Record<string, number[]>;
  /** The interval around it, by name; null before there is one. */
  lower?: Record<string, number | null>;
  upper?: Record<string, number | null>;
  /** Of a classification: the most probable class. */
  class?: number;
  /** Of an earlier row, whose truth has come. */
  scored?: {
    prediction: Record<string, number | null>;
    truth: Record<string, number | null>;
    baseline: Record<string, number | null>;
    lower?: Record<string, number | null>;
    upper?: Record<string, number | null>;
  };
}

/** The message of the row a stream has just taken. */
export function rowMessage(task: string, stream: Stream, outcome: number, timeMs: number): RowMessage {
  const { outputNames, truth } = stream;
  const isPredicted = (outcome & PREDICTED) !== 0;
  const hasInterval = stream.lower.length > 0;
  const labelNames = truth.length === outputNames.length ? outputNames : stream.task.targets;
  return {
    task,
    row: stream.rows,
    place: stream.places,
    at: new Date(timeMs).toISOString(),
    ...(stream.timeColumn === undefined ? {} : { time: finite(stream.time[0]) }),
    outcome: outcomeNames(outcome),
    ...(isPredicted ? { prediction: named(outputNames, stream.prediction) } : {}),
    ...(isPredicted && stream.quantiles.length > 0 ? { quantiles: quantilesOf(stream) } : {}),
    ...(isPredicted && hasInterval
      ? { lower: named(outputNames, stream.lower), upper: named(outputNames, stream.upper) }
      : {}),
    ...(isPredicted && stream.predictedClass >= 0 ? { class: stream.predictedClass } : {}),
    ...((outcome & SCORED) === 0
      ? {}
      : {
          scored: {
            prediction: named(labelNames, stream.scoredPrediction),
            truth: named(labelNames, truth),
            baseline: named(labelNames, stream.scoredBaseline),
            ...(hasInterval
              ? { lower: named(labelNames, stream.scoredLower), upper: named(labelNames, stream.scoredUpper) }
              : {}),
          },
        }),
  };
}

function quantilesOf({ outputNames, quantiles, task }: Stream): Record<string, number[]> {
  const count = task.quantiles.length;
  return Object.fromEntries(outputNames.map((name, i) => [name, [...quantiles.subarray(i * count, (i + 1) * count)]]));
}

function named(names: readonly string[], values: Float64Array): Record<string, number | null> {
  return Object.fromEntries(Array.from(values, (value, i) => [names[i] ?? String(i), finite(value)]));
}

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);
