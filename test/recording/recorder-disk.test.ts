import { readdirSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Recorder } from '../../src/recording/index.js';
import { temporaryDirectory } from '../support/pty.js';

const BASE_NS = 1e18;
const MB = 2 ** 20;

afterEach(() => {
  vi.restoreAllMocks();
});

function feed(recorder: Recorder, from: number, count: number): void {
  for (let i = from; i < from + count; i++) {
    const line = `${i},${(i * 7919) % 1000}\n`;
    recorder.bytes(Buffer.from(line), line.length, 1e6 * i, BASE_NS + 1e6 * i);
  }
}

/** Counts what reaches the disk for certain. */
async function watchSyncs(directory: string) {
  const handle = await open(directory);
  const prototype = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();
  const spies = [vi.spyOn(prototype, 'sync'), vi.spyOn(prototype, 'datasync')];
  return () => spies.reduce((sum, { mock }) => sum + mock.calls.length, 0);
}

test.for([true, false])('recorder: with syncEachFlush %s, flushes that reach the disk for certain', async (isAsked) => {
  const directory = await temporaryDirectory();
  const syncs = await watchSyncs(directory);
  const recorder = new Recorder({ destination: { directory, name: 'x' }, syncEachFlush: isAsked, minFreeMB: 0 });
  feed(recorder, 0, 10);
  await recorder.flush();
  const before = syncs();
  for (let i = 1; i <= 5; i++) {
    feed(recorder, 10 * i, 10);
    await recorder.flush();
  }
  expect(syncs() - before).toBe(isAsked ? 5 : 0);
  await recorder.close();
});

test('recorder: the quota holds while a file grows too', async () => {
  const directory = await temporaryDirectory();
  const limits = { segmentMB: 0.05, quotaMB: 0.225, chunkBytes: 4096, minFreeMB: 0 };
  const recorder = new Recorder({ destination: { directory, name: 'x' }, ...limits });
  // A file ends with the chunk that makes it full, and has a summary behind it.
  const most = limits.quotaMB * MB + 3 * limits.chunkBytes;
  let largest = 0;
  for (let i = 0; i < 120; i++) {
    feed(recorder, 200 * i, 200);
    await recorder.flush();
    const bytes = readdirSync(directory).reduce((sum, file) => sum + statSync(join(directory, file)).size, 0);
    largest = Math.max(largest, bytes);
  }
  await recorder.close();
  expect(recorder.metrics().dropped).toBeGreaterThan(5);
  expect(largest).toBeLessThanOrEqual(most);
  expect(largest).toBeGreaterThan(limits.quotaMB * MB - 2 * limits.segmentMB * MB);
});
