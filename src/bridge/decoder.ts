import type { SpecError } from '../spec/errors.js';
import { CR, equalBytes, HASH, LF, SPACE } from './bytes.js';
import { CHECKSUM_ABSENT, CHECKSUM_BYTES, CHECKSUM_RIGHT, CHECKSUM_WRONG, checkChecksum } from './checksum.js';
import { Columns, checkColumns } from './columns.js';
import { Counter, type LineCounters, NO_FORMAT, REFUSAL_REASONS, Reject, readCounters } from './counters.js';
import { FormatDetector, LINES_TO_LOCK } from './detector.js';
import { MAX_LINE_BYTES, SPANS, splitFields, splitLabelled } from './fields.js';
import { type Lock, makeLock, NO_SEPARATOR, type TextFormat } from './format.js';
import { NOT_NUMERIC, parseNumber } from './number.js';
import { LineVerdict, RefusalAccount } from './refusals.js';

export interface LineDecoderOptions {
  /** The schema's column names, in the order the device prints them when it prints no names. */
  columns: readonly string[];
  /** [columns]: which of them the task needs; the others may be missing from a header or from labels. */
  required: readonly boolean[];
  /** [columns]: which of them may hold any text, which is not looked at; their value is NaN. Default none. */
  ignored?: readonly boolean[];
  /** [columns], the caller's: a decoded row is written here, NaN where a value is missing. A rejected line leaves it as it was. */
  row: Float32Array;
  /** The column whose value is also kept as float64 in `time`: float32 cannot hold epoch time. */
  timeColumn?: number;
  /** `row`, and `time[0]`, are filled. Must not feed the same decoder. */
  onRow(): void;
  /** A complete line was no row, for `REJECT_REASONS[reason]`: a row may have been lost. */
  onReject?(reason: number): void;
  /** A format was locked: the first, or another one after a change of the device's. The rows that follow are of it. */
  onFormat?(format: TextFormat): void;
  /** The format just locked lacks a required column: its lines are rejected and counted until another one comes. */
  onMismatch?(problem: SpecError): void;
}

/** What `readRow` returns when it has read one; otherwise the index of a reason. */
const ROW = -1;

/** The least number that float32 rounds to Infinity: its largest one and half a step more. */
const FLOAT32_LIMIT = 3.4028235677973366e38;

const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf] as const;

/**
 * Lines of text to rows: the grammar, the limits and the rules of detection are in
 * `firmware-bridge/protocol/text.md`.
 *
 * Any cutting of the same bytes into chunks gives the same rows, calls and counters. Nothing from the wire makes it
 * throw; lines that are no rows are counted. After the lock a row allocates nothing. Memory is bounded: one line of
 * 512 bytes that crosses a border of chunks, and sixteen for detection.
 */
export class LineDecoder {
  /** [1]: the time column of the row in float64; NaN where the row has none. */
  readonly time = new Float64Array(1).fill(Number.NaN);

  private readonly columns: Columns;
  private readonly row: Float32Array;
  private readonly timeColumn: number;
  private readonly onRow: () => void;
  private readonly onReject: ((reason: number) => void) | undefined;
  private readonly onFormat: ((format: TextFormat) => void) | undefined;
  private readonly onMismatch: ((problem: SpecError) => void) | undefined;

  private readonly count = new Float64Array(Object.keys(Counter).length);
  /** The lines that were no rows. */
  readonly refusals = new RefusalAccount(REFUSAL_REASONS, this.count, Counter.rowsDecoded);
  /** [2]: where the field starts and ends for which the last line was refused; both 0 where no single one is wrong. */
  private readonly wrong = new Int32Array(2);
  private readonly spans = new Int32Array(SPANS);
  private readonly detector: FormatDetector;
  /** [columns]: the line's numbers, until it is known to be a row. NaN for columns the format lacks. */
  private readonly values: Float64Array;
  private lock: Lock | null = null;

  /** The start of a line whose end has not come yet. */
  private readonly partial = new Uint8Array(MAX_LINE_BYTES);
  private partialBytes = 0;
  /** The line whose end has not come yet is longer than `partial`. */
  private isTooLong = false;
  /** How long that line is so far. */
  private unendedBytes = 0;
  /** The bytes up to the next line feed belong to a line whose start was lost. */
  private isMidLine = false;

  /** @throws SpecError where the options do not belong together */
  constructor(options: LineDecoderOptions) {
    const ignored = options.ignored ?? options.columns.map(() => false);
    checkColumns(options.columns, options.required, ignored, options.row, options.timeColumn);
    this.columns = new Columns(options.columns, options.required, ignored);
    this.row = options.row;
    this.timeColumn = options.timeColumn ?? -1;
    this.onRow = options.onRow.bind(options);
    this.onReject = options.onReject?.bind(options);
    this.onFormat = options.onFormat?.bind(options);
    this.onMismatch = options.onMismatch?.bind(options);
    this.values = new Float64Array(this.columns.count).fill(Number.NaN);
    this.detector = new FormatDetector(this.columns, this.spans);
  }

  /** The format in force; null before the first lock. */
  get format(): TextFormat | null {
    return this.lock === null ? null : this.lock.format;
  }

  /** Whether lines held while no format has been found look like rows. */
  get isHopeful(): boolean {
    return this.detector.hasRows;
  }

  /** The line whose end has not come: its first bytes, borrowed, and how long it is so far, as far as it is kept. */
  get unended(): { bytes: Uint8Array; length: number } {
    return { bytes: this.partial, length: this.isTooLong ? this.unendedBytes : this.partialBytes };
  }

  /** Locks a format that is known from before, as if its lines had just been seen; `onFormat` is not called. */
  assume({ delimiter, separator, fields, names, checksum }: TextFormat): void {
    const byte = (text: string) => text.charCodeAt(0);
    const encoder = new TextEncoder();
    const nameBytes = names?.map((name) => encoder.encode(name)) ?? null;
    const separatorByte = separator === null ? NO_SEPARATOR : byte(separator);
    this.lock = makeLock(this.columns, byte(delimiter), separatorByte, fields, nameBytes, checksum);
    this.values.fill(Number.NaN);
    this.detector.clear(this.lock);
  }

  /**
   * Takes `bytes[start, end)`, the next bytes of the stream. They are not kept: the caller may reuse the buffer.
   * @hot
   */
  feed(bytes: Uint8Array, start: number, end: number): void {
    this.count[Counter.rxBytes] += end - start;
    let from = start;
    if (from < end && (this.partialBytes > 0 || this.isTooLong || this.isMidLine)) {
      const at = lineFeed(bytes, from, end);
      this.keepPartial(bytes, from, at);
      if (at === end) return;
      this.endPartial();
      from = at + 1;
    }
    while (from < end) {
      const at = lineFeed(bytes, from, end);
      if (at === end) {
        this.keepPartial(bytes, from, end);
        return;
      }
      if (at - from > MAX_LINE_BYTES) this.tooLong(bytes, from, at);
      else this.line(bytes, from, at);
      from = at + 1;
    }
  }

  /**
   * The source has ended: a last line without a line feed counts as a line, and lines held for detection are decided on
   * what there is. Bytes fed afterwards start a new line.
   */
  finish(): void {
    this.isMidLine = false;
    if (this.partialBytes > 0 || this.isTooLong) this.endPartial();
    if (this.lock === null && this.detector.count > 0) this.decide(1);
  }

  /**
   * The link was cut: the line that was coming and lines held for detection are dropped. The format stays locked, since
   * it is most likely the same device that comes back.
   *
   * @param midLine whether the stream goes on in the middle of a line: everything up to the next line feed is dropped too
   */
  reset(midLine: boolean): void {
    if (this.partialBytes > 0 || this.isTooLong) this.count[Counter.droppedPartial]++;
    this.partialBytes = 0;
    this.isTooLong = false;
    this.isMidLine = midLine;
    if (this.lock === null) this.dropHeld(this.detector.count);
    this.detector.clear(this.lock);
  }

  /** What has been counted so far, by name. Allocates: for reports, not for every row. */
  counters(): LineCounters {
    return readCounters(this.count);
  }

  /** Appends to the line whose end has not come yet. */
  private keepPartial(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (this.isTooLong) this.unendedBytes += length;
    if (this.isMidLine || this.isTooLong) return;
    const room = MAX_LINE_BYTES - this.partialBytes;
    const partial = this.partial;
    let to = this.partialBytes;
    for (let p = start; p < end && p - start < room; p++) partial[to++] = bytes[p];
    if (length <= room) {
      this.partialBytes = to;
      return;
    }
    this.isTooLong = true;
    this.unendedBytes = this.partialBytes + length;
    this.partialBytes = 0;
  }

  /** The end of the line kept so far has come. */
  private endPartial(): void {
    const length = this.partialBytes;
    this.partialBytes = 0;
    if (this.isMidLine) {
      this.isMidLine = false;
      this.count[Counter.droppedPartial]++;
    } else if (this.isTooLong) {
      this.isTooLong = false;
      this.tooLong(this.partial, 0, MAX_LINE_BYTES);
    } else this.line(this.partial, 0, length);
  }

  private tooLong(bytes: Uint8Array, start: number, end: number): void {
    this.count[Counter.rxLines]++;
    this.wrong.fill(0);
    this.reject(Reject.tooLong, bytes, start, end);
  }

  /** One complete line, without its line feed, of at most 512 bytes. */
  private line(bytes: Uint8Array, lineStart: number, lineEnd: number): void {
    this.count[Counter.rxLines]++;
    let start = lineStart;
    let end = lineEnd;
    if (bytes[start] === BYTE_ORDER_MARK[0] && end - start >= 3) {
      if (bytes[start + 1] === BYTE_ORDER_MARK[1] && bytes[start + 2] === BYTE_ORDER_MARK[2]) start += 3;
    }
    while (end > start && (bytes[end - 1] === CR || bytes[end - 1] === SPACE)) end--;
    let first = start;
    while (first < end && bytes[first] === SPACE) first++;
    if (first === end || bytes[first] === HASH) {
      this.count[Counter.comments]++;
      this.refusals.good(LineVerdict.comment, bytes, start, end);
      return;
    }
    if (this.lock === null) this.detect(bytes, start, end);
    else this.decode(this.lock, bytes, start, end);
  }

  private decode(lock: Lock, bytes: Uint8Array, start: number, end: number): void {
    const outcome = this.readRow(lock, bytes, start, end);
    if (outcome !== ROW) {
      this.refuse(lock, bytes, start, end, outcome);
      return;
    }
    const row = this.row;
    const values = this.values;
    for (let column = 0; column < row.length; column++) row[column] = values[column];
    if (this.timeColumn >= 0) this.time[0] = values[this.timeColumn];
    if (this.detector.count > 0) this.detector.clear(lock);
    this.count[Counter.rowsDecoded]++;
    this.refusals.good(LineVerdict.row, bytes, start, end);
    this.onRow();
  }

  /**
   * Reads a line of the locked format into `values`.
   *
   * returns  ROW, or the index of the first reason why it is none, in the order of `Reject`
   * @hot
   */
  private readRow(lock: Lock, bytes: Uint8Array, start: number, lineEnd: number): number {
    const wrong = this.wrong;
    wrong[0] = 0;
    wrong[1] = 0;
    const checksum = checkChecksum(bytes, start, lineEnd);
    if (checksum === CHECKSUM_WRONG || (checksum === CHECKSUM_ABSENT && lock.checksum)) return Reject.checksum;
    const end = checksum === CHECKSUM_RIGHT ? lineEnd - CHECKSUM_BYTES : lineEnd;

    const spans = this.spans;
    const fields = lock.fields;
    let stride = 2;
    let valueSpan = 0;
    if (lock.separator === NO_SEPARATOR) {
      if (splitFields(bytes, start, end, lock.delimiter, spans) !== fields) return Reject.fieldCount;
    } else {
      const found = splitLabelled(bytes, start, end, lock.delimiter, lock.separator, spans);
      if (found === 0) return Reject.labels;
      if (found !== fields) return Reject.fieldCount;
      const names = lock.nameBytes!;
      for (let field = 0; field < fields; field++) {
        if (equalBytes(bytes, spans[4 * field], spans[4 * field + 1], names[field])) continue;
        wrong[0] = spans[4 * field];
        wrong[1] = spans[4 * field + 1];
        return Reject.labels;
      }
      stride = 4;
      valueSpan = 2;
    }

    const values = this.values;
    const columnOfField = lock.columnOfField;
    let isInRange = true;
    for (let field = 0, span = valueSpan; field < fields; field++, span += stride) {
      const column = columnOfField[field];
      if (column < 0) continue;
      if (parseNumber(bytes, spans[span], spans[span + 1], values, column) === NOT_NUMERIC) {
        wrong[0] = spans[span];
        wrong[1] = spans[span + 1];
        return Reject.notNumeric;
      }
      const value = values[column];
      if (value >= FLOAT32_LIMIT || value <= -FLOAT32_LIMIT) {
        isInRange = false;
        wrong[0] = spans[span];
        wrong[1] = spans[span + 1];
      }
    }
    if (!isInRange) return Reject.range;
    return lock.problem === null ? ROW : Reject.columns;
  }

  /** A line that is no row of the locked format: its header, another header, or a reject, which may show another format. */
  private refuse(lock: Lock, bytes: Uint8Array, start: number, end: number, reason: number): void {
    const checksum = checkChecksum(bytes, start, end);
    if (checksum !== CHECKSUM_WRONG && reason !== Reject.range) {
      const contentEnd = checksum === CHECKSUM_RIGHT ? end - CHECKSUM_BYTES : end;
      if (this.detector.isHeaderOf(bytes, start, contentEnd, lock)) {
        this.count[Counter.headers]++;
        this.refusals.good(LineVerdict.header, bytes, start, end);
        return;
      }
      // Where rows have a checksum, names are believed with one only, or with eight rows under them.
      if (checksum === CHECKSUM_RIGHT || !lock.checksum) {
        const next = this.detector.lockFromHeader(bytes, start, contentEnd, checksum === CHECKSUM_RIGHT, lock);
        if (next !== null) {
          this.count[Counter.headers]++;
          this.refusals.good(LineVerdict.header, bytes, start, end);
          this.use(next);
          return;
        }
      }
    }
    this.reject(reason, bytes, start, end);
    // Lines of this format tell nothing about another one.
    if (reason === Reject.range || reason === Reject.columns) return;
    if (this.detector.isFull()) this.detector.dropOldest();
    this.detector.add(bytes, start, end);
    const next = this.detector.decide(LINES_TO_LOCK);
    if (next !== null) this.use(next);
  }

  /** A line before the first lock. */
  private detect(bytes: Uint8Array, start: number, end: number): void {
    if (this.detector.isFull()) {
      this.dropHeld(1);
      this.detector.dropOldest();
    }
    this.detector.add(bytes, start, end);
    this.refusals.held(bytes, start, end);
    this.decide(LINES_TO_LOCK);
  }

  /** Locks the format `votes` of the lines held agree on, and decodes them; with one vote wanted, what is left is dropped. */
  private decide(votes: number): void {
    const detector = this.detector;
    const lock = detector.decide(votes);
    if (lock === null) {
      if (votes > 1) return;
      this.dropHeld(detector.count);
      detector.clear(null);
      return;
    }
    const first = detector.firstOf(lock);
    this.dropHeld(first);
    this.refusals.settled();
    // The lines leave the detector before they are decoded: a reject among them may come back to it.
    const lines: Uint8Array[] = [];
    for (let i = first; i < detector.count; i++) lines.push(detector.lineBytes(i).slice(0, detector.lineLength(i)));
    this.use(lock);
    for (const line of lines) this.decode(this.lock!, line, 0, line.length);
  }

  /** The first lines of those held for detection are no rows. */
  private dropHeld(lines: number): void {
    const { detector } = this;
    this.count[Counter.droppedBeforeLock] += lines;
    for (let i = 0; i < lines; i++) {
      this.refusals.refuseHeld(NO_FORMAT, detector.lineBytes(i), 0, detector.lineLength(i));
    }
  }

  private use(lock: Lock): void {
    this.lock = lock;
    this.values.fill(Number.NaN);
    this.detector.clear(lock);
    this.count[Counter.formats]++;
    this.onFormat?.(lock.format);
    if (lock.problem !== null) this.onMismatch?.(lock.problem);
  }

  private reject(reason: number, bytes: Uint8Array, start: number, end: number): void {
    this.count[Counter.rejectedTooLong + reason]++;
    this.refusals.refuse(reason, bytes, start, end, this.wrong[0], this.wrong[1]);
    this.onReject?.(reason);
  }
}

/** Where the next line feed of `bytes[start, end)` is, or `end`. */
function lineFeed(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== LF) at++;
  return at;
}
