import type { Fields } from './fields.js';

/** What a line is to a form. */
export const Line = {
  /** It completes a row, or holds several. */
  row: 0,
  /** It belongs to a row that is not complete yet. */
  part: 1,
  /** It is of the form, and not of a row: a header, another kind of record, a line between records. */
  other: 2,
  /** It is not of the form. */
  none: 3,
  /** Its checksum is wrong. */
  checksum: 4,
} as const;

/** A form of text that is read line by line into named or positional fields. */
export interface Form {
  /**
   * Takes the next line, without its end.
   *
   * @param emit called once for each complete row, with `fields` filled
   * @returns one of `Line`
   */
  line(text: string, emit: () => void): number;
  /** The fields of a row, while `emit` is called. */
  readonly fields: Fields;
  /** The input has ended: a row that is complete without what would follow is emitted. */
  finish(emit: () => void): void;
  /** The link was cut: a row that is not complete is dropped. */
  reset(): void;
}
