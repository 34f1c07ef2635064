import { expect, test } from 'vitest';
import type { TaskSpec } from '../../src/spec/index.js';
import { bytesPerRow } from './stream-rows.js';

test('lags and windows: a hundred thousand rows allocate at most one byte each in stream, online and engine', async () => {
  const task: TaskSpec = {
    kind: 'regress',
    features: ['a', 'heading'],
    targets: ['y'],
    lags: [1, 5],
    windows: [{ rows: 20, of: ['mean', 'deviation', 'slope', 'min', 'max'] }],
  };
  const { bytes, report } = await bytesPerRow(task, 50_000, 100_000);
  expect(bytes, report).toBeLessThanOrEqual(1);
});
