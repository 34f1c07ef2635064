import type { DeviceColumn } from './device-schema.js';
import { halfToNumber } from './float16.js';
import { BOOL, F16, F32, I16, I32, MAX_PAYLOAD_BYTES, TYPE_BYTES, U8, U16, WIRE_TYPES } from './messages.js';

/**
 * Where the values of a row, or of a label, lie in a frame, and which of them go where: made when a schema becomes
 * known. Columns nobody asked for are not looked at.
 */
export class RowLayout {
  /** Bytes of a row without its mask. */
  readonly bytes: number;
  /** Bytes of its mask of missing values. */
  readonly maskBytes: number;
  /** How many values are read. */
  readonly fields: number;
  /** [fields of a whole frame]: what `read` has read, unrounded; row i of a batch is from i · fields on. */
  readonly values: Float64Array;

  /** [fields]: type, place in the row, place in the mask, and what makes a value of the raw number. */
  private readonly type: Uint8Array;
  private readonly at: Uint8Array;
  private readonly bit: Uint8Array;
  private readonly scale: Float64Array;
  private readonly offset: Float64Array;
  /** [outputs]: the field that goes there, −1 for none. */
  private readonly fieldOf: Int32Array;

  /**
   * @param columns those of the row, in order
   * @param outputOf [columns]: where the value of a column goes, −1 for nowhere
   * @param outputs how many places there are
   */
  constructor(columns: readonly DeviceColumn[], outputOf: readonly number[], outputs: number) {
    this.maskBytes = (columns.length + 7) >> 3;
    this.fields = outputOf.filter((output) => output >= 0).length;
    this.type = new Uint8Array(this.fields);
    this.at = new Uint8Array(this.fields);
    this.bit = new Uint8Array(this.fields);
    this.scale = new Float64Array(this.fields);
    this.offset = new Float64Array(this.fields);
    this.fieldOf = new Int32Array(outputs).fill(-1);
    // A value is a byte at least, so a frame has no more of them than its payload bytes.
    this.values = new Float64Array(MAX_PAYLOAD_BYTES);
    let field = 0;
    let at = 0;
    columns.forEach((column, i) => {
      const type = WIRE_TYPES.indexOf(column.type);
      if (outputOf[i] >= 0) {
        this.type[field] = type;
        this.at[field] = at;
        this.bit[field] = i;
        this.scale[field] = column.scale;
        this.offset[field] = column.offset;
        this.fieldOf[outputOf[i]] = field++;
      }
      at += TYPE_BYTES[type];
    });
    this.bytes = at;
  }

  /**
   * Reads a row's values into `values[to, to + fields)`: NaN where missing.
   *
   * @param bytes the frame, and `view` the same
   * @param at where the row begins
   * @param mask where its mask begins, −1 for none
   * returns  whether every value is missing or finite as a float32
   * @hot
   */
  read(bytes: Uint8Array, view: DataView, at: number, mask: number, to: number): boolean {
    const { type, at: place, bit, scale, offset, values, fields } = this;
    let isGood = true;
    for (let field = 0; field < fields; field++) {
      if (mask >= 0 && ((bytes[mask + (bit[field] >> 3)] >> (bit[field] & 7)) & 1) === 1) {
        values[to + field] = Number.NaN;
        continue;
      }
      const p = at + place[field];
      const slot = to + field;
      // Through the array, and not a variable: one that is now an integer, now a double may cost V8 a heap number.
      switch (type[field]) {
        case F32:
          values[slot] = view.getFloat32(p, true);
          break;
        case F16:
          values[slot] = halfToNumber(view.getUint16(p, true));
          break;
        case I32:
          values[slot] = view.getInt32(p, true);
          break;
        case I16:
          values[slot] = view.getInt16(p, true);
          break;
        case U16:
          values[slot] = view.getUint16(p, true);
          break;
        case U8:
          values[slot] = bytes[p];
          break;
        case BOOL:
          values[slot] = bytes[p] === 0 ? 0 : 1;
      }
      // A raw NaN, which only float types have, is a missing value.
      const isMissing = Number.isNaN(values[slot]);
      values[slot] = values[slot] * scale[field] + offset[field];
      if (!isMissing && !Number.isFinite(Math.fround(values[slot]))) isGood = false;
    }
    return isGood;
  }

  /**
   * `out[output] ←` the values read to `from` on, rounded; NaN for outputs the device has no column for.
   * @hot
   */
  write(from: number, out: Float32Array): void {
    const { fieldOf, values } = this;
    for (let output = 0; output < fieldOf.length; output++) {
      const field = fieldOf[output];
      out[output] = field < 0 ? Number.NaN : values[from + field];
    }
  }

  /** Which of a row's values goes to `output`, −1 for none. */
  fieldAt(output: number): number {
    return this.fieldOf[output];
  }
}
