import { readFileSync } from 'node:fs';
import { FileSource, MemorySource, SimulatedDevice } from '../ingest/index.js';
import { RecordingError } from './errors.js';

const LF = 0x0a;
const OPENING_BRACE = 0x7b;
/** A first line longer than this is no header of ours. */
const MAX_HEADER_BYTES = 65536;
/** First column of the CSV that `edgegrad convert` writes. */
export const ISO_TIME = 'iso_time';

/** Who takes the bytes of a text log. */
export interface TextSink {
  bytes(buffer: Uint8Array, length: number): void;
  /** Whether no more is wanted. */
  hasEnough(): boolean;
}

export interface TextLogOptions {
  /** The schema's columns: names, and which one is the time. */
  columns: readonly { name: string; kind?: string }[];
  /** Times real time, by the log's time column; or as fast as it goes. Default `max`. */
  speed?: number | 'max';
  /** Bytes read so far. */
  onProgress?(bytes: number): void;
}

/**
 * Feeds a whole text log, as a device would have printed it: byte for byte but for a header of ours.
 *
 * @param log a path, or `-` for standard input
 * @throws IngestError, RecordingError where it cannot be read
 */
export async function feedTextLog(log: string, sink: TextSink, options: TextLogOptions): Promise<void> {
  const { speed = 'max', onProgress } = options;
  const text = new TextInput(options.columns, sink);
  if (speed !== 'max') {
    await feedAtPace(log, text, speed, options);
    return;
  }
  let bytes = 0;
  const source = new FileSource(log);
  const end = await new Promise<string>((resolve, reject) => {
    source
      .start({
        bytes: (buffer, length) => {
          if (sink.hasEnough()) {
            void source.stop();
            return;
          }
          text.bytes(buffer, length);
          bytes += length;
          onProgress?.(bytes);
        },
        opened() {},
        closed: resolve,
      })
      .catch(reject);
  });
  if (end !== 'end of file' && end !== 'stopped') {
    throw new RecordingError('REPLAY_READ', { where: log, found: end, expected: 'a file that can be read to its end' });
  }
  text.finish();
}

/** A text log as the line decoder takes it: the header that `edgegrad convert` writes names units behind the columns. */
class TextInput {
  private kind: 'unknown' | 'header' | 'text' = 'unknown';
  private header: Buffer = Buffer.alloc(0);

  constructor(
    private readonly columns: TextLogOptions['columns'],
    private readonly sink: TextSink,
  ) {}

  bytes(buffer: Uint8Array, length: number): void {
    if (length > 0 && this.kind === 'unknown') this.kind = buffer[0] === ISO_TIME.charCodeAt(0) ? 'header' : 'text';
    if (this.kind === 'text') {
      this.sink.bytes(buffer, length);
    } else {
      this.header = Buffer.concat([this.header, buffer.subarray(0, length)]);
      if (this.header.includes(LF) || this.header.length > MAX_HEADER_BYTES) this.endHeader();
    }
  }

  finish(): void {
    if (this.kind === 'header') this.endHeader();
  }

  /** A header of ours names the unit behind each column, which the schema's names do not. */
  private endHeader(): void {
    this.kind = 'text';
    const end = this.header.indexOf(LF);
    const line = this.header.toString('utf8', 0, Math.max(end, 0));
    if (!line.startsWith(`${ISO_TIME},`)) {
      this.send(this.header);
      return;
    }
    const known = new Set(this.columns.map(({ name }) => name));
    this.send(Buffer.concat([Buffer.from(plainHeader(line, known)), this.header.subarray(end)]));
  }

  private send(bytes: Uint8Array): void {
    if (bytes.length > 0) this.sink.bytes(bytes, bytes.length);
  }
}

/** A header of ours as a device prints it: without units, but for names that have theirs in the schema too. */
export function plainHeader(line: string, known: ReadonlySet<string> = new Set()): string {
  const names = line.split(',').map((name) => (known.has(name) ? name : name.replace(/ \[[^\]]*\]\r?$/, '')));
  return names.join(',');
}

/** Plays the log as a device would: each line at the time its time column says. */
async function feedAtPace(
  log: string,
  text: TextInput,
  speed: number,
  { columns, onProgress }: TextLogOptions,
): Promise<void> {
  if (log === '-') {
    throw new RecordingError('REPLAY_SPEED', {
      where: 'standard input',
      found: `speed ${speed}`,
      expected: 'speed max: it comes when it comes',
    });
  }
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(log);
  } catch (error) {
    throw new RecordingError('REPLAY_READ', { where: log, found: (error as Error).message, expected: 'a file' });
  }
  const time = columns.find(({ kind }) => kind === 'time')?.name;
  const times = time === undefined ? null : lineTimes(bytes, time);
  if (times === null) {
    throw new RecordingError('REPLAY_SPEED', {
      where: log,
      found:
        time === undefined ? 'no column of kind "time" in the configuration' : `no column "${time}" in its first line`,
      expected: 'a column that says when each row was',
      remedy: 'use --speed max',
    });
  }
  const source = new MemorySource('log');
  let sent = 0;
  await source.start({
    bytes: (buffer, length) => {
      text.bytes(buffer, length);
      sent += length;
      onProgress?.(sent);
    },
    opened() {},
    closed() {},
  });
  const device = new SimulatedDevice({ bytes, wire: source, speed, rowTimeS: (line) => times[line] ?? Number.NaN });
  device.start();
  await device.finished;
  text.finish();
}

/**
 * When each line of a log was, in seconds, by its time column; NaN for lines without one. Null where the log, CSV with
 * a header or JSON lines, has no such column.
 */
export function lineTimes(bytes: Uint8Array, timeColumn: string): Float64Array | null {
  const lines = new TextDecoder().decode(bytes).split('\n');
  if (bytes[0] === OPENING_BRACE) {
    const times = lines.map((line) => {
      try {
        return Number(JSON.parse(line)[timeColumn]);
      } catch {
        return Number.NaN;
      }
    });
    return times.some((time) => !Number.isNaN(time)) ? Float64Array.from(times) : null;
  }
  const names = (lines[0] ?? '').split(',').map((name) => name.trim());
  let position = names.indexOf(timeColumn);
  if (position < 0) position = names.map((name) => name.replace(/ \[[^\]]*\]$/, '')).indexOf(timeColumn);
  if (position < 0) return null;
  return Float64Array.from(lines, (line) => Number.parseFloat(line.split(',')[position] ?? ''));
}
