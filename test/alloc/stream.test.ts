import { Session } from 'node:inspector/promises';
import { expect, test } from 'vitest';
import { createStream } from '../../src/stream/index.js';
import { allocatedBytes } from '../support/allocations.js';

const ROWS = 500_000;

test('accept: half a million rows allocate at most one byte each in stream, online and engine', async () => {
  const stream = createStream({
    columns: [
      { name: 't', kind: 'time' },
      { name: 'a', range: [-2, 2], maxStep: 3 },
      { name: 'heading', kind: 'angle' },
      { name: 'y' },
    ],
    task: { kind: 'regress', features: ['a', 'heading'], targets: ['y'], delay: 5 },
    executor: 'simd',
  });
  let t = 0;
  const run = (count: number): void => {
    for (let i = 0; i < count; i++, t++) {
      stream.row[1] = ((t * 7) % 31) / 20;
      stream.row[2] = (t * 3) % 360;
      stream.row[3] = ((t * 5) % 17) / 8;
      stream.time[0] = t;
      stream.accept();
    }
  };
  run(100_000);
  const bytes = await allocatedBytes(new Session(), /src\/(stream|online|engine)/, () => run(ROWS));
  expect(bytes.total / ROWS, bytes.report).toBeLessThanOrEqual(1);
});
