import { Session } from 'node:inspector/promises';
import { expect, test } from 'vitest';
import { LineDecoder } from '../../src/bridge/index.js';
import { allocatedBytes } from '../support/allocations.js';
import { withChecksum } from '../support/lines.js';

const number = (i: number) => `${(i * 37) % 1000}.${String((i * 7919) % 10000).padStart(4, '0')}`;
const csv = (i: number) => `${1700000000 + i}.125,${number(i)},${-i % 50},1.5e-3`;

test.each([
  ['csv', csv],
  ['csv with a checksum', (i: number) => withChecksum(csv(i))],
  ['spaces', (i: number) => csv(i).replaceAll(',', '  ')],
  ['labels', (i: number) => `t:${i},a:${number(i)},b:${-i % 50},c:nan`],
])(
  'rows of %s allocate nothing after the lock, in whatever chunks',
  async (_, line) => {
    const text = Array.from({ length: 2000 }, (__, i) => `${line(i)}\n`).join('');
    const bytes = new TextEncoder().encode(text);
    let rows = 0;
    const decoder = new LineDecoder({
      columns: ['t', 'a', 'b', 'c'],
      required: [true, true, true, true],
      row: new Float32Array(4),
      timeColumn: 0,
      onRow() {
        rows++;
      },
    });
    const pass = (chunk: number) => {
      for (let from = 0; from < bytes.length; from += chunk) {
        decoder.feed(bytes, from, Math.min(bytes.length, from + chunk));
      }
    };
    for (let i = 0; i < 30; i++) for (const chunk of [4096, 61, 1]) pass(chunk); // until compiled
    const before = rows;
    const { total, report } = await allocatedBytes(new Session(), /src\/bridge/, () => {
      for (let i = 0; i < 10; i++) for (const chunk of [4096, 61, 1]) pass(chunk);
    });
    expect(rows - before).toBe(60_000);
    expect(total / (rows - before), report).toBeLessThanOrEqual(1);
  },
  30_000,
);
