import { closeSync, openSync, writeSync } from 'node:fs';
import { LEARNED, outcomeNames, PREDICTED, SCORED, type Stream } from '../stream/index.js';
import { isoOf } from './contents.js';
import { RecordingError } from './errors.js';

const FLUSH_CHARACTERS = 65536;

/** Writes what became of every row, one JSON object a line. */
export class TraceFile {
  private readonly fd: number;
  private text = '';

  /** @throws RecordingError where the file cannot be made */
  constructor(private readonly path: string) {
    try {
      this.fd = openSync(path, 'w');
    } catch (error) {
      throw cannotWrite(path, error);
    }
  }

  /**
   * - row: its number · time: its time column, seconds · at: when it was recorded
   * - prediction: of this row · quantiles: [targets, quantiles], where the task names any · lower, upper: the interval around it, null before there is one · outcome: what happened
   * - scored: of an earlier row, whose truth has come: prediction, its interval, truth, and error = prediction − truth (for a class, the
   *   two classes)
   * - loss: of the step that was taken on that earlier row
   */
  row(stream: Stream, outcome: number, wallMs: number): void {
    const isScored = (outcome & SCORED) !== 0;
    const time = stream.time[0];
    const { truth, scoredPrediction, task, lower, upper, scoredLower, scoredUpper, quantiles } = stream;
    const hasInterval = lower.length > 0;
    this.text += `${JSON.stringify({
      row: stream.rows,
      ...(stream.timeColumn === undefined ? {} : { time: Number.isFinite(time) ? time : null }),
      ...(Number.isNaN(wallMs) ? {} : { at: isoOf(1e6 * wallMs) }),
      outcome: outcomeNames(outcome),
      ...((outcome & PREDICTED) === 0 ? {} : { prediction: [...stream.prediction] }),
      ...((outcome & PREDICTED) === 0 || quantiles.length === 0 ? {} : { quantiles: [...quantiles] }),
      ...((outcome & PREDICTED) === 0 || !hasInterval ? {} : { lower: [...lower], upper: [...upper] }),
      ...(isScored
        ? {
            scored: {
              prediction: [...scoredPrediction],
              ...(hasInterval ? { lower: [...scoredLower], upper: [...scoredUpper] } : {}),
              truth: [...truth],
              ...(task.kind === 'classify'
                ? {}
                : { error: Array.from(truth, (value, i) => scoredPrediction[i] - value) }),
            },
          }
        : {}),
      ...((outcome & LEARNED) === 0 ? {} : { loss: stream.loss[0] }),
    })}\n`;
    if (this.text.length >= FLUSH_CHARACTERS) this.flush();
  }

  close(): void {
    this.flush();
    closeSync(this.fd);
  }

  private flush(): void {
    const bytes = Buffer.from(this.text);
    this.text = '';
    try {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.fd, bytes, done);
    } catch (error) {
      throw cannotWrite(this.path, error);
    }
  }
}

function cannotWrite(path: string, error: unknown): RecordingError {
  return new RecordingError('TRACE_WRITE', {
    where: path,
    found: (error as Error).message,
    expected: 'a file to write to',
  });
}
