import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Retry } from '../../src/ingest/retry.js';
import { temporaryDirectory } from '../support/pty.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** Milliseconds between attempts of which each fails. */
async function waits(random: () => number, count: number): Promise<number[]> {
  const at = [Date.now()];
  const retry = new Retry(
    null,
    false,
    () => {
      at.push(Date.now());
      if (at.length <= count) retry.schedule();
    },
    random,
  );
  retry.schedule();
  await vi.advanceTimersByTimeAsync(3_600_000);
  return at.slice(1).map((ms, i) => ms - at[i]);
}

test('retry: waits double from 0.1 s, and stay at 5 s however long the port is away', async () => {
  expect(await waits(() => 0, 12)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000, 5000, 5000, 5000, 5000]);
});

test('retry: chance shortens a wait by up to half', async () => {
  expect((await waits(() => 1, 9)).slice(-2)).toEqual([2500, 2500]);
});

test('retry: a port that is plugged in again does not wait for the next attempt: its directory is watched', async () => {
  const path = join(await temporaryDirectory(), 'ttyDEVICE');
  let attempts = 0;
  const retry = new Retry(
    path,
    false,
    () => {
      attempts++;
      retry.schedule();
    },
    () => 0,
  );
  retry.schedule();
  await vi.advanceTimersByTimeAsync(800); // attempts after 100, 300 and 700 ms; the next one is due after 1500
  expect(attempts).toBe(3);
  writeFileSync(path, '');
  // The system tells of the change when it likes; on the clock that waits go by, hardly anything passes.
  for (let i = 0; i < 20 && attempts === 3; i++) {
    await sleep(50);
    await vi.advanceTimersByTimeAsync(5);
  }
  retry.cancel();
  expect(attempts).toBe(4);
});
