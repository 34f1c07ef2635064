import { MISSING, NOT_NUMERIC, NUMBER } from '../number.js';
import { splitUnit } from './units.js';

/** How the numbers of a text are written. */
export interface NumberStyle {
  decimal: '.' | ',';
  /** Sign between groups of three digits; empty if there is none. */
  thousands: '' | ',' | '.' | ' ' | "'";
  /** Numbers may have units behind them. Where they have none, a letter behind a number is damage. */
  units: boolean;
}

export const PLAIN: NumberStyle = { decimal: '.', thousands: '', units: false };
/** Numbers with units, or without. */
export const WITH_UNITS: NumberStyle = { decimal: '.', thousands: '', units: true };

/** Words that boards and loggers write for a value that is absent, infinite or too large, in lower case. */
export const MISSING_WORDS: ReadonlySet<string> = new Set([
  '',
  'nan',
  'null',
  'none',
  'nil',
  'na',
  'n/a',
  '#n/a',
  '#na',
  '#num!',
  '#value!',
  '#div/0!',
  '#ref!',
  'n.a.',
  '-',
  '--',
  '---',
  'inf',
  'infinity',
  'ovf',
  'unavailable',
  'unknown',
  'undefined',
  'missing',
  'err',
  'error',
  'fail',
  'failed',
  'timeout',
  'invalid',
]);

/** Pairs of words with one meaning each way, in lower case: class 0, class 1. */
export const WORD_PAIRS: readonly (readonly [string, string])[] = [
  ['off', 'on'],
  ['false', 'true'],
  ['no', 'yes'],
  ['closed', 'open'],
  ['low', 'high'],
  ['inactive', 'active'],
  ['clear', 'detected'],
];

/** The class of a word that is one of a known pair; −1 for any other word. */
export function classOfPair(word: string): number {
  const lower = word.toLowerCase();
  for (const [zero, one] of WORD_PAIRS) {
    if (lower === zero) return 0;
    if (lower === one) return 1;
  }
  return -1;
}

/** A field without the white space, quotes, and the apostrophe of spreadsheets around its value. */
export function bareText(field: string): string {
  let text = field.trim();
  if (text.length >= 2 && text.startsWith('"') && text.endsWith('"'))
    text = text.slice(1, -1).replaceAll('""', '"').trim();
  if (text.startsWith("'")) text = text.slice(1);
  return text;
}

export function isMissing(text: string, more?: ReadonlySet<string>): boolean {
  const lower = text.toLowerCase();
  return (
    MISSING_WORDS.has(/^[+-](nan|inf|infinity)$/.test(lower) ? lower.slice(1) : lower) || more?.has(lower) === true
  );
}

/**
 * Reads a field that a person would read as one number: with a unit behind it, a sign apart from its digits, U+2212 for minus,
 * a decimal comma, groups of digits, quotes around it.
 *
 * writes   out[at]: the number, NaN when missing; untouched when not numeric
 * returns  NUMBER, MISSING or NOT_NUMERIC
 */
export function parseValue(
  field: string,
  style: NumberStyle,
  missing: ReadonlySet<string> | undefined,
  out: Float64Array,
  at: number,
): number {
  if (style.decimal === '.' && style.thousands === '' && isDigit(field, field.length - 1) && !/[xX]/.test(field)) {
    const plain = Number(field);
    if (!Number.isNaN(plain)) {
      out[at] = plain;
      return NUMBER;
    }
  }
  const text = bareText(field);
  if (isMissing(text, missing)) {
    out[at] = Number.NaN;
    return MISSING;
  }
  const number = numberOf(text, style);
  if (Number.isNaN(number)) return NOT_NUMERIC;
  out[at] = number;
  return NUMBER;
}

/** The number that `text` is, with a unit or without; NaN if it is none. */
export function numberOf(text: string, style: NumberStyle): number {
  const match = /^([+\-−–]?)\s*((?:\d[\d.,' ]*|[.,]\d+)(?:[eE][+-]?\d+)?)(.*)$/u.exec(text);
  if (match === null) return Number.NaN;
  const [, sign, digits, rest] = match;
  // Zeros in front, and letters behind: `00dc` is hexadecimal.
  if (rest !== '' && /^0\d/.test(digits)) return Number.NaN;
  if (rest !== '' && !(style.units && splitUnit(rest.trim()) !== null)) return Number.NaN;
  const value = digitsOf(digits.trimEnd(), style);
  return sign === '' || sign === '+' ? value : -value;
}

function digitsOf(digits: string, { decimal, thousands }: NumberStyle): number {
  let text = digits;
  if (thousands !== '' && text.includes(thousands)) {
    const [whole] = text.split(decimal, 1);
    const groups = whole.split(thousands);
    if (groups.some((group, i) => !(i === 0 ? /^\d{1,3}$/ : /^\d{3}$/).test(group))) return Number.NaN;
    text = groups.join('') + text.slice(whole.length);
  }
  if (decimal === ',') {
    if (text.includes('.')) return Number.NaN;
    text = text.replace(',', '.');
  }
  return /^(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text) ? Number(text) : Number.NaN;
}

/** Whether the character at `index` is a digit. */
function isDigit(text: string, index: number): boolean {
  const code = text.charCodeAt(index);
  return code >= 0x30 && code <= 0x39;
}
