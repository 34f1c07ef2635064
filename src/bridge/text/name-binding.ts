import type { SpecError } from '../../spec/errors.js';
import { missingColumns } from '../format.js';
import type { Wanted } from './guess-table.js';
import { bindNames, splitName } from './units.js';

/** More names than this are not bound: a device that makes up names would fill memory. */
const MAX_NAMES = 1024;

/** The columns of names that come with their values, as they come. */
export class NameBinding {
  readonly names: string[] = [];
  private readonly columns = new Map<string, number>();
  private readonly units = new Map<string, string>();
  /** What `problem` returns; undefined after another name came. */
  private known: SpecError | null | undefined;

  constructor(private readonly wanted: Wanted) {}

  /** The column of a name; −1 for none, or one that is not looked at. */
  columnOf(name: string): number {
    const known = this.columns.get(name);
    if (known !== undefined) return known;
    if (this.names.length >= MAX_NAMES) return -1;
    this.names.push(name);
    this.known = undefined;
    this.units.set(name, splitName(name).unit);
    const bound = bindNames(this.names, this.wanted.names);
    this.names.forEach((each, i) => {
      this.columns.set(each, bound[i] >= 0 && !this.wanted.ignored[bound[i]] ? bound[i] : -1);
    });
    return this.columns.get(name) ?? -1;
  }

  unitOf(name: string): string {
    return this.units.get(name) ?? '';
  }

  /** Required columns that no name is bound to; null if there is none. */
  problem(): SpecError | null {
    if (this.known !== undefined) return this.known;
    const bound = new Set(bindNames(this.names, this.wanted.names));
    const missing = this.wanted.names.filter((_, column) => this.wanted.required[column] && !bound.has(column));
    this.known = missing.length === 0 ? null : missingColumns(missing, this.names, true);
    return this.known;
  }
}
