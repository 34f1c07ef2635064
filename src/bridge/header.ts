import {
  CLOSE,
  CLOSE_SQUARE,
  HASH_START,
  hashBytes,
  isWord,
  LETTER_A,
  LETTER_Z,
  LOWER_CASE,
  MINUS,
  OPEN,
  OPEN_SQUARE,
  PERCENT,
  PLUS,
  SLASH,
  SPACE,
  UNDERSCORE,
  ZERO,
} from './bytes.js';
import type { Columns } from './columns.js';
import { MAX_LINE_BYTES, splitFields } from './fields.js';
import { nameCopy, quotesAround } from './format.js';
import { NOT_NUMERIC, parseNumber } from './number.js';

/** How sure it is that a line is a header, from not at all to certain. */
export const NO_HEADER = 0;
/** As many words as rows have fields, none of them a column. Believed, for rows under foreign names are not ours. */
export const FOREIGN_HEADER = 1;
/** As many names as rows have fields, some of them columns. */
export const PARTIAL_HEADER = 2;
/** Every required column is named. */
export const FULL_HEADER = 3;

/** Knows a header line when it sees one, among the other things a device prints. Keeps scratch memory, no state. */
export class HeaderReader {
  private readonly value = new Float64Array(1);
  private readonly hashes = new Int32Array(MAX_LINE_BYTES + 1);
  /** [columns]: the last call of `grade` that met the column. */
  private readonly metInCall: Int32Array;
  private call = 0;

  constructor(
    private readonly columns: Columns,
    private readonly spans: Int32Array,
  ) {
    this.metInCall = new Int32Array(columns.count);
  }

  /**
   * Grades `bytes[start, end)` as a header with `delimiter`. Its fields must be names: not empty, not a number, not
   * missing, free of control characters, and no column twice. A full header may have any number of fields where
   * fields are not cut at spaces; all others must have as many as the rows.
   *
   * @param rowFields fields of the rows with this delimiter; 0 while none are known
   */
  grade(bytes: Uint8Array, start: number, end: number, delimiter: number, rowFields: number): number {
    const fields = splitFields(bytes, start, end, delimiter, this.spans);
    if (fields !== rowFields && delimiter === SPACE) return NO_HEADER;
    this.call = (this.call + 1) | 0;
    let known = 0;
    let plain = true;
    for (let field = 0; field < fields; field++) {
      const from = this.spans[2 * field];
      const to = this.spans[2 * field + 1];
      const quotes = quotesAround(bytes, from, to);
      if (!this.isName(bytes, from + quotes, to - quotes)) return NO_HEADER;
      if (!isPlain(bytes, from + quotes, to - quotes)) plain = false;
      const column = this.columns.find(bytes, from + quotes, to - quotes);
      if (column < 0) continue;
      if (this.metInCall[column] === this.call) return NO_HEADER;
      this.metInCall[column] = this.call;
      known++;
    }
    if (known > 0 && this.hasAllRequired()) return FULL_HEADER;
    if (fields !== rowFields) return NO_HEADER;
    if (known > 0) return PARTIAL_HEADER;
    return plain && fields >= 2 && delimiter !== SPACE && this.areDistinct(bytes, fields) ? FOREIGN_HEADER : NO_HEADER;
  }

  /** The names of a line that has been graded as a header. */
  names(bytes: Uint8Array, start: number, end: number, delimiter: number): Uint8Array[] {
    const fields = splitFields(bytes, start, end, delimiter, this.spans);
    const names: Uint8Array[] = [];
    for (let field = 0; field < fields; field++) {
      names.push(nameCopy(bytes, this.spans[2 * field], this.spans[2 * field + 1]));
    }
    return names;
  }

  private hasAllRequired(): boolean {
    const required = this.columns.required;
    for (let column = 0; column < required.length; column++) {
      if (required[column] && this.metInCall[column] !== this.call) return false;
    }
    return true;
  }

  private isName(bytes: Uint8Array, start: number, end: number): boolean {
    for (let p = start; p < end; p++) if (bytes[p] < SPACE) return false;
    if (parseNumber(bytes, start, end, this.value, 0) !== NOT_NUMERIC) return false;
    const sign = bytes[start] === MINUS || bytes[start] === PLUS ? 1 : 0;
    return !NUMBER_WORDS.some((word) => isWord(bytes, start + sign, end, word));
  }

  /** Whether the fields just split are all different; a sensor that fails prints the same word everywhere. */
  private areDistinct(bytes: Uint8Array, fields: number): boolean {
    for (let field = 0; field < fields; field++) {
      this.hashes[field] = hashBytes(bytes, this.spans[2 * field], this.spans[2 * field + 1], HASH_START);
      for (let other = 0; other < field; other++) if (this.hashes[other] === this.hashes[field]) return false;
    }
    return true;
  }
}

/** What devices print for a number they cannot print: no names. */
const NUMBER_WORDS = ['inf', 'infinity', 'ovf', 'na', 'n/a'].map((word) => new TextEncoder().encode(word));

/** Whether a name looks like one also to a reader who does not know it: a word, perhaps with a unit, no sentence. */
function isPlain(bytes: Uint8Array, start: number, end: number): boolean {
  for (let p = start; p < end; p++) {
    const byte = bytes[p];
    const letter = byte | LOWER_CASE;
    const isWord =
      (letter >= LETTER_A && letter <= LETTER_Z) ||
      (byte >= ZERO && byte <= ZERO + 9) ||
      byte === UNDERSCORE ||
      byte === MINUS ||
      byte === SLASH ||
      byte === PERCENT ||
      byte === OPEN ||
      byte === CLOSE ||
      byte === OPEN_SQUARE ||
      byte === CLOSE_SQUARE ||
      byte >= 0x80;
    if (!isWord) return false;
  }
  return true;
}
