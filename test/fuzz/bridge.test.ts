// @slow hostile inputs by the thousand

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { growth, MOST_GROWTH } from '../support/growth.js';
import { accountedLines, decode, listen, withChecksum } from '../support/lines.js';

const columns = ['t', 'temp', 'hum'];

/** Pieces a hostile device would make lines of, so that random choice reaches the rules and not only "not numeric". */
const piece = fc.constantFrom(
  '\n',
  '\n',
  '\r\n',
  ',',
  ',',
  ';',
  '\t',
  ' ',
  ':',
  '=',
  '*',
  '#',
  '"',
  '.',
  '-',
  '+',
  'e',
  '0',
  '1',
  '12.5',
  '1e38',
  '1e39',
  'nan',
  'null',
  'inf',
  't',
  'temp',
  'hum',
  't,temp,hum',
  '1,2,3',
  '1;2;3',
  't:1,temp:2,hum:3',
  '*00',
  '\uFEFF',
  '\0',
  '\xff',
  withChecksum('1,2,3'),
  '9'.repeat(600),
);

test('hostile text never throws, and every line is counted once', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 400 }), fc.integer({ min: 1, max: 700 }), (pieces, chunk) => {
      const { counters, rows } = decode({ columns }, pieces.join(''), [chunk]);
      expect(accountedLines(counters)).toBe(counters.rxLines);
      expect(counters.rowsDecoded).toBe(rows.length);
      for (const row of rows) for (const x of row) expect(Math.abs(x)).not.toBe(Number.POSITIVE_INFINITY);
    }),
    { numRuns: 1000 },
  );
});

test('random bytes never throw, and every line is counted once', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 4000 }), fc.integer({ min: 1, max: 700 }), (bytes, chunk) => {
      const { counters } = decode({ columns }, bytes, [chunk]);
      expect(counters.rxBytes).toBe(bytes.length);
      expect(accountedLines(counters)).toBe(counters.rxLines);
    }),
    { numRuns: 1000 },
  );
});

test('with checksums, no damage that changes one byte gives a false row', () => {
  const good = Array.from({ length: 12 }, (_, i) => `${i},${20 + i / 8},${50 - i}`);
  const text = good.map((line) => `${withChecksum(line)}\n`).join('');
  const valid = new Set(good.map((line) => line.split(',').map(Number).join()));
  fc.assert(
    fc.property(fc.nat(text.length - 1), fc.nat(255), (at, byte) => {
      const bytes = new TextEncoder().encode(text);
      bytes[at] = byte;
      for (const row of decode({ columns }, bytes).rows) expect(valid).toContain(row.join());
    }),
    { numRuns: 1000 },
  );
});

test.each([
  ['one line without an end', 'x'],
  ['nothing but line feeds', '\n'],
  ['nothing but delimiters', `${','.repeat(511)}\n`],
  ['words under every delimiter', `${'a,b;c\td '.repeat(62)}\n`],
  ['labels without end', `${'t:1,'.repeat(127)}\n`],
  ['headers that never come to rows', 't,temp,hum\n'],
  ['two formats in turn', '1,2,3\n1;2;3\n'],
])(
  '%s: time grows as the bytes do, and every byte is accounted for',
  (_, unit) => {
    const bytes = new TextEncoder().encode(unit.repeat(Math.ceil(65536 / unit.length)));
    // Lines without a digit are passed over quickly: more of them, so that there is something to measure.
    const times = /\d/.test(unit) ? 1 : 16;
    const { decoder } = listen({ columns });
    for (let i = 0; i < 16; i++) decoder.feed(bytes, 0, bytes.length);
    expect(
      growth((size) => {
        const { decoder: fresh } = listen({ columns });
        for (let i = 0; i < times * size; i++) fresh.feed(bytes, 0, bytes.length);
      }),
    ).toBeLessThan(MOST_GROWTH);
    const counters = decoder.counters();
    expect(counters.rxBytes).toBe(16 * bytes.length);
    expect(counters.rxLines - accountedLines(counters)).toBeLessThanOrEqual(16);
  },
  20_000,
);
