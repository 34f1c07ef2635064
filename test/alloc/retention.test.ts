import { Session } from 'node:inspector/promises';
import { expect, test } from 'vitest';
import { createStream } from '../../src/stream/index.js';
import { allocatedBytes } from '../support/allocations.js';

const ROWS = 300_000;

test('accept, with memory, a probe, roll-backs and held weights: at most one byte a row in stream, online and engine', async () => {
  const stream = createStream({
    columns: [{ name: 'a' }, { name: 'heading', kind: 'angle' }, { name: 'y', kind: 'class', classes: 3 }],
    task: { kind: 'classify', features: ['a', 'heading'], targets: ['y'], delay: 5 },
    memory: { rows: 50, replay: 2 },
    monitor: { interval: 200, drop: 0.01, rollback: true },
    network: { consolidation: { kind: 'si', strength: 0.1, interval: 100 } },
    executor: 'simd',
  });
  let t = 0;
  const run = (count: number): void => {
    for (let i = 0; i < count; i++, t++) {
      stream.row[0] = ((t * 7) % 31) / 20;
      stream.row[1] = (t * 3) % 360;
      stream.row[2] = ((t * 5) % 17) % 3;
      stream.accept();
    }
  };
  run(100_000);
  const bytes = await allocatedBytes(new Session(), /src\/(stream|online|engine)/, () => run(ROWS), ROWS);
  expect(bytes.total / ROWS, bytes.report).toBeLessThanOrEqual(1);
  const { memory, monitor } = stream.report();
  expect(memory?.replayed).toBeGreaterThan(ROWS);
  expect(monitor?.looks).toBeGreaterThan(ROWS / 1000);
});
