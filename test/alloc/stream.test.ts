import { expect, test } from 'vitest';
import type { TaskSpec } from '../../src/spec/index.js';
import { bytesPerRow } from './stream-rows.js';

test('accept: half a million rows allocate at most one byte each in stream, online and engine', async () => {
  const task: TaskSpec = { kind: 'regress', features: ['a', 'heading'], targets: ['y'], delay: 5 };
  const { bytes, report } = await bytesPerRow(task, 100_000, 500_000);
  expect(bytes, report).toBeLessThanOrEqual(1);
});
