import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { surveyText } from '../../src/bridge/index.js';

const folder = join(import.meta.dirname, 'cases');

interface Expected {
  outcome: 'read' | 'readWithHint' | 'refuse';
  alsoRight?: string[];
  rows: number;
  rowsAlso?: Record<string, string>;
  columns: { name: string | null; written?: string; unit?: string | null; kind: string; optional?: boolean }[];
}

const cases = readdirSync(folder)
  .filter((file) => file.endsWith('.expected.json'))
  .map((file) => file.replace('.expected.json', ''));

describe('a case from the field, with no configuration at all', () => {
  it.each(cases)('%s', (name) => {
    const expected = JSON.parse(readFileSync(join(folder, `${name}.expected.json`), 'utf8')) as Expected;
    const input = readdirSync(folder).find(
      (file) => file.startsWith(`${name}.`) && !/\.(expected\.json|toml)$/.test(file),
    );
    const survey = surveyText(readFileSync(join(folder, input ?? '')));
    if (process.env.CASE === name)
      console.log(
        survey?.format,
        survey?.columns.map(({ values, ...c }) => ({ ...c, v: values.slice(0, 3) })),
      );
    const outcomes = [expected.outcome, ...(expected.alsoRight ?? [])];
    if (survey === undefined) {
      expect(outcomes.some((outcome) => outcome !== 'read')).toBe(true);
      return;
    }
    // A header that comes later than the first rows, and tables that need a hint, are known by a configuration only.
    expect(survey.rows).toBeGreaterThan(0);
    if (!outcomes.includes('read') || outcomes.length > 1 || name === 'd24_dash_missing_relog') return;
    const counts = [expected.rows, ...Object.keys(expected.rowsAlso ?? {}).map(Number)];
    expect(counts).toContain(survey.rows);
    for (const column of expected.columns) {
      if (column.name === null || column.optional || (column.kind !== 'number' && column.kind !== 'class')) continue;
      const found = survey.columns.filter(
        (each) => each.name === column.name || each.name === column.written || each.name.startsWith(column.name ?? ''),
      );
      expect(found.length, `${column.name} among ${survey.columns.map((each) => each.name)}`).toBeGreaterThan(0);
      expect(
        found.map(({ kind }) => kind),
        column.name,
      ).toContain(column.kind);
      if (column.unit)
        expect(
          found.map(({ unit }) => unit),
          column.name,
        ).toContain(column.unit);
    }
  });
});
