import { MISSING, NOT_NUMERIC } from '../number.js';
import { cells, type TableStyle } from './table.js';
import { parseTime } from './time.js';
import { bindNames, isKnownUnit, splitUnit } from './units.js';
import { bareText, type NumberStyle, PLAIN, parseValue } from './value.js';

/** What the columns of a configuration ask of a guess. */
export interface Wanted {
  names: readonly string[];
  required: readonly boolean[];
  ignored: readonly boolean[];
}

/** A table that was found among lines. */
export interface TableGuess {
  style: TableStyle;
  numbers: NumberStyle;
  /** Fields of a row. */
  fields: number;
  /** Names of the header line; null if there is none. */
  names: string[] | null;
  /** Units of a line of units behind the header. */
  units: string[] | null;
  hasQuotes: boolean;
  /** The first line that belongs to the table, its header or a row. */
  first: number;
  /** Cells that are numbers, of all cells of all rows. */
  share: number;
  rows: number;
  /** Columns of hexadecimal numbers. */
  hex: number[];
  /** What a person has to decide. */
  doubt: string | null;
}

const DELIMITERS = [';', '\t', ',', '|', ' '] as const;
const BRACKETS = [
  ['/*', '*/'],
  ['[', ']'],
  ['(', ')'],
  ['<', '>'],
  ['{', '}'],
] as const;

/** A value behind a label: such a cell is no cell of a table. */
const LABELLED = /\p{L}[^:=]*[:=]\s*[+-]?[\d.]/u;

/** The same in what may be a name: `Date Time, GMT+01:00` has no value. */
const NAMED_VALUE = /\p{L}[^:=\d]*[:=]\s*[+-]?[\d.]/u;

/** The table that most of `lines` are rows of; null if fewer than `votes` are. */
export function guessTable(lines: readonly string[], votes: number, wanted: Wanted): TableGuess | null {
  let best: TableGuess | null = null;
  for (const style of styles(lines, votes)) {
    const guess = tableOf(lines, style, votes, wanted);
    if (guess !== null && (best === null || isBetter(guess, best, wanted))) best = guess;
  }
  return best;
}

function isBetter(a: TableGuess, b: TableGuess, wanted: Wanted): boolean {
  // An empty field at the end of every row is a column only if the header names it, or the configuration counts it.
  if (a.style.trailing && b.style.delimiter === a.style.delimiter && !b.style.trailing) {
    return b.names === null && b.fields !== wanted.names.length;
  }
  return a.share > b.share + 1e-9;
}

function* styles(lines: readonly string[], votes: number): Generator<TableStyle> {
  const trimmed = lines.map((line) => line.trim());
  const count = (isOf: (line: string) => boolean) => trimmed.filter(isOf).length;
  const around = BRACKETS.find(
    ([open, close]) => count((line) => line.startsWith(open) && line.endsWith(close)) >= votes,
  );
  const [prefix, suffix] = around ?? ['', ''];
  for (const delimiter of DELIMITERS) {
    const ending = delimiter === ' ' ? [] : [delimiter === '\t' ? ',' : delimiter, ';', ','];
    const trailing = ending.find((sign) => count((line) => line.endsWith(sign)) >= votes);
    // `22.0,49.9;`: another sign than the delimiter at the end of every line is a suffix.
    if (trailing !== undefined && trailing !== delimiter)
      yield { delimiter, prefix, suffix: trailing, trailing: false };
    yield { delimiter, prefix, suffix, trailing: false };
    if (trailing === delimiter) yield { delimiter, prefix, suffix, trailing: true };
  }
}

function tableOf(lines: readonly string[], style: TableStyle, votes: number, wanted: Wanted): TableGuess | null {
  const split = lines.map((line) => cells(line, style) ?? []);
  const numbers = numberStyle(split, style.delimiter);
  let best: TableGuess | null = null;
  for (const fields of new Set(split.map((row) => row.length))) {
    if (fields === 0 || (fields === 1 && style.delimiter !== ',')) continue;
    const guess = withFields(lines, split, fields, style, numbers, votes, wanted);
    if (guess === null) continue;
    const lead = best === null ? 1 : guess.rows * guess.share - best.rows * best.share;
    if (best === null || lead > 0 || (lead === 0 && guess.fields > best.fields)) best = guess;
  }
  return best;
}

const isNumber = (cell: string, style: NumberStyle) => kindOf(cell, style) !== NOT_NUMERIC;
const isGap = (cell: string, style: NumberStyle) => kindOf(cell, style) === MISSING;
const scratch = new Float64Array(1);
/** Cells looked at with the style looked at last, for they are looked at several times. */
const kinds = new Map<string, number>();
let kindsStyle: NumberStyle = PLAIN;

function kindOf(cell: string, style: NumberStyle): number {
  if (style !== kindsStyle || kinds.size > 4096) {
    kinds.clear();
    kindsStyle = style;
  }
  const known = kinds.get(cell);
  if (known !== undefined) return known;
  const kind = parseValue(cell, style, undefined, scratch, 0);
  kinds.set(cell, kind);
  return kind;
}

const HEX = /^[0-9A-Fa-f]+$/;

/** Whether values are hexadecimal numbers: nothing but such digits, and letters among them as no unit has them. */
export function areHex(values: readonly string[]): boolean {
  const hex = values.filter((value) => HEX.test(value));
  return (
    hex.length >= Math.max(2, 0.7 * values.length) &&
    hex.filter((value) => /[A-Fa-f]/.test(value) && /\d/.test(value)).length >= 2 &&
    hex.some((value) => /\d[A-Fa-f]\d|[A-Fa-f]{2}|^[A-Fa-f]\d/.test(value))
  );
}

function withFields(
  lines: readonly string[],
  split: readonly string[][],
  fields: number,
  style: TableStyle,
  numbers: NumberStyle,
  votes: number,
  wanted: Wanted,
): TableGuess | null {
  const of = split.flatMap((row, i) => (row.length === fields ? [i] : []));
  if (of.length < votes) return null;
  // Labels and their separators between the fields are no table.
  const isLabel = (cell: string, field: number) =>
    (field > 0 || fields === 1) && /(^|[^:])[:=]$/.test(cell) && !/^\d/.test(cell);
  if (of.filter((i) => split[i].some(isLabel)).length > of.length - votes) return null;
  // Lines without any number, such as the header, tell nothing of the columns.
  const withNumbers = of.filter((i) => split[i].some((cell) => isNumber(cell, numbers) && !isGap(cell, numbers)));
  const tellers = withNumbers.length >= votes ? withNumbers : of;
  // A column is of numbers if most of its cells are; a line is a row if its cells of such columns are numbers.
  const numeric: boolean[] = [];
  const hex: number[] = [];
  for (let field = 0; field < fields; field++) {
    const column = tellers.map((i) => bareText(split[i][field]));
    const values = column.filter((cell) => !isGap(cell, numbers));
    const count = values.filter((cell) => isNumber(cell, numbers)).length;
    const isHex = areHex(values);
    if (isHex) hex.push(field);
    numeric.push(!isHex && (values.length === 0 || count >= Math.max(1, 0.55 * values.length)));
    if (values.length === 0) numeric[field] = true;
  }
  const someValues = of.some((i) =>
    split[i].some((cell, field) => numeric[field] && isNumber(cell, numbers) && !isGap(cell, numbers)),
  );
  if (!someValues && hex.length === 0) return null;
  const isRow = (i: number) =>
    split[i].every((cell, field) => {
      if (numeric[field]) return isNumber(cell, numbers);
      return hex.includes(field)
        ? HEX.test(bareText(cell))
        : !LABELLED.test(cell) || !Number.isNaN(parseTime(bareText(cell)));
    }) &&
    (fields > 1 || !isGap(split[i][0], numbers) || hex.length > 0);
  const rows = of.filter(isRow);
  if (rows.length < votes) return null;
  // A sentence with a number in it is no row of words.
  const share = numeric.filter(Boolean).length / fields;
  if (hex.length === 0 && share < (style.delimiter === ' ' ? 0.5 : 0.25)) return null;
  const header = headerOf(split, rows, fields, numbers, wanted, lines);
  // Words that never end the same way as labels do; a column of words without any name is a tag of the line.
  const cellsInAll = rows.length * fields;
  const numberCells = rows.reduce(
    (n, i) => n + split[i].filter((cell, field) => numeric[field] && isNumber(cell, numbers)).length,
    0,
  );
  return {
    style,
    numbers,
    fields,
    names: header?.names ?? null,
    units: header?.units ?? null,
    hasQuotes:
      rows.some((i) => lines[i].includes('"')) || rows.some((i) => split[i].some((cell) => cell.startsWith("'"))),
    first: header === null ? rows[0] : Math.min(header.line, rows[0]),
    share: numberCells / cellsInAll + (hex.length > 0 ? 0.5 : 0),
    rows: rows.length,
    hex,
    doubt:
      header === null
        ? commaDoubt(
            rows.map((i) => split[i]),
            style,
          )
        : null,
  };
}

/** The header line: no number in it, as many fields as the rows, before them; the one whose names the configuration wants goes first. */
function headerOf(
  split: readonly string[][],
  rows: readonly number[],
  fields: number,
  numbers: NumberStyle,
  wanted: Wanted,
  lines: readonly string[],
): { names: string[]; units: string[] | null; line: number } | null {
  const isRow = new Set(rows);
  const names = split.map((row, i) => {
    if (isRow.has(i)) return null;
    const cellsOf = headerCells(row, lines[i]);
    return cellsOf.length === fields && isHeader(cellsOf, numbers) ? cellsOf : null;
  });
  let best: { names: string[]; units: string[] | null; line: number; grade: number } | null = null;
  for (let i = 0; i < names.length; i++) {
    const own = names[i];
    if (own === null) continue;
    const bound = bindNames(own, wanted.names);
    const known = new Set(bound);
    const isFull = wanted.required.every((isRequired, column) => !isRequired || known.has(column));
    const some = bound.some((column) => column >= 0);
    const isBefore = i < rows[0];
    if (!isBefore && !isFull) continue;
    const isUnits = own.every((cell) => cell === '' || isKnownUnit(cell));
    const grade = isFull && some ? 3 : isUnits ? 0 : some ? 2 : 1;
    // A line that comes again and again is a message.
    if (grade === 1 && lines.filter((line) => line === lines[i]).length > 2) continue;
    if (best !== null && grade < best.grade) {
      if (isUnits && best.line === i - 1) best.units = own;
      continue;
    }
    best = { names: own, units: null, line: i, grade };
  }
  return best;
}

/** The cells of a header line: without a leading `#`, which is no part of the first name unless it is all of it. */
export function headerCells(row: readonly string[], line: string): string[] {
  const first = line.trimStart().startsWith('#') ? (row[0] ?? '').replace(/^#+\s*/, '') : undefined;
  return row.map((cell, i) => unquoted(i === 0 && first !== undefined && first !== '' ? first : cell));
}

const unquoted = (cell: string) =>
  cell
    .replace(/^"(.*)"$/s, '$1')
    .replaceAll('""', '"')
    .trim();

/** Whether cells are names: no number, some letter in most of them, and no name twice. */
export function isHeader(own: readonly string[], numbers: NumberStyle): boolean {
  const filled = own.filter((cell) => cell !== '');
  if (filled.length === 0 || filled.length < own.length - 1) return false;
  if (new Set(filled).size !== filled.length) return false;
  return filled.every(
    (cell) =>
      (cell === '#' || /[\p{L}%°]/u.test(cell)) &&
      !/^\d[\dA-Fa-f]*$/.test(cell) &&
      !isNumber(cell, numbers) &&
      Number.isNaN(parseTime(cell)) &&
      !NAMED_VALUE.test(cell.replace(/\([^)]*\)|\bc:\d+$/g, '')) &&
      !/^[+-]?(ovf|inf)/i.test(cell),
  );
}

/** The decimal sign, the sign between thousands, and whether there are units, as the numbers of a table show. */
function numberStyle(split: readonly string[][], delimiter: string): NumberStyle {
  let decimals = 0;
  let groups = 0;
  let dots = 0;
  let withUnit = 0;
  for (const row of split) {
    for (const raw of row) {
      const cell = bareText(raw).replace(/^[+\-−]\s*/, '');
      const [number, unit] = /^([\d.,]*\d)\s*(.*)$/.exec(cell)?.slice(1) ?? ['', ''];
      if (unit !== '' && splitUnit(unit) !== null) withUnit++;
      if (/^\d{1,3}(,\d{3})+\.\d+$/.test(number) || /^\d{1,3}(,\d{3}){2,}$/.test(number)) groups++;
      else if (/^\d{1,3}(\.\d{3})+,\d+$/.test(number)) dots++;
      else if (/^\d+,\d+$/.test(number)) decimals++;
    }
  }
  const units = withUnit >= 2 || (withUnit > 0 && split.length < 4);
  if (delimiter === ',') return { ...PLAIN, units };
  if (dots > 0) return { decimal: ',', thousands: '.', units };
  if (groups > 0) return { decimal: '.', thousands: ',', units };
  return decimals > 0 ? { decimal: ',', thousands: '', units } : { ...PLAIN, units };
}

/** Whether whole numbers behind commas are more likely the decimals of the number before: always as many digits, zeros in front. */
function commaDoubt(rows: readonly string[][], { delimiter }: TableStyle): string | null {
  if (delimiter !== ',' || rows.length === 0 || rows[0].length % 2 !== 0) return null;
  let isPadded = false;
  const widths = rows[0].map((cell) => cell.length);
  for (const row of rows) {
    for (let field = 0; field < row.length; field++) {
      if (!/^[+-]?\d+$/.test(row[field])) return null;
      if (field % 2 === 0) continue;
      if (row[field].length !== widths[field] || !/^\d+$/.test(row[field])) return null;
      if (row[field].length > 1 && row[field].startsWith('0')) isPadded = true;
    }
  }
  return isPadded ? rows[0].slice(0, 2).join(',') : null;
}
