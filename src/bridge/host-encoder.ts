import { FrameWriter, MAX_WIRE_BYTES } from './frame-writer.js';
import {
  FLAG_ALARM,
  FLAG_WARMING_UP,
  HEADER_BYTES,
  HELLO_REQ,
  LABEL_ACK,
  MAX_OUTPUT_VALUES,
  OUTPUT,
  OUTPUT_HEAD_BYTES,
  PING,
  RATE,
} from './messages.js';

/**
 * Frames for a device. Every method writes one frame to the start of `bytes`, a 0x00 before and behind it, and returns
 * how many bytes it has; it is good until the next call. Allocates nothing.
 */
export class HostEncoder {
  /** [253]: the frame. */
  readonly bytes = new Uint8Array(MAX_WIRE_BYTES);
  /** [1], the caller's to set before a call: the host's clock in microseconds, of any start. */
  readonly timeUs = new Float64Array(1);
  /** [1], the caller's to set before `output`: the skill over the last window, NaN while unknown. */
  readonly score = new Float32Array(1).fill(Number.NaN);

  private readonly writer = new FrameWriter();
  private seq = 0;

  /** Asks for a HELLO. */
  helloRequest(): number {
    return this.finish(HELLO_REQ, 0, 0);
  }

  /** Asks for a row every `periodUs` microseconds, 1 … 2^32 − 1. */
  rate(periodUs: number): number {
    this.writer.view.setUint32(HEADER_BYTES, periodUs, true);
    return this.finish(RATE, 0, 4);
  }

  /** @param token comes back in the PONG */
  ping(token: number): number {
    this.writer.view.setUint32(HEADER_BYTES, token, true);
    return this.finish(PING, 0, 4);
  }

  /**
   * A prediction, with `score[0]`.
   *
   * @param row the number of the row it was predicted from
   * @param values in the targets' units, or one probability a class; the first 56 where there are more
   * @param isWarmingUp whether the device should not act on it yet
   * @hot
   */
  output(row: number, values: Float32Array, isWarmingUp: boolean, isAlarm: boolean): number {
    const view = this.writer.view;
    const count = Math.min(values.length, MAX_OUTPUT_VALUES);
    view.setUint32(HEADER_BYTES, row, true);
    view.setFloat32(HEADER_BYTES + 4, this.score[0], true);
    view.setUint8(HEADER_BYTES + 8, count);
    let at = HEADER_BYTES + OUTPUT_HEAD_BYTES;
    for (let i = 0; i < count; i++, at += 4) view.setFloat32(at, values[i], true);
    const flags = (isWarmingUp ? FLAG_WARMING_UP : 0) | (isAlarm ? FLAG_ALARM : 0);
    return this.finish(OUTPUT, flags, OUTPUT_HEAD_BYTES + 4 * count);
  }

  /** The label of `row` has arrived. */
  labelAck(row: number): number {
    this.writer.view.setUint32(HEADER_BYTES, row, true);
    return this.finish(LABEL_ACK, 0, 4);
  }

  private finish(type: number, flags: number, payload: number): number {
    const end = this.writer.finish(type, flags, this.seq, this.timeUs, 0, HEADER_BYTES + payload, this.bytes, 1);
    this.seq = (this.seq + 1) & 0xffff;
    return end;
  }
}
