// The MCAP container, version 0 (https://mcap.dev/spec): what a file is made of, and how its numbers are written.

export const MAGIC = Uint8Array.of(0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a);

/** First byte of a record; eight bytes of length follow, then the content. */
export const Opcode = {
  header: 0x01,
  footer: 0x02,
  schema: 0x03,
  channel: 0x04,
  message: 0x05,
  chunk: 0x06,
  messageIndex: 0x07,
  chunkIndex: 0x08,
  attachment: 0x09,
  attachmentIndex: 0x0a,
  statistics: 0x0b,
  metadata: 0x0c,
  metadataIndex: 0x0d,
  summaryOffset: 0x0e,
  dataEnd: 0x0f,
} as const;

/** Opcode and length. */
export const RECORD_HEAD_BYTES = 9;
/** Of a message's content, before its data: channel, sequence, log time, publish time. */
export const MESSAGE_HEAD_BYTES = 22;
/** Of an uncompressed chunk's content, before its records. */
export const CHUNK_HEAD_BYTES = 40;
export const FOOTER_BYTES = 20;

/** A topic of a file. Ids of ours are fixed, so that messages can be told apart where the record of a channel is lost. */
export interface Channel {
  readonly id: number;
  readonly topic: string;
  readonly encoding: string;
  /** JSON schema of its messages; absent where they are just bytes. */
  readonly schema?: { readonly name: string; readonly text: string };
}

const HIGH = 2 ** 32;

/** Writes a whole number below 2⁶⁴. A float64 holds nanoseconds since 1970 to 256 ns. @hot */
export function setU64(view: DataView, at: number, value: number): void {
  const high = Math.floor(value / HIGH);
  view.setUint32(at, value - high * HIGH, true);
  view.setUint32(at + 4, high, true);
}

export function getU64(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * HIGH;
}

const encoder = new TextEncoder();

/** Bytes written one field after the other; grows. */
export class ByteWriter {
  private bytes: Uint8Array;
  private view: DataView;
  length = 0;

  constructor(capacity = 256) {
    this.bytes = new Uint8Array(capacity);
    this.view = new DataView(this.bytes.buffer);
  }

  /** What was written, borrowed. */
  written(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  u8(value: number): this {
    this.room(1);
    this.view.setUint8(this.length, value);
    this.length += 1;
    return this;
  }

  u16(value: number): this {
    this.room(2);
    this.view.setUint16(this.length, value, true);
    this.length += 2;
    return this;
  }

  u32(value: number): this {
    this.room(4);
    this.view.setUint32(this.length, value, true);
    this.length += 4;
    return this;
  }

  u64(value: number): this {
    this.room(8);
    setU64(this.view, this.length, value);
    this.length += 8;
    return this;
  }

  raw(value: Uint8Array): this {
    this.room(value.length);
    this.bytes.set(value, this.length);
    this.length += value.length;
    return this;
  }

  text(value: string): this {
    const bytes = encoder.encode(value);
    return this.u32(bytes.length).raw(bytes);
  }

  /** A record whose content `fill` writes. */
  record(opcode: number, fill: (content: this) => void): this {
    this.u8(opcode).u64(0);
    const start = this.length;
    fill(this);
    setU64(this.view, start - 8, this.length - start);
    return this;
  }

  private room(bytes: number): void {
    if (this.length + bytes <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.bytes.length, this.length + bytes));
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
}

/** The schemas of a file, as records. A channel's schema has the channel's id. */
export function writeSchemas(writer: ByteWriter, channels: readonly Channel[]): void {
  for (const { id, schema } of channels) {
    if (schema === undefined) continue;
    writer.record(Opcode.schema, (w) => {
      w.u16(id).text(schema.name).text('jsonschema').text(schema.text);
    });
  }
}

/** The channels of a file, as records. */
export function writeChannels(writer: ByteWriter, channels: readonly Channel[]): void {
  for (const { id, topic, encoding, schema } of channels) {
    writer.record(Opcode.channel, (w) => {
      w.u16(id)
        .u16(schema === undefined ? 0 : id)
        .text(topic)
        .text(encoding)
        .u32(0); // no metadata
    });
  }
}
