import { SpecError } from '../spec/errors.js';
import { equalBytes, HASH_START, hashBytes } from './bytes.js';

/** The schema's columns as the decoder needs them: found by the bytes of their name, without making a string. */
export class Columns {
  readonly count: number;
  private readonly nameBytes: readonly Uint8Array[];
  /** Hash of a name to the first column with it, and from each column to the next with the same hash (−1: none). */
  private readonly firstByHash = new Map<number, number>();
  private readonly nextByHash: Int32Array;

  constructor(
    readonly names: readonly string[],
    readonly required: readonly boolean[],
    /** Columns whose field is not looked at, whatever it holds. */
    readonly ignored: readonly boolean[],
  ) {
    this.count = names.length;
    const encoder = new TextEncoder();
    this.nameBytes = names.map((name) => encoder.encode(name));
    this.nextByHash = new Int32Array(names.length).fill(-1);
    for (let column = names.length - 1; column >= 0; column--) {
      const name = this.nameBytes[column];
      const hash = hashBytes(name, 0, name.length, HASH_START);
      this.nextByHash[column] = this.firstByHash.get(hash) ?? -1;
      this.firstByHash.set(hash, column);
    }
  }

  /** The column whose name is `bytes[start, end)`, or −1. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let column = this.firstByHash.get(hashBytes(bytes, start, end, HASH_START)) ?? -1;
    while (column >= 0 && !equalBytes(bytes, start, end, this.nameBytes[column])) column = this.nextByHash[column];
    return column;
  }
}

/** Checks what belongs together in a decoder's options: they come from a program, so the words are for its author. */
export function checkColumns(
  names: readonly string[],
  required: readonly boolean[],
  ignored: readonly boolean[],
  row: Float32Array,
  timeColumn: number | undefined,
): void {
  const wrong = (where: string, found: string, expected: string) =>
    new SpecError('BRIDGE_OPTIONS', { where, found, expected });
  const n = names.length;
  if (n === 0) throw wrong('columns', 'an empty list', 'at least one column name');
  if (new Set(names).size !== n) throw wrong('columns', 'a name twice', 'every column name once');
  if (required.length !== n) throw wrong('required', `${required.length} entries`, `${n}, one a column`);
  if (ignored.length !== n) throw wrong('ignored', `${ignored.length} entries`, `${n}, one a column`);
  const both = names.findIndex((_, column) => required[column] && ignored[column]);
  if (both >= 0) throw wrong('ignored', `"${names[both]}", which is required`, 'columns that are not required');
  if (row.length !== n) throw wrong('row', `a length of ${row.length}`, `${n}, one number a column`);
  if (timeColumn !== undefined && !(Number.isInteger(timeColumn) && timeColumn >= 0 && timeColumn < n)) {
    throw wrong('timeColumn', String(timeColumn), `an index from 0 to ${n - 1}`);
  }
}
