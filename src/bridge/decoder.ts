import { SpecError } from '../spec/errors.js';
import { HASH, SPACE, TAB } from './bytes.js';
import { CHECKSUM_ABSENT, CHECKSUM_BYTES, CHECKSUM_RIGHT, CHECKSUM_WRONG, checkChecksum } from './checksum.js';
import { Columns, checkColumns } from './columns.js';
import { Counter, type LineCounters, NO_FORMAT, REFUSAL_REASONS, Reject, readCounters } from './counters.js';
import { type Lock, makeLock, NO_SEPARATOR, type TextFormat } from './format.js';
import { NOT_NUMERIC, NUMBER } from './number.js';
import { FLOAT32_LIMIT, PlainReader, ROW } from './plain-reader.js';
import { LineVerdict, RefusalAccount } from './refusals.js';
import { type Form, Line } from './text/form.js';
import { formOf, isPlain } from './text/forms.js';
import { guessFormat } from './text/guess.js';
import { headerLike } from './text/header.js';
import { HeldLines, LINES_TO_LOCK } from './text/held.js';
import { bytesText, isComment, isNoise, latin1Text, orderMark } from './text/line-text.js';
import { NameBinding } from './text/name-binding.js';
import { type FieldKind, RowValues } from './text/row-values.js';
import { LineSplitter } from './text/splitter.js';
import { bindNames } from './text/units.js';
import { type NumberStyle, PLAIN } from './text/value.js';

export interface LineDecoderOptions {
  /** The schema's column names, in the order the device prints them when it prints no names. */
  columns: readonly string[];
  /** [columns]: which of them the task needs; the others may be missing from a header or from labels. */
  required: readonly boolean[];
  /** [columns]: which of them may hold any text, which is not looked at; their value is NaN. Default none. */
  ignored?: readonly boolean[];
  /** [columns]: what they are: the words of a class and the times of a clock are read too. Default numbers. */
  kinds?: readonly FieldKind[];
  /** [columns]: units; that of a clock says what it counts in, if the wire does not. */
  clockUnits?: readonly string[];
  /** [columns]: the words of a class column, class 0 first. */
  words?: readonly (readonly string[] | undefined)[];
  /** The format, if it is declared: nothing is guessed. */
  format?: TextFormat | undefined;
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
  /** The lines cannot be rows of the task: a required column is missing from the format, or there are two ways to read them. */
  onMismatch?(problem: SpecError): void;
}

/** Rows of a form that names its values, after which a column that never came is missing. */
const ROWS_TO_MISS_COLUMN = 8;

/**
 * Lines of text to rows: the grammar, the limits and the rules of detection are in
 * `firmware-bridge/protocol/text.md`.
 *
 * Any cutting of the same bytes into chunks gives the same rows, calls and counters. Nothing from the wire makes it
 * throw; lines that are no rows are counted. After the lock a row of plain numbers allocates nothing. Memory is bounded: one line
 * that crosses a border of chunks, and sixteen for detection.
 */
export class LineDecoder {
  /** [1]: the time column of the row in float64; NaN where the row has none. */
  readonly time = new Float64Array(1).fill(Number.NaN);

  private readonly columns: Columns;
  private readonly row: Float32Array;
  private readonly timeColumn: number;
  private readonly onRow: () => void;
  private readonly options: LineDecoderOptions;

  private readonly count = new Float64Array(Object.keys(Counter).length);
  /** The lines that were no rows. */
  readonly refusals = new RefusalAccount(REFUSAL_REASONS, this.count, Counter.rowsDecoded);
  private readonly splitter: LineSplitter;
  private readonly held = new HeldLines();
  private readonly slow: RowValues;
  private readonly plain: PlainReader;
  /** [columns]: the line's numbers, until it is known to be a row. NaN for columns the format lacks. */
  private readonly values: Float64Array;
  private lock: Lock | null = null;
  /** The reader of a format that is not plain. */
  private form: Form | null = null;
  private binding: NameBinding;
  private style: NumberStyle = PLAIN;
  /** Rows of the form in force since its lock. */
  private formRows = 0;
  private problem: SpecError | null = null;
  /** The lines that can be read in two ways. */
  private doubtful = false;
  private doubtText = '';
  /** What a header line before the first lock announces. */
  private named: TextFormat | null = null;
  private lastDropped = '';

  /** @throws SpecError where the options do not belong together */
  constructor(options: LineDecoderOptions) {
    const ignored = options.ignored ?? options.columns.map(() => false);
    checkColumns(options.columns, options.required, ignored, options.row, options.timeColumn);
    this.options = options;
    this.columns = new Columns(options.columns, options.required, ignored);
    this.row = options.row;
    this.timeColumn = options.timeColumn ?? -1;
    this.onRow = options.onRow.bind(options);
    this.values = new Float64Array(this.columns.count).fill(Number.NaN);
    this.slow = new RowValues({ kinds: options.kinds, units: options.clockUnits, words: options.words });
    this.plain = new PlainReader(this.columns, this.timeColumn, this.values, this.slow);
    this.binding = new NameBinding(this.columns);
    this.splitter = new LineSplitter({
      line: (bytes, start, end) => this.line(bytes, start, end),
      tooLong: (bytes, start, end) => this.tooLong(bytes, start, end),
      damaged: (bytes, start, end) => this.damaged(bytes, start, end),
      partial: () => {
        this.count[Counter.droppedPartial]++;
      },
    });
    if (options.format !== undefined) this.assume(options.format);
  }

  /** The format in force; null before the first lock. */
  get format(): TextFormat | null {
    return this.lock === null ? null : this.lock.format;
  }

  /** Whether lines held while no format has been found look like rows. */
  get isHopeful(): boolean {
    const { lines } = this.held;
    const guess = this.lock === null && lines.length > 0 ? guessFormat(lines, 1, this.columns) : null;
    return guess !== null && !('doubt' in guess);
  }

  /** The line whose end has not come: its first bytes, borrowed, and how long it is so far. */
  get unended(): { bytes: Uint8Array; length: number } {
    return this.splitter.unended;
  }

  /** Locks a format that is known from before, as if its lines had just been seen; `onFormat` is not called. */
  assume(format: TextFormat): void {
    this.install(format);
  }

  /**
   * Takes `bytes[start, end)`, the next bytes of the stream. They are not kept: the caller may reuse the buffer.
   * @hot
   */
  feed(bytes: Uint8Array, start: number, end: number): void {
    this.count[Counter.rxBytes] += end - start;
    this.splitter.feed(bytes, start, end);
  }

  /**
   * The source has ended: a last line without a line end counts as a line, and lines held for detection are decided on
   * what there is. Bytes fed afterwards start a new line.
   */
  finish(): void {
    this.splitter.finish();
    if (this.lock === null && this.held.count > 0) this.decide(1);
    const rows = this.count[Counter.rowsDecoded];
    this.form?.finish(this.emit);
    // The last line of that row was counted as a part of it.
    if (this.count[Counter.rowsDecoded] > rows) this.count[Counter.parts]--;
  }

  /**
   * The link was cut: the line that was coming and lines held for detection are dropped. The format stays locked, since
   * it is most likely the same device that comes back.
   *
   * @param midLine whether the stream goes on in the middle of a line: everything up to the next line end is dropped too
   */
  reset(midLine: boolean): void {
    this.splitter.reset(midLine);
    if (this.lock === null) this.drop(this.held.count);
    else this.held.dropAll();
    this.form?.reset();
  }

  /** What has been counted so far, by name. Allocates: for reports, not for every row. */
  counters(): LineCounters {
    this.count[Counter.droppedBytes] = this.splitter.dropped[0];
    return readCounters(this.count);
  }

  private damaged(bytes: Uint8Array, start: number, end: number): void {
    this.count[Counter.rxLines]++;
    this.plain.wrong.fill(0);
    if (this.lock === null) this.noise(bytes, start, end);
    else this.reject(Reject.noise, bytes, start, end);
  }

  /** Noise before the first lock. Frames of a binary device look like this too: no row is lost. */
  private noise(bytes: Uint8Array, start: number, end: number): void {
    this.count[Counter.rejectedNoise]++;
    this.refusals.refuse(Reject.noise, bytes, start, end, 0, 0);
  }

  private tooLong(bytes: Uint8Array, start: number, end: number): void {
    this.count[Counter.rxLines]++;
    this.plain.wrong.fill(0);
    this.reject(Reject.tooLong, bytes, start, end);
  }

  /** One complete line, without its end. */
  private line(bytes: Uint8Array, lineStart: number, lineEnd: number): void {
    this.count[Counter.rxLines]++;
    let start = lineStart;
    if (bytes[start] >= 0xef) {
      start += orderMark(bytes, lineStart, lineEnd);
      this.splitter.dropped[0] += start - lineStart;
    }
    let end = lineEnd;
    while (end > start && (bytes[end - 1] === SPACE || (bytes[end - 1] === TAB && this.form !== null))) end--;
    let first = start;
    while (first < end && bytes[first] === SPACE) first++;
    if (first === end) {
      const rows = this.count[Counter.rowsDecoded];
      this.form?.line('', this.emit);
      if (this.count[Counter.rowsDecoded] === rows) this.count[Counter.comments]++;
      this.refusals.good(LineVerdict.comment, bytes, start, end);
      return;
    }
    if (this.lock === null) this.detect(bytes, start, end);
    else if (bytes[first] === HASH && isComment(bytes, first, end)) this.comment(this.lock, bytes, start, end);
    else if (this.form !== null) this.formLine(this.form, this.lock, bytes, start, end);
    else this.decode(this.lock, bytes, start, end);
  }

  /** A line that begins with `#`: names again, other names, or a comment. */
  private comment(lock: Lock, bytes: Uint8Array, start: number, end: number): void {
    if (this.header(lock, bytesText(bytes, start, end), !lock.checksum)) {
      this.refusals.good(LineVerdict.header, bytes, start, end);
      return;
    }
    this.count[Counter.comments]++;
    this.refusals.good(LineVerdict.comment, bytes, start, end);
  }

  private decode(lock: Lock, bytes: Uint8Array, start: number, end: number): void {
    const outcome = this.plain.read(lock, bytes, start, end);
    if (outcome !== ROW) {
      this.refuse(lock, bytes, start, end, outcome);
      return;
    }
    if (this.plain.wasCut) this.plain.forgetDecimals();
    this.refusals.good(LineVerdict.row, bytes, start, end);
    this.give();
  }

  /** `values` is a row. @hot */
  private give(): void {
    const row = this.row;
    const values = this.values;
    for (let column = 0; column < row.length; column++) row[column] = values[column];
    if (this.timeColumn >= 0) this.time[0] = values[this.timeColumn];
    if (this.held.count > 0) this.held.dropAll();
    this.count[Counter.rowsDecoded]++;
    this.onRow();
  }

  /** A line of a format that is not plain. */
  private formLine(form: Form, lock: Lock, bytes: Uint8Array, start: number, end: number): void {
    const checksum = lock.format.kind === 'csv' ? checkChecksum(bytes, start, end) : CHECKSUM_ABSENT;
    const contentEnd = checksum === CHECKSUM_RIGHT ? end - CHECKSUM_BYTES : end;
    const text = lock.format.kind === 'vedirect' ? latin1Text(bytes, start, end) : bytesText(bytes, start, contentEnd);
    this.plain.wrong.fill(0);
    this.rowProblem = ROW;
    const rowsBefore = this.count[Counter.rowsDecoded];
    const kind =
      checksum === CHECKSUM_WRONG || (lock.checksum && checksum === CHECKSUM_ABSENT)
        ? Line.checksum
        : form.line(text, this.emit);
    if (kind === Line.part || kind === Line.other) {
      if (rowsBefore === this.count[Counter.rowsDecoded]) this.count[Counter.parts]++;
      this.refusals.good(kind === Line.part ? LineVerdict.part : LineVerdict.comment, bytes, start, end);
    } else if (kind === Line.checksum) this.reject(Reject.checksum, bytes, start, end);
    else if (kind === Line.none) this.refuse(lock, bytes, start, end, Reject.text);
    else if (this.rowProblem !== ROW && rowsBefore === this.count[Counter.rowsDecoded]) {
      this.refuse(lock, bytes, start, end, this.rowProblem);
    } else this.refusals.good(LineVerdict.row, bytes, start, end);
  }

  /** Why the row that was emitted last is none; ROW if it is one. */
  private rowProblem = ROW;

  /** A complete row of the form: its fields go to the columns they are bound to. */
  private readonly emit = (): void => {
    const { form, lock, values, style, binding } = this;
    if (form === null || lock === null) return;
    const { fields } = form;
    values.fill(Number.NaN);
    let known = 0;
    for (let i = 0; i < fields.count; i++) {
      const name = fields.names[i];
      const column = name === '' ? lock.columnOfField[i] : binding.columnOf(name);
      if (column < 0) continue;
      const unit = name === '' ? lock.units[i] : fields.units[i] || binding.unitOf(name);
      const found = this.slow.take(column, fields.values[i], unit, style, values);
      if (found === NOT_NUMERIC) {
        values[column] = Number.NaN;
        if (!this.plain.mayBeWrong(column)) {
          this.rowProblem = Reject.notNumeric;
          return;
        }
      } else if (found === NUMBER && Math.abs(values[column]) >= FLOAT32_LIMIT) {
        this.rowProblem = Reject.range;
        return;
      }
      known++;
    }
    this.formRows++;
    const problem = lock.problem ?? this.missingOfForm(known);
    if (problem !== null) {
      if (this.problem === null) this.options.onMismatch?.(problem);
      this.problem = problem;
      this.rowProblem = Reject.columns;
      return;
    }
    this.problem = null;
    this.rowProblem = ROW;
    this.give();
  };

  /** A required column that no row has named so far. */
  private missingOfForm(known: number): SpecError | null {
    const { lock, binding } = this;
    if (lock === null || lock.format.names !== null || binding.names.length === 0) return null;
    if (known > 0 && this.formRows < ROWS_TO_MISS_COLUMN) return null;
    return binding.problem();
  }

  /** A line that is no row of the locked format: its header, another header, or a reject, which may show another format. */
  private refuse(lock: Lock, bytes: Uint8Array, start: number, end: number, reason: number): void {
    const checksum = checkChecksum(bytes, start, end);
    const contentEnd = checksum === CHECKSUM_RIGHT ? end - CHECKSUM_BYTES : end;
    let why = reason;
    if (reason !== Reject.range && reason !== Reject.cut && checksum !== CHECKSUM_WRONG) {
      if (isNoise(bytes, start, end)) why = Reject.noise;
      else {
        const text = bytesText(bytes, start, contentEnd);
        // Where rows have a checksum, other names are believed with one only.
        if (this.header(lock, text, checksum === CHECKSUM_RIGHT || !lock.checksum)) {
          this.refusals.good(LineVerdict.header, bytes, start, end);
          return;
        }
        if (!/\d/.test(text) && (reason === Reject.fieldCount || reason === Reject.notNumeric)) why = Reject.text;
      }
    }
    this.reject(why, bytes, start, end);
    // Lines of this format tell nothing about another one.
    if (why === Reject.range || why === Reject.cut || why === Reject.noise) return;
    if (reason === Reject.columns && lock.separator === NO_SEPARATOR) return;
    this.held.add(bytes, start, end);
    if (this.held.isDue()) this.change(lock);
  }

  /** Another format, if the lines refused agree on one that fits the task better. */
  private change(lock: Lock): void {
    const guess = guessFormat(this.held.lines, LINES_TO_LOCK, this.columns);
    if (guess === null || 'doubt' in guess) return;
    const { format } = guess;
    const { names, delimiter, fields } = lock.format;
    if (
      format.kind === 'csv' &&
      format.names === null &&
      names !== null &&
      format.fields === fields &&
      format.delimiter === delimiter
    ) {
      this.use({ ...format, names });
      return;
    }
    // Once names were seen, columns are never taken by position.
    const hadNames = lock.format.names !== null || lock.format.kind !== 'csv';
    if (format.kind === 'csv' && format.names === null && hadNames) return;
    if (JSON.stringify(format) === JSON.stringify(lock.format)) return;
    this.use(format);
  }

  /** A line that may be a header: counts it if it is that of the format in force, or takes it if it names every required column. */
  private header(lock: Lock, text: string, mayBeOther: boolean): boolean {
    if (lock.format.kind !== 'csv' && lock.format.kind !== 'join') return false;
    const found = headerLike(text, lock.format, this.columns);
    if (found === null || (found !== lock.format && !mayBeOther)) return false;
    this.count[Counter.headers]++;
    if (found !== lock.format) this.use(found);
    return true;
  }

  /** A line before the first lock. */
  private detect(bytes: Uint8Array, start: number, end: number): void {
    if (isNoise(bytes, start, end)) {
      this.noise(bytes, start, end);
      return;
    }
    if (this.held.isFull()) this.drop(1);
    const isMark = this.held.add(bytes, start, end);
    if (isMark) this.refusals.good(LineVerdict.comment, bytes, start, end);
    else this.refusals.held(bytes, start, end);
    if (this.held.isDue()) this.decide(LINES_TO_LOCK);
  }

  /** Drops the oldest lines held before the first lock. */
  private drop(count: number): void {
    for (let i = 0; i < count; i++) {
      this.rememberHeader();
      const line = this.held.dropOldest();
      if (line === null) return;
      this.count[line.isComment ? Counter.comments : Counter.droppedBeforeLock]++;
      if (!line.isComment) this.refusals.refuseHeld(NO_FORMAT, line.bytes, 0, line.bytes.length);
    }
  }

  /** A header line that leaves before its rows come is still known. */
  private rememberHeader(): void {
    const oldest = this.held.lines[0];
    if (oldest === undefined || oldest.text === this.lastDropped || /^[-+\d]/.test(oldest.text)) return;
    this.lastDropped = oldest.text;
    this.named = headerLike(oldest.text, UNFORMATTED, this.columns) ?? this.named;
  }

  /** Locks the format `votes` of the lines held agree on, and decodes them; with one vote wanted, what is left is dropped. */
  private decide(votes: number): void {
    const { held } = this;
    const guess = guessFormat(held.lines, votes, this.columns);
    if (guess === null) {
      if (votes === 1) this.drop(held.count);
      return;
    }
    if ('doubt' in guess) {
      this.doubtful = true;
      this.doubt(guess.doubt);
      return;
    }
    const { format } = guess;
    const isNameless = bindNames(format.names ?? [], this.columns.names).every((column) => column < 0);
    if (this.doubtful && isNameless && (format.kind === 'csv' || format.of === 'alternating')) {
      // Lines like those before: that these show no sign of doubt does not decide it.
      this.doubt(this.doubtText);
      return;
    }
    const { named } = this;
    const isNamed = format.kind === 'csv' && format.names === null && named !== null;
    const hasNames = isNamed && named.delimiter === format.delimiter && named.fields === format.fields;
    this.useFrom(hasNames ? { ...format, names: named.names } : format, guess.first);
  }

  private doubt(text: string): void {
    this.doubtText = text;
    const problem = new SpecError('BRIDGE_DOUBT', {
      where: "the device's rows",
      found: text,
      expected: 'one way to read them',
      remedy: 'let the device print a header line and a decimal point',
    });
    if (this.problem === null) this.options.onMismatch?.(problem);
    this.problem = problem;
    for (const line of this.held.take()) {
      this.count[Counter.rejectedTooLong + Reject.doubtful]++;
      this.refusals.refuseHeld(Reject.doubtful, line, 0, line.length);
      this.options.onReject?.(Reject.doubtful);
    }
  }

  /** Takes the first format, and decodes the lines held from `first` on. */
  private useFrom(format: TextFormat, first: number): void {
    this.drop(first);
    // The lines leave before they are decoded: a reject among them may come back.
    const lines = this.held.take();
    this.refusals.settled();
    this.use(format);
    for (const line of lines) {
      this.count[Counter.rxLines]--;
      this.line(line, 0, line.length);
    }
  }

  private use(format: TextFormat): void {
    this.install(format);
    this.count[Counter.formats]++;
    this.options.onFormat?.(this.lock!.format);
    if (this.lock!.problem !== null) this.options.onMismatch?.(this.lock!.problem);
  }

  private install(format: TextFormat): void {
    this.lock = makeLock(this.columns, format);
    this.form = isPlain(format) ? null : formOf(format);
    this.binding = new NameBinding(this.columns);
    const { decimal = '.', thousands = '', withUnits = false } = format;
    this.style = { decimal, thousands, units: withUnits };
    this.values.fill(Number.NaN);
    this.plain.begin(this.style);
    this.formRows = 0;
    this.problem = this.lock.problem;
    this.held.dropAll();
  }

  private reject(reason: number, bytes: Uint8Array, start: number, end: number): void {
    this.count[Counter.rejectedTooLong + reason]++;
    if (reason !== Reject.cut) this.plain.wasCut = false;
    const { wrong } = this.plain;
    this.refusals.refuse(reason, bytes, start, end, wrong[0], wrong[1]);
    this.options.onReject?.(reason);
  }
}

/** Before the first lock. */
const UNFORMATTED: TextFormat = {
  kind: 'csv',
  delimiter: ',',
  separator: null,
  fields: 0,
  names: null,
  checksum: false,
};
