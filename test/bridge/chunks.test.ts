import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accountedLines, type Columns, decode, withChecksum } from '../support/lines.js';

/** A log as some device could print it, and the rows that are in it. */
interface Log {
  options: Columns;
  text: string;
  rows: number[][];
  headerLines: number;
}

const delimiterText: Record<string, string[]> = {
  ',': [',', ', ', ' , '],
  ';': [';', '; '],
  '\t': ['\t'],
  ' ': [' ', '   '],
};

const value = fc.oneof(
  fc.float({ noNaN: true, noDefaultInfinity: true }),
  fc.integer({ min: -9999, max: 9999 }),
  fc.constant(Number.NaN),
);

const log: fc.Arbitrary<Log> = fc
  .record({
    count: fc.integer({ min: 1, max: 6 }),
    rowCount: fc.integer({ min: 8, max: 30 }),
    delimiter: fc.constantFrom(...Object.keys(delimiterText)),
    style: fc.constantFrom('header', 'bare', ':', '='),
    eol: fc.constantFrom('\n', '\r\n'),
    checksum: fc.boolean(),
    lastEol: fc.boolean(),
    comments: fc.boolean(),
    numbers: fc.infiniteStream(value),
    spelling: fc.infiniteStream(fc.nat(2)),
    order: fc.infiniteStream(fc.nat()),
  })
  .map((d) => {
    const columns = Array.from({ length: d.count }, (_, i) => `col_${i}`);
    const isPositional = d.style === 'bare';
    const printed = columns.map((_, i) => i);
    if (!isPositional) printed.sort(() => ((d.order.next().value as number) % 2 === 0 ? 1 : -1));
    const between = delimiterText[d.delimiter];
    const pick = <T>(list: readonly T[]): T => list[(d.spelling.next().value as number) % list.length];
    const finish = (line: string) => (d.checksum ? withChecksum(line) : line) + d.eol;
    const missing = d.delimiter === ' ' ? ['nan', 'null', 'NaN'] : ['nan', '', 'null'];
    const rows = Array.from({ length: d.rowCount }, () =>
      columns.map(() => Math.fround(d.numbers.next().value as number)),
    );
    // A lone missing value tells nothing about the format; let such streams start with a number.
    if (d.count === 1) for (const row of rows) if (Number.isNaN(row[0])) row[0] = 1;
    const join = (fields: string[]) => fields.reduce((line, field) => `${line}${pick(between)}${field}`);
    let text = '';
    if (d.style === 'header') text += finish(join(printed.map((c) => pick([columns[c], `"${columns[c]}"`]))));
    rows.forEach((row, i) => {
      if (d.comments && i % 5 === 3) text += `# at ${i}${d.eol}${d.eol}`;
      const fields = printed.map((c) => {
        const number = Object.is(row[c], -0) ? '-0' : Number.isNaN(row[c]) ? pick(missing) : String(row[c]);
        return d.style === ':' || d.style === '=' ? `${columns[c]}${d.style}${number}` : number;
      });
      text += finish(join(fields));
    });
    if (!d.lastEol) text = text.slice(0, -d.eol.length);
    return { options: { columns }, text, rows, headerLines: d.style === 'header' ? 1 : 0 };
  });

const chunkSizes = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 200 });

describe('a log in any cutting', () => {
  test('gives its rows, whatever its delimiter, labels, header, line ends and checksums', () => {
    fc.assert(
      fc.property(log, chunkSizes, ({ options, text, rows, headerLines }, chunks) => {
        const heard = decode(options, text, chunks);
        expect(heard.rows).toEqual(rows);
        expect(heard.counters.headers).toBe(headerLines);
        expect(heard.counters.formats).toBe(1);
        expect(heard.order[0]).toBe('format');
      }),
      { numRuns: 500 },
    );
  });

  test('gives the same calls in the same order and the same counters as at once, also where bytes are wrong', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 20 });
    fc.assert(
      fc.property(log, chunkSizes, damage, ({ options, text }, chunks, wrong) => {
        const bytes = new TextEncoder().encode(text);
        for (const [at, byte] of wrong) bytes[at % bytes.length] = byte;
        const whole = decode(options, bytes);
        expect(decode(options, bytes, chunks)).toEqual(whole);
        expect(decode(options, bytes, [1])).toEqual(whole);
        expect(accountedLines(whole.counters)).toBe(whole.counters.rxLines);
      }),
      { numRuns: 500 },
    );
  });
});
