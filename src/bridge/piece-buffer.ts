import { CR, LF, SPACE, TAB } from './bytes.js';
import { MAX_TEXT_BYTES } from './fields.js';
import { MAX_STUFFED_BYTES } from './messages.js';

/** Whom a PieceBuffer tells what lies between two 0x00. */
export interface PieceListener {
  /** Whether these bytes are a frame. */
  isFrame(bytes: Uint8Array, start: number, end: number): boolean;
  onFrame(bytes: Uint8Array, start: number, end: number): void;
  /** At most 251 bytes that are neither a frame nor text. */
  onDamage(bytes: Uint8Array, start: number, end: number): void;
  onTooLong(): void;
  /** Whole lines, or the last of a text; of a line of more than 512 bytes the first 512 and its line feed. */
  onText(bytes: Uint8Array, start: number, end: number, lines: number): void;
  /** What came before the first 0x00 after a reset, if it was neither a frame nor text. */
  onPartial(): void;
}

/**
 * Sorts what lies between two 0x00 into frames, text and damage, as *Text between frames* of the protocol says. Holds 252
 * bytes of a piece whose end has not come, and 513 of a long line.
 */
export class PieceBuffer {
  /** What comes before the next 0x00 may be the end of a frame whose start was not heard. */
  isMidPiece = false;

  private readonly partial = new Uint8Array(MAX_STUFFED_BYTES + 1);
  private partialBytes = 0;
  /** A line longer than `partial`: its start, all of it printable. */
  private readonly long = new Uint8Array(MAX_TEXT_BYTES + 1);
  private longBytes = 0;
  /** Everything up to the next 0x00 is damage. */
  private isTooLong = false;

  constructor(private readonly listener: PieceListener) {}

  get isEmpty(): boolean {
    return this.partialBytes === 0 && this.longBytes === 0 && !this.isTooLong;
  }

  reset(isMidPiece: boolean): void {
    this.partialBytes = 0;
    this.longBytes = 0;
    this.isTooLong = false;
    this.isMidPiece = isMidPiece;
  }

  /** Appends `bytes[start, end)`, which hold no 0x00. */
  keep(bytes: Uint8Array, start: number, end: number): void {
    let p = start;
    while (p < end && !this.isTooLong) {
      if (this.longBytes > 0) {
        p = this.keepLong(bytes, p, end);
        continue;
      }
      const partial = this.partial;
      let to = this.partialBytes;
      while (p < end && to < partial.length) partial[to++] = bytes[p++];
      this.partialBytes = to;
      if (to === partial.length) this.overflow();
    }
  }

  /** The 0x00 behind what was kept has come. */
  end(): void {
    const length = this.partialBytes;
    const isTooLong = this.isTooLong || this.longBytes > 0;
    this.partialBytes = 0;
    this.longBytes = 0;
    this.isTooLong = false;
    if (length > 0 && !isTooLong) {
      this.piece(this.partial, 0, length);
      return;
    }
    const isMidPiece = this.isMidPiece;
    this.isMidPiece = false;
    if (!isTooLong) return;
    if (isMidPiece) this.listener.onPartial();
    else this.listener.onTooLong();
  }

  /** What lies between two 0x00: 1 to 251 bytes. */
  piece(bytes: Uint8Array, start: number, end: number): void {
    const isMidPiece = this.isMidPiece;
    this.isMidPiece = false;
    const listener = this.listener;
    const frame = this.findFrame(bytes, start, end);
    if (frame >= 0) {
      if (frame > start) listener.onText(bytes, start, frame, countLines(bytes, start, frame));
      listener.onFrame(bytes, frame, end);
      return;
    }
    let isText = true;
    for (let p = start; p < end; p++) isText &&= isPrintable(bytes[p]);
    const lines = isText ? countLines(bytes, start, end) : 0;
    if (lines > 0) listener.onText(bytes, start, end, bytes[end - 1] === LF ? lines : lines + 1);
    else if (isMidPiece) listener.onPartial();
    else listener.onDamage(bytes, start, end);
  }

  /** Where a frame begins that ends at `end`: at `start`, or behind lines of text; −1 for nowhere. */
  findFrame(bytes: Uint8Array, start: number, end: number): number {
    if (this.listener.isFrame(bytes, start, end)) return start;
    for (let p = start; p < end && isPrintable(bytes[p]); p++) {
      if (bytes[p] === LF && this.listener.isFrame(bytes, p + 1, end)) return p + 1;
    }
    return -1;
  }

  /** More than a frame can have: a line at its start is text, and what is behind it may still be a frame. */
  private overflow(): void {
    const partial = this.partial;
    let p = 0;
    while (p < partial.length && isPrintable(partial[p]) && partial[p] !== LF) p++;
    if (p === partial.length) {
      this.long.set(partial);
      this.longBytes = p;
      this.partialBytes = 0;
    } else if (partial[p] === LF) {
      this.listener.onText(partial, 0, p + 1, 1);
      partial.copyWithin(0, p + 1);
      this.partialBytes = partial.length - p - 1;
    } else this.isTooLong = true;
  }

  /** Goes on with a long line; returns how far it has come. */
  private keepLong(bytes: Uint8Array, start: number, end: number): number {
    for (let p = start; p < end; p++) {
      const byte = bytes[p];
      if (byte === LF) {
        this.long[this.longBytes] = LF;
        this.listener.onText(this.long, 0, this.longBytes + 1, 1);
        this.longBytes = 0;
        return p + 1;
      }
      if (!isPrintable(byte)) {
        this.isTooLong = true;
        this.longBytes = 0;
        return p;
      }
      if (this.longBytes < MAX_TEXT_BYTES) this.long[this.longBytes++] = byte;
    }
    return end;
  }
}

function countLines(bytes: Uint8Array, start: number, end: number): number {
  let lines = 0;
  for (let p = start; p < end; p++) if (bytes[p] === LF) lines++;
  return lines;
}

function isPrintable(byte: number): boolean {
  return (byte >= SPACE && byte !== 0x7f) || byte === LF || byte === CR || byte === TAB;
}
