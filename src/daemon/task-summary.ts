import { type FrameCounters, rejectedLines } from '../bridge/index.js';
import type { Pipeline, RecorderMetrics } from '../recording/index.js';
import type { Config } from './config.js';
import { refusedLines } from './refusals.js';
import { scoreOf, summary, unitOf } from './status.js';

/** What came damaged or not at all, in words; empty where all is well. */
export function countedFrames(frames: FrameCounters): string[] {
  const damaged =
    frames.rejectedTooLong + frames.rejectedCobs + frames.rejectedTooShort + frames.rejectedCrc + frames.rejectedLength;
  const parts: string[] = [];
  if (frames.rowsLost > 0) parts.push(`lost ${frames.rowsLost}`);
  if (damaged > 0) parts.push(`damaged ${damaged}`);
  if (frames.restarts > 0) parts.push(`restarts ${frames.restarts}`);
  return parts;
}

/**
 * What a run came to, for a person.
 *
 * @param checkpoint the file that holds the stream as it is; undefined where none does
 */
export function summaryOf(
  pipeline: Pipeline,
  config: Config,
  recording: RecorderMetrics | undefined,
  checkpoint: string | undefined,
): string {
  const { stream } = pipeline;
  const report = stream.report();
  const lines = pipeline.lines();
  // Of frames, only the first went to the decoder of lines.
  const isText = pipeline.decoder.mode !== 'binary';
  const rejected = isText ? rejectedLines(lines) : 0;
  const text = [
    `${config.name}: ${report.rows} rows in all, ${pipeline.rowsDecoded} of them in this run`,
    summary(report, scoreOf(report, unitOf(config)), rejected),
  ];
  if (isText) text.push(...refusedLines(pipeline.decoder.lines.refusals.report()));
  const frames = pipeline.frames();
  if (frames.rxFrames > 0) {
    text.push(`  ${[`${frames.rxFrames} frames`, `${frames.labels} labels`, ...countedFrames(frames)].join(', ')}`);
  }
  if (recording !== undefined) {
    const { bytesWritten, segments, lostBytes } = recording;
    text.push(
      `  recorded ${bytesWritten} bytes in ${segments} files${lostBytes > 0 ? `, ${lostBytes} bytes lost` : ''}`,
    );
  }
  if (checkpoint !== undefined) text.push(`  saved ${checkpoint}, hash ${stream.hash()}`);
  return text.join('\n');
}
