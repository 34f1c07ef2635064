import { SPACE, TAB } from './bytes.js';

/** The longest line, in bytes before its end. */
export const MAX_LINE_BYTES = 65536;

/** The longest part of a line of text between frames that listeners get, in bytes. */
export const MAX_TEXT_BYTES = 512;

/** A line of more fields is of no format. */
export const MAX_FIELDS = 4096;

/** A labelled field has two spans. */
export const SPANS = 4 * (MAX_FIELDS + 1);

/**
 * Cuts `bytes[start, end)` at every `delimiter`; with SPACE, at every run of spaces.
 * Spaces and tabs around a field do not belong to it.
 *
 * writes   spans[2f], spans[2f + 1]: where field f starts and ends
 * returns  the number of fields, at least 1; those beyond MAX_FIELDS are counted as one
 * @hot
 */
export function splitFields(
  bytes: Uint8Array,
  start: number,
  end: number,
  delimiter: number,
  spans: Int32Array,
): number {
  let fields = 0;
  let p = start;
  for (;;) {
    while (p < end && (bytes[p] === SPACE || (bytes[p] === TAB && delimiter !== TAB))) p++;
    const from = p;
    while (p < end && bytes[p] !== delimiter) p++;
    let to = p;
    while (to > from && (bytes[to - 1] === SPACE || bytes[to - 1] === TAB)) to--;
    spans[2 * fields] = from;
    spans[2 * fields + 1] = to;
    if (fields < MAX_FIELDS) fields++;
    if (delimiter === SPACE) while (p < end && bytes[p] === SPACE) p++;
    if (p >= end) return fields;
    if (delimiter !== SPACE) {
      p++;
      if (p === end) {
        // The line ends with a delimiter: one more field, empty.
        spans[2 * fields] = end;
        spans[2 * fields + 1] = end;
        return fields < MAX_FIELDS ? fields + 1 : fields;
      }
    }
  }
}

/**
 * Cuts `bytes[start, end)` into `label separator value` at every `delimiter` (SPACE: at runs of spaces that follow a
 * value). Spaces and tabs around labels and values do not belong to them; a delimiter at the end of the line is ignored.
 *
 * writes   spans[4f] … spans[4f + 3]: where label f starts and ends, where value f starts and ends
 * returns  the number of fields, or 0 where some field has no separator or no label
 * @hot
 */
export function splitLabelled(
  bytes: Uint8Array,
  start: number,
  end: number,
  delimiter: number,
  separator: number,
  spans: Int32Array,
): number {
  let fields = 0;
  let p = start;
  for (;;) {
    while (p < end && (bytes[p] === SPACE || (bytes[p] === TAB && delimiter !== TAB))) p++;
    if (p >= end) return fields;
    const label = p;
    while (p < end && bytes[p] !== separator && bytes[p] !== delimiter) p++;
    let labelEnd = p;
    while (labelEnd > label && (bytes[labelEnd - 1] === SPACE || bytes[labelEnd - 1] === TAB)) labelEnd--;
    if (p >= end || bytes[p] !== separator || labelEnd === label) return 0;
    p++;
    while (p < end && (bytes[p] === SPACE || (bytes[p] === TAB && delimiter !== TAB))) p++;
    const value = p;
    while (p < end && bytes[p] !== delimiter) p++;
    let valueEnd = p;
    while (valueEnd > value && (bytes[valueEnd - 1] === SPACE || bytes[valueEnd - 1] === TAB)) valueEnd--;
    spans[4 * fields] = label;
    spans[4 * fields + 1] = labelEnd;
    spans[4 * fields + 2] = value;
    spans[4 * fields + 3] = valueEnd;
    if (fields < MAX_FIELDS) fields++;
    if (p >= end) return fields;
    p++;
  }
}
