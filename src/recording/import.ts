import { createReadStream } from 'node:fs';
import { RecordingError } from './errors.js';
import { type RecordedConfig, WIRE } from './events.js';
import { RecordingFile } from './file-sink.js';
import { ISO_TIME, plainHeader } from './text-log.js';

const LF = 0x0a;
const CR = 0x0d;
/** A line without an end is recorded in pieces of this many bytes. */
const MAX_PIECE_BYTES = 65536;

/**
 * Makes a recording of a text log: the lines a device would have printed, one message each, at the times of its
 * `iso_time` column, or else of the time column, or else a second apart.
 *
 * @param log a path, or `-` for standard input
 * @param config recorded too, so that a replay needs no other
 * @returns how many lines there were
 * @throws RecordingError where the log cannot be read or the file not be written
 */
export async function textToRecording(
  log: string,
  out: string,
  options: { timeColumn?: string; config?: { file: string; text: string; resolved: RecordedConfig } } = {},
): Promise<number> {
  const file = await RecordingFile.create(out, 'edgegrad');
  let header: string[] | null = null;
  let isJson = false;
  let sequence = 0;
  let lines = 0;
  let timeNs = 0;
  const event = (what: Parameters<RecordingFile['addEvent']>[0]) => file.addEvent(what, sequence++, timeNs, timeNs);
  try {
    for await (const raw of rawLines(log)) {
      const line = raw.toString().trimEnd();
      if (lines === 0) isJson = line.trimStart().startsWith('{');
      const fields = line.split(',');
      if (isJson) timeNs = timeOfObject(line, options.timeColumn) ?? timeNs + 1e9;
      else if (header === null) header = fields.map((name) => name.replace(/ \[[^\]]*\]$/, ''));
      else timeNs = timeOf(header, fields, options.timeColumn) ?? timeNs + 1e9;
      if (sequence === 0) {
        if (options.config !== undefined) event({ type: 'config', ...options.config });
        event({ type: 'opened', what: log, isAgain: false, mayBeMidLine: false });
      }
      const isOurs = header !== null && header[0] === ISO_TIME;
      const text = lines === 0 && isOurs ? plainHeader(line) : line;
      const bytes = isOurs ? Buffer.from(`${text.slice(text.indexOf(',') + 1)}\n`) : raw;
      file.add(WIRE.id, sequence++, timeNs, timeNs, bytes, 0, bytes.length);
      lines++;
      if (file.isFull) await file.drain();
    }
  } catch (error) {
    if (error instanceof RecordingError) throw error;
    throw new RecordingError('CONVERT_READ', {
      where: log,
      found: (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message,
      expected: 'a text log',
    });
  }
  event({ type: 'end', reason: 'end of log', finished: true });
  await file.close();
  return lines;
}

/** The lines of a file as they are, each with its end; a longer one in pieces. */
async function* rawLines(path: string): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of (path === '-' ? process.stdin : createReadStream(path)) as AsyncIterable<Buffer>) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let from = 0;
    for (let p = 0; p < bytes.length; p++) {
      // CR ends a line by itself, unless LF follows; whether it does is seen with the next byte.
      const isEnd = bytes[p] === LF || (bytes[p] === CR && p + 1 < bytes.length && bytes[p + 1] !== LF);
      if (!isEnd && p - from < MAX_PIECE_BYTES) continue;
      yield bytes.subarray(from, p + 1);
      from = p + 1;
    }
    rest = Buffer.from(bytes.subarray(from));
  }
  if (rest.length > 0) yield rest;
}

/** The same for an object of JSON, one a line. */
function timeOfObject(line: string, timeColumn: string | undefined): number | undefined {
  let object: Record<string, unknown>;
  try {
    object = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const iso = object[ISO_TIME];
  const time = timeColumn === undefined ? undefined : object[timeColumn];
  const ms = typeof iso === 'string' ? Date.parse(iso) : typeof time === 'number' ? 1000 * time : Number.NaN;
  return ms >= 0 ? Math.round(1e6 * ms) : undefined;
}

/** Nanoseconds since 1970 that a row tells, if it does. */
function timeOf(
  header: readonly string[],
  fields: readonly string[],
  timeColumn: string | undefined,
): number | undefined {
  const iso = header.indexOf(ISO_TIME);
  const ms =
    iso < 0 ? 1000 * Number(fields[header.indexOf(timeColumn ?? '')] || Number.NaN) : Date.parse(fields[iso] ?? '');
  return ms >= 0 ? Math.round(1e6 * ms) : undefined;
}
