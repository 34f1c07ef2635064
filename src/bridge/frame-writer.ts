import { cobsEncode } from './cobs.js';
import { crc32 } from './crc32.js';
import { AT_FLAGS, AT_SCHEMA, AT_SEQ, AT_TIME, CRC_BYTES, MAX_BODY_BYTES, MAX_STUFFED_BYTES } from './messages.js';

/** A whole frame on the wire: a 0x00 before it, the stuffed body, the 0x00 that ends it. */
export const MAX_WIRE_BYTES = MAX_STUFFED_BYTES + 2;

/** Makes frames of a payload: the caller fills `body` behind the header, then calls `finish`. */
export class FrameWriter {
  readonly body = new Uint8Array(MAX_BODY_BYTES);
  readonly view = new DataView(this.body.buffer);

  /**
   * Puts header and CRC around the payload in `body`, which ends at `end`.
   *
   * @param timeUs `timeUs[0]`, the sender's clock in microseconds, is taken modulo 2^32
   * writes   out[at, …), the 0x00 at the end included
   * returns  where the frame ends in out
   * @hot
   */
  finish(
    type: number,
    flags: number,
    seq: number,
    timeUs: Float64Array,
    schema: number,
    end: number,
    out: Uint8Array,
    at: number,
  ): number {
    const { body, view } = this;
    body[0] = type;
    body[AT_FLAGS] = flags;
    view.setUint16(AT_SEQ, seq, true);
    view.setUint32(AT_TIME, timeUs[0], true);
    view.setUint16(AT_SCHEMA, schema, true);
    view.setInt32(end, crc32(body, 0, end), true);
    const to = at + cobsEncode(body, 0, end + CRC_BYTES, out, at);
    out[to] = 0;
    return to + 1;
  }

  /** Writes `text` as UTF-8 to `body[at, …)`, cut at a whole character where it needs more than `room` bytes. */
  text(text: string, at: number, room: number): number {
    return at + new TextEncoder().encodeInto(text, this.body.subarray(at, at + room)).written;
  }
}
