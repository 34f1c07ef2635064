import { quotedLine, type RawLine } from '../../bridge/index.js';
import { wordsOf } from '../../daemon/index.js';
import { roleOf, shown } from './draft.js';
import type { Observation } from './observe.js';

/** Lines shown to a person. */
const SHOWN_LINES = 5;

/** What forms are called. */
const KINDS: Readonly<Record<string, string>> = {
  csv: 'CSV',
  labels: 'label and value',
  sentence: 'sentences',
  record: 'records of several lines',
  json: 'JSON',
  influx: 'InfluxDB line protocol',
  teleplot: 'Teleplot',
  nmea: 'NMEA 0183',
  dsmr: 'DSMR P1',
  vedirect: 'VE.Direct',
  join: 'lines joined to rows',
};

/** The latest lines as they came, and what was found in them. */
export function describe({ columns, rows, format, lines = [], refused = 0 }: Observation): string {
  const kind = KINDS[format.kind] ?? format.kind;
  const names =
    format.kind === 'csv' && format.names === null
      ? ', without names (a header is seen when the board is reset while it is listened to)'
      : '';
  const width = Math.max(...columns.map(({ name }) => name.length));
  const found = columns.map((column) => {
    const role = roleOf(column);
    const { min, max, example, isText, isDate, words, errorCodes = [] } = column;
    if (words !== undefined) return `  ${column.name.padEnd(width)}  class: ${words.join(', ')}`;
    if (isDate) return `  ${column.name.padEnd(width)}  dates  (time)`;
    if (!isText && min === Number.POSITIVE_INFINITY) return `  ${column.name.padEnd(width)}  no number  (left out)`;
    if (isText) return `  ${column.name.padEnd(width)}  words  (left out)`;
    const figures = [min, max, example].map(shown);
    const what = role === 'value' ? '' : role === 'time' ? '  (time)' : '  (left out)';
    const codes = errorCodes.map(
      ({ value, count }) => `; ${value} came ${count === 1 ? 'once' : `${count} times`}: probably an error code`,
    );
    return `  ${column.name.padEnd(width)}  ${figures[0]} … ${figures[1]}, the last ${figures[2]}${what}${codes.join('')}`;
  });
  const latest = lines.slice(-SHOWN_LINES);
  const longest = Math.min(Math.max(0, ...latest.map(({ text }) => text.length)), 80);
  const asTheyCame = latest.map(({ text, verdict }) => {
    const cut = text.length > 80 ? `${text.slice(0, 79)}…` : text;
    return `  ${cut.padEnd(longest)}  ${verdict === 'row' ? 'row' : verdict === 'header' ? 'names' : wordsOf(verdict)}`;
  });
  const bad = refused === 0 ? '' : `, ${refused} ${refused === 1 ? 'line that is' : 'lines that are'} none`;
  return [
    ...(latest.length === 0 ? [] : ['the latest lines:', ...asTheyCame]),
    `${rows} rows of ${columns.length} columns, ${kind}${names}${bad}`,
    ...found,
  ].join('\n');
}

/** What came where no rows did. */
export function noRows(
  bytes: Uint8Array,
  { example, doubt }: { example: RawLine | null; doubt: string | undefined },
): string {
  if (doubt !== undefined) return doubt;
  let lines = 0;
  for (const byte of bytes) if (byte === 0x0a) lines++;
  const last = example === null ? '' : `, the last ${quotedLine(example)}`;
  return `${bytes.length} bytes and ${lines} lines, and not two rows of numbers among them${last}`;
}
