import { SpecError } from '../spec/errors.js';
import { COLON, COMMA, EQUALS, QUOTE, SEMICOLON, SPACE, TAB } from './bytes.js';
import type { Columns } from './columns.js';

/** How a device prints its rows, as detected and locked. */
export interface TextFormat {
  /** `csv`: bare values, by position or under a header line · `labels`: every value after its name. */
  readonly kind: 'csv' | 'labels';
  /** Between fields; a space stands for a run of spaces. A line of one field has `,`. */
  readonly delimiter: ',' | ';' | '\t' | ' ';
  /** Between label and value; null for `csv`. */
  readonly separator: ':' | '=' | null;
  /** Fields of a line. */
  readonly fields: number;
  /** Names as the device prints them, field by field; null where it prints none. */
  readonly names: readonly string[] | null;
  /** Whether every row has to end with `*hh`. */
  readonly checksum: boolean;
}

/** The delimiters in the order they are tried: a line with `;` in it is hardly one of commas. */
export const DELIMITERS = [SEMICOLON, TAB, COMMA, SPACE] as const;

/** The label separators in the order they are tried. */
export const SEPARATORS = [COLON, EQUALS] as const;

/** The separator of a format without labels. */
export const NO_SEPARATOR = 0;

/** A locked format with all that the hot path needs of it. */
export interface Lock {
  readonly format: TextFormat;
  readonly delimiter: number;
  /** NO_SEPARATOR, or the byte between label and value. */
  readonly separator: number;
  readonly fields: number;
  readonly checksum: boolean;
  /** The bytes of each field's name; null where the device prints none. */
  readonly nameBytes: readonly Uint8Array[] | null;
  /** [fields]: the column of each field, −1 for a field that is not looked at. */
  readonly columnOfField: Int32Array;
  /** Why no line of this format can be a row; null where every required column is there. */
  readonly problem: SpecError | null;
}

/** Maps the fields of a format to columns: by name where it has names, by position otherwise. */
export function makeLock(
  columns: Columns,
  delimiter: number,
  separator: number,
  fields: number,
  nameBytes: readonly Uint8Array[] | null,
  checksum: boolean,
): Lock {
  const columnOfField = new Int32Array(fields).fill(-1);
  const isThere = columns.names.map(() => false);
  for (let field = 0; field < fields; field++) {
    const name = nameBytes?.[field];
    const column = name !== undefined ? columns.find(name, 0, name.length) : fields === columns.count ? field : -1;
    if (column < 0 || isThere[column]) continue;
    isThere[column] = true;
    if (!columns.ignored[column]) columnOfField[field] = column;
  }
  const decoder = new TextDecoder();
  const names = nameBytes?.map((bytes) => decoder.decode(bytes)) ?? null;
  const missing = columns.names.filter((_, column) => columns.required[column] && !isThere[column]);
  let problem: SpecError | null = null;
  if (names === null && fields !== columns.count) problem = wrongFieldCount(columns, fields);
  else if (missing.length > 0) problem = missingColumns(missing, names ?? [], separator);
  return {
    format: {
      kind: separator === NO_SEPARATOR ? 'csv' : 'labels',
      delimiter: String.fromCharCode(delimiter) as TextFormat['delimiter'],
      separator: separator === NO_SEPARATOR ? null : (String.fromCharCode(separator) as ':' | '='),
      fields,
      names,
      checksum,
    },
    delimiter,
    separator,
    fields,
    checksum,
    nameBytes,
    columnOfField,
    problem,
  };
}

/** The name in `bytes[start, end)`, owned, without the quotes around it. */
export function nameCopy(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return bytes.slice(start + quotesAround(bytes, start, end), end - quotesAround(bytes, start, end));
}

/** 1 where `bytes[start, end)` is `"…"`, 0 otherwise. */
export function quotesAround(bytes: Uint8Array, start: number, end: number): number {
  return end - start >= 2 && bytes[start] === QUOTE && bytes[end - 1] === QUOTE ? 1 : 0;
}

function missingColumns(missing: readonly string[], found: readonly string[], separator: number): SpecError {
  const line = separator === NO_SEPARATOR ? 'header line' : 'labels';
  return new SpecError('BRIDGE_COLUMNS', {
    where: `the device's ${line}`,
    found: list(found),
    expected: `${list(missing)} among them, which the task needs`,
    remedy: `print ${missing.length === 1 ? 'this name' : 'these names'}, or declare the columns by the names the device prints`,
  });
}

function wrongFieldCount(columns: Columns, fields: number): SpecError {
  return new SpecError('BRIDGE_COLUMNS', {
    where: "the device's rows",
    found: `${fields} ${fields === 1 ? 'field' : 'fields'} and no header line`,
    expected: `${columns.count}: ${list(columns.names)}`,
    remedy: 'let the device print a header line, or declare every column it prints, in order',
  });
}

/** At most eight names, quoted; how many more there are. */
export function list(names: readonly string[]): string {
  const shown = names.slice(0, 8).map((name) => `"${printable(name)}"`);
  return shown.join(', ') + (names.length > 8 ? ` and ${names.length - 8} more` : '');
}

/** A name from the wire, made fit for one line of a terminal. */
export function printable(name: string): string {
  const clean = Array.from(name, (sign) => (sign < ' ' || sign === '\x7f' ? '?' : sign));
  return clean.length > 40 ? `${clean.slice(0, 39).join('')}…` : clean.join('');
}
