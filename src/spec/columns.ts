import { columnsSchema } from './column-schemas.js';
import { parse } from './parse.js';

/**
 * What one number of a row is.
 *
 * `number`: a measurement, one input or target ·
 * `angle`: degrees, becomes two values, its cosine and its sine ·
 * `class`: an integer 0 … classes − 1 ·
 * `time`: seconds, for gaps and labels, never an input ·
 * `ignore`: read and forgotten
 */
export type ColumnKind = 'number' | 'angle' | 'class' | 'time' | 'ignore';

/** One column of a row, in the order the device prints them when it prints no names. */
export interface ColumnSpec {
  /** As in the header line or the label. */
  name: string;
  /** Default `number`. */
  kind?: ColumnKind;
  /** For people: `kn`, `degC`. */
  unit?: string;
  /** Valid values, both ends included, in the column's unit. A row outside is quarantined. */
  range?: [number, number];
  /** Largest believable change from one row to the next, in the column's unit (for angles the short way round). */
  maxStep?: number;
  /** `class` only: how many classes, 2 … 256. */
  classes?: number;
  /** `class` only: the words of the classes as the device prints them, class 0 first. */
  values?: string[];
  /** `time` only: a jump of more seconds than this, or backwards, is a gap: nothing is learned across it. */
  maxGap?: number;
}

/** What a device prints, column by column. */
export type RowSchema = ColumnSpec[];

/** The same with every default filled in. */
export type Column = Required<Pick<ColumnSpec, 'name' | 'kind' | 'unit'>> & ColumnSpec;

/**
 * Checks a row schema and fills in its defaults.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function resolveColumns(value: unknown): Column[] {
  return parse(columnsSchema, value, 'columns') as Column[];
}
