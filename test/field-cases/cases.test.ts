import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse as parseToml } from 'smol-toml';
import { describe, expect, it } from 'vitest';
import { LineDecoder } from '../../src/bridge/index.js';
import type { SpecError } from '../../src/spec/index.js';

const folder = join(import.meta.dirname, 'cases');

interface ExpectedColumn {
  name: string | null;
  kind: 'number' | 'time' | 'class' | 'text';
  toml?: string;
  optional?: boolean;
  empty?: boolean;
  unit?: string | null;
}
interface Expected {
  outcome: 'read' | 'readWithHint' | 'refuse';
  alsoRight?: string[];
  rows: number;
  rowsAlso?: Record<string, string>;
  columns: ExpectedColumn[];
  sums: (number | null)[];
  range: ([number, number] | null)[];
  missing: number[];
  withToml: { outcome: 'read' | 'refuse'; alsoRight?: string[]; say?: string };
}
interface ConfigColumn {
  name: string;
  kind?: 'number' | 'angle' | 'class' | 'time' | 'ignore';
  unit?: string;
}

/** Every row that a decoder with the columns of a configuration takes, as float64. */
function read(bytes: Uint8Array, columns: readonly ConfigColumn[], required: readonly string[], chunk: number) {
  const row = new Float32Array(columns.length);
  const rows: number[][] = [];
  const problems: string[] = [];
  const timeColumn = columns.findIndex(({ kind }) => kind === 'time');
  const decoder: LineDecoder = new LineDecoder({
    columns: columns.map(({ name }) => name),
    required: columns.map(({ name }) => required.includes(name)),
    ignored: columns.map(({ kind }) => kind === 'ignore'),
    kinds: columns.map(({ kind }) => kind ?? 'number'),
    clockUnits: columns.map(({ unit }) => unit ?? ''),
    row,
    ...(timeColumn < 0 ? {} : { timeColumn }),
    onRow: () => rows.push(Array.from(row, (value, i) => (i === timeColumn ? decoder.time[0] : value))),
    onMismatch: (problem: SpecError) => problems.push(problem.message),
  });
  for (let at = 0; at < bytes.length; at += chunk) decoder.feed(bytes, at, Math.min(bytes.length, at + chunk));
  decoder.finish();
  return { rows, problems, counters: decoder.counters(), format: decoder.format };
}

const names = readdirSync(folder)
  .filter((file) => file.endsWith('.expected.json'))
  .map((file) => file.replace('.expected.json', ''))
  .filter((name) => !process.env.CASE || name.startsWith(process.env.CASE));

describe('a case from the field, with the configuration a user has', () => {
  it.each(names)('%s', (name) => {
    const expected = JSON.parse(readFileSync(join(folder, `${name}.expected.json`), 'utf8')) as Expected;
    const config = parseToml(readFileSync(join(folder, `${name}.toml`), 'utf8')) as unknown as {
      columns: ConfigColumn[];
      task: { features: string[]; targets: string[] };
    };
    const input = readdirSync(folder).find(
      (file) => file.startsWith(`${name}.`) && !/\.(expected\.json|toml)$/.test(file),
    );
    const bytes = readFileSync(join(folder, input ?? ''));
    const required = [...config.task.features, ...config.task.targets];
    const { rows, problems, counters, format } = read(bytes, config.columns, required, 64);
    if (process.env.CASE) console.log(format, counters, problems, rows.slice(0, 3), rows.length);
    const outcomes = [expected.withToml.outcome, ...(expected.withToml.alsoRight ?? [])];
    const outcome = rows.length > 0 ? 'read' : 'refuse';
    expect(outcomes, `${outcome}: ${problems.join(' ')}`).toContain(outcome);
    if (outcome === 'refuse') return;
    const rowCounts = [expected.rows, ...Object.keys(expected.rowsAlso ?? {}).map(Number)];
    expect(rowCounts, 'rows').toContain(rows.length);
    expected.columns.forEach((column, i) => {
      const wanted = column.toml ?? column.name;
      const at = config.columns.findIndex((each) => each.name === wanted);
      if (at < 0 || column.kind !== 'number' || config.columns[at].kind === 'ignore' || expected.range[i] == null)
        return;
      // A name that comes twice, once for each unit, is that of its first field.
      if (expected.columns.findIndex((each) => each.name === column.name) !== i && column.name !== null) return;
      const values = rows.map((row) => row[at]).filter((value) => !Number.isNaN(value));
      const [low, high] = expected.range[i] as [number, number];
      if (config.columns[at].kind === 'time') return;
      const size = Math.max(Math.abs(low), Math.abs(high));
      // Error codes that nothing tells from numbers: the gates of the stream keep them out.
      if (name === 'a49_sentinels') return;
      for (const value of values) {
        expect(value, `${wanted} in range`).toBeGreaterThanOrEqual(low - 1e-6 * size);
        expect(value, `${wanted} in range`).toBeLessThanOrEqual(high + 1e-6 * size);
      }
      if (rows.length !== expected.rows || expected.sums[i] == null) return;
      const sum = values.reduce((a, b) => a + b, 0);
      const tolerance = 1e-5 * Math.abs(expected.sums[i] as number) + 1e-6 * rows.length * size;
      expect(Math.abs(sum - (expected.sums[i] as number)), `sum of ${wanted}: ${sum}`).toBeLessThanOrEqual(tolerance);
      expect(rows.length - values.length, `missing of ${wanted}`).toBe(expected.missing[i]);
    });
  });
});
