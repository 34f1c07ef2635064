import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import { type EncodedChunk, encodeChunk } from './chunk.js';
import { ByteWriter, type Channel, FOOTER_BYTES, MAGIC, Opcode, writeChannels, writeSchemas } from './format.js';

/** Chunks written by one system call, at most: Linux takes 1024 pieces, a chunk is three. */
const CHUNKS_AT_ONCE = 256;

/** Appending, so that after a part of a chunk was cut off again the next write goes to the end. */
const FLAGS = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_APPEND;

/**
 * One MCAP file being written: header, chunks, and at a clean close the indexes that let other readers seek in it.
 *
 * A write that fails leaves the file, as far as the disk allows, ending with its last whole chunk; it may be tried
 * again. Nothing is buffered here.
 */
export class McapFileWriter {
  /** Bytes of whole records in the file. */
  bytes = 0;
  /** CRC-32 of those. */
  private crc = 0;
  /** The file may end with a part of a chunk that could not be taken back. */
  private isTorn = false;
  private readonly chunkIndexes = new ByteWriter(4096);
  private readonly counts = new Map<number, number>();
  private chunks = 0;
  private startNs = Infinity;
  private endNs = 0;

  private constructor(
    readonly path: string,
    private readonly file: FileHandle,
    private readonly channels: readonly Channel[],
  ) {}

  /**
   * Makes the file, anew where there is one.
   *
   * @param library who writes, for people who open it
   * @param firstMessages well-formed message records for the first chunk, behind the schemas and channels
   */
  static async create(
    path: string,
    library: string,
    channels: readonly Channel[],
    firstMessages: Uint8Array = new Uint8Array(0),
  ): Promise<McapFileWriter> {
    const writer = new McapFileWriter(path, await open(path, FLAGS), channels);
    const head = new ByteWriter().raw(MAGIC).record(Opcode.header, (w) => {
      w.text('').text(library);
    });
    const records = new ByteWriter(1024);
    writeSchemas(records, channels);
    writeChannels(records, channels);
    records.raw(firstMessages);
    const chunk = encodeChunk(records.written());
    try {
      await writer.append([head.written(), ...chunk.parts]);
    } catch (error) {
      await writer.file.close().catch(() => {});
      throw error;
    }
    writer.keep(chunk, head.length);
    writer.bytes = head.length + chunk.bytes;
    return writer;
  }

  /**
   * Appends chunks, each of well-formed message records.
   *
   * @returns how many of them were written whole; fewer than given where the disk refused, with its error
   */
  async write(chunks: readonly Uint8Array[]): Promise<{ written: number; error?: Error }> {
    for (let from = 0; from < chunks.length; from += CHUNKS_AT_ONCE) {
      const encoded = chunks.slice(from, from + CHUNKS_AT_ONCE).map(encodeChunk);
      const before = this.bytes;
      try {
        if (this.isTorn) await this.takeBack();
        await this.append(encoded.flatMap(({ parts }) => parts));
      } catch (error) {
        return { written: from, error: error as Error };
      }
      let at = before;
      for (const chunk of encoded) {
        this.keep(chunk, at);
        at += chunk.bytes;
      }
      this.bytes = at;
    }
    return { written: chunks.length };
  }

  /** Resolves when what was written survives a power cut. */
  async flush(): Promise<void> {
    await this.file.sync();
  }

  /** Writes the indexes and closes the file; without them where the disk refuses, with its error. */
  async close(): Promise<{ error?: Error }> {
    try {
      if (this.isTorn) await this.takeBack();
      const tail = this.tail();
      await this.append([tail]);
      this.bytes += tail.length;
      await this.file.sync();
      return {};
    } catch (error) {
      return { error: error as Error };
    } finally {
      await this.file.close().catch(() => {});
    }
  }

  /** Closes the file as it is, as a process that is killed would. */
  async abandon(): Promise<void> {
    await this.file.close().catch(() => {});
  }

  private async append(parts: readonly Uint8Array[]): Promise<void> {
    const total = parts.reduce((sum, part) => sum + part.length, 0);
    let left = parts.filter((part) => part.length > 0);
    try {
      for (let done = 0; done < total; ) {
        const { bytesWritten } = await this.file.writev(left);
        if (bytesWritten === 0) throw new Error('the disk takes no more bytes');
        done += bytesWritten;
        left = without(left, bytesWritten);
      }
    } catch (error) {
      this.isTorn = true;
      await this.takeBack().catch(() => {});
      throw error;
    }
    for (const part of parts) this.crc = crc32(part, this.crc);
  }

  /** Cuts off what is behind the last whole record. */
  private async takeBack(): Promise<void> {
    await this.file.truncate(this.bytes);
    this.isTorn = false;
  }

  /** Notes what the indexes will say of a chunk that begins at `at`. */
  private keep({ startNs, endNs, messages, indexOffsets, parts }: EncodedChunk, at: number): void {
    const [head, records, index] = parts;
    this.chunks++;
    for (const [channel, count] of messages) this.counts.set(channel, (this.counts.get(channel) ?? 0) + count);
    if (messages.size > 0) {
      this.startNs = Math.min(this.startNs, startNs);
      this.endNs = Math.max(this.endNs, endNs);
    }
    this.chunkIndexes.record(Opcode.chunkIndex, (w) => {
      w.u64(startNs)
        .u64(endNs)
        .u64(at)
        .u64(head.length + records.length);
      w.u32(10 * indexOffsets.size);
      for (const [channel, offset] of indexOffsets) w.u16(channel).u64(at + offset);
      w.u64(index.length).text('').u64(records.length).u64(records.length);
    });
  }

  /** Data end, summary, summary offsets, footer, magic. */
  private tail(): Uint8Array {
    const tail = new ByteWriter(4096 + this.chunkIndexes.length);
    tail.record(Opcode.dataEnd, (w) => {
      w.u32(this.crc);
    });
    const summaryAt = tail.length;
    const groups: { opcode: number; at: number; bytes: number }[] = [];
    const group = (opcode: number, fill: () => void) => {
      const at = tail.length;
      fill();
      if (tail.length > at) groups.push({ opcode, at: this.bytes + at, bytes: tail.length - at });
    };
    group(Opcode.schema, () => writeSchemas(tail, this.channels));
    group(Opcode.channel, () => writeChannels(tail, this.channels));
    group(Opcode.chunkIndex, () => tail.raw(this.chunkIndexes.written()));
    group(Opcode.statistics, () => {
      tail.record(Opcode.statistics, (w) => {
        const messages = [...this.counts.values()].reduce((sum, count) => sum + count, 0);
        w.u64(messages)
          .u16(this.channels.filter(({ schema }) => schema !== undefined).length)
          .u32(this.channels.length)
          .u32(0) // attachments
          .u32(0) // metadata
          .u32(this.chunks)
          .u64(messages === 0 ? 0 : this.startNs)
          .u64(this.endNs)
          .u32(10 * this.counts.size);
        for (const [channel, count] of this.counts) w.u16(channel).u64(count);
      });
    });
    const offsetsAt = tail.length;
    for (const { opcode, at, bytes } of groups) {
      tail.record(Opcode.summaryOffset, (w) => {
        w.u8(opcode).u64(at).u64(bytes);
      });
    }
    tail.u8(Opcode.footer).u64(FOOTER_BYTES);
    tail.u64(this.bytes + summaryAt).u64(this.bytes + offsetsAt);
    tail.u32(crc32(tail.written().subarray(summaryAt)));
    return tail.raw(MAGIC).written();
  }
}

/** What is left of the parts after their first bytes. */
function without(parts: readonly Uint8Array[], bytes: number): Uint8Array[] {
  const left: Uint8Array[] = [];
  let skip = bytes;
  for (const part of parts) {
    if (skip < part.length) left.push(part.subarray(skip));
    skip = Math.max(0, skip - part.length);
  }
  return left;
}
