import { LineDecoder, type LineDecoderOptions } from './decoder.js';
import { FrameDecoder } from './frame-decoder.js';
import type { FrameDecoderOptions } from './frame-options.js';
import { MAX_STUFFED_BYTES } from './messages.js';

/** Options of both decoders: `onReject` is told of lines, `onFrameReject` of frames. */
export type WireDecoderOptions = LineDecoderOptions & FrameDecoderOptions;

/** `unknown`: neither a format of lines nor a frame has been seen. */
export type WireMode = 'unknown' | 'text' | 'binary';

/**
 * Text lines or binary frames, told apart by themselves: a link is text until a frame with the right CRC has come, then
 * it is binary until it is opened anew. As long as it is text, everything is as with a LineDecoder alone; the bytes of
 * that first frame have gone there too.
 *
 * Any cutting of the same bytes into chunks gives the same calls and counters.
 */
export class WireDecoder {
  /** The decoder of lines: its format and counters. */
  readonly lines: LineDecoder;
  /** The decoder of frames: row numbers, clock, schema and counters. */
  readonly frames: FrameDecoder;

  private isBinary = false;
  /** The last bytes since a 0x00, as many as a frame can have, and room for the 0x00 behind it. */
  private readonly tail = new Uint8Array(MAX_STUFFED_BYTES + 1);
  private tailBytes = 0;

  /** @throws SpecError where the options do not belong together */
  constructor(options: WireDecoderOptions) {
    this.lines = new LineDecoder(options);
    this.frames = new FrameDecoder(options);
  }

  get mode(): WireMode {
    if (this.isBinary) return 'binary';
    return this.lines.format === null ? 'unknown' : 'text';
  }

  /** [1]: `time` of the decoder the row is from. To be read in `onRow`, not to be kept: the mode may change. */
  get time(): Float64Array {
    return this.isBinary ? this.frames.time : this.lines.time;
  }

  /**
   * Takes `bytes[start, end)`, the next bytes of the stream. They are not kept: the caller may reuse the buffer.
   * @hot
   */
  feed(bytes: Uint8Array, start: number, end: number): void {
    let from = start;
    while (!this.isBinary && from < end) {
      const at = zeroByte(bytes, from, end);
      if (at === end) {
        this.lines.feed(bytes, from, end);
        this.keepTail(bytes, from, end);
        return;
      }
      this.lines.feed(bytes, from, at + 1);
      this.keepTail(bytes, from, at);
      this.endTail();
      from = at + 1;
    }
    if (from < end) this.frames.feed(bytes, from, end);
  }

  /** The source has ended: a last line without a line feed counts as a line. */
  finish(): void {
    if (!this.isBinary) this.lines.finish();
  }

  /**
   * The link was cut; when it is open again it may be another device. The format of lines stays locked, what is known of
   * a binary device is forgotten.
   *
   * @param midStream whether the stream goes on in the middle of a line or a frame
   */
  reset(midStream: boolean): void {
    this.isBinary = false;
    this.tailBytes = 0;
    this.lines.reset(midStream);
    this.frames.reset(false);
  }

  private keepTail(bytes: Uint8Array, start: number, end: number): void {
    const tail = this.tail;
    const from = Math.max(start, end - MAX_STUFFED_BYTES);
    const over = this.tailBytes + end - from - MAX_STUFFED_BYTES;
    if (over > 0) {
      tail.copyWithin(0, over, this.tailBytes);
      this.tailBytes -= over;
    }
    let to = this.tailBytes;
    for (let p = from; p < end; p++) tail[to++] = bytes[p];
    this.tailBytes = to;
  }

  /** A 0x00 has come: a frame before it makes the link a binary one. */
  private endTail(): void {
    const length = this.tailBytes;
    this.tailBytes = 0;
    const at = this.frames.findFrame(this.tail, 0, length);
    if (at < 0) return;
    this.isBinary = true;
    this.lines.reset(false);
    this.tail[length] = 0;
    this.frames.feed(this.tail, at, length + 1);
  }
}

/** Where the next 0x00 of `bytes[start, end)` is, or `end`. */
function zeroByte(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  while (at < end && bytes[at] !== 0) at++;
  return at;
}
