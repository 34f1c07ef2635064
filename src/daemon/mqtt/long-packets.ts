import { Transform, type TransformCallback } from 'node:stream';

/** Most bytes of a packet's body that are kept: a topic, which may have 65,535, and more than any command has. */
export const MOST_PACKET_BYTES = 72 * 1024;

/**
 * What a broker sends, with the end of packets that are too long left out, so that no publisher can fill the memory: the
 * client keeps a packet until all of it has come. The packet stays one (its length is written down as what is left), so
 * that it is acknowledged, and its payload is still too long for a command and is refused with the reason.
 */
export class LongPackets extends Transform {
  /** Packets that were cut. */
  cut = 0;
  /** The header of the packet as far as it has come: kind and length (one to four bytes of seven bits each). */
  private readonly header = Buffer.alloc(5);
  private headerLength = 0;
  /** Bytes of the body that are still to come: those that are handed on, and those after them that are not. */
  private kept = 0;
  private left = 0;

  override _transform(bytes: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.kept > 0) {
        const end = Math.min(bytes.length, at + this.kept);
        this.push(bytes.subarray(at, end));
        this.kept -= end - at;
        at = end;
      } else if (this.left > 0) {
        const end = Math.min(bytes.length, at + this.left);
        this.left -= end - at;
        at = end;
      } else {
        const byte = bytes[at++];
        this.header[this.headerLength++] = byte;
        if (this.headerLength === 1 || (byte >= 0x80 && this.headerLength < 5)) continue;
        this.begin();
      }
    }
    done();
  }

  /** The header has come. */
  private begin(): void {
    const { header, headerLength } = this;
    let length = 0;
    for (let i = headerLength - 1; i > 0; i--) length = length * 128 + (header[i] & 0x7f);
    this.headerLength = 0;
    this.kept = Math.min(length, MOST_PACKET_BYTES);
    this.left = length - this.kept;
    if (this.left === 0) {
      this.push(Buffer.from(header.subarray(0, headerLength)));
      return;
    }
    this.cut++;
    this.push(Buffer.from([header[0], (this.kept & 0x7f) | 0x80, ((this.kept >> 7) & 0x7f) | 0x80, this.kept >> 14]));
  }
}
