/**
 * What a decoder counts, and where in its Float64Array.
 *
 * Every line is counted once: rxLines = rowsDecoded + headers + comments + droppedBeforeLock + all rejected… + the lines
 * held at the moment (16 at most, none after the lock).
 */
export const Counter = {
  /** Bytes fed, of any kind. */
  rxBytes: 0,
  /** Complete lines, of any kind. */
  rxLines: 1,
  /** Lines that became a row. */
  rowsDecoded: 2,
  /** Lines of column names that were used, or were equal to those in use. */
  headers: 3,
  /** Lines that are blank or start with #. */
  comments: 4,
  /** Lines before the first lock that are not of the format found: boot banners, half a first line. */
  droppedBeforeLock: 5,
  /** Lines of more than 512 bytes, also before the lock. */
  rejectedTooLong: 6,
  /** Lines whose *hh is wrong, or absent though the format has one. */
  rejectedChecksum: 7,
  /** Lines with more or fewer fields than the format. */
  rejectedFieldCount: 8,
  /** Lines whose labels are not those of the format, in its order. */
  rejectedLabels: 9,
  /** Lines with a field that is neither a number nor missing; inf is none. */
  rejectedNotNumeric: 10,
  /** Lines with a number too large for float32. */
  rejectedRange: 11,
  /** Good lines of a format in which a required column is missing. */
  rejectedColumns: 12,
  /** Times a format was locked: 1 after the first. */
  formats: 13,
  /** Pieces of lines before and after a cut of the link; not among rxLines. */
  droppedPartial: 14,
} as const;

/** The same by name, as `LineDecoder.counters()` returns them. */
export type LineCounters = { [name in keyof typeof Counter]: number };

/** Why a complete line was no row; `Counter.rejectedTooLong + reason` counts it. */
export const Reject = {
  tooLong: 0,
  checksum: 1,
  fieldCount: 2,
  labels: 3,
  notNumeric: 4,
  range: 5,
  columns: 6,
} as const;

/** The reasons by name: `onReject` gets an index into it. */
export const REJECT_REASONS = Object.keys(Reject) as readonly (keyof typeof Reject)[];

/** Why lines before a format was found were no rows: an index into `REFUSAL_REASONS` only. */
export const NO_FORMAT = REJECT_REASONS.length;

/** Every reason there is for a line that was no row, by name. */
export const REFUSAL_REASONS: readonly string[] = [...REJECT_REASONS, 'noFormat'];

export function readCounters(values: Float64Array): LineCounters {
  return Object.fromEntries(Object.entries(Counter).map(([name, at]) => [name, values[at]])) as LineCounters;
}
