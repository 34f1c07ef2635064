import { Session } from 'node:inspector/promises';
import { PerformanceObserver } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { createNetwork } from '../../src/engine/index.js';
import { allocatedBytes } from '../support/allocations.js';
import { tanhNetwork } from '../support/networks.js';

const STEPS = 1_000_000;

// The runner's own garbage may come due meanwhile: once more is allowed.
test('step: a million of them allocate at most one byte each in the engine, and collect nothing', {
  retry: 2,
}, async () => {
  const net = createNetwork(tanhNetwork('8-16-4'), { executor: 'simd' });
  net.input.set([1, 2, 3, 4, 5, 6, 7, 8]);
  const run = (count: number): void => {
    for (let i = 0; i < count; i++) {
      net.input[i & 7] = (i & 15) / 16;
      net.step();
      net.forward();
    }
  };
  run(50_000);

  const bytes = await allocatedBytes(new Session(), /src\/(engine|kernels)/, () => run(STEPS));
  expect(bytes.total / STEPS, bytes.report).toBeLessThanOrEqual(1);

  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  run(STEPS);
  await new Promise((resolve) => setTimeout(resolve, 20));
  observer.disconnect();
  expect(collections).toBe(0);
});
