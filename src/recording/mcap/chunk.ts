import { crc32 } from 'node:zlib';
import {
  ByteWriter,
  CHUNK_HEAD_BYTES,
  getU64,
  MESSAGE_HEAD_BYTES,
  Opcode,
  RECORD_HEAD_BYTES,
  setU64,
} from './format.js';

/** Bytes a message takes in a chunk besides its data. */
export const MESSAGE_OVERHEAD = RECORD_HEAD_BYTES + MESSAGE_HEAD_BYTES;

/** Message records in a buffer of fixed size, to be written as one chunk. */
export class ChunkBuilder {
  readonly bytes: Uint8Array;
  length = 0;
  private readonly view: DataView;

  constructor(readonly capacity: number) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Bytes of data a further message could have. */
  get room(): number {
    return this.capacity - this.length - MESSAGE_OVERHEAD;
  }

  /** Appends a message with `data[start, start + length)`, which is copied; `room` is at least `length`. @hot */
  append(
    channel: number,
    sequence: number,
    logNs: number,
    publishNs: number,
    data: Uint8Array,
    start: number,
    length: number,
  ): void {
    const { view, bytes } = this;
    const at = this.length;
    view.setUint8(at, Opcode.message);
    setU64(view, at + 1, MESSAGE_HEAD_BYTES + length);
    view.setUint16(at + 9, channel, true);
    view.setUint32(at + 11, sequence, true);
    setU64(view, at + 15, logNs);
    setU64(view, at + 23, publishNs);
    let to = at + MESSAGE_OVERHEAD;
    for (let from = start; from < start + length; from++) bytes[to++] = data[from];
    this.length = to;
  }

  clear(): void {
    this.length = 0;
  }
}

/** A chunk as it goes to disk, and what an index has to say of it. */
export interface EncodedChunk {
  /** The chunk record up to its records; the records themselves, borrowed; message index records. */
  readonly parts: readonly [head: Uint8Array, records: Uint8Array, index: Uint8Array];
  readonly bytes: number;
  readonly startNs: number;
  readonly endNs: number;
  /** Messages by channel id. */
  readonly messages: ReadonlyMap<number, number>;
  /** Where each channel's message index starts, counted from the start of the chunk record. */
  readonly indexOffsets: ReadonlyMap<number, number>;
}

/** Frames well-formed records as an uncompressed chunk with its CRC and message indexes. */
export function encodeChunk(records: Uint8Array): EncodedChunk {
  const view = new DataView(records.buffer, records.byteOffset, records.length);
  const entries = new Map<number, ByteWriter>();
  let startNs = Infinity;
  let endNs = 0;
  for (let at = 0; at < records.length; at += RECORD_HEAD_BYTES + getU64(view, at + 1)) {
    if (records[at] !== Opcode.message) continue;
    const channel = view.getUint16(at + 9, true);
    const logNs = getU64(view, at + 15);
    startNs = Math.min(startNs, logNs);
    endNs = Math.max(endNs, logNs);
    let list = entries.get(channel);
    if (list === undefined) entries.set(channel, (list = new ByteWriter(1024)));
    list.u64(logNs).u64(at);
  }
  if (startNs === Infinity) startNs = 0;
  const head = new Uint8Array(RECORD_HEAD_BYTES + CHUNK_HEAD_BYTES);
  const headView = new DataView(head.buffer);
  head[0] = Opcode.chunk;
  setU64(headView, 1, CHUNK_HEAD_BYTES + records.length);
  setU64(headView, 9, startNs);
  setU64(headView, 17, endNs);
  setU64(headView, 25, records.length);
  headView.setUint32(33, crc32(records), true);
  setU64(headView, 41, records.length); // after the empty name of the compression
  const index = new ByteWriter(64);
  const indexOffsets = new Map<number, number>();
  const messages = new Map<number, number>();
  for (const [channel, list] of entries) {
    indexOffsets.set(channel, head.length + records.length + index.length);
    messages.set(channel, list.length / 16);
    index.record(Opcode.messageIndex, (w) => {
      w.u16(channel).u32(list.length).raw(list.written());
    });
  }
  const parts = [head, records, index.written()] as const;
  return { parts, bytes: head.length + records.length + index.length, startNs, endNs, messages, indexOffsets };
}
