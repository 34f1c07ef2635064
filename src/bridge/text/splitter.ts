import { CR, ESCAPE, LF, NUL, XOFF, XON } from '../bytes.js';
import { MAX_LINE_BYTES } from '../fields.js';

/** What a splitter hands on. */
export interface LineSink {
  /** A line without its end, of at most `MAX_LINE_BYTES`. The bytes are the caller's. */
  line(bytes: Uint8Array, start: number, end: number): void;
  /** A line was longer: its first bytes. */
  tooLong(bytes: Uint8Array, start: number, end: number): void;
  /** A line with NUL, XON or XOFF in the place of other bytes: what is left of it is not what was sent. */
  damaged(bytes: Uint8Array, start: number, end: number): void;
  /** A piece of a line before or after a cut of the link was dropped. */
  partial(): void;
}

const FIRST_BYTES = 512;
const UTF16_SHARE = 0.4;
const DEL = 0x7f;
const FINAL_LOW = 0x40;
const OPEN_SQUARE = 0x5b;

/**
 * Cuts bytes into lines. CR, LF, CR LF and LF CR all end one line. NUL, XON, XOFF and escape sequences of terminals are taken out.
 * Any cutting of the same bytes into chunks gives the same lines. Memory: one line that crosses a border of chunks.
 */
export class LineSplitter {
  /** [1]: bytes taken out. */
  readonly dropped = new Float64Array(1);
  /** The start of a line whose end has not come yet; grows up to the longest line. */
  private kept = new Uint8Array(FIRST_BYTES);
  /** As long as the line so far, also where it is longer than what is kept. */
  private keptBytes = 0;
  private isTooLong = false;
  /** The bytes up to the next line end belong to a line whose start was lost. */
  private isMidLine = false;
  /** The other byte of a pair that ends a line, if it comes next. */
  private skip = -1;
  /** In an escape sequence: 1 behind ESC, 2 behind ESC [. */
  private escape = 0;
  /** NUL, XON and XOFF taken out since the last byte that was kept, and between bytes that were kept. */
  private gap = 0;
  private inside = 0;

  constructor(private readonly sink: LineSink) {}

  /** The line whose end has not come: its first bytes, borrowed, and how long it is so far. */
  get unended(): { bytes: Uint8Array; length: number } {
    return { bytes: this.kept, length: this.keptBytes };
  }

  /** @hot */
  feed(bytes: Uint8Array, start: number, end: number): void {
    let from = start;
    for (let p = start; p < end; p++) {
      if (this.escape === 0) {
        const textStart = p;
        while (p < end && bytes[p] >= 0x20) p++;
        if (p > textStart) this.skip = -1;
        if (p === end) break;
      }
      const byte = bytes[p];
      if (this.escape === 1 && byte !== OPEN_SQUARE && byte !== LF && byte !== CR) {
        // ESC alone.
        this.escape = 0;
        if (byte >= 0x20) continue;
      }
      if (this.escape > 0 && byte !== LF && byte !== CR) {
        this.dropped[0]++;
        from = p + 1;
        if (this.escape === 1) this.escape = 2;
        else if (byte >= FINAL_LOW && byte < DEL) this.escape = 0;
        continue;
      }
      if (byte === LF || byte === CR) {
        this.escape = 0;
        if (byte === this.skip) {
          this.skip = -1;
          from = p + 1;
          continue;
        }
        this.skip = byte === LF ? CR : LF;
        this.end(bytes, from, p);
        from = p + 1;
        continue;
      }
      if (byte === NUL || byte === XON || byte === XOFF || byte === ESCAPE) {
        this.keep(bytes, from, p);
        this.dropped[0]++;
        from = p + 1;
        if (byte === ESCAPE) this.escape = 1;
        else this.gap++;
        continue;
      }
      this.skip = -1;
    }
    this.keep(bytes, from, end);
  }

  /** The source has ended: what was kept is a line. */
  finish(): void {
    this.isMidLine = false;
    this.skip = -1;
    this.escape = 0;
    if (this.keptBytes > 0 || this.isTooLong) this.end(this.kept, 0, 0);
  }

  /** The link was cut: the line that was coming is dropped. @param midLine everything up to the next line end is dropped too */
  reset(midLine: boolean): void {
    if (this.keptBytes > 0 || this.isTooLong) this.sink.partial();
    this.keptBytes = 0;
    this.isTooLong = false;
    this.gap = 0;
    this.inside = 0;
    this.isMidLine = midLine;
    this.skip = -1;
    this.escape = 0;
  }

  private end(bytes: Uint8Array, start: number, end: number): void {
    if (this.keptBytes === 0 && !this.isTooLong && !this.isMidLine) {
      this.gap = 0;
      if (end - start > MAX_LINE_BYTES) this.sink.tooLong(bytes, start, end);
      else this.sink.line(bytes, start, end);
      return;
    }
    this.keep(bytes, start, end);
    const length = this.keptBytes;
    // Every other byte is NUL: UTF-16.
    const isDamaged = this.inside > 0 && this.inside < UTF16_SHARE * length;
    this.keptBytes = 0;
    this.gap = 0;
    this.inside = 0;
    if (this.isMidLine) {
      this.isMidLine = false;
      this.sink.partial();
    } else if (this.isTooLong) {
      this.isTooLong = false;
      this.sink.tooLong(this.kept, 0, this.kept.length);
    } else if (isDamaged) this.sink.damaged(this.kept, 0, length);
    else this.sink.line(this.kept, 0, length);
  }

  private keep(bytes: Uint8Array, start: number, end: number): void {
    if (start === end || this.isMidLine) return;
    if (this.keptBytes > 0) this.inside += this.gap;
    this.gap = 0;
    const size = this.keptBytes + end - start;
    if (this.isTooLong || size > MAX_LINE_BYTES) {
      this.isTooLong = true;
      this.keptBytes = size;
      return;
    }
    if (size > this.kept.length) this.grow(size);
    const { kept } = this;
    let to = this.keptBytes;
    for (let p = start; p < end; p++) kept[to++] = bytes[p];
    this.keptBytes = to;
  }

  private grow(size: number): void {
    let length = this.kept.length;
    while (length < size) length *= 2;
    const larger = new Uint8Array(Math.min(length, MAX_LINE_BYTES));
    larger.set(this.kept.subarray(0, this.keptBytes));
    this.kept = larger;
  }
}
