import { LineDecoder } from '../decoder.js';
import type { TextFormat } from '../format.js';
import { MISSING, NOT_NUMERIC, NUMBER } from '../number.js';
import type { FieldValue } from './fields.js';
import { Line } from './form.js';
import { namedFormOf } from './forms.js';
import { bytesText, isComment, latin1Text, orderMark } from './line-text.js';
import { LineSplitter } from './splitter.js';
import { parseTime } from './time.js';
import { splitName, usualUnit } from './units.js';
import { bareText, classOfPair, type NumberStyle, parseValue } from './value.js';

/** Rows looked at. */
const MOST_ROWS = 2000;
/** Words of a class column. */
const MOST_WORDS = 16;

/** What the lines of a device say about one of its columns. */
export interface SurveyColumn {
  /** As it is printed; `c1`, `c2` … where no names are. */
  name: string;
  /** In its usual sign, from the name, the values, or a known form; empty if none is stated. */
  unit: string;
  /** `time`: dates or times of day · `class`: a few words again and again · `text`: other words, or no value at all. */
  kind: 'number' | 'time' | 'class' | 'text';
  /** The words of a class column: a known pair in its order, others in that of the alphabet. */
  words: string[];
  /** Each row's number, the time in seconds, the index of the word; NaN where it is missing. */
  values: number[];
}

/** What the lines of a device are, as far as they tell by themselves. */
export interface TextSurvey {
  format: TextFormat;
  columns: SurveyColumn[];
  rows: number;
}

/**
 * Finds the form of the lines in `bytes`, and what its columns are. For set-up, when there is no configuration.
 *
 * @returns undefined where no row is found
 */
export function surveyText(bytes: Uint8Array): TextSurvey | undefined {
  let format: TextFormat | undefined;
  const decoder = new LineDecoder({
    columns: ['?'],
    required: [false],
    row: new Float32Array(1),
    onRow() {},
    onFormat(found) {
      format ??= found;
    },
  });
  decoder.feed(bytes, 0, bytes.length);
  decoder.finish();
  if (format === undefined) return undefined;
  const { names, units, rows } = rawRows(bytes, format);
  const style = { decimal: format.decimal ?? '.', thousands: format.thousands ?? '', units: true } as const;
  const kinds = names.map((_, i) =>
    kindOf(
      rows.map((row) => row[i] ?? null),
      style,
    ),
  );
  const kept = rows.filter((row) => isRow(row, kinds, style));
  const columns = names.map((name, i) => columnOf(name, units[i], kinds[i], kept, i, style));
  return kept.length === 0 ? undefined : { format, columns, rows: kept.length };
}

/** The fields of every row, by name. */
function rawRows(bytes: Uint8Array, format: TextFormat): { names: string[]; units: string[]; rows: FieldValue[][] } {
  const form = namedFormOf(format);
  const index = new Map<string, number>();
  const units: string[] = [];
  const rows: FieldValue[][] = [];
  const emit = () => {
    if (rows.length >= MOST_ROWS) return;
    const row: FieldValue[] = [];
    const { fields } = form;
    for (let i = 0; i < fields.count; i++) {
      const name = fields.names[i];
      let at = index.get(name);
      if (at === undefined) {
        at = index.size;
        index.set(name, at);
        units.push('');
      }
      row[at] = fields.values[i];
      if (units[at] === '') units[at] = fields.units[i];
    }
    rows.push(row);
  };
  const splitter = new LineSplitter({
    line(line, start, end) {
      const from = start + orderMark(line, start, end);
      const text = format.kind === 'vedirect' ? latin1Text(line, from, end) : bytesText(line, from, end);
      const content = format.checksum ? text.replace(/\*[0-9A-Fa-f]{2} *$/, '') : text;
      if (content.trim() === '') {
        form.line('', emit);
        return;
      }
      if (content.startsWith('#') && isComment(line, from, end)) return;
      if (form.line(content, emit) === Line.none) form.reset();
    },
    tooLong() {},
    damaged() {},
    partial() {},
  });
  splitter.feed(bytes, 0, bytes.length);
  splitter.finish();
  form.finish(emit);
  const names = [...index.keys()];
  return { names, units: names.map((name, i) => usualUnit(units[i]) || splitName(name).unit), rows };
}

const scratch = new Float64Array(1);

function fieldKind(value: FieldValue, style: NumberStyle): number {
  if (value === null || value === undefined) return MISSING;
  if (typeof value === 'number') return NUMBER;
  return typeof value === 'boolean' ? NOT_NUMERIC : parseValue(value, style, undefined, scratch, 0);
}

function kindOf(values: readonly FieldValue[], style: NumberStyle): SurveyColumn['kind'] {
  const present = values.filter((value) => fieldKind(value, style) !== MISSING);
  if (present.length === 0) return 'text';
  const numbers = present.filter((value) => fieldKind(value, style) === NUMBER).length;
  if (2 * numbers > present.length) return 'number';
  const words = present.map((value) => String(value));
  if (2 * words.filter((word) => !Number.isNaN(parseTime(bareText(word)))).length > words.length) return 'time';
  if (present.every((value) => typeof value === 'boolean' || classOfPair(bareText(String(value))) >= 0)) return 'class';
  const distinct = new Set(words.map((word) => bareText(word).toLowerCase())).size;
  return distinct >= 2 && distinct <= Math.min(MOST_WORDS, words.length / 3) ? 'class' : 'text';
}

/** Whether no column of numbers holds a word: a summary or a message has as many fields as a row by chance. */
function isRow(row: readonly FieldValue[], kinds: readonly SurveyColumn['kind'][], style: NumberStyle): boolean {
  let known = 0;
  for (let i = 0; i < kinds.length; i++) {
    if (kinds[i] !== 'number' || row[i] === undefined) continue;
    if (fieldKind(row[i], style) === NOT_NUMERIC) return false;
    known++;
  }
  return known > 0;
}

function columnOf(
  name: string,
  unit: string,
  kind: SurveyColumn['kind'],
  rows: readonly (readonly FieldValue[])[],
  at: number,
  style: NumberStyle,
): SurveyColumn {
  const texts = rows.map((row) => (row[at] === null || row[at] === undefined ? '' : bareText(String(row[at]))));
  const words = kind === 'class' ? wordsOf(texts, style) : [];
  const lower = words.map((word) => word.toLowerCase());
  const values = texts.map((text) => {
    if (kind === 'time') return parseTime(text);
    if (kind === 'class') {
      const found = lower.indexOf(text.toLowerCase());
      return found < 0 ? Number.NaN : found;
    }
    if (kind === 'text') return Number.NaN;
    return parseValue(text, style, undefined, scratch, 0) === NUMBER ? scratch[0] : Number.NaN;
  });
  const stated = unit === '' && kind === 'number' ? texts.map((text) => /^[+-]?[\d.,]+\s*(\D+)$/.exec(text)?.[1]) : [];
  return { name, unit: unit || usualUnit(stated.find((each) => each !== undefined) ?? ''), kind, words, values };
}

/** The words of a class: `OFF`, `ON` in the order of their meaning, others sorted. */
function wordsOf(texts: readonly string[], style: NumberStyle): string[] {
  const words = new Map<string, string>();
  for (const text of texts) {
    if (fieldKind(text, style) !== MISSING && !words.has(text.toLowerCase())) words.set(text.toLowerCase(), text);
  }
  const all = [...words.values()].sort();
  const isPair = all.length === 2 && all.every((word) => classOfPair(word) >= 0);
  return isPair ? all.sort((a, b) => classOfPair(a) - classOfPair(b)) : all;
}
