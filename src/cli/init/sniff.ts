/** Lines looked at. */
const MOST_LINES = 400;
/** Part of the lines that must have as many fields as rows are said to have. */
const LEAST_SHARE = 0.5;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const MISSING = /^([-+]?nan|null)?$/i;

/** Rows with a delimiter, as a look at their lines shows them. */
export interface Table {
  /** By the line before the rows, or `c1`, `c2` … */
  names: string[];
  /** Whether a line gives the names. */
  hasNames: boolean;
  /** [columns]: whether it holds words. */
  isText: boolean[];
}

/**
 * What table lines of a device, or of a file, make up: a line before the rows that has as many fields, and a word where rows
 * have numbers, gives the names, whatever signs are in it, behind a # too. Undefined where they make up none.
 */
export function sniffTable(text: string): Table | undefined {
  const lines = text
    .split(/\r\n|\n|\r/)
    .slice(0, MOST_LINES)
    .filter((line) => line.trim() !== '');
  const tables = [';', '\t', ','].flatMap((delimiter) => tableOf(lines, delimiter) ?? []);
  return tables.sort((a, b) => b.rows - a.rows || b.names.length - a.names.length)[0];
}

function tableOf(lines: readonly string[], delimiter: string): (Table & { rows: number }) | undefined {
  const split = lines.map((line) => fieldsOf(line.replace(/^\uFEFF/, ''), delimiter));
  const counts = new Map<number, number>();
  for (const fields of split)
    if (fields.some(isNumber)) counts.set(fields.length, (counts.get(fields.length) ?? 0) + 1);
  const [width = 0, rows = 0] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [];
  if (width < 2 || rows < 2 || rows < LEAST_SHARE * lines.length) return undefined;
  const body = split.filter((fields) => fields.length === width && fields.some(isNumber));
  const isText = Array.from({ length: width }, (_, i) => {
    const words = body.filter((fields) => !isNumber(fields[i]) && !MISSING.test(fields[i])).length;
    return words > body.length / 2;
  });
  if (isText.every(Boolean)) return undefined;
  const first = split.findIndex((fields) => fields.length === width && fields.some(isNumber));
  // Of several lines of words the first: a line of units may follow the names.
  const header = split
    .slice(0, first)
    .find((fields) => fields.length === width && !fields.some(isNumber) && fields.every((field) => field !== ''));
  const names = header?.map((name, i) => (i === 0 ? name.replace(/^#\s*/, '') : name));
  const hasNames = names !== undefined && new Set(names).size === width && names.every((name) => name.length <= 200);
  return {
    names: hasNames ? names : Array.from({ length: width }, (_, i) => `c${i + 1}`),
    hasNames,
    isText,
    rows,
  };
}

function fieldsOf(line: string, delimiter: string): string[] {
  return line
    .replace(/\*[0-9A-Fa-f]{2}\s*$/, '')
    .split(delimiter)
    .map((field) => field.trim().replace(/^"(.*)"$/, '$1'));
}

const isNumber = (field: string) => NUMBER.test(field);
