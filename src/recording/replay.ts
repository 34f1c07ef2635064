import type { LineCounters } from '../bridge/index.js';
import { FileSource } from '../ingest/index.js';
import { at, type SpecError } from '../spec/index.js';
import { createStream, type Stream, type StreamOptions, type StreamReport } from '../stream/index.js';
import { RecordingError } from './errors.js';
import { Pipeline } from './pipeline.js';

/** What a replay found: the object `edgegrad replay --json` prints. */
export interface ReplayResult {
  /** Rows decoded. */
  rows: number;
  /** Predictions compared with their truth. */
  scored: number;
  metrics: StreamReport['metrics'];
  /** The same of the naive predictor: the last value, the last class. */
  baseline: StreamReport['baseline'];
  /** Rows outside a gate, never learned from. */
  quarantined: number;
  /** Of everything learned; equal for equal rows on every machine and executor. */
  hash: string;
  rowsPerSecond: number;
  executor: 'simd' | 'reference';
  report: StreamReport;
  lines: LineCounters;
}

/**
 * Plays a log through a new stream as fast as it can.
 *
 * @param log path of a `.csv` or other text log, or `-` for standard input
 * @returns the result, and the stream as it stands at the end
 * @throws IngestError where the file cannot be read, SpecError where its columns are not the task's, RecordingError
 * where it holds no row
 */
export async function replayLog(
  log: string,
  options: StreamOptions,
): Promise<{ result: ReplayResult; stream: Stream }> {
  const stream = createStream(options);
  let mismatch: SpecError | undefined;
  const pipeline = new Pipeline(stream, {
    onMismatch: (problem) => {
      mismatch ??= problem;
    },
  });
  const start = process.hrtime.bigint();
  const end = await playFile(log, pipeline);
  if (end !== 'end of file') {
    throw new RecordingError('REPLAY_READ', { where: log, found: end, expected: 'a file that can be read to its end' });
  }
  pipeline.finish();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;

  const lines = pipeline.decoder.counters();
  if (mismatch !== undefined && lines.rowsDecoded === 0) throw at(log, mismatch);
  if (lines.rowsDecoded === 0) {
    throw new RecordingError('REPLAY_NO_ROWS', {
      where: log,
      found: `${lines.rxLines} lines and no row among them`,
      expected: 'lines of numbers, CSV or label:value',
      remedy: 'look at its first lines',
    });
  }
  const report = stream.report();
  const result: ReplayResult = {
    rows: report.rows,
    scored: report.scored,
    metrics: report.metrics,
    baseline: report.baseline,
    quarantined: report.quarantined,
    hash: stream.hash(),
    rowsPerSecond: Math.round(report.rows / seconds),
    executor: stream.network.executor,
    report,
    lines,
  };
  return { result, stream };
}

/** Feeds a whole file; says how it ended. */
async function playFile(log: string, pipeline: Pipeline): Promise<string> {
  return new Promise((resolve, reject) => {
    new FileSource(log)
      .start({ bytes: (buffer, length) => pipeline.bytes(buffer, length), opened() {}, closed: resolve })
      .catch(reject);
  });
}
