import { Fields } from './fields.js';
import { type Form, Line } from './form.js';
import { bareText } from './value.js';

/** How the lines of a table are written. */
export interface TableStyle {
  delimiter: string;
  /** Text before and behind the fields of each line, which is not part of them. */
  prefix: string;
  suffix: string;
  /** Every line ends with one more delimiter. */
  trailing: boolean;
}

/**
 * Cuts a line at its delimiters: not inside of quotes; a space stands for a run of spaces.
 *
 * @returns the fields, trimmed; undefined if prefix or suffix are not there
 */
export function cells(line: string, { delimiter, prefix, suffix, trailing }: TableStyle): string[] | undefined {
  let text = delimiter === '\t' ? line.replace(/^ +| +$/g, '') : line.trim();
  if (!text.startsWith(prefix) || !text.endsWith(suffix) || text.length < prefix.length + suffix.length)
    return undefined;
  text = text.slice(prefix.length, text.length - suffix.length);
  if (trailing && text.trimEnd().endsWith(delimiter)) text = text.trimEnd().slice(0, -1);
  if (delimiter === ' ') return text.trim().split(/ +/);
  if (!text.includes('"')) return text.split(delimiter).map((cell) => cell.trim());
  const found: string[] = [];
  let from = 0;
  let isQuoted = false;
  for (let i = 0; i <= text.length; i++) {
    if (text[i] === '"') isQuoted = !isQuoted;
    if (i < text.length && (isQuoted || text[i] !== delimiter)) continue;
    found.push(text.slice(from, i).trim());
    from = i + 1;
  }
  return found;
}

/** How the lines of a table are joined to rows. */
export type Join =
  /** A row is complete when a column comes again that has a value already. */
  | { kind: 'sparse' }
  /** A column holds names, another one values. */
  | { kind: 'long'; names: string; values: string; time: string | undefined };

/** Rows that are joined from several lines of a table, with names in the header. */
export class JoinForm implements Form {
  readonly fields = new Fields();

  constructor(
    private readonly style: TableStyle,
    private readonly names: readonly string[],
    private readonly join: Join,
  ) {}

  line(text: string, emit: () => void): number {
    const found = cells(text, this.style);
    if (found === undefined || found.length !== this.names.length) return Line.none;
    if (found.every((cell, i) => bareText(cell) === this.names[i])) return Line.other;
    return this.join.kind === 'long' ? this.long(found, this.join, emit) : this.sparse(found, emit);
  }

  finish(emit: () => void): void {
    if (this.fields.count > 0) emit();
    this.fields.clear();
  }

  reset(): void {
    this.fields.clear();
  }

  private long(found: readonly string[], join: Extract<Join, { kind: 'long' }>, emit: () => void): number {
    const { fields, names } = this;
    const name = bareText(found[names.indexOf(join.names)] ?? '');
    if (name === '') return Line.none;
    const isNext = fields.has(name);
    if (isNext) this.finish(emit);
    const time = join.time === undefined ? undefined : found[names.indexOf(join.time)];
    if (fields.count === 0 && time !== undefined) fields.add(join.time!, time);
    fields.add(name, found[names.indexOf(join.values)] ?? null);
    return isNext ? Line.row : Line.part;
  }

  private sparse(found: readonly string[], emit: () => void): number {
    const { fields, names } = this;
    const filled = found.flatMap((cell, i) => (bareText(cell) === '' || i === 0 ? [] : [i]));
    const isNext = filled.some((i) => fields.has(names[i]));
    if (isNext) this.finish(emit);
    if (fields.count === 0) fields.add(names[0], found[0]);
    for (const i of filled) fields.add(names[i], found[i]);
    return isNext ? Line.row : Line.part;
  }
}
