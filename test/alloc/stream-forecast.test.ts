import { expect, test } from 'vitest';
import type { TaskSpec } from '../../src/spec/index.js';
import { bytesPerRow } from './stream-rows.js';

test('forecast: a hundred thousand rows allocate at most one byte each in stream, online and engine', async () => {
  const task: TaskSpec = { kind: 'forecast', features: ['a', 'heading'], targets: ['y', 'a'], horizons: [1, 5] };
  const { bytes, report } = await bytesPerRow(task, 50_000, 100_000);
  expect(bytes, report).toBeLessThanOrEqual(1);
});
