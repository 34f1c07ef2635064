import { SpecError } from '../spec/errors.js';
import { BAR, COLON, COMMA, EQUALS, SEMICOLON, SPACE, TAB } from './bytes.js';
import type { Columns } from './columns.js';
import type { Join } from './text/table.js';
import { bindNames, splitName } from './text/units.js';

/** How a device prints its rows, as detected and locked, or as declared. */
export interface TextFormat {
  /**
   * `csv`: values by position or under a header line · `labels`: a plain number after each name · `sentence`: names, values, words
   * and units · `record`: the same over several lines · `join`: a table whose lines are joined to rows · known forms by their name.
   */
  readonly kind: 'csv' | 'labels' | NamedFormat['kind'] | 'join';
  /** Between fields; a space stands for a run of spaces. A line of one field has `,`. */
  readonly delimiter: ',' | ';' | '\t' | ' ' | '|';
  /** Between label and value; null for all but `labels`. */
  readonly separator: ':' | '=' | null;
  /** Fields of a line; 0 where lines may have any number of them. */
  readonly fields: number;
  /** Names as the device prints them, field by field; null where it prints none, or each with its value. */
  readonly names: readonly string[] | null;
  /** Whether every row has to end with `*hh`. */
  readonly checksum: boolean;
  /** Decimal sign, if it is a comma. */
  readonly decimal?: ',';
  /** Sign between thousands, if there is one. */
  readonly thousands?: ',' | '.' | ' ' | "'";
  /** Numbers have units behind them. */
  readonly withUnits?: boolean;
  /** Fields may be quoted. */
  readonly quotes?: boolean;
  /** What every row begins and ends with. */
  readonly prefix?: string;
  readonly suffix?: string;
  /** Every row ends with one more delimiter. */
  readonly trailing?: boolean;
  /** Units of a line of units under the header. */
  readonly units?: readonly string[];
  /** How names and values stand in a line of a `sentence` or `record`. */
  readonly of?: 'sentence' | 'alternating';
  /** How lines are joined to rows. */
  readonly join?: Join;
}

/** Forms whose lines name each value. */
export interface NamedFormat {
  kind: 'sentence' | 'record' | 'json' | 'influx' | 'teleplot' | 'nmea' | 'dsmr' | 'vedirect';
}

/** The delimiters in the order they are tried: a line with `;` in it is hardly one of commas. */
export const DELIMITERS = [SEMICOLON, TAB, COMMA, SPACE, BAR] as const;

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
  /** Bytes around every row. */
  readonly prefix: Uint8Array;
  readonly suffix: Uint8Array;
  readonly trailing: boolean;
  /** The bytes of each field's name; null where the device prints none. */
  readonly nameBytes: readonly Uint8Array[] | null;
  /** [fields]: the column of each field, −1 for a field that is not looked at. */
  readonly columnOfField: Int32Array;
  /** [fields]: the unit that the field's name states, in its usual sign; empty if it states none. */
  readonly units: readonly string[];
  /** Why no line of this format can be a row; null where every required column is there. */
  readonly problem: SpecError | null;
}

const EMPTY = new Uint8Array(0);

/** Maps the fields of a format to columns: by name where it has names, by position otherwise. */
export function makeLock(columns: Columns, format: TextFormat): Lock {
  const { delimiter, separator, names, checksum, prefix, suffix, trailing } = format;
  const fields = names === null ? format.fields : names.length;
  const encoder = new TextEncoder();
  const columnOfField = new Int32Array(fields).fill(-1);
  const bound = names === null ? null : bindNames(names, columns.names);
  const isThere = columns.names.map(() => false);
  for (let field = 0; field < fields; field++) {
    const column = bound !== null ? bound[field] : fields === columns.count ? field : -1;
    if (column < 0) continue;
    isThere[column] = true;
    if (!columns.ignored[column]) columnOfField[field] = column;
  }
  const missing = columns.names.filter((_, column) => columns.required[column] && !isThere[column]);
  let problem: SpecError | null = null;
  const isPositional = names === null && format.kind === 'csv';
  if (isPositional && fields !== columns.count) problem = wrongFieldCount(columns, fields);
  else if (missing.length > 0 && (names !== null || isPositional))
    problem = missingColumns(missing, names ?? [], format.kind === 'labels');
  return {
    format: fields === format.fields ? format : { ...format, fields },
    delimiter: delimiter.charCodeAt(0),
    separator: separator === null ? NO_SEPARATOR : separator.charCodeAt(0),
    fields,
    checksum,
    prefix: prefix === undefined ? EMPTY : encoder.encode(prefix),
    suffix: suffix === undefined ? EMPTY : encoder.encode(suffix),
    trailing: trailing === true,
    nameBytes: names?.map((name) => encoder.encode(name)) ?? null,
    columnOfField,
    units: Array.from({ length: fields }, (_, field) => format.units?.[field] || splitName(names?.[field] ?? '').unit),
    problem,
  };
}

export function missingColumns(missing: readonly string[], found: readonly string[], isLabelled: boolean): SpecError {
  const line = isLabelled ? 'labels' : 'header line';
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
