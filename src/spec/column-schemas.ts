import * as v from 'valibot';
import { finite, integer, name } from './schema-kinds.js';

export const columnSchema = v.pipe(
  v.strictObject({
    name: v.pipe(name, v.description('As in the header line or the label.')),
    kind: v.pipe(
      v.optional(v.picklist(['number', 'angle', 'class', 'time', 'ignore']), 'number'),
      v.description(
        'number: a measurement · angle: degrees, becomes cosine and sine · class: an integer from 0 · time: seconds, never an input · ignore: read and forgotten.',
      ),
    ),
    unit: v.pipe(v.optional(v.string(), ''), v.description('For people: kn, degC.')),
    range: v.pipe(
      v.optional(v.tuple([v.number(), v.number()])),
      v.check((pair) => pair === undefined || pair[0] < pair[1], 'two numbers, the smaller first'),
      v.description(
        "Valid values, both ends included, in the column's unit; a row outside is quarantined. Absent: any.",
      ),
    ),
    maxStep: v.pipe(
      v.optional(finite(Number.MIN_VALUE, 'a finite number > 0')),
      v.description("Largest believable change from one row to the next, in the column's unit. Absent: any."),
    ),
    classes: v.pipe(v.optional(integer(2, 256)), v.description('class only: how many classes, 2 … 256.')),
    values: v.pipe(
      v.optional(v.array(v.pipe(v.string(), v.nonEmpty('a word')))),
      v.check(
        (words) => words === undefined || new Set(words.map((word) => word.toLowerCase())).size === words.length,
        'each word once',
      ),
      v.description(
        'class only: the words of the classes as the device prints them, class 0 first. Case does not matter. Default: numbers, and pairs such as off, on or false, true.',
      ),
    ),
    maxGap: v.pipe(
      v.optional(finite(Number.MIN_VALUE, 'a finite number > 0')),
      v.description('time only: a jump of more seconds than this, or backwards, is a gap. Absent: only backwards.'),
    ),
  }),
  v.check(
    (column) => column.kind !== 'class' || column.classes !== undefined,
    'a class column with "classes", its number of classes',
  ),
  v.check(
    (column) => column.kind === 'class' || column.classes === undefined,
    '"classes" only on a column of kind "class"',
  ),
  v.check(
    (column) => column.values === undefined || column.kind === 'class',
    '"values" only on a column of kind "class"',
  ),
  v.check(
    (column) => column.values === undefined || column.values.length <= (column.classes ?? 0),
    'as many "values" as "classes", at most',
  ),
  v.check(
    (column) => column.kind === 'time' || column.maxGap === undefined,
    '"maxGap" only on a column of kind "time"',
  ),
  v.check(
    (column) => column.range === undefined || (column.kind !== 'time' && column.kind !== 'ignore'),
    '"range" only on a column of kind "number", "angle" or "class"',
  ),
  v.check(
    (column) => column.maxStep === undefined || column.kind === 'number' || column.kind === 'angle',
    '"maxStep" only on a column of kind "number" or "angle"',
  ),
);

export const columnsSchema = v.pipe(
  v.array(columnSchema),
  v.check((columns) => columns.length > 0 && columns.length <= 1024, '1 to 1024 columns'),
  v.check((columns) => new Set(columns.map((column) => column.name)).size === columns.length, 'every column name once'),
  v.check(
    (columns) => columns.filter((column) => column.kind === 'time').length <= 1,
    'at most one column of kind "time"',
  ),
);
