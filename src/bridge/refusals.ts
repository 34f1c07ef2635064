/** Bytes kept of a line. */
const LINE_BYTES = 240;
/** The latest lines kept. */
const LINES = 12;
/** Refusals whose places are kept. */
const PLACES = 5;
/** Lines are being refused when at least this part of the latest ones was: 5 of 50. */
const ROWS_A_REFUSAL = 9;
/** Good rows in succession after which refusing is over; doubled with every time it began, up to `MOST_GOOD_ROWS`. */
const GOOD_ROWS = 10;
const MOST_GOOD_ROWS = 1280;
/** Lines, and bytes of one that does not end, of which none is a row, before that is remarkable. */
const LEAST_LINES = 3;
const LEAST_UNENDED = 200;
/** Boot banners are over after that. */
const PATIENCE_MS = 3000;

/** What became of a line, where it was not refused for a reason, which is an index from 0. */
export const LineVerdict = {
  /** It was a row. */
  row: -1,
  /** Column names. */
  header: -2,
  /** Blank, or a comment. */
  comment: -3,
  /** No format has been found yet: it may still become a row. */
  undecided: -4,
  /** It belongs to a row of several lines. */
  part: -5,
} as const;

/** Numbers of a line kept. */
const Slot = { length: 0, whole: 1, verdict: 2, wrongStart: 3, wrongEnd: 4 } as const;
const SLOT_INTS = 5;

/** A line as it came, made fit to be shown. */
export interface RawLine {
  /** Control characters as their pictures, bytes that are no UTF-8 as �; cut where it is long. */
  text: string;
  /** Where the field that is wrong starts and ends, in characters of `text`; null where no single one is. */
  wrong: [start: number, end: number] | null;
  /** `row`, `header`, `comment`, `undecided`, or the reason why it is no row. */
  verdict: string;
}

/** Lines of one reason. */
export interface RefusedLines {
  reason: string;
  count: number;
  /** The latest. */
  example: RawLine;
}

/**
 * Keeps account of the lines that are no rows: how many by reason, an example of each as it came, where they were among
 * the rows, and the latest lines with what became of them. Of a fixed size; the only thing a row costs is one comparison.
 *
 * It has no clock and decides nothing: see `RefusalWatch`.
 */
export class RefusalAccount {
  /** [reasons] */
  private readonly counts: Float64Array;
  private readonly examples: LineStore;
  private readonly latest = new LineStore(LINES);
  /** [0]: the next place in `latest` · [1]: lines in it · [2]: good lines that are still to be kept · [3]: place in `rowsAt` */
  private readonly at = new Int32Array(4);
  /** How many rows there had been at each of the last refusals. */
  private readonly rowsAt = new Float64Array(PLACES).fill(Number.NEGATIVE_INFINITY);
  /** [0]: lines refused · [1]: lines that may still become rows · [2]: changes of what is kept */
  private readonly sums = new Float64Array(3);

  /**
   * @param reasons their names, by index
   * @param counters of the decoder, where `counters[rowsCounter]` counts rows
   */
  constructor(
    private readonly reasons: readonly string[],
    private readonly counters: Float64Array,
    private readonly rowsCounter: number,
  ) {
    this.counts = new Float64Array(reasons.length);
    this.examples = new LineStore(reasons.length);
  }

  get rows(): number {
    return this.counters[this.rowsCounter];
  }

  /** Lines refused, of any reason, before a format was found too. */
  get refused(): number {
    return this.sums[0];
  }

  /** Lines held while no format has been found. */
  get undecided(): number {
    return this.sums[1];
  }

  /** Changes with every line that is kept. */
  get version(): number {
    return this.sums[2];
  }

  /** Rows since the last refusal but `back`; Infinity where there were not as many. */
  rowsSince(back: number): number {
    return this.rows - this.rowsAt[(this.at[3] + PLACES - 1 - back) % PLACES];
  }

  /**
   * A line was a row, names or a comment. It is kept where somebody looks.
   * @hot
   */
  good(verdict: number, bytes: Uint8Array, start: number, end: number): void {
    if (this.at[2] === 0) return;
    this.at[2]--;
    this.keep(verdict, bytes, start, end, 0, 0);
  }

  /** A line came before a format was found. */
  held(bytes: Uint8Array, start: number, end: number): void {
    this.sums[1]++;
    this.keep(LineVerdict.undecided, bytes, start, end, 0, 0);
  }

  /** A format was found: lines held that were not refused are given again, as rows or refused. */
  settled(): void {
    const { latest, at, sums } = this;
    // The latest ones kept are those.
    for (; sums[1] > 0; sums[1]--) {
      const last = (at[0] + LINES - 1) % LINES;
      if (at[1] === 0 || latest.verdict(last) !== LineVerdict.undecided) break;
      at[0] = last;
      at[1]--;
    }
    sums[1] = 0;
    sums[2]++;
  }

  /** A line held is no row: it has been among the latest already. */
  refuseHeld(reason: number, bytes: Uint8Array, start: number, end: number): void {
    this.counts[reason]++;
    this.sums[0]++;
    this.sums[1] = Math.max(this.sums[1] - 1, 0);
    this.sums[2]++;
    this.examples.set(reason, reason, bytes, start, end, 0, 0);
  }

  /**
   * A line is no row.
   *
   * @param reason its index
   * @param wrongStart,wrongEnd the field that is wrong; both 0 where no single one is
   */
  refuse(reason: number, bytes: Uint8Array, start: number, end: number, wrongStart: number, wrongEnd: number): void {
    this.counts[reason]++;
    this.sums[0]++;
    if (this.rows > 0) {
      this.rowsAt[this.at[3]] = this.rows;
      this.at[3] = (this.at[3] + 1) % PLACES;
    }
    this.examples.set(reason, reason, bytes, start, end, wrongStart, wrongEnd);
    this.keep(reason, bytes, start, end, wrongStart, wrongEnd);
  }

  /** Keeps the next good lines, as many as there is room for, among the latest. */
  watch(): void {
    this.at[2] = LINES;
  }

  /** The latest lines, oldest first. Good ones are among them from now on: as many as there is room for, once a call. */
  lines(): RawLine[] {
    const { latest, at } = this;
    this.watch();
    return Array.from({ length: at[1] }, (_, i) => {
      const line = this.rawLine(latest, (at[0] + 2 * LINES - at[1] + i) % LINES);
      const isHeld = i >= at[1] - this.undecided;
      return line.verdict === 'undecided' && !isHeld ? { ...line, verdict: 'noFormat' } : line;
    });
  }

  /** What was refused, the most frequent reason first. */
  report(): RefusedLines[] {
    return this.reasons
      .flatMap((reason, i) =>
        this.counts[i] === 0 ? [] : [{ reason, count: this.counts[i], example: this.rawLine(this.examples, i) }],
      )
      .sort((a, b) => b.count - a.count);
  }

  /** The latest line that was refused or may not become a row; null where there is none. */
  example(): RawLine | null {
    const { latest, at } = this;
    for (let i = 1; i <= at[1]; i++) {
      const slot = (at[0] + LINES - i) % LINES;
      const verdict = latest.verdict(slot);
      if (verdict >= 0 || verdict === LineVerdict.undecided) return this.rawLine(latest, slot);
    }
    return this.report()[0]?.example ?? null;
  }

  private keep(
    verdict: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    wrongStart: number,
    wrongEnd: number,
  ): void {
    const { at } = this;
    this.latest.set(at[0], verdict, bytes, start, end, wrongStart, wrongEnd);
    at[0] = (at[0] + 1) % LINES;
    if (at[1] < LINES) at[1]++;
    this.sums[2]++;
  }

  private rawLine(store: LineStore, slot: number): RawLine {
    const verdict = store.verdict(slot);
    return { ...store.shown(slot), verdict: verdict >= 0 ? this.reasons[verdict] : VERDICT_NAMES[-1 - verdict] };
  }
}

const VERDICT_NAMES = ['row', 'header', 'comment', 'undecided', 'part'] as const;

/** Room for lines, cut where they are long. */
class LineStore {
  private readonly bytes: Uint8Array;
  private readonly ints: Int32Array;

  constructor(slots: number) {
    this.bytes = new Uint8Array(slots * LINE_BYTES);
    this.ints = new Int32Array(slots * SLOT_INTS);
  }

  set(
    slot: number,
    verdict: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    wrongStart: number,
    wrongEnd: number,
  ): void {
    // The field that is wrong is among what is kept.
    const from = Math.max(start, Math.min(wrongEnd - LINE_BYTES, wrongStart));
    const length = Math.min(end - from, LINE_BYTES);
    const to = slot * LINE_BYTES;
    for (let i = 0; i < length; i++) this.bytes[to + i] = bytes[from + i];
    const int = slot * SLOT_INTS;
    this.ints[int + Slot.length] = length;
    this.ints[int + Slot.whole] = (from > start ? 1 : 0) | (from + length < end ? 2 : 0);
    this.ints[int + Slot.verdict] = verdict;
    this.ints[int + Slot.wrongStart] = wrongEnd > 0 ? Math.max(wrongStart - from, 0) : 0;
    this.ints[int + Slot.wrongEnd] = wrongEnd > 0 ? Math.min(wrongEnd - from, length) : -1;
  }

  verdict(slot: number): number {
    return this.ints[slot * SLOT_INTS + Slot.verdict];
  }

  shown(slot: number): Pick<RawLine, 'text' | 'wrong'> {
    const int = slot * SLOT_INTS;
    const from = slot * LINE_BYTES;
    const { ints, bytes } = this;
    const line = bytes.subarray(from, from + ints[int + Slot.length]);
    const start = ints[int + Slot.wrongStart];
    const end = ints[int + Slot.wrongEnd];
    const cut = ints[int + Slot.whole];
    const before = `${(cut & 1) === 1 ? '…' : ''}${shownBytes(line.subarray(0, end < 0 ? line.length : start))}`;
    const rest = (cut & 2) === 2 ? '…' : '';
    if (end < 0) return { text: before + rest, wrong: null };
    const wrong = shownBytes(line.subarray(start, end));
    const text = before + wrong + shownBytes(line.subarray(end)) + rest;
    return { text, wrong: [before.length, before.length + wrong.length] };
  }
}

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** Bytes from outside as text that leaves a terminal as it is, one character for each that came. */
export function shownBytes(bytes: Uint8Array): string {
  return Array.from(decoder.decode(bytes), (sign) => {
    const code = sign.codePointAt(0) ?? 0;
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return '␡';
    // Second control characters, marks of direction and what has no width would hide, or move what follows.
    return /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(sign) || sign.length > 1 ? '�' : sign;
  }).join('');
}

/** A line and, below it, a caret under each character of what is wrong; each begins with `indent`. */
export function pointedLine({ text, wrong }: RawLine, indent: string): string {
  if (wrong === null) return `${indent}${text}`;
  const [start, end] = wrong;
  return `${indent}${text}\n${indent}${' '.repeat(start)}${'^'.repeat(Math.max(end - start, 1))}`;
}

/** A line for the middle of a sentence: in quotes, with what is wrong said behind it. */
export function quotedLine({ text, wrong }: RawLine): string {
  const field = wrong === null ? '' : `, where "${text.slice(...wrong)}" is wrong`;
  return `"${text.length > 100 ? `${text.slice(0, 99)}…` : text}"${field}`;
}

/** What a decoder of lines has not made a line of yet. */
export interface Unfinished {
  /** Whether lines held while no format has been found look like rows. */
  readonly isHopeful: boolean;
  /** The beginning of a line whose end has not come, and how long it is so far. */
  readonly unended: { bytes: Uint8Array; length: number };
}

/** The line whose end has not come, to be shown. */
export function shownPartial({ unended: { bytes, length } }: Unfinished): { bytes: number; line: RawLine } {
  const text = shownBytes(bytes.subarray(0, Math.min(length, bytes.length, LINE_BYTES)));
  return { bytes: length, line: { text: length > LINE_BYTES ? `${text}…` : text, wrong: null, verdict: 'undecided' } };
}

/**
 * Sees when lines begin to be refused, and when that is over, from looks at an account now and then.
 *
 * It begins when a tenth of the latest lines was refused, or lines have come for three seconds without any hope of a
 * row; it is over after ten good rows in succession. The more often it has begun the more it takes, so that a link that
 * is bad every now and then does not fill a log.
 */
export class RefusalWatch {
  private isOn = false;
  private goodRows = GOOD_ROWS;
  /** When refused lines were first seen, and when it began. */
  private firstMs = Number.NaN;
  private beganMs = Number.NaN;
  private refusedBefore = 0;
  private rowsBefore = 0;
  private refusedThen = 0;
  /** Of the time that was over last. */
  last: { refused: number; rows: number } = { refused: 0, rows: 0 };

  constructor(
    private readonly account: RefusalAccount,
    private readonly decoder: Unfinished,
  ) {}

  get isRefusing(): boolean {
    return this.isOn;
  }

  /** Since when lines are refused; NaN where they are not. */
  get sinceMs(): number {
    return this.beganMs;
  }

  /** Of the latest lines: how many were refused. */
  get recent(): { refused: number; lines: number } {
    const { account } = this;
    const refused = Math.min(PLACES, account.refused);
    return { refused, lines: refused + account.rowsSince(refused - 1) };
  }

  /** Lines refused, about, and rows, since it began to be so. */
  get since(): { refused: number; rows: number } {
    const { refused, undecided, rows } = this.account;
    return { refused: refused + undecided - this.refusedBefore, rows: rows - this.rowsBefore };
  }

  /**
   * To be called about once a second.
   *
   * @returns what has changed since the last look
   */
  look(nowMs: number): 'begins' | 'over' | null {
    const { account } = this;
    if (this.isOn) {
      if (account.undecided > 0 || account.rowsSince(0) < this.goodRows) return null;
      this.isOn = false;
      this.last = this.since;
      this.firstMs = Number.NaN;
      this.beganMs = Number.NaN;
      this.goodRows = Math.min(2 * this.goodRows, MOST_GOOD_ROWS);
      this.notice();
      return 'over';
    }
    if (!this.isBad()) {
      this.firstMs = Number.NaN;
      this.notice();
      return null;
    }
    if (Number.isNaN(this.firstMs)) this.firstMs = nowMs;
    if (nowMs - this.firstMs < PATIENCE_MS) return null;
    this.isOn = true;
    this.beganMs = this.firstMs;
    this.refusedBefore = this.refusedThen;
    this.rowsBefore = this.account.rows;
    return 'begins';
  }

  /** How it was while all was well. */
  private notice(): void {
    this.refusedThen = this.account.refused;
  }

  private isBad(): boolean {
    const { account } = this;
    // The rest of a banner before the rows: only what is refused among them counts.
    if (account.rows === 0) {
      const lines = account.undecided + account.refused;
      if (lines === 0) return this.decoder.unended.length >= LEAST_UNENDED;
      return lines >= LEAST_LINES && (account.undecided === 0 || !this.decoder.isHopeful);
    }
    return account.rowsSince(PLACES - 1) < PLACES * ROWS_A_REFUSAL;
  }
}

/** What is done about a reason, for a person. */
export function adviceOn(reason: string, example: RawLine): string {
  const field = example.wrong === null ? '' : example.text.slice(...example.wrong);
  switch (reason) {
    case 'tooLong':
      return 'is the baud rate right, and does every row end with a line feed?';
    case 'checksum':
      return 'the line was damaged on its way, or its sender computes another sum (firmware-bridge/protocol/text.md)';
    case 'fieldCount':
      return 'declare every column the device prints, in order; kind = "ignore" for those that are not used';
    case 'labels':
      return 'declare the columns by the names the device prints';
    case 'notNumeric':
      return /^[-+]?\d/.test(field) || field.includes(',')
        ? 'edgegrad init finds how such numbers are read'
        : 'a column of words is declared with kind = "ignore", or "class" where it is used';
    case 'text':
      return 'a message of the device, or its rows have another form: edgegrad init finds how they are read';
    case 'noise':
      return 'is the baud rate right? edgegrad doctor tries others';
    case 'cut':
      return 'the device started again in the middle of a row: look at its power supply and its watchdog';
    case 'doubtful':
      return 'such lines can be read in two ways: let the device print a header line and a decimal point';
    case 'range':
      return 'the number is too large for float32';
    case 'columns':
      return 'declare the columns by the names the device prints';
    default:
      return 'edgegrad init finds how such lines are read, and edgegrad doctor whether the baud rate is right';
  }
}
