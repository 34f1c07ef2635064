import { splitLabelled } from '../fields.js';
import { type NamedFormat, SEPARATORS, type TextFormat } from '../format.js';
import { NOT_NUMERIC, NUMBER } from '../number.js';
import { Fields } from './fields.js';
import { Line } from './form.js';
import { areHex, guessTable, type TableGuess, type Wanted } from './guess-table.js';
import { JsonForm } from './json.js';
import { dsmrFields, influxFields, nmeaFields, teleplotFields } from './known-forms.js';
import { alternatingFields, sentenceFields } from './sentence.js';
import { bindNames } from './units.js';
import { PLAIN, parseValue } from './value.js';

/** A line that is held until the format is known. */
export interface HeldLine {
  /** Its text without a right `*hh`. */
  text: string;
  /** All of it: other forms have checksums of their own. */
  whole: string;
  checksum: 'absent' | 'right' | 'wrong';
  isComment: boolean;
}

/** A format, and the first of the lines held that belongs to it. */
export interface Guess {
  format: TextFormat;
  first: number;
}

/** Lines that can be read in more than one way. */
export interface Doubt {
  doubt: string;
}

/** More lines of one kind than this are not asked of a form that is known by its signature. */
const ENOUGH_SIGNATURES = 3;
const scratch = new Float64Array(1);

/**
 * The format that at least `votes` of the lines agree on.
 *
 * @returns null if there is none
 */
export function guessFormat(held: readonly HeldLine[], votes: number, wanted: Wanted): Guess | Doubt | null {
  // Without any digit there is no number.
  if (!held.some(({ text }) => /\d/.test(text))) return null;
  const texts = held.map(({ text, checksum }) => (checksum === 'wrong' ? '' : text));
  return (
    signature(
      held.map(({ whole }) => whole),
      votes,
    ) ??
    labelThenValue(texts, votes) ??
    labels(held, texts, votes, wanted) ??
    alternating(texts, votes) ??
    table(held, texts, votes, wanted) ??
    sentence(texts, votes, wanted)
  );
}

const named = (kind: NamedFormat['kind'], more: Partial<TextFormat> = {}): TextFormat => ({
  kind,
  delimiter: ',',
  separator: null,
  fields: 0,
  names: null,
  checksum: false,
  ...more,
});

/** Forms that are known by the first signs of their lines. */
function signature(texts: readonly string[], votes: number): Guess | null {
  const enough = Math.min(votes, ENOUGH_SIGNATURES);
  const fields = new Fields();
  const lines = (isOf: (text: string) => boolean) => texts.flatMap((text, i) => (isOf(text) ? [i] : []));
  const json = jsonRows(texts);
  if (json.rows >= Math.min(votes, 2)) return { format: named('json'), first: json.first };
  const parsed = (read: (text: string, into: Fields) => number) =>
    lines((text) => {
      fields.clear();
      return read(text, fields) === Line.row;
    });
  const vedirect = lines((text) => /^(Checksum(\t|$)|(PID|FW|SER#|VPV|PPV|CS|ERR|H\d+)\t)/.test(text));
  if (vedirect.length >= 2) {
    const first = texts.findIndex((text) => /^[\w#]+\t/.test(text));
    return { format: named('vedirect'), first };
  }
  for (const [kind, read, least] of [
    ['nmea', nmeaFields, enough],
    ['teleplot', teleplotFields, enough],
    ['dsmr', dsmrFields, enough],
    ['influx', influxFields, votes],
  ] as const) {
    const found = parsed(read);
    if (found.length >= Math.max(1, least) && (kind !== 'influx' || found.length >= votes)) {
      return { format: named(kind), first: found[0] };
    }
  }
  return null;
}

function jsonRows(texts: readonly string[]): { rows: number; first: number } {
  const form = new JsonForm();
  let rows = 0;
  let first = -1;
  let start = -1;
  texts.forEach((text, i) => {
    if (!/^\s*[[{]/.test(text) && start < 0) return;
    if (start < 0 && text.includes('{')) start = i;
    if (start < 0) return;
    const before = rows;
    form.line(text, () => {
      rows++;
    });
    if (rows > before && first < 0) first = start;
    if (rows > before) start = -1;
  });
  return { rows, first };
}

/** A label that ends its line, with its value alone in the next. */
function labelThenValue(texts: readonly string[], votes: number): Guess | null {
  const fields = new Fields();
  let pairs = 0;
  let first = -1;
  for (let i = 0; i + 1 < texts.length; i++) {
    fields.clear();
    const open = sentenceFields(texts[i], fields);
    if (open === '' || fields.count > 0) continue;
    if (parseValue(texts[i + 1], PLAIN, undefined, scratch, 0) !== NUMBER) continue;
    pairs++;
    if (first < 0) first = i;
  }
  return pairs >= Math.max(2, votes / 4) ? { format: named('record', { of: 'sentence' }), first } : null;
}

/** `label:value` with nothing but numbers behind the labels: read without making strings. */
function labels(held: readonly HeldLine[], texts: readonly string[], votes: number, wanted: Wanted): Guess | null {
  const encoder = new TextEncoder();
  const spans = new Int32Array(4 * 65537);
  const decoder = new TextDecoder();
  for (const separator of SEPARATORS) {
    for (const delimiter of [0x3b, 0x09, 0x2c, 0x20]) {
      const sets: { line: number; names: string[] }[] = [];
      texts.forEach((text, line) => {
        if (text.length > 4096) return;
        const bytes = encoder.encode(text.trim());
        const count = splitLabelled(bytes, 0, bytes.length, delimiter, separator, spans);
        if (count === 0 || (count === 1 && delimiter !== 0x2c)) return;
        const part = (f: number) => decoder.decode(bytes.subarray(spans[f], spans[f + 1]));
        const names = Array.from({ length: count }, (_, f) => part(4 * f));
        const values = Array.from({ length: count }, (_, f) => part(4 * f + 2));
        if (areLabels(names, values, wanted)) sets.push({ line, names });
      });
      const kept = repeated(sets, votes);
      if (kept.length < votes || isRotating(kept)) continue;
      const names = [...new Set(kept.flatMap((set) => set.names))];
      const checksum = kept.filter(({ line }) => held[line].checksum === 'right').length * 2 > kept.length;
      return {
        format: {
          kind: 'labels',
          delimiter: String.fromCharCode(delimiter) as TextFormat['delimiter'],
          separator: String.fromCharCode(separator) as ':' | '=',
          fields: names.length,
          names,
          checksum,
        },
        first: kept[0].line,
      };
    }
  }
  return null;
}

/** Plain numbers behind every label; where some label is a column, text behind labels that no task uses does no harm. */
function areLabels(names: readonly string[], values: readonly string[], wanted: Wanted): boolean {
  if (new Set(names).size !== names.length || !names.every((name) => /\p{L}/u.test(name) && !/^\d/.test(name)))
    return false;
  const bound = bindNames(names, wanted.names);
  let someText = false;
  for (let i = 0; i < names.length; i++) {
    if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(values[i]) || /^([+-]?nan|null|)$/i.test(values[i])) continue;
    if (bound[i] >= 0 && !wanted.ignored[bound[i]]) return false;
    someText = true;
  }
  return !someText || bound.some((column) => column >= 0);
}

/** Line sets whose labels come more than once, where several lines have to agree: boot text has labels too, each once. */
function repeated<T extends { names: readonly string[] }>(sets: readonly T[], votes: number): T[] {
  if (votes <= 2) return [...sets];
  const seen = new Map<string, number>();
  for (const { names } of sets) for (const name of names) seen.set(name, (seen.get(name) ?? 0) + 1);
  return sets.filter(({ names }) => names.every((name) => (seen.get(name) ?? 0) >= 2));
}

/** Whether labels come in turn: line sets that share no label are parts of one record. */
function isRotating(sets: readonly { names: readonly string[] }[]): boolean {
  const signatures = new Map<string, { names: readonly string[]; count: number }>();
  for (const { names } of sets) {
    const key = [...names].sort().join('\n');
    const count = (signatures.get(key)?.count ?? 0) + 1;
    signatures.set(key, { names, count });
  }
  if (signatures.size < 2) return false;
  const least = sets.length / signatures.size / 2;
  const all = new Set<string>();
  for (const { names, count } of signatures.values()) {
    if (count < least) return false;
    for (const name of names) {
      if (all.has(name)) return false;
      all.add(name);
    }
  }
  return true;
}

function alternating(texts: readonly string[], votes: number): Guess | null {
  for (const delimiter of ['\t', ';', ',', '|', ' '] as const) {
    const sets: { line: number; names: string[] }[] = [];
    texts.forEach((text, line) => {
      const fields = new Fields();
      const parts = partsOf(text, delimiter);
      if (!alternatingFields(parts, fields) || !areNumbers(fields)) return;
      sets.push({ line, names: fields.names.slice(0, fields.count) });
    });
    const kept = repeated(sets, votes);
    if (kept.length < votes) continue;
    const kind = isRotating(kept) ? 'record' : 'sentence';
    return { format: named(kind, { of: 'alternating', delimiter }), first: kept[0].line };
  }
  return null;
}

/** The parts of a line between delimiters, trimmed. */
export function partsOf(text: string, delimiter: string): string[] {
  if (delimiter === ' ') return text.trim().split(/ +/);
  return text
    .trim()
    .replace(new RegExp(`\\${delimiter === '\t' ? 't' : delimiter}$`), '')
    .split(delimiter)
    .map((part) => part.trim());
}

function areNumbers(fields: Fields): boolean {
  let numbers = 0;
  for (let i = 0; i < fields.count; i++) {
    const kind = parseValue(String(fields.values[i] ?? ''), PLAIN, undefined, scratch, 0);
    if (kind === NOT_NUMERIC) return false;
    if (kind === NUMBER) numbers++;
  }
  return numbers > 0;
}

function table(
  held: readonly HeldLine[],
  texts: readonly string[],
  votes: number,
  wanted: Wanted,
): Guess | Doubt | null {
  const guess = guessTable(texts, votes, wanted);
  if (guess === null) return null;
  const { hex, names, fields } = guess;
  if (hex.length > 0 && isWantedHex(hex, names, fields, wanted)) {
    const example =
      texts[guess.first === -1 ? 0 : (texts.findIndex((_, i) => i >= guess.first && texts[i] !== '') ?? 0)];
    return { doubt: `the fields look like hexadecimal numbers, e.g. ${example}` };
  }
  if (guess.doubt !== null && fields === 2 && wanted.names.length === 1) {
    return { format: { ...formatOf(held, guess), fields: 1, decimal: ',', delimiter: ';' }, first: guess.first };
  }
  if (guess.doubt !== null) {
    const doubt = `one number with a decimal comma, or two whole numbers? e.g. ${guess.doubt}`;
    return { doubt };
  }
  return { format: formatOf(held, guess), first: guess.first };
}

function isWantedHex(hex: readonly number[], names: readonly string[] | null, fields: number, wanted: Wanted): boolean {
  if (names === null) return fields !== wanted.names.length || hex.some((field) => !wanted.ignored[field]);
  const bound = bindNames(names, wanted.names);
  return hex.some((field) => bound[field] >= 0 && !wanted.ignored[bound[field]]);
}

function formatOf(held: readonly HeldLine[], guess: TableGuess): TextFormat {
  const { style, numbers, fields, names, units, hasQuotes } = guess;
  const rows = held.filter((_, i) => i >= guess.first);
  const checksum = rows.filter((line) => line.checksum === 'right').length * 2 > rows.length;
  return {
    kind: 'csv',
    delimiter: style.delimiter as TextFormat['delimiter'],
    separator: null,
    fields,
    names,
    checksum,
    ...(numbers.decimal === '.' ? {} : { decimal: ',' as const }),
    ...(numbers.units ? { withUnits: true } : {}),
    ...(numbers.thousands === '' ? {} : { thousands: numbers.thousands }),
    ...(hasQuotes ? { quotes: true } : {}),
    ...(style.prefix === '' ? {} : { prefix: style.prefix }),
    ...(style.suffix === '' ? {} : { suffix: style.suffix }),
    ...(style.trailing ? { trailing: true } : {}),
    ...(units === null ? {} : { units }),
  };
}

/** Lines with labels, and words or units around the numbers. */
function sentence(texts: readonly string[], votes: number, wanted: Wanted): Guess | Doubt | null {
  const sets: { line: number; names: string[] }[] = [];
  const valuesOf = new Map<string, string[]>();
  texts.forEach((text, line) => {
    const fields = new Fields();
    sentenceFields(text, fields);
    let numbers = 0;
    for (let i = 0; i < fields.count; i++) {
      const value = String(fields.values[i] ?? '');
      if (parseValue(value, PLAIN, undefined, scratch, 0) === NUMBER) numbers++;
      const known = valuesOf.get(fields.names[i]);
      if (known === undefined) valuesOf.set(fields.names[i], [value]);
      else known.push(value);
    }
    if (numbers > 0) sets.push({ line, names: fields.names.slice(0, fields.count) });
  });
  const kept = repeated(sets, votes);
  if (kept.length < votes) return null;
  const kind = isRotating(kept) ? 'record' : 'sentence';
  const format = named(kind, { of: 'sentence' });
  const names = [...valuesOf.keys()];
  const bound = bindNames(names, wanted.names);
  const hex = names.find((name, i) => bound[i] >= 0 && wanted.required[bound[i]] && areHex(valuesOf.get(name) ?? []));
  if (hex !== undefined) return { doubt: `${hex}=${valuesOf.get(hex)?.[0]} is hexadecimal` };
  return { format, first: kept[0].line };
}
