import { COMMA, HASH_START, hashBytes } from './bytes.js';
import type { Columns } from './columns.js';
import { splitFields, splitLabelled } from './fields.js';
import { DELIMITERS, type Lock, NO_SEPARATOR, SEPARATORS } from './format.js';
import { MISSING, NOT_NUMERIC, parseNumber } from './number.js';

/**
 * What a line tells about its format when it is taken for a row: the number of fields, the delimiter, the label
 * separator and whether it has a checksum, packed into one integer so that lines can be compared without objects.
 */
export const NO_ROW = 0;

const SEPARATOR_BYTES = [NO_SEPARATOR, ...SEPARATORS] as const;

export function packShape(fields: number, delimiter: number, separator: number, checksum: boolean): number {
  const d = DELIMITERS.indexOf(delimiter as (typeof DELIMITERS)[number]);
  const s = SEPARATOR_BYTES.indexOf(separator as (typeof SEPARATOR_BYTES)[number]);
  return (((fields * 4 + d) * 4 + s) << 1) | (checksum ? 1 : 0);
}

export const shapeFields = (shape: number): number => shape >> 5;
export const shapeDelimiter = (shape: number): number => DELIMITERS[(shape >> 3) & 3];
export const shapeSeparator = (shape: number): number => SEPARATOR_BYTES[(shape >> 1) & 3];
export const shapeHasChecksum = (shape: number): boolean => (shape & 1) === 1;

/** Tells the shape of a line. Keeps scratch memory, no state. */
export class ShapeReader {
  private readonly value = new Float64Array(1);
  /** [columns]: the mapping of rows without names; −1 where the column is ignored. */
  private readonly byPosition: Int32Array;

  constructor(
    private readonly columns: Columns,
    private readonly spans: Int32Array,
  ) {
    this.byPosition = Int32Array.from(columns.names, (_, column) => (columns.ignored[column] ? -1 : column));
  }

  /**
   * The shape of `bytes[start, end)`, a line without its checksum, or NO_ROW.
   * A row is a line whose fields are numbers or missing; fields that `known` or the schema ignore may hold anything.
   * A lone field has to be a number: one `null`, or nothing before a checksum, tells nothing.
   * Bare values are tried before labels, and the delimiters in their order.
   *
   * @param known the names in force, so that text under an ignored name does no harm
   */
  shapeOf(bytes: Uint8Array, start: number, end: number, checksum: boolean, known: Lock | null): number {
    const spans = this.spans;
    for (const delimiter of DELIMITERS) {
      const fields = splitFields(bytes, start, end, delimiter, spans);
      if (fields === 1 && delimiter !== COMMA) continue;
      const isKnown = known?.separator === NO_SEPARATOR && known.delimiter === delimiter && known.fields === fields;
      const map = isKnown ? known.columnOfField : fields === this.columns.count ? this.byPosition : null;
      if (this.areNumbers(bytes, fields, map)) return packShape(fields, delimiter, NO_SEPARATOR, checksum);
    }
    for (const separator of SEPARATORS) {
      for (const delimiter of DELIMITERS) {
        const fields = splitLabelled(bytes, start, end, delimiter, separator, spans);
        if (fields === 0 || (fields === 1 && delimiter !== COMMA)) continue;
        if (this.areLabelledNumbers(bytes, fields)) return packShape(fields, delimiter, separator, checksum);
      }
    }
    return NO_ROW;
  }

  /** A hash of the labels of a line of this shape, 0 where it has none: lines with other labels are of another format. */
  labelHash(bytes: Uint8Array, start: number, end: number, shape: number): number {
    const separator = shapeSeparator(shape);
    if (separator === NO_SEPARATOR) return 0;
    const spans = this.spans;
    const fields = splitLabelled(bytes, start, end, shapeDelimiter(shape), separator, spans);
    let hash = HASH_START;
    for (let field = 0; field < fields; field++) {
      hash = Math.imul(hashBytes(bytes, spans[4 * field], spans[4 * field + 1], hash) ^ separator, 0x01000193);
    }
    return hash;
  }

  private areNumbers(bytes: Uint8Array, fields: number, map: Int32Array | null): boolean {
    const spans = this.spans;
    for (let field = 0; field < fields; field++) {
      if (map !== null && map[field] < 0) continue;
      const kind = parseNumber(bytes, spans[2 * field], spans[2 * field + 1], this.value, 0);
      if (kind === NOT_NUMERIC || (kind === MISSING && fields === 1)) return false;
    }
    return true;
  }

  /** Numbers under every label; where some label is a column, text under others does no harm. */
  private areLabelledNumbers(bytes: Uint8Array, fields: number): boolean {
    const spans = this.spans;
    let someColumn = false;
    let someText = false;
    for (let field = 0; field < fields; field++) {
      const column = this.columns.find(bytes, spans[4 * field], spans[4 * field + 1]);
      someColumn ||= column >= 0;
      if (parseNumber(bytes, spans[4 * field + 2], spans[4 * field + 3], this.value, 0) !== NOT_NUMERIC) continue;
      if (column >= 0 && !this.columns.ignored[column]) return false;
      someText = true;
    }
    return someColumn || !someText;
  }
}
