/** Lines looked at. */
const MOST_LINES = 400;
/** Part of the lines that must have as many fields as rows are said to have. */
const LEAST_SHARE = 0.5;
const NUMBER = /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;
const MISSING = /^([-+]?nan|null)?$/i;

/** Dates and times of day. */
const DATE = /^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}|^\d{1,2}:\d{2}/;

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
  const lines = linesOf(text);
  const tables = [';', '\t', ','].flatMap((delimiter) => tableOf(lines, delimiter) ?? []);
  return tables.sort((a, b) => b.rows - a.rows || b.names.length - a.names.length)[0];
}

/**
 * Why numbers among the lines are not believed: a comma in them may stand for a decimal point, or between thousands.
 * Undefined where there is no doubt.
 */
export function doubtIn(text: string): string | undefined {
  const lines = linesOf(text);
  const first = lines.findLast((line) => /\d/.test(line)) ?? '';
  const has = (of: readonly string[], form: RegExp) =>
    of.length > 1 && of.filter((field) => form.test(field)).length > of.length / 2;
  const share = (form: RegExp) =>
    [';', '\t', '|'].some((delimiter) => {
      const rows = lines.map((line) => line.split(delimiter).map((field) => field.trim().replace(/^"(.*)"$/, '$1')));
      return (
        rows.filter(
          (fields) =>
            has(
              fields.filter((field) => /\d/.test(field)),
              form,
            ) || fields.slice(1).some((field) => form.test(field)),
        ).length >
        lines.length / 2
      );
    });
  const example = `, such as ${JSON.stringify(first.slice(0, 60))}`;
  if (share(THOUSANDS)) return `numbers with a comma between thousands, or a decimal comma${example}`;
  if (share(DECIMAL_COMMA)) return `numbers with a decimal comma${example}`;
  const parts = lines.map((line) => /^\s*[-+]?\d+,(\d+)\s*$/.exec(line)?.[1]);
  const width = parts[0]?.length ?? 0;
  const isOne =
    width > 1 && parts.every((part) => part?.length === width) && parts.some((part) => part?.startsWith('0'));
  return isOne ? `one number with a decimal comma, or two whole numbers${example}` : undefined;
}

const DECIMAL_COMMA = /^[-+]?\d+,\d+$/;
const THOUSANDS = /^[-+]?\d{1,3}(,\d{3})+(\.\d+)?$/;

function linesOf(text: string): string[] {
  return text
    .split(/\r\n|\n|\r/)
    .slice(0, MOST_LINES)
    .filter((line) => line.trim() !== '');
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
  // What is left of numbers is no word: `/*22.02`, `49.96;`, `04;50`.
  const isBroken = (field: string) => /\d/.test(field) && !/\p{L}/u.test(field) && !DATE.test(field);
  if (isText.some((is, i) => is && body.filter((fields) => isBroken(fields[i])).length > body.length / 2))
    return undefined;
  // A word and a number a line, and many words: each names what its number is.
  const words = new Set(body.map((fields) => fields.filter((_, i) => isText[i]).join(delimiter))).size;
  if (isText.filter((is) => !is).length === 1 && isText.includes(true) && words > 2 && words < body.length / 2)
    return undefined;
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
