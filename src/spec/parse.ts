import * as v from 'valibot';
import { SpecError } from './errors.js';
import { nearest } from './nearest.js';

type AnySchema = v.GenericSchema<unknown, unknown>;

/**
 * Runs a schema over a value and tells the first thing wrong as a `SpecError`.
 *
 * @param root the name of the value, the first part of every place: `network`, `task`; '' for a whole file
 */
export function parse<S extends v.GenericSchema<unknown, unknown>>(
  schema: S,
  value: unknown,
  root: string,
): v.InferOutput<S> {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  throw toError(result.issues[0] as v.BaseIssue<unknown>, schema as AnySchema, root);
}

function toError(issue: v.BaseIssue<unknown>, schema: AnySchema, root: string): SpecError {
  const where = placeOf(issue, root);
  const key = String(issue.path?.at(-1)?.key ?? '');
  const around = containerOf(schema, issue);
  const known = Object.keys(unwrap(around).entries ?? {});
  if (issue.type === 'strict_object' && issue.path !== undefined) {
    // A misspelt key is two findings, one missing and one unknown; the unknown one says more.
    const given = Object.keys((issue.path.at(-1)?.input as object) ?? {});
    const unknown = given.find((name) => !known.includes(name));
    if (unknown !== undefined) {
      const near = nearest(unknown, known);
      return new SpecError('SPEC_UNKNOWN_KEY', {
        where: where.slice(0, where.length - key.length) + unknown,
        found: `unknown key "${unknown}"`,
        expected: `one of ${known.join(', ')}`,
        ...(near === undefined ? {} : { remedy: `did you mean "${near}"?` }),
      });
    }
  }
  if (issue.received === 'undefined') {
    return new SpecError('SPEC_MISSING_KEY', {
      where,
      found: 'nothing',
      expected: wordFor(unwrap(childOf(around, key, undefined)).expects ?? issue.expected),
      ...(typeof issue.path?.at(-1)?.key === 'string' ? { remedy: `add ${key}` } : {}),
    });
  }
  if (issue.kind === 'validation' || issue.type === 'check') {
    return new SpecError('SPEC_VALUE', { where, found: show(issue.input), expected: issue.message });
  }
  const options = issue.expected?.match(/"([^"]*)"/g)?.map((word) => word.slice(1, -1)) ?? [];
  const near = typeof issue.input === 'string' ? nearest(issue.input, options) : undefined;
  return new SpecError(options.length > 0 ? 'SPEC_VALUE' : 'SPEC_TYPE', {
    where,
    found: show(issue.input),
    expected: wordFor(issue.expected),
    ...(near === undefined ? {} : { remedy: `did you mean "${near}"?` }),
  });
}

function wordFor(expected: string | null | undefined): string {
  const words: Record<string, string> = {
    Object: 'a table of keys',
    Array: 'a list',
    number: 'a number',
    string: 'a text',
  };
  return words[expected ?? ''] ?? (expected ?? 'another value').replace(/^\((.*)\)$/, '$1').replaceAll(' | ', ' or ');
}

function placeOf(issue: v.BaseIssue<unknown>, root: string): string {
  let place = root;
  for (const item of issue.path ?? []) {
    if (typeof item.key === 'number') place += `[${item.key}]`;
    else place += place === '' ? String(item.key) : `.${String(item.key)}`;
  }
  return place === '' ? 'the file' : place;
}

/** The schema of the table the issue's key stands in, found by walking the issue's path. */
function containerOf(schema: AnySchema, issue: v.BaseIssue<unknown>): unknown {
  let here: unknown = schema;
  for (const item of (issue.path ?? []).slice(0, -1)) here = childOf(here, item.key, item.value);
  return here;
}

/** What of a valibot schema the walk looks at. */
interface Inside {
  type?: string;
  expects?: string;
  entries?: Record<string, unknown>;
  item?: unknown;
  items?: unknown[];
  wrapped?: unknown;
  pipe?: unknown[];
  options?: unknown[];
  key?: string;
}

function unwrap(schema: unknown): Inside {
  let inside = schema as Inside;
  while (inside?.wrapped !== undefined) inside = inside.wrapped as Inside;
  // A pipe that begins with anything, to transform it, is what it ends in.
  if (inside?.type !== 'unknown') return inside ?? {};
  const ends = (inside.pipe ?? []).filter((item) => item !== inside).map(unwrap);
  return ends.findLast(({ options, entries }) => options ?? entries) ?? inside;
}

function childOf(schema: unknown, key: unknown, value: unknown): unknown {
  const inside = unwrap(schema);
  const child =
    inside.entries !== undefined ? inside.entries[String(key)] : (inside.item ?? inside.items?.[Number(key)]);
  const open = unwrap(child);
  if (open.options === undefined || open.key === undefined) return child;
  const tag = open.key;
  const chosen = (value as Record<string, unknown>)?.[tag];
  return open.options.find((option) => {
    const literal = unwrap(unwrap(option).entries?.[tag]) as { literal?: unknown };
    return literal.literal === chosen;
  });
}

function show(value: unknown): string {
  if (typeof value === 'string') return `"${value.length > 60 ? `${value.slice(0, 57)}…` : value}"`;
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return `the date ${value.toISOString()}`;
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : `a list of ${value.length}`;
  if (value !== null && typeof value === 'object') return 'a table of keys';
  return String(value);
}
