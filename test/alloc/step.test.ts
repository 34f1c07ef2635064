import { Session } from 'node:inspector/promises';
import { PerformanceObserver } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { createNetwork } from '../../src/engine/index.js';
import { allocatedBytes } from '../support/allocations.js';
import { tanhNetwork } from '../support/networks.js';

const STEPS = 1_000_000;

const MOST_ROUNDS = 3;

/** Bytes a call of `run` allocates in the engine, and the collections while another round of it runs. */
async function costOf(
  calls: number,
  run: (count: number) => void,
): Promise<{ bytes: number; report: string; collections: number }> {
  run(50_000);
  const { total, report } = await allocatedBytes(new Session(), /src\/(engine|kernels)/, () => run(calls), calls);
  // The runner's own garbage may come due in a round: the least of three counts.
  let collections = Number.POSITIVE_INFINITY;
  for (let round = 0; round < MOST_ROUNDS && collections > 0; round++) {
    collections = Math.min(collections, await collectionsOf(() => run(calls)));
  }
  return { bytes: total / calls, report, collections };
}

async function collectionsOf(run: () => void): Promise<number> {
  globalThis.gc?.();
  await new Promise((resolve) => setTimeout(resolve, 20));
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  observer.observe({ entryTypes: ['gc'] });
  run();
  await new Promise((resolve) => setTimeout(resolve, 20));
  observer.disconnect();
  return collections;
}

test('step: a million of them allocate at most one byte each in the engine, and collect nothing', async () => {
  const net = createNetwork(tanhNetwork('8-16-4'), { executor: 'simd' });
  net.input.set([1, 2, 3, 4, 5, 6, 7, 8]);
  const { bytes, report, collections } = await costOf(STEPS, (count) => {
    for (let i = 0; i < count; i++) {
      net.input[i & 7] = (i & 15) / 16;
      net.step();
      net.forward();
    }
  });
  expect(bytes, report).toBeLessThanOrEqual(1);
  expect(collections).toBe(0);
});

// V8 inlines a call of WebAssembly only where it has seen one instance, and `learn` only where it likes to: a number that
// comes back from either would be boxed otherwise.
test('tryStep: several networks of different sizes in one process allocate as little', async () => {
  const networks = ['8-16-4', '32-64-32-8', '6-64-64-6', '3-1', '20-12-2'].map((widths) =>
    createNetwork(tanhNetwork(widths), { executor: 'simd' }),
  );
  let refused = 0;
  const { bytes, report, collections } = await costOf(STEPS / 4, (count) => {
    for (const net of networks) {
      for (let i = 0; i < count / networks.length; i++) {
        net.input[0] = (i & 15) / 16;
        net.tryStep();
        net.forward();
        if (Number.isNaN(net.loss[0])) refused++;
      }
    }
  });
  expect(refused).toBe(0);
  expect(bytes, report).toBeLessThanOrEqual(1);
  expect(collections).toBe(0);
});
