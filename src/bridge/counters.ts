/**
 * What a decoder counts, and where in its Float64Array.
 *
 * Every line is counted once: rxLines = rowsDecoded + headers + comments + droppedBeforeLock + parts + all rejected… + the lines
 * held at the moment (16 at most, none after the lock). A line that holds several rows counts several in rowsDecoded.
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
  /** Lines of more than 65536 bytes, also before the lock. */
  rejectedTooLong: 6,
  /** Lines whose *hh is wrong, or absent though the format has one. */
  rejectedChecksum: 7,
  /** Lines with more or fewer fields than the format. */
  rejectedFieldCount: 8,
  /** Lines without any label of the format. */
  rejectedLabels: 9,
  /** Lines with a field of a column in use that is neither a number nor missing. */
  rejectedNotNumeric: 10,
  /** Lines with a number too large for float32. */
  rejectedRange: 11,
  /** Good lines of a format in which a required column is missing. */
  rejectedColumns: 12,
  /** Lines of text that are of no row: messages, boot text, summaries. */
  rejectedText: 13,
  /** Lines of bytes that are no text: noise, a wrong bit rate. */
  rejectedNoise: 14,
  /** Rows whose last number lost digits, as by a reset. */
  rejectedCut: 15,
  /** Lines that can be read in more than one way, until somebody decides. */
  rejectedDoubtful: 16,
  /** Times a format was locked: 1 after the first. */
  formats: 17,
  /** Pieces of lines before and after a cut of the link; not among rxLines. */
  droppedPartial: 18,
  /** Lines that are parts of a row of several lines, or stand between such rows. */
  parts: 19,
  /** Bytes taken out of lines: NUL, XON, XOFF, escape sequences of terminals, marks of byte order. */
  droppedBytes: 20,
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
  text: 7,
  noise: 8,
  cut: 9,
  doubtful: 10,
} as const;

/** The reasons by name: `onReject` gets an index into it. */
export const REJECT_REASONS = Object.keys(Reject) as readonly (keyof typeof Reject)[];

/** Why lines before a format was found were no rows: an index into `REFUSAL_REASONS` only. */
export const NO_FORMAT = REJECT_REASONS.length;

/** Every reason there is for a line that was no row, by name. */
export const REFUSAL_REASONS: readonly string[] = [...REJECT_REASONS, 'noFormat'];

/** Lines that were no rows and should have been, also before a format was found. */
export function rejectedLines(lines: LineCounters): number {
  let sum = lines.droppedBeforeLock;
  for (const name in lines) if (name.startsWith('rejected')) sum += lines[name as keyof LineCounters];
  return sum;
}

export function readCounters(values: Float64Array): LineCounters {
  return Object.fromEntries(Object.entries(Counter).map(([name, at]) => [name, values[at]])) as LineCounters;
}
