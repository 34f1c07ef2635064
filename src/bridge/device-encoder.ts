import { SpecError } from '../spec/errors.js';
import { bytesOf, type DeviceColumn, encodeColumn, schemaHash, schemaProblem } from './device-schema.js';
import { numberToHalf } from './float16.js';
import type { DeviceStats } from './frame-options.js';
import { FrameWriter, MAX_WIRE_BYTES } from './frame-writer.js';
import {
  BATCH_HEAD_BYTES,
  FLAG_MASK,
  HEADER_BYTES,
  HELLO,
  HELLO_HEAD_BYTES,
  LABEL,
  LABEL_HEAD_BYTES,
  LOG,
  MAX_FIRMWARE_BYTES,
  MAX_NAME_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_UNIT_BYTES,
  PONG,
  PONG_BYTES,
  PROTOCOL,
  ROW,
  ROW_BATCH,
  STATS,
  STATS_BYTES,
  TYPE_BYTES,
  WIRE_TYPES,
} from './messages.js';

export interface DeviceEncoderOptions {
  /** Row columns, then label columns: 64 at most, a row of 236 bytes at most. */
  columns: readonly DeviceColumn[];
  /** Name and version, 31 bytes of UTF-8 at most. Default empty. */
  firmware?: string;
  /** Differs from one start to the next. Default 0. */
  boot?: number;
  /** The time between rows that is aimed at, microseconds. Default 0, none. */
  periodUs?: number;
}

/**
 * Frames as a device sends them, for simulated devices, recordings and tests. Every method writes to the start of
 * `bytes` and returns how many bytes there are, the 0x00 at the end included; they are good until the next call. Rows
 * number themselves.
 *
 * Values are in the columns' units: raw = (value − offset) / scale, rounded to the nearest, for integers and halves
 * limited to the largest there are; a bool is 1 where the value is not 0. NaN is a missing value.
 */
export class DeviceEncoder {
  readonly bytes: Uint8Array;
  /** [1], the caller's to set before a call: the device's clock, microseconds. */
  readonly timeUs = new Float64Array(1);
  /** [1]: the number of the next row. Adding to it drops rows, as a device does that has no room for them. */
  readonly nextRow = new Uint32Array(1);
  /** 1 … 65535. */
  readonly hash: number;
  periodUs: number;

  private readonly writer = new FrameWriter();
  private readonly encoded: readonly Uint8Array[];
  private readonly rowColumns: readonly DeviceColumn[];
  private readonly labelColumns: readonly DeviceColumn[];
  private readonly rowBytes: number;
  private readonly firmware: Uint8Array;
  private readonly boot: number;

  /** @throws SpecError where the columns are none a device can have */
  constructor(options: DeviceEncoderOptions) {
    const { columns } = options;
    const wrong = (where: string, found: string, expected: string) =>
      new SpecError('BRIDGE_OPTIONS', { where, found, expected });
    const problem = schemaProblem(columns);
    if (problem !== null) throw wrong('columns', problem, '1 to 64, row columns first, rows of at most 236 bytes');
    const size = (text: string) => new TextEncoder().encode(text).length;
    for (const { name, unit } of columns) {
      if (name === '' || size(name) > MAX_NAME_BYTES) throw wrong('columns', `the name "${name}"`, '1 to 31 bytes');
      if (size(unit) > MAX_UNIT_BYTES) throw wrong(`column "${name}"`, `the unit "${unit}"`, 'at most 15 bytes');
    }
    this.firmware = new TextEncoder().encode(options.firmware ?? '');
    if (this.firmware.length > MAX_FIRMWARE_BYTES) throw wrong('firmware', `"${options.firmware}"`, 'at most 31 bytes');
    this.encoded = columns.map(encodeColumn);
    this.hash = schemaHash(this.encoded);
    this.rowColumns = columns.filter((column) => !column.label);
    this.labelColumns = columns.filter((column) => column.label);
    this.rowBytes = bytesOf(columns, false);
    this.boot = options.boot ?? 0;
    this.periodUs = options.periodUs ?? 0;
    // At worst every column needs a HELLO of its own.
    this.bytes = new Uint8Array(MAX_WIRE_BYTES * columns.length);
  }

  /** Every column, in as many HELLO frames as that takes, a 0x00 before each. */
  hello(): number {
    let at = 0;
    for (let first = 0; first < this.encoded.length; ) {
      let room = MAX_PAYLOAD_BYTES - HELLO_HEAD_BYTES - 1 - this.firmware.length;
      let here = 0;
      while (first + here < this.encoded.length && this.encoded[first + here].length <= room) {
        room -= this.encoded[first + here].length;
        here++;
      }
      at = this.writeHello(first, here, at);
      first += here;
    }
    return at;
  }

  /** One HELLO with `here` columns from `first` on, a 0x00 before it. */
  helloPart(first: number, here: number): number {
    return this.writeHello(first, here, 0);
  }

  /** @param values [row columns] */
  row(values: ArrayLike<number>): number {
    const columns = this.rowColumns;
    const mask = this.writer.body;
    const maskBytes = (columns.length + 7) >> 3;
    const isMasked = columns.some(({ type }, i) => type !== 'f32' && type !== 'f16' && Number.isNaN(values[i]));
    let at = HEADER_BYTES;
    if (isMasked) {
      mask.fill(0, at, at + maskBytes);
      for (let i = 0; i < columns.length; i++) if (Number.isNaN(values[i])) mask[at + (i >> 3)] |= 1 << (i & 7);
      at += maskBytes;
    }
    return this.finishRows(ROW, isMasked ? FLAG_MASK : 0, this.writeValues(columns, values, 0, at), 1);
  }

  /**
   * @param raw the row columns in order, packed
   * @param mask one bit a column, 1 where a value is missing; null for none
   */
  rawRow(raw: Uint8Array, mask: Uint8Array | null): number {
    const body = this.writer.body;
    if (mask !== null) body.set(mask, HEADER_BYTES);
    const at = HEADER_BYTES + (mask?.length ?? 0);
    body.set(raw, at);
    return this.finishRows(ROW, mask === null ? 0 : FLAG_MASK, at + raw.length, 1);
  }

  /**
   * Rows taken `stepUs` apart, the first at `timeUs[0]`.
   *
   * @param values [rows, row columns]; NaN under float types only, for a batch has no masks
   * @throws SpecError where they do not fit a frame
   */
  batch(stepUs: number, values: ArrayLike<number>): number {
    const columns = this.rowColumns;
    const count = values.length / columns.length;
    const size = BATCH_HEAD_BYTES + count * this.rowBytes;
    if (!Number.isInteger(count) || count === 0 || count > 255 || size > MAX_PAYLOAD_BYTES) {
      throw new SpecError('BRIDGE_OPTIONS', {
        where: 'batch',
        found: `${values.length} values for ${columns.length} columns`,
        expected: `1 to ${Math.min(255, Math.floor((MAX_PAYLOAD_BYTES - BATCH_HEAD_BYTES) / this.rowBytes))} whole rows`,
      });
    }
    let at = this.writeBatchHead(stepUs, count);
    for (let row = 0; row < count; row++) at = this.writeValues(columns, values, row * columns.length, at);
    return this.finishRows(ROW_BATCH, 0, at, count);
  }

  /** @param raw `count` rows, packed one behind the other */
  rawBatch(stepUs: number, count: number, raw: Uint8Array): number {
    const at = this.writeBatchHead(stepUs, count);
    this.writer.body.set(raw, at);
    return this.finishRows(ROW_BATCH, 0, at + raw.length, count);
  }

  /**
   * The truth of `row`.
   *
   * @param values [label columns]
   */
  label(row: number, values: ArrayLike<number>): number {
    this.writer.view.setUint32(HEADER_BYTES, row, true);
    return this.finish(
      LABEL,
      this.hash,
      this.writeValues(this.labelColumns, values, 0, HEADER_BYTES + LABEL_HEAD_BYTES),
    );
  }

  /** @param raw the label columns in order, packed */
  rawLabel(row: number, raw: Uint8Array): number {
    this.writer.view.setUint32(HEADER_BYTES, row, true);
    this.writer.body.set(raw, HEADER_BYTES + LABEL_HEAD_BYTES);
    return this.finish(LABEL, this.hash, HEADER_BYTES + LABEL_HEAD_BYTES + raw.length);
  }

  /** @param level 0 error, 1 warning, 2 info, 3 debug; a text of more than 235 bytes is cut */
  log(level: number, text: string): number {
    this.writer.body[HEADER_BYTES] = level;
    return this.finish(LOG, 0, this.writer.text(text, HEADER_BYTES + 1, MAX_PAYLOAD_BYTES - 1));
  }

  stats(stats: Omit<DeviceStats, 'nextRow'>): number {
    const view = this.writer.view;
    view.setUint32(HEADER_BYTES, this.nextRow[0], true);
    view.setUint32(HEADER_BYTES + 4, stats.droppedRows, true);
    view.setUint32(HEADER_BYTES + 8, stats.droppedFrames, true);
    view.setUint32(HEADER_BYTES + 12, stats.rxFrames, true);
    view.setUint32(HEADER_BYTES + 16, stats.rxBad, true);
    view.setUint16(HEADER_BYTES + 20, stats.freeRam, true);
    return this.finish(STATS, 0, HEADER_BYTES + STATS_BYTES);
  }

  /** The answer, at `timeUs[0]`, to a PING with `token` that had come at `rxUs`. */
  pong(token: number, rxUs: number): number {
    this.writer.view.setUint32(HEADER_BYTES, token, true);
    this.writer.view.setUint32(HEADER_BYTES + 4, rxUs, true);
    return this.finish(PONG, 0, HEADER_BYTES + PONG_BYTES);
  }

  private writeHello(first: number, here: number, at: number): number {
    const { body, view } = this.writer;
    body[HEADER_BYTES] = PROTOCOL;
    body[HEADER_BYTES + 1] = first;
    body[HEADER_BYTES + 2] = here;
    body[HEADER_BYTES + 3] = this.encoded.length;
    view.setUint32(HEADER_BYTES + 4, this.boot, true);
    view.setUint32(HEADER_BYTES + 8, this.nextRow[0], true);
    view.setUint32(HEADER_BYTES + 12, this.periodUs, true);
    body[HEADER_BYTES + HELLO_HEAD_BYTES] = this.firmware.length;
    let end = HEADER_BYTES + HELLO_HEAD_BYTES + 1;
    body.set(this.firmware, end);
    end += this.firmware.length;
    for (const column of this.encoded.slice(first, first + here)) {
      body.set(column, end);
      end += column.length;
    }
    this.bytes[at] = 0;
    return this.finish(HELLO, this.hash, end, 0, at + 1);
  }

  private writeBatchHead(stepUs: number, count: number): number {
    this.writer.body[HEADER_BYTES] = count;
    this.writer.view.setUint32(HEADER_BYTES + 1, stepUs, true);
    return HEADER_BYTES + BATCH_HEAD_BYTES;
  }

  /** `values[from, …)` of `columns` to the body from `start` on; returns where they end. */
  private writeValues(
    columns: readonly DeviceColumn[],
    values: ArrayLike<number>,
    from: number,
    start: number,
  ): number {
    const view = this.writer.view;
    let at = start;
    for (let i = 0; i < columns.length; i++) {
      const { type, scale, offset } = columns[i];
      const raw = (values[from + i] - offset) / scale;
      if (type === 'f32') view.setFloat32(at, raw, true);
      else if (type === 'f16') view.setUint16(at, numberToHalf(raw), true);
      else if (type === 'i32') view.setInt32(at, nearestInteger(raw, -0x80000000, 0x7fffffff), true);
      else if (type === 'i16') view.setInt16(at, nearestInteger(raw, -0x8000, 0x7fff), true);
      else if (type === 'u16') view.setUint16(at, nearestInteger(raw, 0, 0xffff), true);
      else if (type === 'u8') view.setUint8(at, nearestInteger(raw, 0, 0xff));
      else view.setUint8(at, raw === 0 || Number.isNaN(raw) ? 0 : 1);
      at += TYPE_BYTES[WIRE_TYPES.indexOf(type)];
    }
    return at;
  }

  private finishRows(type: number, flags: number, end: number, count: number): number {
    const length = this.finish(type, this.hash, end, flags);
    this.nextRow[0] += count;
    return length;
  }

  private finish(type: number, schema: number, end: number, flags = 0, at = 0): number {
    const bits = flags | ((this.boot & 15) << 4);
    return this.writer.finish(type, bits, this.nextRow[0] & 0xffff, this.timeUs, schema, end, this.bytes, at);
  }
}

/** The nearest integer, away from zero between two; 0 for NaN, which the mask tells. */
function nearestInteger(raw: number, least: number, most: number): number {
  if (Number.isNaN(raw)) return 0;
  const nearest = Math.sign(raw) * Math.round(Math.abs(raw));
  return Math.min(most, Math.max(least, nearest));
}
