import { MISSING, NOT_NUMERIC, NUMBER } from '../number.js';
import type { FieldValue } from './fields.js';
import { parseTime, perSecondOfSize, perSecondOfUnit } from './time.js';
import { bareText, classOfPair, isMissing, type NumberStyle, parseValue } from './value.js';

/** What a column is, as far as its fields are concerned. */
export type FieldKind = 'number' | 'angle' | 'class' | 'time' | 'ignore';

export interface ValueOptions {
  /** [columns]. Default: all numbers. */
  kinds?: readonly FieldKind[] | undefined;
  /** [columns]: the unit of a clock; empty if none is declared. */
  units?: readonly string[] | undefined;
  /** [columns]: the words of a class column, class 0 first; undefined where it has none. */
  words?: readonly (readonly string[] | undefined)[] | undefined;
  /** More words that stand for a missing value, in lower case. */
  missing?: ReadonlySet<string> | undefined;
}

/** Turns fields as people read them into the numbers of columns. Not for the hot path: plain numbers never come here. */
export class RowValues {
  private readonly lowerWords: readonly (readonly string[] | undefined)[];

  constructor(private readonly options: ValueOptions) {
    this.lowerWords = (options.words ?? []).map((words) => words?.map((word) => word.toLowerCase()));
  }

  kindOf(column: number): FieldKind {
    return this.options.kinds?.[column] ?? 'number';
  }

  /**
   * Reads the field of a column.
   *
   * @param unit the unit the wire states for it; empty if none
   * writes   out[column]
   * @returns NUMBER, MISSING or NOT_NUMERIC
   */
  take(column: number, value: FieldValue, unit: string, style: NumberStyle, out: Float64Array): number {
    if (value === null || value === undefined) {
      out[column] = Number.NaN;
      return MISSING;
    }
    if (typeof value === 'boolean') {
      out[column] = value ? 1 : 0;
      return NUMBER;
    }
    const kind = this.kindOf(column);
    if (typeof value === 'number') out[column] = value;
    else if (kind === 'class') return this.takeClass(column, value, style, out);
    else {
      const found = parseValue(value, style, this.options.missing, out, column);
      if (found === MISSING) return MISSING;
      if (found === NOT_NUMERIC || (kind === 'time' && /[:/]|\d-\d/.test(value))) {
        const time = kind === 'time' ? parseTime(bareText(value)) : Number.NaN;
        if (Number.isNaN(time)) return NOT_NUMERIC;
        out[column] = time;
        return NUMBER;
      }
    }
    if (kind === 'time') out[column] /= this.perSecond(column, unit, out[column]);
    return NUMBER;
  }

  /** How many units of a clock are a second: as the wire says, or the configuration, or by the size of a value. */
  perSecond(column: number, unit: string, value: number): number {
    const stated = perSecondOfUnit(unit);
    const declared = Number.isNaN(stated) ? perSecondOfUnit(this.options.units?.[column] ?? '') : stated;
    const bySize = perSecondOfSize(value);
    return Number.isNaN(declared) || Math.abs(value / declared) >= 1e11 ? bySize : declared;
  }

  private takeClass(column: number, text: string, style: NumberStyle, out: Float64Array): number {
    const bare = bareText(text);
    const words = this.lowerWords[column];
    const declared = words?.indexOf(bare.toLowerCase()) ?? -1;
    if (declared >= 0) {
      out[column] = declared;
      return NUMBER;
    }
    if (words === undefined) {
      const pair = classOfPair(bare);
      if (pair >= 0) {
        out[column] = pair;
        return NUMBER;
      }
      return parseValue(bare, style, this.options.missing, out, column);
    }
    if (!isMissing(bare, this.options.missing)) return NOT_NUMERIC;
    out[column] = Number.NaN;
    return MISSING;
  }
}
