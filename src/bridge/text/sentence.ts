import type { Fields } from './fields.js';
import { isKnownUnit, splitUnit, usualUnit } from './units.js';
import { isMissing } from './value.js';

/** A label and its separator: it begins with a letter behind white space or a bracket, and holds no other separator. */
const LABEL = /(?:^|(?<=[\s,;|>{([]))\[?(\p{L}[^:=,;|\t{}]{0,60}?)\s*(?::(?!\/\/)|=)[ \t]*/gu;
/** A number at the start of a text, and not the start of a word that goes on. */
const NUMBER = /^[+\-−–]?\s?(?:\d[\d.,]*\d|\d|[.,]\d+)(?:[eE][+-]?\d+)?(?![\p{L}\d_:]*[\d_:])/u;
/** Zeros that no decimal number is written with: `00dc` is hexadecimal. */
const PADDED = /^0\d/;
/** A number behind another value, with its unit or without. */
const MORE = /^[\s/]+([+\-−–]?(?:\d[\d.]*\d|\d)(?![\d.:]))(?:\s?([°*%‰µ\p{L}][^\s,;|]*))?/u;

/** Severity, time and tag that ESP-IDF and Zephyr print before the text of a line. */
const LOG_PREFIX = /^(?:[EWIDV] \(\d+\) [^:]+: |\[[\d:.,]+\] <\w+> [^:]+: )/;

/**
 * Splits a line such as `Temp: 23.4 °C, Humidity: 45 %` into named values. A second value behind one label is named by label and
 * unit, `Temperature (°F)`, or by a number. A unit at the end of the line, apart from the last value, is that of all values.
 *
 * writes   fields: appended
 * returns  the label at the end of the line whose value is in the next line; empty if there is none
 */
export function sentenceFields(line: string, fields: Fields): string {
  const text = line.replace(LOG_PREFIX, '');
  const from = fields.count;
  let label = '';
  let valueStart = 0;
  LABEL.lastIndex = 0;
  for (let match = LABEL.exec(text); match !== null; match = LABEL.exec(text)) {
    const value = label === '' ? '' : text.slice(valueStart, match.index);
    let next = match[1].replace(/\]$/, '').trim();
    const words = /^(\S+)\s+(.+)$/s.exec(next);
    if (label !== '' && value.trim() !== '') {
      addValues(fields, label, value);
      const last = fields.count - 1;
      if (words !== null && /\S $/.test(value) && last >= from && fields.units[last] === '' && isKnownUnit(words[1])) {
        fields.units[last] = usualUnit(words[1]);
        next = words[2];
      }
    } else if (label !== '' && words !== null) {
      // `State: ON Temp: 22`: the first word is the value.
      fields.add(label, isMissing(words[1]) ? null : words[1]);
      const unit = /^(\S+)\s+(.+)$/s.exec(words[2]);
      next = unit !== null && isKnownUnit(unit[1]) ? unit[2] : words[2];
    }
    label = next;
    valueStart = LABEL.lastIndex;
  }
  if (label === '') return '';
  const rest = text.slice(valueStart);
  if (rest.trim() === '') return label;
  addValues(fields, label, rest);
  shareUnit(fields, from, rest);
  return '';
}

/** The values behind a label, up to the next one. */
function addValues(fields: Fields, label: string, text: string): void {
  const number = NUMBER.exec(text);
  const attached = number === null ? '' : (/^\p{L}+/u.exec(text.slice(number[0].length))?.[0] ?? '');
  if (number === null || (PADDED.test(number[0]) && (attached !== '' || /[eE]/.test(number[0])))) {
    const word = /^[^\s,;|]+/u.exec(text.trim())?.[0].replace(/^"(.*)"$/, '$1') ?? '';
    fields.add(label, isMissing(word) ? null : word);
    return;
  }
  let rest = text.slice(number[0].length);
  const unit = unitAt(rest);
  fields.add(label, number[0], unit);
  if (unit !== '') rest = rest.slice(/^ ?[^\s,;|]+/u.exec(rest)?.[0].length ?? 0);
  let position = 2;
  for (let more = MORE.exec(rest); more !== null; more = MORE.exec(rest)) {
    const second = more[2] === undefined ? '' : splitUnit(more[2]);
    if (second === null) break;
    const name = second === '' ? `${label} ${position}` : `${label} (${second})`;
    if (fields.has(name)) break;
    fields.add(name, more[1], second);
    position++;
    rest = rest.slice(more[0].length);
  }
}

/** The unit right behind a number, or behind one space. */
function unitAt(rest: string): string {
  const attached = /^([°*%‰µμΩ℃℉\p{L}][^\s,;|]*)/u.exec(rest);
  if (attached !== null) return splitUnit(attached[1]) ?? '';
  const apart = /^ ([^\s,;|]+)(?=$|[\s,;|])/u.exec(rest);
  return apart !== null && (isKnownUnit(apart[1]) || /^[°*%‰]/.test(apart[1])) ? (splitUnit(apart[1]) ?? '') : '';
}

/** `X: 1 Y: 2  m/s^2`: a unit that stands apart at the end is that of all values, if none has its own. */
function shareUnit(fields: Fields, from: number, rest: string): void {
  for (let i = from; i < fields.count; i++) if (fields.units[i] !== '') return;
  const unit = /(?:\s{2,}|\t)(\S+)\s*$/.exec(rest)?.[1] ?? '';
  if (!isKnownUnit(unit)) return;
  for (let i = from; i < fields.count; i++) fields.units[i] = usualUnit(unit);
}

/**
 * Splits a line of names and values that alternate, `Time 0.00 Sine 0.000`.
 *
 * @returns whether the line is one
 */
export function alternatingFields(parts: readonly string[], fields: Fields): boolean {
  if (parts.length < 2 || parts.length % 2 !== 0) return false;
  for (let i = 0; i < parts.length; i += 2) {
    const name = parts[i].replace(/[:=]$/, '').trim();
    if (!/^\p{L}[\p{L}\d_ .%()/-]*$/u.test(name) || isMissing(name)) return false;
    fields.add(name, parts[i + 1]);
  }
  return true;
}
