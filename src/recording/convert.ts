import { type FileHandle, open, realpath } from 'node:fs/promises';
import { isoOf } from './contents.js';
import { RecordingError } from './errors.js';
import { EVENTS, ROWS_ID, WIRE } from './events.js';
import { RecordingFile } from './file-sink.js';
import { type FileHealth, type MessageView, RecordingReader } from './reader.js';
import { type RowColumn, RowDecoder } from './rows.js';
import { ISO_TIME } from './text-log.js';

const FLUSH_CHARACTERS = 1 << 18;

export interface ConvertResult {
  rows: number;
  /** Lines that were no rows; they stay in the recording only. */
  rejected: number;
  health: FileHealth[];
}

type OnProgress = (share: number) => void;

/** The rows of a recording as CSV: ISO time, then a column `name [unit]` each, those of kind `ignore` left out. */
export async function recordingToCsv(
  paths: readonly string[],
  out: string,
  columns: readonly RowColumn[],
  onProgress?: OnProgress,
): Promise<ConvertResult> {
  const kept = keptOf(columns);
  const names = kept.map((i) => `${columns[i].name}${columns[i].unit === '' ? '' : ` [${columns[i].unit}]`}`);
  const header = `${[ISO_TIME, ...names].map((name) => name.replace(/[,\r\n"]/g, '_')).join(',')}\n`;
  return rowsToText(paths, out, header, columns, onProgress, (rows, wallNs) => {
    let line = isoOf(wallNs);
    for (const i of kept) line += `,${wordOf(rows, i) ?? numberText(rows, i)}`;
    return line;
  });
}

/** The rows of a recording as JSON lines: `iso_time`, and a key for each column but those of kind `ignore`. */
export async function recordingToNdjson(
  paths: readonly string[],
  out: string,
  columns: readonly RowColumn[],
  onProgress?: OnProgress,
): Promise<ConvertResult> {
  const kept = keptOf(columns);
  return rowsToText(paths, out, '', columns, onProgress, (rows, wallNs) =>
    JSON.stringify({ [ISO_TIME]: isoOf(wallNs), ...rowObject(rows, kept) }),
  );
}

/**
 * A recording written anew, of what is intact, in one clean file. Numbers and times stay, so that a replay knows where
 * something is missing.
 *
 * @param rows adds a channel of decoded rows, JSON objects that tools plot
 */
export async function rewriteRecording(
  paths: readonly string[],
  out: string,
  rows?: readonly RowColumn[],
  onProgress?: OnProgress,
): Promise<ConvertResult> {
  await refuseOverwriting(paths, out);
  const reader = await RecordingReader.open(paths);
  const file = await RecordingFile.create(out, 'edgegrad', rows);
  const kept = keptOf(rows ?? []);
  let message: MessageView | undefined;
  const decoder =
    rows &&
    new RowDecoder(rows, () => {
      const { wallNs, monotonicNs } = message!;
      const json = Buffer.from(JSON.stringify(rowObject(decoder!, kept)));
      file.add(ROWS_ID, decoder!.rows - 1, wallNs, monotonicNs, json, 0, json.length);
    });
  for await (const messages of reader.chunks()) {
    message = messages;
    while (messages.next()) {
      const { topic, sequence, wallNs, monotonicNs, data, start, end } = messages;
      if (topic === 'other') continue;
      file.add(topic === 'wire' ? WIRE.id : EVENTS.id, sequence, wallNs, monotonicNs, data, start, end);
      decoder?.message(messages);
    }
    if (file.isFull) await file.drain();
    onProgress?.(reader.progress);
  }
  if (message !== undefined) decoder?.finish();
  await file.close();
  return { rows: decoder?.rows ?? 0, rejected: decoder?.rejected ?? 0, health: reader.health };
}

async function rowsToText(
  paths: readonly string[],
  out: string,
  header: string,
  columns: readonly RowColumn[],
  onProgress: OnProgress | undefined,
  lineOf: (rows: RowDecoder, wallNs: number) => string,
): Promise<ConvertResult> {
  await refuseOverwriting(paths, out);
  const reader = await RecordingReader.open(paths);
  const file = await openText(out);
  let text = header;
  let wallNs = 0;
  const rows: RowDecoder = new RowDecoder(columns, () => {
    text += `${lineOf(rows, wallNs)}\n`;
  });
  try {
    for await (const messages of reader.chunks()) {
      while (messages.next()) {
        wallNs = messages.wallNs;
        rows.message(messages);
      }
      if (text.length >= FLUSH_CHARACTERS) {
        await file.appendFile(text);
        text = '';
      }
      onProgress?.(reader.progress);
    }
    rows.finish();
    await file.appendFile(text);
  } catch (error) {
    if (error instanceof RecordingError) throw error;
    throw cannotWrite(out, error as Error);
  } finally {
    await file.close();
  }
  return { rows: rows.rows, rejected: rows.rejected, health: reader.health };
}

function keptOf(columns: readonly RowColumn[]): number[] {
  return columns.flatMap(({ kind }, i) => (kind === 'ignore' ? [] : [i]));
}

function rowObject(rows: RowDecoder, kept: readonly number[]): Record<string, number | string | null> {
  const object: Record<string, number | string | null> = {};
  for (const i of kept) {
    const text = numberText(rows, i);
    object[rows.columns[i].name] = wordOf(rows, i) ?? (text === '' ? null : Number(text));
  }
  return object;
}

/** The word of a class column; undefined where it has none. */
function wordOf(rows: RowDecoder, column: number): string | undefined {
  return rows.columns[column].values?.[rows.value(column)]?.replace(/[,;\t\r\n"]/g, '_');
}

/** The shortest decimal that reads back as the same value; empty where there is none. */
function numberText(rows: RowDecoder, column: number): string {
  const value = rows.value(column);
  if (Number.isNaN(value)) return '';
  if (Math.fround(value) !== value) return String(value); // a float64: the time
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return String(short);
  }
  return String(Number(value.toPrecision(9)));
}

async function openText(out: string): Promise<FileHandle> {
  return open(out, 'w').catch((error: Error) => {
    throw cannotWrite(out, error);
  });
}

/** Reading and writing the same file would leave neither. */
async function refuseOverwriting(paths: readonly string[], out: string): Promise<void> {
  const target = await realpath(out).catch(() => undefined);
  for (const path of paths) {
    if (target === undefined || (await realpath(path).catch(() => path)) !== target) continue;
    throw new RecordingError('CONVERT_SAME_FILE', {
      where: out,
      found: 'the recording itself',
      expected: 'another file',
    });
  }
}

function cannotWrite(path: string, error: Error): RecordingError {
  return new RecordingError('CONVERT_WRITE', { where: path, found: error.message, expected: 'a file to write to' });
}
