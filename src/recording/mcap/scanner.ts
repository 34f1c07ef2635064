import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { CHUNK_HEAD_BYTES, FOOTER_BYTES, getU64, MAGIC, Opcode, RECORD_HEAD_BYTES } from './format.js';

/** Bytes read at once; a larger record makes the window grow. */
const WINDOW_BYTES = 1 << 18;
/** A longer record is taken for a damaged length. */
const MAX_RECORD_BYTES = 1 << 26;
/** Damaged places kept by name; the rest is counted. */
const MAX_DAMAGE = 100;

/** Bytes of a file that could not be read. */
export interface Damage {
  /** First byte and the one after the last, counted from the start of the file. */
  from: number;
  to: number;
  reason: string;
}

/**
 * Reads the chunks of an MCAP file from its start to its end, whatever has happened to the file.
 *
 * Records are walked by their lengths. A chunk with a wrong CRC is dropped; where a record makes no sense, the next
 * chunk with a right CRC is looked for, byte by byte. Nothing in the file makes it throw, and its memory is bounded by
 * the largest chunk. A file that is still being written is read up to where it ended when it was opened.
 */
export class ChunkScanner {
  readonly damage: Damage[] = [];
  /** Damaged places beyond those in `damage`. */
  moreDamage = 0;
  chunks = 0;
  /** The file has the end that a writer leaves that was closed; otherwise it is being written, or was cut off. */
  isClosed = false;
  /** Messages the file had when it was closed; undefined where its summary is not there or damaged. */
  closedMessages: number | undefined;
  /** How far the file has been read. */
  position = 0;

  private window = Buffer.alloc(WINDOW_BYTES);
  private view = viewOf(this.window);
  /** File offset of window[0], and how much of the window is filled. */
  private base = 0;
  private filled = 0;
  /** CRC of everything so far, while there was no damage. */
  private crc = 0;

  private constructor(
    private readonly file: FileHandle,
    readonly size: number,
  ) {}

  /** @throws the system's error where it cannot be opened */
  static async open(path: string): Promise<ChunkScanner> {
    const file = await open(path, 'r');
    return new ChunkScanner(file, (await file.stat()).size);
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  /** The records of every intact chunk, in order; each borrowed until the next. */
  async *records(): AsyncGenerator<Uint8Array, void> {
    if (await this.isMagic(0)) this.pass(MAGIC.length);
    while (this.position < this.size) {
      const length = await this.recordAt(this.position);
      if (length === 0) {
        await this.skipDamage();
        continue;
      }
      const at = this.position;
      const offset = at - this.base;
      switch (this.window[offset]) {
        case Opcode.chunk:
          this.chunks++;
          yield this.window.subarray(offset + RECORD_HEAD_BYTES + CHUNK_HEAD_BYTES, offset + length);
          break;
        case Opcode.dataEnd:
          this.checkData(this.view.getUint32(offset + RECORD_HEAD_BYTES, true));
          break;
        case Opcode.footer:
          if (await this.checkEnd(at, length)) return;
          break;
      }
      this.pass(length);
    }
  }

  /** Goes on behind an intact record, which is in the window. */
  private pass(length: number): void {
    const offset = this.position - this.base;
    if (this.damage.length === 0) this.crc = crc32(this.window.subarray(offset, offset + length), this.crc);
    this.position += length;
  }

  /** Bytes of the sound record at a file offset, all of them in the window; 0 where there is none. */
  private async recordAt(at: number): Promise<number> {
    if (!(await this.has(at, RECORD_HEAD_BYTES))) return 0;
    const content = getU64(this.view, at - this.base + 1);
    const length = RECORD_HEAD_BYTES + content;
    if (content > MAX_RECORD_BYTES) return 0;
    if (this.window[at - this.base] === Opcode.chunk && (await this.chunkHeadProblem(at, content)) !== '') return 0;
    if (!(await this.has(at, length))) return 0;
    return isSound(this.view, at - this.base, content) ? length : 0;
  }

  /** Why what stands at a file offset is no uncompressed chunk of this content length; empty where it may be one. */
  private async chunkHeadProblem(at: number, content: number): Promise<string> {
    if (content < CHUNK_HEAD_BYTES || !(await this.has(at, RECORD_HEAD_BYTES + CHUNK_HEAD_BYTES))) return NO_RECORD;
    const head = at - this.base + RECORD_HEAD_BYTES;
    const { view } = this;
    const nameBytes = view.getUint32(head + 28, true);
    if (nameBytes > 0 && nameBytes <= 8 && nameBytes < content - CHUNK_HEAD_BYTES) {
      const name = this.window.toString('latin1', head + 32, head + 32 + nameBytes);
      if (/^[a-z0-9]+$/.test(name)) return `a chunk compressed with ${name}, which is not read`;
    }
    const records = content - CHUNK_HEAD_BYTES;
    return nameBytes === 0 && getU64(view, head + 16) === records && getU64(view, head + 32) === records
      ? ''
      : NO_RECORD;
  }

  /** Finds where to go on after a place that is no sound record, and notes what lies between. */
  private async skipDamage(): Promise<void> {
    const from = this.position;
    let reason = NO_RECORD;
    let next = this.size;
    if (!(await this.has(from, RECORD_HEAD_BYTES))) {
      reason = CUT;
    } else {
      const content = getU64(this.view, from - this.base + 1);
      const end = from + RECORD_HEAD_BYTES + content;
      const isChunk = this.window[from - this.base] === Opcode.chunk;
      const problem = isChunk ? await this.chunkHeadProblem(from, content) : NO_RECORD;
      if (isChunk && problem !== NO_RECORD && end <= this.size && (await this.isPlausible(end))) {
        this.note(from, end, problem === '' ? 'a chunk with a wrong CRC' : problem);
        this.position = end;
        return;
      }
      next = await this.nextChunk(from + 1);
      if (next === this.size && end > this.size) reason = CUT;
    }
    this.note(from, next, reason);
    this.position = next;
  }

  /** Whether a record may begin at a file offset, or the file ends there. */
  private async isPlausible(at: number): Promise<boolean> {
    if (at === this.size) return true;
    if (!(await this.has(at, RECORD_HEAD_BYTES))) return false;
    const opcode = this.window[at - this.base];
    return opcode > 0 && opcode <= Opcode.dataEnd && getU64(this.view, at - this.base + 1) <= this.size - at;
  }

  /** File offset of the next chunk with a right CRC, or of the end of the data; the size where there is neither. */
  private async nextChunk(start: number): Promise<number> {
    for (let at = start; await this.has(at, RECORD_HEAD_BYTES); at++) {
      at = this.nextCandidate(at);
      if (!(await this.has(at, RECORD_HEAD_BYTES))) continue;
      const opcode = this.window[at - this.base];
      if (opcode === Opcode.chunk) {
        // Only a sound record is in the window as far as its CRC field.
        if ((await this.recordAt(at)) === 0) continue;
        const crc = this.view.getUint32(at - this.base + RECORD_HEAD_BYTES + 24, true);
        if (crc !== 0) return at;
      } else if (opcode === Opcode.dataEnd && getU64(this.view, at - this.base + 1) === 4) {
        if ((await this.recordAt(at)) > 0 && (await this.recordAt(at + RECORD_HEAD_BYTES + 4)) > 0) return at;
      }
    }
    return this.size;
  }

  /** File offset of the next byte of the window that may begin what `nextChunk` looks for; of its last byte where none does. */
  private nextCandidate(at: number): number {
    const { window, filled } = this;
    let offset = at - this.base;
    while (offset < filled - 1 && window[offset] !== Opcode.chunk && window[offset] !== Opcode.dataEnd) offset++;
    return this.base + offset;
  }

  private note(from: number, to: number, reason: string): void {
    if (this.damage.length < MAX_DAMAGE) this.damage.push({ from, to, reason });
    else this.moreDamage++;
  }

  /** Compares everything before the end of the data with its CRC: bytes outside chunks have no other. */
  private checkData(crc: number): void {
    if (crc !== 0 && this.damage.length === 0 && crc !== this.crc) {
      this.note(
        0,
        this.position,
        'something outside the chunks has changed; nothing of the recording is missing by it',
      );
    }
  }

  /** Looks at what a footer says. Returns whether the file ends with it as it should. */
  private async checkEnd(at: number, length: number): Promise<boolean> {
    const summaryAt = getU64(this.view, at - this.base + RECORD_HEAD_BYTES);
    const crc = this.view.getUint32(at - this.base + RECORD_HEAD_BYTES + 16, true);
    if (!(await this.isMagic(at + length))) return false;
    this.isClosed = true;
    this.position = at + length + MAGIC.length;
    if (this.position < this.size) {
      this.note(this.position, this.size, 'bytes behind the end of the recording');
      this.position = this.size;
    }
    const bytes = at + length - 4 - summaryAt;
    if (summaryAt === 0 || bytes < 0 || bytes > MAX_RECORD_BYTES) return true;
    const summary = Buffer.alloc(bytes);
    const { bytesRead } = await this.file.read(summary, 0, bytes, summaryAt);
    if (bytesRead < bytes || crc32(summary) !== crc) {
      this.note(summaryAt, at + length, 'a summary with a wrong CRC');
      return true;
    }
    this.closedMessages = messagesOf(summary);
    return true;
  }

  private async isMagic(at: number): Promise<boolean> {
    if (!(await this.has(at, MAGIC.length))) return false;
    return this.window.subarray(at - this.base, at - this.base + MAGIC.length).equals(MAGIC);
  }

  /** Brings `length` bytes from a file offset into the window; false where the file has not got them. */
  private async has(at: number, length: number): Promise<boolean> {
    if (at + length <= this.base + this.filled && at >= this.base) return true;
    if (at + length > this.size) return false;
    const keptFrom = Math.min(Math.max(at - this.base, 0), this.filled);
    const isInside = at >= this.base && at <= this.base + this.filled;
    let target = this.window;
    if (length > target.length) {
      target = Buffer.alloc(Math.min(Math.max(2 * target.length, length), MAX_RECORD_BYTES + WINDOW_BYTES));
    }
    if (isInside) {
      this.window.copy(target, 0, keptFrom, this.filled);
      this.filled -= keptFrom;
    } else {
      this.filled = 0;
    }
    this.base = at;
    if (target !== this.window) {
      this.window = target;
      this.view = viewOf(target);
    }
    while (this.filled < length) {
      const wanted = Math.min(this.window.length, this.size - this.base) - this.filled;
      let bytesRead = 0;
      try {
        ({ bytesRead } = await this.file.read(this.window, this.filled, wanted, this.base + this.filled));
      } catch {
        // A bad sector reads as the end of what can be had.
      }
      if (bytesRead === 0) return false;
      this.filled += bytesRead;
    }
    return true;
  }
}

const NO_RECORD = 'no record';
const CUT = 'the file ends inside a record';

/** Whether a record of the window holds what its opcode says. Others' files may have further fields at the end. */
function isSound(view: DataView, offset: number, content: number): boolean {
  const from = offset + RECORD_HEAD_BYTES;
  const to = from + content;
  /** Where a text or list of u32 length ends that starts at `at`; 0 where it does not end inside the record. */
  const endOf = (at: number) =>
    at > 0 && at + 4 <= to && view.getUint32(at, true) <= to - at - 4 ? at + 4 + view.getUint32(at, true) : 0;
  switch (view.getUint8(offset)) {
    case Opcode.chunk: {
      const crc = view.getUint32(from + 24, true);
      const records = new Uint8Array(
        view.buffer,
        view.byteOffset + from + CHUNK_HEAD_BYTES,
        content - CHUNK_HEAD_BYTES,
      );
      return crc === 0 || crc32(records) === crc;
    }
    case Opcode.header:
    case Opcode.metadata:
      return endOf(endOf(from)) > 0;
    case Opcode.schema:
      return endOf(endOf(endOf(from + 2))) > 0;
    case Opcode.channel:
      return endOf(endOf(endOf(from + 4))) > 0;
    case Opcode.messageIndex:
      return endOf(from + 2) > 0;
    case Opcode.attachment: {
      const data = endOf(endOf(from + 16));
      return data > 0 && data + 12 <= to && getU64(view, data) <= to - data - 12;
    }
    case Opcode.footer:
      return content === FOOTER_BYTES;
    case Opcode.dataEnd:
      return content >= 4;
    case Opcode.chunkIndex:
      return content >= 64;
    case Opcode.statistics:
      return content >= 46;
    case Opcode.attachmentIndex:
      return content >= 40;
    case Opcode.metadataIndex:
      return content >= 20;
    case Opcode.summaryOffset:
      return content >= 17;
    default:
      // A message outside a chunk has no CRC, and what is not known cannot be checked.
      return false;
  }
}

/** The number of messages in a summary's statistics. */
function messagesOf(summary: Buffer): number | undefined {
  const view = viewOf(summary);
  for (let at = 0; at + RECORD_HEAD_BYTES + 8 <= summary.length; ) {
    if (summary[at] === Opcode.statistics) return getU64(view, at + RECORD_HEAD_BYTES);
    at += RECORD_HEAD_BYTES + getU64(view, at + 1);
  }
  return undefined;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
