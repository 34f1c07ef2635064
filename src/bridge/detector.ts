import { equalBytes } from './bytes.js';
import { CHECKSUM_BYTES, CHECKSUM_RIGHT, CHECKSUM_WRONG, checkChecksum } from './checksum.js';
import type { Columns } from './columns.js';
import { MAX_LINE_BYTES, splitFields, splitLabelled } from './fields.js';
import { DELIMITERS, type Lock, makeLock, NO_SEPARATOR, quotesAround } from './format.js';
import { FULL_HEADER, HeaderReader, NO_HEADER } from './header.js';
import {
  NO_ROW,
  packShape,
  ShapeReader,
  shapeDelimiter,
  shapeFields,
  shapeHasChecksum,
  shapeSeparator,
} from './shape.js';

/** A format is locked when this many of the lines held agree on it. */
export const LINES_TO_LOCK = 8;
/** Lines held while no format has been found. */
export const MAX_HELD_LINES = 16;

/** One line held, and what it tells. */
interface HeldLine {
  readonly bytes: Uint8Array;
  length: number;
  /** The line without its checksum. */
  contentLength: number;
  shape: number;
  labelHash: number;
}

/**
 * Finds out how a device prints its rows, from the last lines it printed.
 *
 * Before the first lock every line passes through here. After it only those the format refuses do, and an accepted row
 * clears them: eight that agree are a device that prints otherwise now.
 */
export class FormatDetector {
  /** The lines held, oldest first, in `held[0, heldCount)`; the rest is memory for the next ones. */
  private readonly held: HeldLine[] = Array.from({ length: MAX_HELD_LINES }, () => ({
    bytes: new Uint8Array(MAX_LINE_BYTES),
    length: 0,
    contentLength: 0,
    shape: NO_ROW,
    labelHash: 0,
  }));
  private heldCount = 0;
  private readonly headers: HeaderReader;
  private readonly shapes: ShapeReader;
  /** Names for rows whose header is no longer, or never was, among the lines held: the last full header, or the lock's. */
  private named: Lock | null = null;

  constructor(
    private readonly columns: Columns,
    private readonly spans: Int32Array,
  ) {
    this.headers = new HeaderReader(columns, spans);
    this.shapes = new ShapeReader(columns, spans);
  }

  get count(): number {
    return this.heldCount;
  }

  /** Whether some line held looks like a row. */
  get hasRows(): boolean {
    for (let i = 0; i < this.heldCount; i++) if (this.held[i].shape !== NO_ROW) return true;
    return false;
  }

  /** Forgets the lines held. `lock` is the format in force, if there is one: its names go on being known. */
  clear(lock: Lock | null): void {
    this.heldCount = 0;
    this.named = lock !== null && lock.nameBytes !== null ? lock : null;
  }

  /** Makes room by forgetting the oldest line. */
  dropOldest(): void {
    const oldest = this.held.shift()!;
    this.held.push(oldest);
    this.heldCount--;
  }

  isFull(): boolean {
    return this.heldCount === MAX_HELD_LINES;
  }

  /** Holds the line `bytes[start, end)`, trimmed, of at most 512 bytes; there must be room. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const line = this.held[this.heldCount++];
    line.length = end - start;
    for (let i = 0; i < line.length; i++) line.bytes[i] = bytes[start + i];
    const checksum = checkChecksum(line.bytes, 0, line.length);
    line.contentLength = checksum === CHECKSUM_RIGHT ? line.length - CHECKSUM_BYTES : line.length;
    line.shape = NO_ROW;
    if (checksum === CHECKSUM_WRONG) return;
    line.shape = this.shapes.shapeOf(line.bytes, 0, line.contentLength, checksum === CHECKSUM_RIGHT, this.named);
    if (line.shape === NO_ROW) this.rememberHeader(line.bytes, line.contentLength);
    else line.labelHash = this.shapes.labelHash(line.bytes, 0, line.contentLength, line.shape);
  }

  /**
   * The format at least `votes` of the lines held agree on, the one with the most votes and of these the latest; null
   * while there is none.
   */
  decide(votes: number): Lock | null {
    let best = -1;
    let most = votes - 1;
    for (let i = this.heldCount - 1; i >= 0; i--) {
      const count = this.votesFor(i);
      if (count <= most) continue;
      most = count;
      best = i;
    }
    return best < 0 ? null : this.lockLike(this.held[best]);
  }

  /** The index of the first line held that belongs to `lock`: a row of its shape, or a header with its names. */
  firstOf(lock: Lock): number {
    for (let i = 0; i < this.heldCount; i++) {
      const { bytes, contentLength } = this.held[i];
      if (this.isOf(i, lock) || this.isHeaderOf(bytes, 0, contentLength, lock)) return i;
    }
    return this.heldCount;
  }

  lineBytes(i: number): Uint8Array {
    return this.held[i].bytes;
  }

  lineLength(i: number): number {
    return this.held[i].length;
  }

  /** Whether `bytes[start, end)` is the header line of `lock` again. */
  isHeaderOf(bytes: Uint8Array, start: number, end: number, lock: Lock): boolean {
    if (lock.separator !== NO_SEPARATOR || lock.nameBytes === null) return false;
    const spans = this.spans;
    if (splitFields(bytes, start, end, lock.delimiter, spans) !== lock.fields) return false;
    for (let field = 0; field < lock.fields; field++) {
      const from = spans[2 * field];
      const to = spans[2 * field + 1];
      const quotes = quotesAround(bytes, from, to);
      if (!equalBytes(bytes, from + quotes, to - quotes, lock.nameBytes[field])) return false;
    }
    return true;
  }

  /** The format a header line announces while `current` is in force; null where the line is no header. */
  lockFromHeader(bytes: Uint8Array, start: number, end: number, checksum: boolean, current: Lock): Lock | null {
    let best = NO_HEADER;
    let bestDelimiter = 0;
    for (const delimiter of DELIMITERS) {
      const isSame = current.separator === NO_SEPARATOR && current.delimiter === delimiter;
      const grade = this.headers.grade(bytes, start, end, delimiter, isSame ? current.fields : 0);
      if (grade <= best) continue;
      best = grade;
      bestDelimiter = delimiter;
    }
    if (best === NO_HEADER) return null;
    const names = this.headers.names(bytes, start, end, bestDelimiter);
    return makeLock(this.columns, bestDelimiter, NO_SEPARATOR, names.length, names, checksum);
  }

  private votesFor(i: number): number {
    const { shape, labelHash } = this.held[i];
    if (shape === NO_ROW) return 0;
    let votes = 0;
    for (let j = 0; j < this.heldCount; j++) {
      if (this.held[j].shape === shape && this.held[j].labelHash === labelHash) votes++;
    }
    return votes;
  }

  private isOf(i: number, lock: Lock): boolean {
    const line = this.held[i];
    if (line.shape !== packShape(lock.fields, lock.delimiter, lock.separator, lock.checksum)) return false;
    return lock.separator === NO_SEPARATOR || this.hasLabelsOf(line, lock);
  }

  private hasLabelsOf(line: HeldLine, lock: Lock): boolean {
    const spans = this.spans;
    splitLabelled(line.bytes, 0, line.contentLength, lock.delimiter, lock.separator, spans);
    return lock.nameBytes!.every((name, f) => equalBytes(line.bytes, spans[4 * f], spans[4 * f + 1], name));
  }

  /** The format of a line held, with the names of its labels or of the best header there is for it. */
  private lockLike(line: HeldLine): Lock {
    const delimiter = shapeDelimiter(line.shape);
    const separator = shapeSeparator(line.shape);
    const fields = shapeFields(line.shape);
    const names =
      separator === NO_SEPARATOR ? this.namesFor(delimiter, fields) : this.labelsOf(line, delimiter, separator);
    return makeLock(this.columns, delimiter, separator, fields, names, shapeHasChecksum(line.shape));
  }

  private labelsOf(line: HeldLine, delimiter: number, separator: number): Uint8Array[] {
    const spans = this.spans;
    const fields = splitLabelled(line.bytes, 0, line.contentLength, delimiter, separator, spans);
    return Array.from({ length: fields }, (_, f) => line.bytes.slice(spans[4 * f], spans[4 * f + 1]));
  }

  private namesFor(delimiter: number, fields: number): readonly Uint8Array[] | null {
    let best = NO_HEADER;
    let names: readonly Uint8Array[] | null = null;
    for (let i = 0; i < this.heldCount; i++) {
      const { bytes, contentLength, shape } = this.held[i];
      if (shape !== NO_ROW) continue;
      const grade = this.headers.grade(bytes, 0, contentLength, delimiter, fields);
      if (grade <= best) continue;
      const candidate = this.headers.names(bytes, 0, contentLength, delimiter);
      if (candidate.length !== fields) continue;
      best = grade;
      names = candidate;
    }
    if (names !== null) return names;
    const named = this.named;
    return named?.separator === NO_SEPARATOR && named.delimiter === delimiter && named.fields === fields
      ? named.nameBytes
      : null;
  }

  private rememberHeader(bytes: Uint8Array, length: number): void {
    for (const delimiter of DELIMITERS) {
      if (this.headers.grade(bytes, 0, length, delimiter, 0) !== FULL_HEADER) continue;
      const names = this.headers.names(bytes, 0, length, delimiter);
      this.named = makeLock(this.columns, delimiter, NO_SEPARATOR, names.length, names, false);
      return;
    }
  }
}
