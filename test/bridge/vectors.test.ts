import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { LineCounters, TextFormat } from '../../src/bridge/index.js';
import { accountedLines, decode } from '../support/lines.js';

interface Vector {
  name: string;
  columns: string[];
  required?: boolean[];
  ignored?: boolean[];
  timeColumn?: number;
  input?: string;
  inputHex?: string;
  rows: (number | null)[][];
  counters: Partial<LineCounters>;
  formats?: TextFormat[];
  rejects?: string[];
  mismatches?: number;
  times?: number[];
}

const file = new URL('../../firmware-bridge/protocol/vectors/text.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: Vector[] };

describe.each(vectors)('text vector: $name', (vector) => {
  const bytes =
    vector.inputHex === undefined ? new TextEncoder().encode(vector.input) : Buffer.from(vector.inputHex, 'hex');
  const { columns, required, ignored, timeColumn } = vector;
  const options = {
    columns,
    ...(required && { required }),
    ...(ignored && { ignored }),
    ...(timeColumn !== undefined && { timeColumn }),
  };

  test.each([
    ['at once', 1 << 20],
    ['byte by byte', 1],
    ['in sevens', 7],
  ])('%s', (_, chunk) => {
    const heard = decode(options, bytes, [chunk]);
    expect(heard.rows).toEqual(vector.rows.map((row) => row.map((x) => (x === null ? Number.NaN : Math.fround(x)))));
    expect(heard.counters).toMatchObject({ rxBytes: bytes.length, ...vector.counters });
    expect(accountedLines(heard.counters)).toBe(heard.counters.rxLines);
    if (vector.formats) expect(heard.formats).toEqual(vector.formats);
    if (vector.rejects) expect(heard.rejects).toEqual(vector.rejects);
    if (vector.mismatches !== undefined) expect(heard.mismatches).toHaveLength(vector.mismatches);
    if (vector.times) expect(heard.times).toEqual(vector.times);
  });
});
