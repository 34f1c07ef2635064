import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FrameCounters, LineCounters, RefusedLines } from '../bridge/index.js';
import type { SpecError } from '../spec/index.js';
import type { IntervalReport, Stream, StreamOptions, StreamReport } from '../stream/index.js';
import { RecordingError } from './errors.js';
import type { RecordedConfig } from './events.js';
import { nothingRead } from './no-rows.js';
import { type Comparison, Player, streamOptionsOf } from './player.js';
import { type FileHealth, RecordingReader } from './reader.js';
import { feedTextLog } from './text-log.js';

/** Where a replay ends: before a row's number, seconds after the start, or a time since 1970. */
export type Until = { rows: number } | { seconds: number } | { timeMs: number };

export interface ReplayOptions {
  /** What is learned. Default, for a recording: what it was recorded with, doing exactly what the process did. */
  stream?: StreamOptions;
  /** Instead of the recorded one. */
  executor?: StreamOptions['executor'];
  /** A checkpoint to begin with; for a recording played as it was: wherever it was in that state. */
  checkpoint?: { bytes: Uint8Array; name: string };
  until?: Until;
  /** Times real time, or as fast as it goes. Default `max`. */
  speed?: number | 'max';
  /** Now and then: the share that is done (NaN: unknown), and rows so far. */
  onProgress?(share: number, rows: number): void;
  /**
   * After every row; `outcome` as `Stream.accept` returns it.
   *
   * @param wallMs when its last byte was recorded, since 1970; NaN in a text log
   */
  onRow?(stream: Stream, outcome: number, wallMs: number): void;
}

/** What a replay found: the object `edgegrad replay --json` prints. */
export interface ReplayResult {
  /** Rows decoded. */
  rows: number;
  /** Predictions compared with their truth. */
  scored: number;
  metrics: StreamReport['metrics'];
  /** The same of the naive predictor: the last value, the last class. */
  baseline: StreamReport['baseline'];
  /** What the intervals of predicted numbers covered; null for classes, or without intervals. */
  interval: IntervalReport | null;
  /** Rows outside a gate, never learned from. */
  quarantined: number;
  /** Of everything learned; equal for equal rows on every machine and executor. */
  hash: string;
  rowsPerSecond: number;
  executor: 'simd' | 'reference';
  report: StreamReport;
  /** Counted by the decoders of lines and of frames. */
  lines: LineCounters;
  frames: FrameCounters;
  /** Lines that are no rows, by reason, each with the latest of them. */
  refused: RefusedLines[];
  /** Of a recording: its files and what is missing of them, and how the replay compares with what it tells. */
  recording?: { files: FileHealth[]; comparison: Comparison; unknownEvents: number };
}

/**
 * Plays a log through a new stream: a recording (`.mcap`, several, or a folder of them), or rows of text, CSV or JSON
 * lines.
 *
 * @param log a path, `-` for standard input, or paths of the files of one recording in order
 * @returns the result, and the stream as it stands at the end
 * @throws IngestError where the file cannot be read, SpecError where its columns are not the task's, RecordingError
 * where it holds no row, or where nothing says what is to be learned
 */
export async function replayLog(
  log: string | readonly string[],
  options: ReplayOptions,
): Promise<{ result: ReplayResult; stream: Stream }> {
  const logs = typeof log === 'string' ? [log] : log;
  const where = logs.join(' ');
  const isRecording = await isRecordingPath(logs);
  const recorded = isRecording && options.stream === undefined ? await recordedConfig(logs) : undefined;
  const streamOptions = options.stream ?? (recorded && streamOptionsOf(recorded));
  if (streamOptions === undefined) throw noConfiguration(where);

  let mismatch: SpecError | undefined;
  let wallMs = Number.NaN;
  const limit = new Limit(options.until, !isRecording);
  const { onRow } = options;
  const player = new Player({
    stream: { ...streamOptions, ...(options.executor === undefined ? {} : { executor: options.executor }) },
    isExact: recorded !== undefined,
    checkpoint: options.checkpoint,
    ...(options.until === undefined ? {} : { beforeRow: (stream) => limit.allows(stream) }),
    ...(onRow === undefined ? {} : { onRow: (stream, outcome) => onRow(stream, outcome, wallMs) }),
    onMismatch: (problem) => {
      mismatch ??= problem;
    },
  });
  if (
    !isRecording &&
    player.stream.timeColumn === undefined &&
    options.until !== undefined &&
    !('rows' in options.until)
  ) {
    throw new RecordingError('REPLAY_UNTIL', {
      where,
      found: 'no column of kind "time" in the configuration',
      expected: 'one, to end at a time',
      remedy: 'give a number of rows',
    });
  }
  const rowsBefore = player.stream.rows;
  let files: FileHealth[] = [];
  const start = process.hrtime.bigint();
  if (isRecording) {
    const reader = await RecordingReader.open(logs);
    files = reader.health;
    await playRecording(reader, player, options, limit, (time) => {
      wallMs = time;
    });
  } else {
    await playText(logs, player, options, streamOptions);
  }
  if (!limit.isReached) player.finish();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;

  const { stream } = player;
  const lines = player.lines();
  const frames = player.frames();
  const rowsDecoded = lines.rowsDecoded + frames.rowsDecoded;
  if (rowsDecoded === 0) throw nothingRead(where, player.pipeline.decoder.lines, mismatch);
  const report = stream.report();
  const result: ReplayResult = {
    rows: report.rows,
    scored: report.scored,
    metrics: report.metrics,
    baseline: report.baseline,
    interval: 'interval' in report ? report.interval : null,
    quarantined: report.quarantined,
    hash: stream.hash(),
    rowsPerSecond: Math.round(Math.max(report.rows - rowsBefore, 0) / seconds),
    executor: stream.network.executor,
    report,
    lines,
    frames,
    refused: player.pipeline.decoder.lines.refusals.report(),
    ...(isRecording
      ? { recording: { files, comparison: player.comparison, unknownEvents: player.unknownEvents } }
      : {}),
  };
  return { result, stream };
}

/** The configuration a recording was made with; undefined where it holds none. */
export async function recordedConfig(logs: readonly string[]): Promise<RecordedConfig | undefined> {
  const reader = await RecordingReader.open(logs);
  for await (const messages of reader.chunks()) {
    while (messages.next()) {
      const { event } = messages;
      const found =
        event?.type === 'segment'
          ? event.standing.find(({ type }) => type === 'config')
          : event?.type === 'config'
            ? event
            : undefined;
      if (found?.type === 'config') return found.resolved;
    }
  }
  return undefined;
}

/** Whether paths are of a recording, by name: files that end with `.mcap`, or a folder. */
export async function isRecordingPath(logs: readonly string[]): Promise<boolean> {
  const kinds = await Promise.all(
    logs.map(async (log) => log.endsWith('.mcap') || (log !== '-' && (await isFolder(log)))),
  );
  return kinds.every(Boolean);
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (status) => status.isDirectory(),
    () => false,
  );
}

async function playRecording(
  reader: RecordingReader,
  player: Player,
  { speed = 'max', onProgress }: ReplayOptions,
  limit: Limit,
  setTime: (wallMs: number) => void,
): Promise<void> {
  const pace = new Pace(speed);
  for await (const messages of reader.chunks()) {
    while (messages.next()) {
      const wallMs = messages.wallNs / 1e6;
      if (limit.isReached || player.pipeline.hasEnded || limit.isPast(wallMs)) {
        limit.isReached = true;
        return;
      }
      if (speed !== 'max') await pace.wait(messages.monotonicNs);
      setTime(wallMs);
      player.message(messages);
    }
    onProgress?.(reader.progress, player.stream.rows);
  }
}

async function playText(
  logs: readonly string[],
  player: Player,
  { speed, onProgress }: ReplayOptions,
  { columns }: StreamOptions,
): Promise<void> {
  if (logs.length > 1) {
    throw new RecordingError('REPLAY_FILES', {
      where: logs.join(' '),
      found: `${logs.length} files`,
      expected: 'one text log, or the .mcap files of one recording',
    });
  }
  const [log = '-'] = logs;
  const size =
    log === '-'
      ? Number.NaN
      : await stat(log).then(
          ({ size }) => size,
          () => Number.NaN,
        );
  await feedTextLog(
    log,
    {
      bytes: (buffer, length) => player.pipeline.bytes(buffer, length),
      hasEnough: () => player.pipeline.hasEnded,
    },
    {
      columns: columns as readonly { name: string; kind?: string }[],
      ...(speed === undefined ? {} : { speed }),
      ...(onProgress === undefined
        ? {}
        : { onProgress: (bytes: number) => onProgress(bytes / size, player.stream.rows) }),
    },
  );
}

/** Lets as many rows through as were asked for. */
class Limit {
  isReached = false;
  private rows = 0;
  private firstMs = Number.NaN;

  constructor(
    private readonly until: Until | undefined,
    /** Times are those of the time column. */
    private readonly isText: boolean,
  ) {}

  /** Whether a row may be taken. */
  allows(stream: Stream): boolean {
    const { until } = this;
    if (until === undefined) return true;
    let allowed = true;
    if ('rows' in until) allowed = this.rows < until.rows;
    else if (this.isText) allowed = !this.isPast(1000 * stream.time[0]);
    this.rows++;
    if (!allowed) this.isReached = true;
    return allowed;
  }

  /** Whether a time since 1970, in milliseconds, is behind the end. */
  isPast(timeMs: number): boolean {
    const { until } = this;
    if (until === undefined || 'rows' in until) return false;
    if (Number.isNaN(this.firstMs)) this.firstMs = timeMs;
    return 'seconds' in until ? timeMs >= this.firstMs + 1000 * until.seconds : timeMs >= until.timeMs;
  }
}

/** Waits until a message of a recording is due. */
class Pace {
  private startMs = Number.NaN;
  private dueMs = 0;
  private lastNs = 0;

  constructor(private readonly speed: number | 'max') {}

  async wait(monotonicNs: number): Promise<void> {
    if (this.speed === 'max') return;
    if (Number.isNaN(this.startMs)) {
      this.startMs = performance.now();
      this.lastNs = monotonicNs;
    }
    // A process that was started again has a clock of its own; what lay between is not waited for.
    this.dueMs += Math.max(0, monotonicNs - this.lastNs) / 1e6 / this.speed;
    this.lastNs = monotonicNs;
    const leftMs = this.startMs + this.dueMs - performance.now();
    if (leftMs >= 1) await sleep(leftMs);
  }
}

function noConfiguration(where: string): RecordingError {
  return new RecordingError('REPLAY_NO_CONFIG', {
    where,
    found: 'no configuration in it',
    expected: 'what the columns are and what is to be learned',
    remedy: 'give --config',
  });
}
