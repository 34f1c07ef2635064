// @slow processes are killed again and again

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { openPty } from '../../src/ingest/index.js';
import { replayLog } from '../../src/recording/index.js';
import { edgegrad } from '../support/cli.js';
import { configure, folderOfTest, LINE_CONFIG, runDaemon } from '../support/daemon.js';
import { needPty } from '../support/pty.js';

// A process that was killed goes on where it was, not where its last checkpoint was: what it recorded since is learned
// again.

const LIVES = Number(process.env.RESUME_LIVES ?? 6);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Rows under a header whose columns stand the other way round than declared. */
const rows = (from: number, count: number) =>
  Buffer.from(
    Array.from({ length: count }, (_, i) => (((from + i) * 7) % 4001) / 400 - 5)
      .map((x) => `${3 * x + 1};${x.toFixed(4)}\n`)
      .join(''),
  );

const config = (port: string, intervalS: number) =>
  LINE_CONFIG(
    'again',
    `[source]
port = "${port}"
[checkpoint]
intervalS = ${intervalS}
[record]
directory = "recordings"
flushS = 0.1
segmentMB = 0.1
minFreeMB = 0
`,
  );

/** Where a process says it begins. */
function beginning(said: string): { rows: number; hash: string; again: number } | undefined {
  const again = /learned (\d+) rows again from the recording: row (\d+), hash (\w+)/.exec(said);
  if (again !== null) return { again: Number(again[1]), rows: Number(again[2]), hash: again[3] };
  const from = /goes on from .*: (\d+) rows, hash (\w+)/.exec(said);
  return from === null ? undefined : { again: 0, rows: Number(from[1]), hash: from[2] };
}

test(`killed ${LIVES} times at any moment: it goes on from everything that was recorded, and all of it verifies`, {
  timeout: 300_000,
}, async (context) => {
  const random = new Random(11);
  const folder = folderOfTest();
  const link = join(folder, 'ttyBOARD');
  let sent = 0;
  let again = 0;
  let before: { hash: string; rows: number } | undefined;
  for (let life = 0; life < LIVES; life++) {
    const pty = await needPty(context, { link });
    // In the first lives no checkpoint is there yet; then they are old or new.
    const run = runDaemon(folder, [configure(folder, 'again.toml', config(link, [0, 0, 0.3, 1][life % 4]))]);
    await run.hears(/at 115200/);
    if (before !== undefined) {
      const began = beginning(run.said())!;
      expect({ rows: began.rows, hash: began.hash }, run.said()).toEqual(before);
      again += began.again;
    }
    pty.write(Buffer.from('y;x\n'.repeat(life === 0 ? 2 : 0))); // the first line of an opening is not believed
    const untilMs = performance.now() + 900 + random.uniform() * 1500;
    while (performance.now() < untilMs) {
      pty.write(rows(sent, 700));
      sent += 700;
      await pause(10 + (random.next() % 20));
    }
    run.child.kill('SIGKILL');
    await run.closed;
    await pty.unplug();
    const { result } = await replayLog(join(folder, 'recordings'), {});
    expect(result.recording!.comparison).toMatchObject({ notCompared: 0, notes: [] });
    expect(result.recording!.comparison.firstDifference).toBeUndefined();
    before = { hash: result.hash, rows: result.rows };
  }
  expect(again).toBeGreaterThan(1000);

  const { pty } = await openPty({ link });
  const last = runDaemon(folder, [configure(folder, 'again.toml', config(link, 0))]);
  await last.hears(/at 115200/);
  last.child.kill('SIGTERM');
  expect(await last.closed).toBe(0);
  await pty?.unplug();
  expect(last.said()).toContain(`hash ${before!.hash}`);
  const verified = await edgegrad(['verify', 'recordings'], { cwd: folder });
  expect([verified.code, verified.out]).toEqual([0, expect.stringContaining('the same bits')]);

  // A stop, unlike a kill, has nothing to be learned again; and a checkpoint that was removed is a new beginning.
  const stopped = runDaemon(folder, [configure(folder, 'again.toml', config('-', 0))]);
  stopped.child.stdin.end();
  expect(await stopped.closed).toBe(0);
  expect(stopped.said()).not.toContain('again from the recording');
  rmSync(join(folder, 'edgegrad-state'), { recursive: true });
  const anew = runDaemon(folder, [configure(folder, 'again.toml', config('-', 0))]);
  anew.child.stdin.end(rows(0, 100));
  expect(await anew.closed).toBe(0);
  expect(anew.said()).toMatch(/again: (\d+) rows in all, \1 of them in this run/);
  expect(anew.said()).not.toMatch(/goes on from|again from the recording/);
});
