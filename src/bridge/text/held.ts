import { HASH } from '../bytes.js';
import { CHECKSUM_BYTES, CHECKSUM_RIGHT, CHECKSUM_WRONG, checkChecksum } from '../checksum.js';
import type { HeldLine } from './guess.js';
import { bytesText, isComment } from './line-text.js';

/** A format is locked when this many of the lines held agree on it. */
export const LINES_TO_LOCK = 8;
/** Lines held at the most. */
const MAX_HELD_LINES = 16;
/** With as many lines as can be held, the guess runs once for this many new lines. */
const LOOK_EVERY = 4;
/** After this many guesses without a format the guess runs as seldom as for long lines. */
const MANY_LOOKS = 32;
/** With more characters held than this a guess is expensive: it waits until every line is a new one. */
const LONG_LINES = 65536;

/** The last lines that are of no known format. */
export class HeldLines {
  readonly lines: HeldLine[] = [];
  private readonly copies: Uint8Array[] = [];
  private sinceLook = 0;
  /** Looks for a format since lines were last of one. */
  private looks = 0;

  get count(): number {
    return this.lines.length;
  }

  isFull(): boolean {
    return this.lines.length >= MAX_HELD_LINES;
  }

  /** Holds the line `bytes[start, end)`; the oldest one leaves if there is no room. @returns whether it is a comment */
  add(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.isFull()) this.dropOldest();
    const checksum = checkChecksum(bytes, start, end);
    const contentEnd = checksum === CHECKSUM_RIGHT ? end - CHECKSUM_BYTES : end;
    // Not `bytes.slice`: that of a Buffer borrows.
    this.copies.push(Uint8Array.from(bytes.subarray(start, end)));
    this.lines.push({
      text: bytesText(bytes, start, contentEnd),
      whole: bytesText(bytes, start, end),
      checksum: checksum === CHECKSUM_RIGHT ? 'right' : checksum === CHECKSUM_WRONG ? 'wrong' : 'absent',
      isComment: bytes[start] === HASH && isComment(bytes, start, end),
    });
    this.sinceLook++;
    return this.lines[this.lines.length - 1].isComment;
  }

  /** Whether it is time to look for a format. */
  isDue(): boolean {
    if (this.count < LINES_TO_LOCK) return false;
    const isDear = this.looks > MANY_LOOKS || this.lines.reduce((n, { text }) => n + text.length, 0) > LONG_LINES;
    const every = isDear ? MAX_HELD_LINES : LOOK_EVERY;
    if (this.isFull() && this.sinceLook < every) return false;
    this.sinceLook = 0;
    this.looks++;
    return true;
  }

  /** The oldest line, which leaves; null where there is none. */
  dropOldest(): { bytes: Uint8Array; isComment: boolean } | null {
    const bytes = this.copies.shift();
    const line = this.lines.shift();
    return bytes === undefined || line === undefined ? null : { bytes, isComment: line.isComment };
  }

  dropAll(): void {
    this.lines.length = 0;
    this.copies.length = 0;
    this.sinceLook = 0;
    this.looks = 0;
  }

  /** The bytes of all lines, which leave. */
  take(): Uint8Array[] {
    const taken = this.copies.slice();
    this.dropAll();
    return taken;
  }
}
