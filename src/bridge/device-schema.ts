import { equalBytes } from './bytes.js';
import { crc32 } from './crc32.js';
import {
  HELLO_HEAD_BYTES,
  KIND_LABEL,
  KIND_SCALED,
  KIND_TYPE,
  KIND_UNUSED,
  MAX_COLUMNS,
  MAX_FIRMWARE_BYTES,
  MAX_NAME_BYTES,
  MAX_PAYLOAD_BYTES,
  MAX_UNIT_BYTES,
  TYPE_BYTES,
  WIRE_TYPES,
  type WireType,
} from './messages.js';

/** One column of a device, as its HELLO says. */
export interface DeviceColumn {
  readonly name: string;
  /** Empty where the device says none. */
  readonly unit: string;
  /** How a raw value lies in a frame. The value is raw · scale + offset. */
  readonly type: WireType;
  readonly scale: number;
  readonly offset: number;
  /** Sent on its own, as the truth of an earlier row. */
  readonly label: boolean;
}

/** The columns of a device: those of its rows, then those of its labels. */
export interface DeviceSchema {
  /** 1 … 65535, in every row. */
  readonly hash: number;
  readonly columns: readonly DeviceColumn[];
}

/** Bytes of a row without its mask, and of a label's values. */
export function bytesOf(columns: readonly DeviceColumn[], label: boolean): number {
  return columns
    .filter((column) => column.label === label)
    .reduce((sum, column) => sum + TYPE_BYTES[WIRE_TYPES.indexOf(column.type)], 0);
}

/** The low half of the CRC-32 over the columns as they are on the wire. */
export function schemaHash(encoded: readonly Uint8Array[]): number {
  const crc = encoded.reduce((sum, column) => crc32(column, 0, column.length, sum), 0);
  return crc & 0xffff || 1;
}

/** A column as it is on the wire. Scale and offset follow where they are not 1 and 0. */
export function encodeColumn(column: DeviceColumn): Uint8Array {
  const encoder = new TextEncoder();
  const name = encoder.encode(column.name);
  const unit = encoder.encode(column.unit);
  const isScaled = column.scale !== 1 || column.offset !== 0;
  const bytes = new Uint8Array(3 + name.length + unit.length + (isScaled ? 8 : 0));
  const view = new DataView(bytes.buffer);
  bytes[0] = WIRE_TYPES.indexOf(column.type) | (column.label ? KIND_LABEL : 0) | (isScaled ? KIND_SCALED : 0);
  let at = 1;
  if (isScaled) {
    view.setFloat32(1, column.scale, true);
    view.setFloat32(5, column.offset, true);
    at = 9;
  }
  bytes[at] = name.length;
  bytes.set(name, at + 1);
  at += 1 + name.length;
  bytes[at] = unit.length;
  bytes.set(unit, at + 1);
  return bytes;
}

/** The column in `bytes`, which are one. */
export function decodeColumn(bytes: Uint8Array): DeviceColumn {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const kind = bytes[0];
  const isScaled = (kind & KIND_SCALED) !== 0;
  const nameAt = isScaled ? 9 : 1;
  const unitAt = nameAt + 1 + bytes[nameAt];
  return {
    name: decoder.decode(bytes.subarray(nameAt + 1, unitAt)),
    unit: decoder.decode(bytes.subarray(unitAt + 1)),
    type: WIRE_TYPES[kind & KIND_TYPE] as WireType,
    scale: isScaled ? view.getFloat32(1, true) : 1,
    offset: isScaled ? view.getFloat32(5, true) : 0,
    label: (kind & KIND_LABEL) !== 0,
  };
}

/** Where the column that begins at `at` ends, or −1 where there is none in `bytes[at, end)`. */
function columnEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at >= end) return -1;
  const kind = bytes[at];
  if ((kind & KIND_UNUSED) !== 0 || (kind & KIND_TYPE) === 0 || (kind & KIND_TYPE) >= WIRE_TYPES.length) return -1;
  const nameAt = at + (kind & KIND_SCALED ? 9 : 1);
  if (nameAt >= end || bytes[nameAt] === 0 || bytes[nameAt] > MAX_NAME_BYTES) return -1;
  const unitAt = nameAt + 1 + bytes[nameAt];
  if (unitAt >= end || bytes[unitAt] > MAX_UNIT_BYTES) return -1;
  const after = unitAt + 1 + bytes[unitAt];
  return after <= end ? after : -1;
}

/** Puts a schema together from HELLO frames, whatever their order. Holds 64 columns at most. */
export class SchemaAssembler {
  private hash = 0;
  private count = 0;
  /** [count]: the columns as encoded; null where they have not come. */
  private encoded: (Uint8Array | null)[] = [];

  forget(): void {
    this.hash = 0;
    this.count = 0;
    this.encoded = [];
  }

  /**
   * Whether `bytes[at, end)` is the payload of a HELLO of protocol 1. More bytes behind the last column are ignored.
   */
  isHello(bytes: Uint8Array, at: number, end: number): boolean {
    if (end - at < HELLO_HEAD_BYTES + 1) return false;
    const first = bytes[at + 1];
    const here = bytes[at + 2];
    const count = bytes[at + 3];
    if (count === 0 || count > MAX_COLUMNS || first + here > count) return false;
    const firmware = bytes[at + HELLO_HEAD_BYTES];
    let column = at + HELLO_HEAD_BYTES + 1 + firmware;
    if (firmware > MAX_FIRMWARE_BYTES || column > end) return false;
    for (let i = 0; i < here; i++) {
      column = columnEnd(bytes, column, end);
      if (column < 0) return false;
    }
    return true;
  }

  /**
   * Takes the columns of such a payload. Returns the schema when this HELLO made it whole or whole again, and its hash is
   * right; null while columns are missing.
   */
  add(hash: number, bytes: Uint8Array, at: number, end: number): readonly Uint8Array[] | null {
    const first = bytes[at + 1];
    const here = bytes[at + 2];
    const count = bytes[at + 3];
    if (hash !== this.hash || count !== this.count) {
      this.hash = hash;
      this.count = count;
      this.encoded = new Array(count).fill(null);
    }
    let column = at + HELLO_HEAD_BYTES + 1 + bytes[at + HELLO_HEAD_BYTES];
    for (let i = 0; i < here; i++) {
      const next = columnEnd(bytes, column, end);
      const known = this.encoded[first + i];
      if (known === null || !equalBytes(bytes, column, next, known)) {
        this.encoded[first + i] = bytes.slice(column, next);
      }
      column = next;
    }
    const whole: Uint8Array[] = [];
    for (const each of this.encoded) {
      if (each === null) return null;
      whole.push(each);
    }
    return schemaHash(whole) === hash ? whole : null;
  }
}

/** Why columns are no schema, as a phrase; null where they are one. */
export function schemaProblem(columns: readonly DeviceColumn[]): string | null {
  if (columns.length === 0 || columns.length > MAX_COLUMNS) return `${columns.length} columns`;
  const rowColumns = columns.filter((column) => !column.label).length;
  if (columns.slice(0, rowColumns).some((column) => column.label)) return 'a label column before a row column';
  const row = bytesOf(columns, false);
  if (row > MAX_PAYLOAD_BYTES) return `rows of ${row} bytes`;
  return null;
}
