import { expect, test } from 'vitest';
import type { TaskSpec } from '../../src/spec/index.js';
import { bytesPerRow } from './stream-rows.js';

test('race: half a million rows, each learned from before the next is predicted, allocate at most one byte each', async () => {
  const task: TaskSpec = { kind: 'regress', features: ['a', 'heading'], targets: ['y'], delay: 1 };
  const { bytes, report } = await bytesPerRow(task, 100_000, 500_000);
  expect(bytes, report).toBeLessThanOrEqual(1);
});
