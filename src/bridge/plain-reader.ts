import { DOT, equalBytes } from './bytes.js';
import { CHECKSUM_ABSENT, CHECKSUM_BYTES, CHECKSUM_RIGHT, CHECKSUM_WRONG, checkChecksum } from './checksum.js';
import type { Columns } from './columns.js';
import { Reject } from './counters.js';
import { SPANS, splitFields, splitLabelled } from './fields.js';
import { type Lock, NO_SEPARATOR } from './format.js';
import { NOT_NUMERIC, parseNumber } from './number.js';
import { bytesText } from './text/line-text.js';
import type { RowValues } from './text/row-values.js';
import { type NumberStyle, PLAIN } from './text/value.js';

/** What `PlainReader.read` returns when it has read a row; otherwise the index of a reason. */
export const ROW = -1;

/** The least number that float32 rounds to Infinity: its largest one and half a step more. */
export const FLOAT32_LIMIT = 3.4028235677973366e38;

/** Rows whose last number has as many decimals before one with fewer is taken for a row that was cut. */
const ROWS_TO_KNOW_DECIMALS = 16;

/** Reads the lines of a locked format of plain fields, `csv` or `labels`, straight from their bytes. */
export class PlainReader {
  /** [2]: where the field that is wrong starts and ends in the line read last; both 0 where no single one is. */
  readonly wrong = new Int32Array(2);
  /** A row came whose last number lost digits; the next row shows whether it really did. */
  wasCut = false;
  private readonly spans = new Int32Array(SPANS);
  private style: NumberStyle = PLAIN;
  /** Units of the clock in a second; NaN until its first value has come. */
  private perSecond = Number.NaN;
  /** Decimals the last field of every row had; −1: they differ. */
  private decimals = -1;
  private decimalsRows = 0;
  /** Some column is required. */
  private readonly hasTask: boolean;

  constructor(
    private readonly columns: Columns,
    private readonly timeColumn: number,
    /** [columns]: a row, once it is known to be one. NaN for columns the format lacks. */
    private readonly values: Float64Array,
    private readonly slow: RowValues,
  ) {
    this.hasTask = columns.required.includes(true);
  }

  /** Another format is in force. */
  begin(style: NumberStyle): void {
    this.style = style;
    this.perSecond = Number.NaN;
    this.decimals = -1;
    this.decimalsRows = 0;
    this.wasCut = false;
  }

  /** The row that seemed cut was whole: the device prints as many decimals as it likes. */
  forgetDecimals(): void {
    this.wasCut = false;
    this.decimals = -1;
  }

  /**
   * Reads a line of the locked format into `values`.
   *
   * returns  ROW, or the index of the first reason why it is none, in the order of `Reject`
   * @hot
   */
  read(lock: Lock, bytes: Uint8Array, lineStart: number, lineEnd: number): number {
    this.wrong[0] = 0;
    this.wrong[1] = 0;
    const checksum = checkChecksum(bytes, lineStart, lineEnd);
    if (checksum === CHECKSUM_WRONG || (checksum === CHECKSUM_ABSENT && lock.checksum)) return Reject.checksum;
    let start = lineStart;
    let end = checksum === CHECKSUM_RIGHT ? lineEnd - CHECKSUM_BYTES : lineEnd;
    const { prefix, suffix } = lock;
    if (prefix.length > 0 || suffix.length > 0) {
      if (!equalBytes(bytes, start, Math.min(end, start + prefix.length), prefix)) return Reject.text;
      start += prefix.length;
      if (end - suffix.length < start || !equalBytes(bytes, end - suffix.length, end, suffix)) return Reject.text;
      end -= suffix.length;
    }
    if (lock.trailing && end > start && bytes[end - 1] === lock.delimiter) end--;
    if (lock.separator !== NO_SEPARATOR) return this.readLabels(lock, bytes, start, end);

    const spans = this.spans;
    const fields = lock.fields;
    if (splitFields(bytes, start, end, lock.delimiter, spans) !== fields) return Reject.fieldCount;
    const values = this.values;
    const columnOfField = lock.columnOfField;
    let isInRange = true;
    for (let field = 0, span = 0; field < fields; field++, span += 2) {
      const column = columnOfField[field];
      if (column < 0) continue;
      if (!this.number(lock, field, column, bytes, spans[span], spans[span + 1])) return Reject.notNumeric;
      const value = values[column];
      if (value >= FLOAT32_LIMIT || value <= -FLOAT32_LIMIT) isInRange = false;
    }
    if (!isInRange) return Reject.range;
    if (lock.problem !== null) return Reject.columns;
    const last = columnOfField[fields - 1];
    if (last < 0 || Number.isNaN(values[last])) return ROW;
    return this.isCut(bytes, spans[2 * fields - 2], spans[2 * fields - 1]) ? Reject.cut : ROW;
  }

  /** Values behind labels, in any order; labels that are absent are missing values. @hot */
  private readLabels(lock: Lock, bytes: Uint8Array, start: number, end: number): number {
    const spans = this.spans;
    const found = splitLabelled(bytes, start, end, lock.delimiter, lock.separator, spans);
    if (found === 0) return Reject.text;
    const values = this.values;
    const names = lock.nameBytes!;
    for (let column = 0; column < values.length; column++) values[column] = Number.NaN;
    let known = 0;
    let isInRange = true;
    for (let f = 0, span = 0; f < found; f++, span += 4) {
      let field = f;
      if (f >= names.length || !equalBytes(bytes, spans[span], spans[span + 1], names[f])) {
        field = findName(names, bytes, spans[span], spans[span + 1]);
        if (field < 0) continue;
      }
      known++;
      const column = lock.columnOfField[field];
      if (column < 0) continue;
      if (!this.number(lock, field, column, bytes, spans[span + 2], spans[span + 3])) return Reject.notNumeric;
      if (values[column] >= FLOAT32_LIMIT || values[column] <= -FLOAT32_LIMIT) isInRange = false;
    }
    if (known === 0) return Reject.labels;
    if (!isInRange) return Reject.range;
    return lock.problem === null ? ROW : Reject.columns;
  }

  /** Reads a field into `values[column]`; whether it is a number or missing, in a column that the task needs. @hot */
  private number(lock: Lock, field: number, column: number, bytes: Uint8Array, start: number, end: number): boolean {
    const values = this.values;
    const isClock = column === this.timeColumn;
    if (parseNumber(bytes, start, end, values, column) !== NOT_NUMERIC) {
      if (isClock) this.toSeconds(lock, field, column);
      return true;
    }
    const found = this.slow.take(column, bytesText(bytes, start, end), lock.units[field], this.style, values);
    if (found !== NOT_NUMERIC) return true;
    values[column] = Number.NaN;
    if (this.mayBeWrong(column)) return true;
    this.wrong[0] = start;
    this.wrong[1] = end;
    return false;
  }

  /** Whether a field of a column costs itself only, and not the row: no task uses it. With no task every column is in use. */
  mayBeWrong(column: number): boolean {
    return this.hasTask && !this.columns.required[column] && column !== this.timeColumn;
  }

  private toSeconds(lock: Lock, field: number, column: number): void {
    const values = this.values;
    if (Number.isNaN(values[column])) return;
    if (Number.isNaN(this.perSecond)) this.perSecond = this.slow.perSecond(column, lock.units[field], values[column]);
    if (this.perSecond !== 1) values[column] /= this.perSecond;
  }

  /** Whether the last number of a row has fewer decimals than all rows before had: digits were lost, as by a reset. @hot */
  private isCut(bytes: Uint8Array, start: number, end: number): boolean {
    let point = end - 1;
    while (point >= start && bytes[point] !== DOT) point--;
    const decimals = point < start ? 0 : end - 1 - point;
    if (this.decimals < 0 && this.decimalsRows >= ROWS_TO_KNOW_DECIMALS) return false;
    if (decimals === this.decimals) {
      this.decimalsRows++;
      return false;
    }
    if (this.decimalsRows >= ROWS_TO_KNOW_DECIMALS && decimals < this.decimals) {
      this.wasCut = true;
      return true;
    }
    if (this.decimalsRows === 0) {
      this.decimals = decimals;
      this.decimalsRows = 1;
    } else {
      this.decimals = -1;
      this.decimalsRows = ROWS_TO_KNOW_DECIMALS;
    }
    return false;
  }
}

/** The field named `bytes[start, end)`, or −1. @hot */
function findName(names: readonly Uint8Array[], bytes: Uint8Array, start: number, end: number): number {
  for (let field = 0; field < names.length; field++) if (equalBytes(bytes, start, end, names[field])) return field;
  return -1;
}
