import type { Column, Task } from '../spec/index.js';
import { writeCosSin } from './angle.js';

const NUMBER = 0;
const ANGLE = 1;
const ONE_HOT = 2;
const CLASS_INDEX = 3;

/**
 * Turns columns of a row into values: a number stays, an angle becomes cosine and sine, a class becomes one-hot or
 * stays an index.
 */
export class Encoder {
  /** Names of the values: `aws_kn`, `awa_deg.cos`, `awa_deg.sin`, `mode.0`. */
  readonly names: readonly string[];
  /** Number of values. */
  readonly width: number;
  /** 1 for values that are not standardised: one-hot and indices. */
  readonly isCategory: Uint8Array;
  /** [width]: the column of each value. */
  private readonly columnNames: readonly string[];
  private readonly column: Int32Array;
  private readonly kind: Uint8Array;
  private readonly size: Int32Array;

  /** @param classAs what a class column becomes: `oneHot` inputs, or its `index` as a label */
  constructor(columns: readonly Column[], wanted: readonly string[], classAs: 'oneHot' | 'index') {
    const names: string[] = [];
    const categories: number[] = [];
    const columnNames: string[] = [];
    this.column = new Int32Array(wanted.length);
    this.kind = new Uint8Array(wanted.length);
    this.size = new Int32Array(wanted.length);
    wanted.forEach((name, k) => {
      const index = columns.findIndex((column) => column.name === name);
      const { kind, classes } = columns[index];
      const parts =
        kind === 'angle'
          ? [`${name}.cos`, `${name}.sin`]
          : kind === 'class' && classAs === 'oneHot'
            ? Array.from({ length: classes! }, (_, c) => `${name}.${c}`)
            : [name];
      this.column[k] = index;
      this.kind[k] =
        kind === 'angle' ? ANGLE : kind !== 'class' ? NUMBER : classAs === 'oneHot' ? ONE_HOT : CLASS_INDEX;
      this.size[k] = parts.length;
      names.push(...parts);
      columnNames.push(...parts.map(() => name));
      categories.push(...parts.map(() => (kind === 'class' ? 1 : 0)));
    });
    this.names = names;
    this.columnNames = columnNames;
    this.width = names.length;
    this.isCategory = Uint8Array.from(categories);
  }

  /**
   * Whether every column is there. A value that is not finite is missing.
   *
   * @hot
   */
  isComplete(row: Float32Array): boolean {
    const { column } = this;
    for (let k = 0; k < column.length; k++) {
      if (!Number.isFinite(row[column[k]])) return false;
    }
    return true;
  }

  /** The places of the values of a column. */
  placesOf(name: string): number[] {
    return [...this.names.keys()].filter((i) => this.columnNames[i] === name);
  }

  /**
   * Writes the values of a row to out[0 … width), 0 for those that are missing, and to isThere[0 … width) which are there.
   *
   * @hot
   */
  encodePresent(out: Float64Array, isThere: Uint8Array, row: Float32Array): void {
    const { column, size } = this;
    for (let k = 0, o = 0; k < column.length; k++) {
      const finite = Number.isFinite(row[column[k]]);
      if (finite) this.encodeColumn(out, o, row, k);
      for (const end = o + size[k]; o < end; o++) {
        isThere[o] = finite ? 1 : 0;
        if (!finite) out[o] = 0;
      }
    }
  }

  /**
   * Writes the values of a complete row to out[off … off + width). Classes are whole and in range.
   *
   * @hot
   */
  encode(out: Float64Array, off: number, row: Float32Array): void {
    const { column, size } = this;
    for (let k = 0, o = off; k < column.length; k++) {
      this.encodeColumn(out, o, row, k);
      o += size[k];
    }
  }

  /** @hot */
  private encodeColumn(out: Float64Array, o: number, row: Float32Array, k: number): void {
    const { kind, size } = this;
    const i = this.column[k];
    const n = size[k];
    if (kind[k] === ANGLE) writeCosSin(out, o, row, i);
    else if (kind[k] === ONE_HOT) for (let c = 0; c < n; c++) out[o + c] = c === row[i] ? 1 : 0;
    else out[o] = row[i];
  }
}

/** The columns a task cannot do without, as indices in the order of the schema. */
export function usedColumns(columns: readonly Column[], task: Task): number[] {
  const used: number[] = [];
  columns.forEach((column, i) => {
    if (task.features.includes(column.name) || task.targets.includes(column.name)) used.push(i);
  });
  return used;
}
