import type { TextFormat } from '../format.js';
import { headerCells, isHeader, type Wanted } from './guess-table.js';
import { cells } from './table.js';
import { bindNames } from './units.js';
import { PLAIN } from './value.js';

const DELIMITERS = [';', '\t', ',', '|', ' '] as const;

/**
 * The format of the rows under a line, where it is a header line.
 *
 * @returns `inForce` where its names are those in force, another format where it names every required column, else null
 */
export function headerLike(text: string, inForce: TextFormat, wanted: Wanted): TextFormat | null {
  const { delimiter, prefix = '', suffix = '', trailing = false, names } = inForce;
  for (const sign of [delimiter, ...DELIMITERS]) {
    if (sign === ' ' && delimiter !== ' ') continue;
    const found =
      cells(text, { delimiter: sign, prefix, suffix, trailing }) ??
      cells(text, { delimiter: sign, prefix: '', suffix: '', trailing });
    if (found === undefined) continue;
    const own = headerCells(found, text);
    if (
      sign === delimiter &&
      names !== null &&
      own.length === names.length &&
      own.every((name, i) => name === names[i])
    ) {
      return inForce;
    }
    if (!isHeader(own, PLAIN)) continue;
    const bound = new Set(bindNames(own, wanted.names));
    bound.delete(-1);
    if (bound.size === 0 || wanted.required.some((isRequired, column) => isRequired && !bound.has(column))) continue;
    const { units: _, ...rest } = inForce;
    return { ...rest, delimiter: sign, names: own, fields: own.length };
  }
  return null;
}
