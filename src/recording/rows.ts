import { type DeviceSchema, quotedLine, surveyText, WireDecoder } from '../bridge/index.js';
import type { Column } from '../spec/index.js';
import { RecordingError } from './errors.js';
import { type MessageView, RecordingReader } from './reader.js';

/** What rows are made of: all a decoder needs to know of a column. */
export type RowColumn = Pick<Column, 'name' | 'unit' | 'kind' | 'values'>;

/**
 * Decodes the rows of a recording, without learning: after an opening that may be in the middle of a line the first row
 * is not believed, as live.
 */
export class RowDecoder {
  /** [columns]: the row, NaN where missing and where the column is ignored. */
  readonly values: Float32Array;
  rows = 0;
  /** Lines that were no rows, frames that were damaged. */
  rejected = 0;
  private readonly decoder: WireDecoder;
  private readonly timeColumn: number;
  private isSuspect = false;

  /** @param onRow `values` is filled; the message it came with is the one being given */
  constructor(
    readonly columns: readonly RowColumn[],
    onRow: () => void,
  ) {
    this.values = new Float32Array(columns.length);
    this.timeColumn = columns.findIndex(({ kind }) => kind === 'time');
    this.decoder = new WireDecoder({
      columns: columns.map(({ name }) => name),
      required: columns.map(() => false),
      ignored: columns.map(({ kind }) => kind === 'ignore'),
      kinds: columns.map(({ kind }) => kind),
      clockUnits: columns.map(({ unit }) => unit),
      words: columns.map(({ values }) => values),
      row: this.values,
      ...(this.timeColumn < 0 ? {} : { timeColumn: this.timeColumn }),
      onRow: () => {
        const isDoubtful = this.isSuspect && this.decoder.mode !== 'binary';
        this.isSuspect = false;
        if (isDoubtful) {
          this.rejected++;
          return;
        }
        this.rows++;
        onRow();
      },
      onReject: () => {
        this.rejected++;
      },
      onFrameReject: () => {
        this.rejected++;
      },
    });
  }

  message({ topic, event, missing, data, start, end }: MessageView): void {
    const { decoder } = this;
    if (missing !== 0 || event?.type === 'overflow') {
      decoder.reset(false);
      this.isSuspect = true;
    }
    if (event?.type === 'opened') {
      if (event.isAgain) decoder.reset(false);
      this.isSuspect = event.mayBeMidLine;
    }
    if (event?.type === 'start') decoder.reset(false);
    if (event?.type === 'end' && event.finished) decoder.finish();
    if (topic === 'wire') decoder.feed(data, start, end);
  }

  /** The last row as numbers, NaN where missing; the time column to its full precision. */
  value(column: number): number {
    return column === this.timeColumn ? this.decoder.time[0] : this.values[column];
  }

  finish(): void {
    this.decoder.finish();
  }
}

/**
 * The columns of a recording without a configuration, by what the device printed: its names, or c0, c1 …
 *
 * @throws RecordingError where no rows are in it
 */
export async function detectColumns(paths: readonly string[]): Promise<RowColumn[]> {
  let schema: DeviceSchema | undefined;
  const text: Uint8Array[] = [];
  let size = 0;
  const decoder = new WireDecoder({
    columns: ['c0'],
    required: [false],
    row: new Float32Array(1),
    onRow() {},
    onSchema: (columns) => {
      schema ??= columns;
    },
  });
  const reader = await RecordingReader.open(paths);
  for await (const messages of reader.chunks()) {
    while (schema === undefined && size < SURVEY_BYTES && messages.next()) {
      if (messages.topic !== 'wire') continue;
      decoder.feed(messages.data, messages.start, messages.end);
      text.push(Uint8Array.from(messages.data.subarray(messages.start, messages.end)));
      size += messages.end - messages.start;
    }
    if (schema !== undefined || size >= SURVEY_BYTES) break;
  }
  decoder.finish();
  if (schema !== undefined) {
    return schema.columns.filter(({ label }) => !label).map(({ name, unit }) => ({ name, unit, kind: 'number' }));
  }
  const survey = surveyText(concat(text, size));
  if (survey === undefined) {
    const example = decoder.lines.refusals.example();
    throw new RecordingError('CONVERT_NO_ROWS', {
      where: paths.join(' '),
      found: `no rows${example === null ? '' : `; the last line is ${quotedLine(example)}`}`,
      expected: 'lines of a form that is known (firmware-bridge/protocol/text.md), or frames',
    });
  }
  return survey.columns.map(({ name, unit, kind, words }) => ({
    name,
    unit,
    kind: kind === 'text' ? 'ignore' : kind,
    ...(kind === 'class' ? { values: words } : {}),
  }));
}

/** So many bytes of text tell what its columns are. */
const SURVEY_BYTES = 1 << 18;

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array {
  const all = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
