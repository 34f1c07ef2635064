import { expect, test } from 'vitest';
import type { TaskSpec } from '../../src/spec/index.js';
import { bytesPerRow } from './stream-rows.js';

test('anomaly by residual: a hundred thousand rows allocate at most one byte each in stream, online and engine', async () => {
  const task: TaskSpec = { kind: 'anomaly', features: ['a', 'heading'] };
  const { bytes, report } = await bytesPerRow(task, 50_000, 100_000);
  expect(bytes, report).toBeLessThanOrEqual(1);
});
