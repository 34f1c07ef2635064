// @slow full disks, floods and slow receivers last seconds

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test, vi } from 'vitest';
import type { BeginMessage, StatusMessage } from '../../src/daemon/http/messages.js';
import { RowWatch } from '../../src/daemon/row-watch.js';
import { resolveColumns } from '../../src/spec/index.js';
import { MISSING, PREDICTED, QUARANTINED } from '../../src/stream/index.js';
import { edgegrad } from '../support/cli.js';
import { configure, folderOfTest, LINE_CONFIG, lineRows, runDaemon } from '../support/daemon.js';
import { listen } from '../support/live-daemon.js';
import { movedClock } from '../support/moved-clock.js';
import { needPty } from '../support/pty.js';

// What can go wrong around a process that learns: it goes on with what it can, says so once, and comes back by itself.

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const residentMB = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
const count = (text: string, what: RegExp) => [...text.matchAll(what)].length;

/** A small file system in memory; skipped where this user cannot have one. */
function needSmallDisk(context: TestContext, folder: string, size: string): string {
  const mounted = join(folder, 'disk');
  mkdirSync(mounted);
  const { status, stderr } = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', mounted], {
    encoding: 'utf8',
  });
  if (status !== 0) {
    console.log(`not tried, as it needs root and mount: ${stderr}`);
    context.skip('no mount');
  }
  onTestFinished(() => {
    spawnSync('umount', ['-l', mounted]);
  });
  return mounted;
}

/** A daemon on a terminal that is fed all the time, with its checkpoints on that disk. */
async function fed(context: TestContext, folder: string, disk: string, more = '') {
  const pty = await needPty(context);
  const checkpoint = `[checkpoint]\ndirectory = "${disk}"\nintervalS = 0.1\n`;
  const file = configure(folder, 'a.toml', LINE_CONFIG('a', `[source]\nport = "${pty.path}"\n${checkpoint}${more}`));
  const run = runDaemon(folder, [file]);
  let row = 0;
  const feeder = setInterval(() => pty.write(lineRows((row += 20), 20)), 20);
  onTestFinished(() => clearInterval(feeder));
  await run.hears(/at 115200/);
  return run;
}

test('a disk that is full: said once, learned on, tried again, said when it works again', async (context) => {
  const folder = folderOfTest();
  const disk = needSmallDisk(context, folder, '512k');
  const filler = join(disk, 'filler');
  const fill = () => {
    try {
      writeFileSync(filler, Buffer.alloc(1 << 20));
    } catch {
      // As full as it gets.
    }
  };
  const run = await fed(context, folder, disk);
  await pause(300);
  fill();
  await run.hears(/CHECKPOINT_WRITE: .*no space left.*learning goes on/i);
  await pause(1500);
  expect(count(run.said(), /CHECKPOINT_WRITE/g)).toBe(1);
  rmSync(filler);
  await run.hears(/checkpoints are kept again, in .*a\.safetensors/);
  fill();
  await vi.waitFor(() => expect(count(run.said(), /CHECKPOINT_WRITE/g)).toBe(2), 10_000);
  rmSync(filler);
  run.child.kill('SIGTERM');
  expect(await run.closed, run.said()).toBe(0);
});

test('a disk that is read-only, from the start or later: the same; at the end it is an error', async (context) => {
  const folder = folderOfTest();
  const disk = needSmallDisk(context, folder, '1m');
  const remount = (how: string) => expect(spawnSync('mount', ['-o', `remount,${how}`, disk]).status).toBe(0);
  remount('ro');
  const run = await fed(context, folder, disk);
  expect(run.said()).toMatch(/CHECKPOINT_WRITE: .*read-only.*learning goes on/i);
  await pause(800);
  expect(count(run.said(), /CHECKPOINT_WRITE/g)).toBe(1);
  remount('rw');
  await run.hears(/checkpoints are kept again/);
  remount('ro');
  await vi.waitFor(() => expect(count(run.said(), /CHECKPOINT_WRITE/g)).toBe(2), 10_000);
  run.child.kill('SIGTERM');
  expect(await run.closed).toBe(1);
  expect(run.said()).toMatch(/edgegrad: CHECKPOINT_WRITE/);
});

test('of two tasks, one whose disk is full does not disturb the other', async (context) => {
  const folder = folderOfTest();
  const disk = needSmallDisk(context, folder, '64k');
  try {
    writeFileSync(join(disk, 'filler'), Buffer.alloc(1 << 20));
  } catch {
    // Full.
  }
  const pty = await needPty(context);
  const config = (name: string, directory: string) =>
    configure(
      folder,
      `${name}.toml`,
      LINE_CONFIG(name, `[source]\nport = "${pty.path}"\n[checkpoint]\ndirectory = "${directory}"\nintervalS = 0.2`),
    );
  const run = runDaemon(folder, [config('a', disk), config('b', 'fine')]);
  await run.hears(/^b: .*at 115200/m);
  pty.write(lineRows(0, 200));
  await run.hears(/^a: CHECKPOINT_WRITE/m);
  pty.write(lineRows(200, 100));
  await pause(300);
  run.child.kill('SIGTERM');
  expect(await run.closed).toBe(1);
  expect(run.said()).toMatch(/saved fine\/b\.safetensors/);
  for (const name of ['a', 'b']) expect(run.said()).toContain(`${name}: 299 rows in all`);
});

test('more bytes than it can learn from: it answers, saves and leaves as ever, and every row it has seen is counted', async (context) => {
  const folder = folderOfTest();
  const run = await fed(context, folder, 'state', '[record]\ndirectory = "recordings"\nminFreeMB = 0\n');
  const pty = await needPty(context);
  expect(pty.provider).toBe('script'); // which drops what finds no room, as a UART does
  const config = configure(
    folder,
    'b.toml',
    LINE_CONFIG(
      'b',
      `[source]\nport = "${pty.path}"\nbaudRate = 12000000\nqueueKB = 128\n[record]\ndirectory = "flood/recordings"\nminFreeMB = 0\n`,
    ).replace(
      'layers = []',
      'layers = [{ kind = "dense", units = 512, activation = "tanh" }, { kind = "dense", units = 512, activation = "tanh" }]',
    ),
  );
  const flooded = runDaemon(folder, [config]);
  await flooded.hears(/at 12000000/);
  const block = lineRows(0, 5000);
  let isOver = false;
  const flood = (async () => {
    while (!isOver) {
      if (!pty.write(block)) await Promise.race([pty.drained(), pause(50)]);
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  await flooded.hears(/rows come faster than they are learned/);
  const { length: saidBytes } = flooded.said();
  const before = residentMB(flooded.child.pid!);
  await pause(3000);
  expect(residentMB(flooded.child.pid!) - before).toBeLessThan(30);
  expect(flooded.said().slice(saidBytes)).not.toMatch(/faster|keeps up/); // once, however long it lasts
  // Signals are served in the middle of it: the flood goes on until both are.
  flooded.child.kill('SIGUSR1');
  await flooded.hears(/saved .*b\.safetensors/);
  flooded.child.kill('SIGTERM');
  expect(await flooded.closed, flooded.said()).toBe(0);
  expect(isOver).toBe(false);
  isOver = true;
  await flood;
  run.child.kill('SIGTERM');
  await run.closed;
  const rowsIn = (text: string) => Number(/(\d+) rows/.exec(text)?.[1]);
  const learned = rowsIn(/b: \d+ rows in all/.exec(flooded.said())![0]);
  expect(learned).toBeGreaterThan(1000);
  const verify = async () => {
    const { code, out, err } = await edgegrad(['verify', join('flood', 'recordings')], { cwd: folder });
    expect(code, err).toBe(0);
    expect(out).toMatch(/the same bits; \d+ rows/);
    return rowsIn(out);
  };
  // What waited at the stop is recorded, and the next start learns it, and then what still comes.
  const recorded = await verify();
  expect(recorded).toBeGreaterThan(learned);
  const next = runDaemon(folder, [config]);
  await next.hears(/at 12000000/);
  next.child.kill('SIGTERM');
  expect(await next.closed, next.said()).toBe(0);
  const rows = rowsIn(/b: \d+ rows in all/.exec(next.said())![0]);
  expect(rows).toBeGreaterThanOrEqual(recorded);
  expect(await verify()).toBe(rows);
});

test('a pipe that is faster than the learning is held: not one row is lost, and memory stays as it is', async () => {
  const folder = folderOfTest();
  const file = configure(
    folder,
    'a.toml',
    LINE_CONFIG('a', '[source]\nport = "-"\nqueueKB = 128\n').replace(
      'layers = []',
      'layers = [{ kind = "dense", units = 256, activation = "tanh" }, { kind = "dense", units = 256, activation = "tanh" }]',
    ),
  );
  const run = runDaemon(folder, [file]);
  const rows = 40_000;
  run.child.stdin.end(lineRows(0, rows));
  await run.hears(/rows are CSV/);
  await pause(300);
  run.child.kill('SIGUSR1');
  await run.hears(/saved .*a\.safetensors/);
  expect(await run.closed, run.said()).toBe(0);
  // The signal was served in the middle, not when everything was learned.
  const [, served] = /saved .*a\.safetensors, hash \w+, (\d+) rows/.exec(run.said()) ?? [];
  expect(Number(served)).toBeGreaterThan(0);
  expect(Number(served)).toBeLessThan(rows);
  expect(run.said()).toContain(`a: ${rows} rows in all`);
  expect(run.said()).not.toMatch(/faster/);
});

test.for([
  ['at full speed', '"max"', undefined],
  [
    'at twenty thousand times real time, where only `script` makes terminals',
    '1000',
    ['script', 'sh', 'stty', 'tty', 'sleep'],
  ],
] as const)(
  'of a log played as text every row arrives, however slowly it is learned: %s',
  async ([, speed, programs]) => {
    const folder = folderOfTest();
    const rows = 200_000;
    writeFileSync(join(folder, 'log.csv'), Buffer.concat([Buffer.from('x;y\n'), lineRows(0, rows)]));
    // Two million rows a second.
    const source = `[source]\nlog = "log.csv"\ndevice = "text"\nspeed = ${speed}\nperiodS = 0.01\nqueueKB = 128\n`;
    const layers = 'layers = [{ kind = "dense", units = 64, activation = "tanh" }]';
    const config = configure(folder, 'a.toml', LINE_CONFIG('a', source).replace('layers = []', layers));
    const path = join(folder, 'bin');
    if (programs !== undefined) {
      mkdirSync(path);
      for (const program of programs) {
        const found = ['/usr/bin', '/bin'].map((directory) => join(directory, program)).find(existsSync);
        if (found !== undefined) symlinkSync(found, join(path, program));
      }
    }
    const run = runDaemon(folder, [config], programs === undefined ? {} : { env: { PATH: path } });
    await vi.waitFor(() => expect(run.child.exitCode, run.said()).toBe(0), 60_000);
    expect(run.said()).toContain(`a: ${rows} rows in all`);
    if (programs !== undefined) expect(run.said()).toMatch(/as text inside this process: .*socat.*; apt install socat/);
  },
);

test('an hour of rows that are none: said once when it begins and once when it is over', async (context) => {
  const folder = folderOfTest();
  const pty = await needPty(context);
  const run = runDaemon(folder, [configure(folder, 'a.toml', LINE_CONFIG('a', `[source]\nport = "${pty.path}"\n`))]);
  await run.hears(/at 115200/);
  pty.write(lineRows(0, 50));
  pty.write(Buffer.from('nan;nan\n'.repeat(3600)));
  await run.hears(/no good row among the last 100: 100 with a value missing/);
  pty.write(lineRows(50, 50));
  await run.hears(/rows are good again, after 3600 with a value missing/);
  pty.write(Buffer.from('99;1\n'.repeat(150)));
  await run.hears(/no good row among the last 100: 100 out of range/);
  run.child.kill('SIGTERM');
  expect(await run.closed).toBe(0);
  expect(run.said()).toMatch(/quarantined 150, missing 3600/);
  expect(count(run.said(), /no good row/g)).toBe(2);
});

test('a value that stays the same longer than it ever has is said once, and when it changes again', () => {
  const columns = resolveColumns([
    { name: 'temp', unit: 'degC' },
    { name: 'door', kind: 'class', classes: 2 },
  ]);
  const row = new Float32Array(2);
  const said: string[] = [];
  const watch = new RowWatch({ columns, isWatched: [true, true], row, say: (text) => said.push(text) });
  const send = (value: number, rows: number) => {
    row[0] = value;
    for (let i = 0; i < rows; i++) watch.take(PREDICTED);
  };
  for (let i = 0; i < 50; i++) send(20 + i, 3);
  send(21.5, 999);
  expect(said).toEqual([]);
  send(21.5, 20_000);
  expect(said).toEqual(['temp has been 21.5 degC for 1000 rows, longer than ever: is the sensor stuck?']);
  row[0] = Number.NaN; // a missing value is no other value
  watch.take(MISSING);
  send(21.75, 1);
  expect(said[1]).toBe('temp changes again, after 20999 rows');
  send(22, 30_000); // it has been like that before
  expect(said).toHaveLength(2);
  send(23, 1);
  send(24, 400_000);
  expect(said[2]).toMatch(/^temp has been 24 degC for \d+ rows/);
});

test('bad rows now and then are nothing to be said', () => {
  const row = new Float32Array(1);
  const said: string[] = [];
  const columns = resolveColumns([{ name: 'x' }]);
  const watch = new RowWatch({ columns, isWatched: [true], row, say: (text) => said.push(text) });
  for (let i = 0; i < 10_000; i++) {
    row[0] = i;
    watch.take(i % 100 === 99 ? PREDICTED : QUARANTINED);
  }
  expect(said).toEqual([]);
});

test('a wall clock that jumps back ten years, forward and back again: the same bits are learned, everything goes on', async () => {
  const folder = folderOfTest();
  const jumps = [-3.15e11, 3e10, -6.3e11];
  const clock = movedClock(folder, jumps);
  const year = new Date().getFullYear();
  const years = jumps.map((movedMs) => new Date(Date.now() + movedMs).getFullYear());
  expect(years[0]).toBeLessThan(year - 8);

  const learn = async (name: string, isMoved: boolean) => {
    const more = `[source]\nport = "-"\n[checkpoint]\ndirectory = "${name}"\nintervalS = 0.1\n`;
    const record = `[record]\ndirectory = "${name}/recordings"\nminFreeMB = 0\nflushS = 0.1\n[http]\nport = 0\n`;
    const run = runDaemon(folder, [configure(folder, `${name}.toml`, LINE_CONFIG('a', more + record))], {
      node: isMoved ? clock : [],
    });
    await run.hears(/page at http/);
    const [url] = /http:\/\/[^/\s]+/.exec(run.said()) ?? [];
    const status = async () => (await (await fetch(`${url}/api/status`)).json()) as StatusMessage;
    for (const [i, moved] of ['', ...years].entries()) {
      if (moved !== '' && isMoved) {
        run.child.kill('SIGUSR2');
        await run.hears(`the clock says ${moved}-`);
      }
      const { written } = i === 0 ? { written: 0 } : (await status()).tasks[0].checkpoint;
      run.child.stdin.write(lineRows(500 * i, 500));
      await vi.waitFor(async () => {
        const [task] = (await status()).tasks;
        expect(task.place).toBe(500 * (i + 1));
        expect(task.checkpoint.written).toBeGreaterThan(written);
        expect(task.checkpoint.ageS).toBeGreaterThanOrEqual(0);
        expect(task.checkpoint.ageS).toBeLessThan(20);
        expect(task.lastRowAgeS).toBeLessThan(20);
      }, 10_000);
      expect((await fetch(`${url}/healthz`)).status).toBe(200);
      await pause(isMoved ? 1100 : 0); // a row a second is kept for pages
    }
    const { messages, end } = await listen(url ?? '');
    await vi.waitFor(() => expect(messages.map((message) => message.name)).toContain('begin'), 5000);
    end();
    const begin = messages.find((message) => message.name === 'begin')?.data as BeginMessage;
    const times = begin.tasks[0].past.map((sample) => sample.timeMs);
    if (isMoved) expect(times.length).toBeGreaterThan(2);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    // Whatever the clock said then, a page shows it where it was.
    for (const time of times) expect(begin.timeMs - time).toBeGreaterThanOrEqual(-100);
    for (const time of times) expect(begin.timeMs - time).toBeLessThan(60_000);
    run.child.stdin.end();
    expect(await run.closed, run.said()).toBe(0);
    const verified = await edgegrad(['verify', join(name, 'recordings')], { cwd: folder });
    expect(verified.code, verified.err).toBe(0);
    return /the same bits; 2000 rows, hash \w+/.exec(verified.out)?.[0];
  };
  const moved = await learn('moved', true);
  expect(moved).toBeDefined();
  expect(moved).toBe(await learn('still', false));
});
