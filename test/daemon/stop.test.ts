// @slow stops of processes that have much left to do

import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/daemon/index.js';
import { Pipeline, RecordingReader, streamOptionsOf } from '../../src/recording/index.js';
import { createStream } from '../../src/stream/index.js';
import { runCli } from '../support/cli.js';
import { configure, folderOfTest, LINE_CONFIG, lineRows, runDaemon } from '../support/daemon.js';
import { needPty } from '../support/pty.js';

// A stop while rows wait to be learned from: they come faster than a network this large learns them.

const SLOW = (more: string) => `name = "slow"
columns = [{ name = "x", range = [-10, 10] }, { name = "y" }, { name = "text", kind = "ignore" }]
task = { kind = "regress", features = ["x"], targets = ["y"], warmup = 10 }
network = { executor = "reference", optimizer = { kind = "sgd", rate = 0.001 }, layers = [
  { kind = "dense", units = 600, activation = "tanh" }, { kind = "dense", units = 600, activation = "tanh" } ] }
${more}
`;
const RECORD = '[record]\ndirectory = "recordings"\n';

/** Rows of 150 bytes: of a pipe, a few hundred of them are taken at once. */
const slowRows = (from: number, count: number) =>
  Buffer.from(
    Array.from({ length: count }, (_, i) => (((from + i) * 7) % 40) / 4 - 5)
      .map((x) => `${`${x};${3 * x + 1};`.padEnd(149, '-')}\n`)
      .join(''),
  );

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until so much has been received, whether or not it is learned from. */
async function arrived({ said, hears }: ReturnType<typeof runDaemon>, bytes: number): Promise<void> {
  await hears(/page at http/);
  const url = /page at (http:\S+)/.exec(said())?.[1];
  for (let received = 0; received < bytes; ) {
    const text = await (await fetch(`${url}metrics`)).text();
    received = Number(/^edgegrad_received_bytes_total\S* (\d+)/m.exec(text)?.[1]);
    await pause(5);
  }
}

/** Sends SIGTERM and waits for the end. */
async function stopped({ child, closed, said }: ReturnType<typeof runDaemon>): Promise<string> {
  child.kill('SIGTERM');
  expect(await closed, said()).toBe(0);
  return said();
}

const found = (text: string, what: RegExp) => what.exec(text)?.slice(1) ?? [];
/** Row and hash of the checkpoint that is kept at the end. */
const savedIn = (text: string) => [
  ...found(text, /(\d+) rows in all/),
  ...found(text, /saved .*slow\.safetensors, hash (\w{16})/),
];

/** Everything received that the recordings of a folder hold, in order. */
async function wireOf(folder: string): Promise<Buffer> {
  const directory = join(folder, 'recordings');
  const files = readdirSync(directory).sort();
  const reader = await RecordingReader.open(files.map((file) => join(directory, file)));
  const parts: Buffer[] = [];
  for await (const messages of reader.chunks()) {
    while (messages.next()) {
      const { topic, data, start, end } = messages;
      if (topic === 'wire') parts.push(Buffer.from(data.slice(start, end)));
    }
  }
  return Buffer.concat(parts);
}

/** The state after these bytes, of a process that never stopped. */
function learned(file: string, bytes: Buffer, mayBeMidLine: boolean) {
  const stream = createStream(streamOptionsOf(loadConfig(file), 'simd'));
  const pipeline = new Pipeline(stream);
  pipeline.opened({ isAgain: false, mayBeMidLine });
  pipeline.bytes(bytes, bytes.length);
  return { stream, pipeline };
}

test('from a pipe, recorded: what had no time is learned by the next start, to the bits of never having stopped', async () => {
  const folder = folderOfTest();
  const file = configure(folder, 'slow.toml', SLOW(RECORD));
  const input = slowRows(0, 2000);
  const first = runDaemon(folder, [file, '--port', '-', '--http', '0']);
  first.child.stdin.on('error', () => {}); // it is left behind in the pipe
  first.child.stdin.write(input);
  await arrived(first, 65536);
  const said = await stopped(first);
  const [waited] = found(said, /(\d+) bytes waited to be learned from: they are recorded, and the next start learns/);
  expect(Number(waited), said).toBeGreaterThan(1000);
  const received = await wireOf(folder);
  expect(received.equals(input.subarray(0, received.length))).toBe(true);

  const left = await runCli(folder, ['verify', 'recordings']);
  expect(left.code, left.out).toBe(0);
  const [rows] = savedIn(said);
  const reference = learned(file, received, false);
  const again = await runCli(folder, ['run', file, '--port', '-'], undefined, slowRows(500, 30));
  expect(again.code, again.err).toBe(0);
  const more = reference.stream.rows - Number(rows);
  expect(more).toBeGreaterThan(10);
  expect(again.err).toContain(
    `learned ${more} rows again from the recording: row ${reference.stream.rows}, hash ${reference.stream.hash()}`,
  );

  // It goes on from there as after any stop, and nothing is learned a second time.
  reference.stream.gap('restart');
  const pipeline = new Pipeline(reference.stream);
  pipeline.bytes(slowRows(500, 30), slowRows(500, 30).length);
  pipeline.finish();
  expect(savedIn(again.err)).toEqual([String(reference.stream.rows), reference.stream.hash()]);
  const third = await runCli(folder, ['run', file, '--port', '-'], undefined, '');
  expect(third.err).toContain(`goes on from edgegrad-state/slow.safetensors: ${reference.stream.rows} rows`);
  expect(third.err).not.toMatch(/again from the recording/);
  const verified = await runCli(folder, ['verify', 'recordings']);
  expect(verified.out).toMatch(/the same bits/);
  expect(verified.code, verified.out).toBe(0);
}, 60_000);

test('from a port, recorded, and the port gone before: the same', async (context) => {
  const pty = await needPty(context);
  const folder = folderOfTest();
  const file = configure(folder, 'slow.toml', SLOW(RECORD));
  const run = runDaemon(folder, [file, '--port', pty.path, '--http', '0']);
  await run.hears(/at 115200/);
  pty.write(slowRows(0, 800));
  await arrived(run, 800 * 150);
  pty.unplug();
  await pause(100);
  const said = await stopped(run);
  expect(said).toMatch(/bytes waited to be learned from: they are recorded/);
  const received = await wireOf(folder);
  expect(received.equals(slowRows(0, 800))).toBe(true);
  const { stream } = learned(file, received, true);
  const again = await runCli(folder, ['run', file, '--port', '-'], undefined, '');
  expect(again.err).toContain(`again from the recording: row ${stream.rows}, hash ${stream.hash()}`);
}, 60_000);

test('what has time is learned before the end, recorded or not', async (context) => {
  const pty = await needPty(context);
  const folder = folderOfTest();
  const file = configure(folder, 'slow.toml', SLOW(''));
  const run = runDaemon(folder, [file, '--port', pty.path, '--http', '0']);
  await run.hears(/at 115200/);
  pty.write(slowRows(0, 40));
  await arrived(run, 40 * 150); // learning takes longer
  const said = await stopped(run);
  expect(said).toContain('39 rows in all'); // the first may have been cut
  expect(said).not.toMatch(/bytes waited/);
  const { stream } = learned(file, slowRows(0, 40), true);
  expect(savedIn(said)).toEqual(['39', stream.hash()]);
});

test('what has no time is counted and said to be lost where nothing is recorded', async (context) => {
  const pty = await needPty(context);
  const folder = folderOfTest();
  const file = configure(folder, 'slow.toml', SLOW(''));
  const run = runDaemon(folder, [file, '--port', pty.path, '--http', '0']);
  await run.hears(/at 115200/);
  pty.write(slowRows(0, 800));
  await arrived(run, 800 * 150);
  const said = await stopped(run);
  expect(said).toMatch(/\d+ bytes waited to be learned from: they are lost/);
});

test('a second signal while it learns what waits changes nothing', async (context) => {
  const pty = await needPty(context);
  const folder = folderOfTest();
  const file = configure(folder, 'slow.toml', SLOW(RECORD));
  const run = runDaemon(folder, [file, '--port', pty.path, '--http', '0']);
  await run.hears(/at 115200/);
  pty.write(slowRows(0, 800));
  await arrived(run, 800 * 150);
  for (const ms of [1, 200, 400]) setTimeout(() => run.child.kill('SIGINT'), ms);
  const said = await stopped(run);
  const { stream } = learned(file, await wireOf(folder), true);
  const next = await runCli(folder, ['run', file, '--port', '-'], undefined, '');
  expect(next.err).toContain(`again from the recording: row ${stream.rows}, hash ${stream.hash()}`);
  expect(said.match(/bytes waited/g)).toHaveLength(1);
}, 60_000);

const SLOW_DISK = join(import.meta.dirname, '../support/slow-disk.js');
/** A daemon that has learned 100 rows and kept them, and 100 more; from then on the disk answers when it is told to. */
async function onSlowDisk(more = '') {
  const folder = folderOfTest();
  const flag = join(folder, 'slow');
  const file = configure(folder, 'a.toml', LINE_CONFIG('a', `[checkpoint]\nintervalS = 0\n${more}`));
  const run = runDaemon(folder, [file, '--port', '-'], { env: { SLOW_DISK: flag }, node: ['--import', SLOW_DISK] });
  await run.hears(/standard input/);
  run.child.stdin.write(lineRows(0, 100));
  await run.hears(/rows are CSV/);
  await pause(100);
  run.child.kill('SIGUSR1');
  await run.hears(/saved .*100 rows/);
  writeFileSync(flag, '');
  run.child.stdin.write(lineRows(100, 100));
  await pause(200);
  const again = () => runCli(folder, ['run', file, '--port', '-'], undefined, '');
  return { ...run, folder, again, answers: () => rmSync(flag) };
}

test('a disk that is slow to take the last checkpoint: said, again at every signal, and nothing is broken by them', async () => {
  const { child, hears, said, closed, again, answers } = await onSlowDisk();
  child.kill('SIGUSR1'); // one is under way already
  await pause(50);
  for (let i = 0; i < 3; i++) child.kill('SIGTERM');
  await hears(
    /waits for the disk to take edgegrad-state\/a\.safetensors \(killed now, it leaves the one before\): 1 s so far/,
  );
  expect(said().match(/waits for the disk/g)).toHaveLength(1);
  await pause(700);
  child.kill('SIGINT');
  await hears(/: 2 s so far/);
  expect(child.exitCode).toBe(null);
  answers();
  expect(await closed, said()).toBe(0);
  const [hash] = found(said(), /saved .*hash (\w{16})$/m);
  expect((await again()).err).toMatch(new RegExp(`goes on from \\S+/a\\.safetensors: 200 rows, hash ${hash}`));
});

test('killed while the disk is slow, it leaves the checkpoint before; with a recording nothing is lost', async () => {
  for (const [more, rows] of [
    ['', 100],
    [RECORD, 200],
  ] as const) {
    const { child, hears, closed, again } = await onSlowDisk(more);
    child.kill('SIGTERM');
    await hears(/waits for the disk/);
    child.kill('SIGKILL');
    await closed;
    const { code, err } = await again();
    expect(code, err).toBe(0);
    expect(err).toContain('goes on from edgegrad-state/a.safetensors: 100 rows');
    expect(err).toContain(`a: ${rows} rows in all`);
  }
});

test('a recording whose disk does not answer holds up no stop, not even behind a checkpoint that waits for it', async () => {
  const folder = folderOfTest();
  const file = configure(folder, 'a.toml', LINE_CONFIG('a', `[checkpoint]\nintervalS = 0\n${RECORD}`));
  const run = runDaemon(folder, [file, '--port', '-'], {
    env: { SLOW_RECORDING: file },
    node: ['--import', SLOW_DISK],
  });
  await run.hears(/standard input/);
  run.child.stdin.write(lineRows(0, 100));
  await run.hears(/rows are CSV/);
  run.child.kill('SIGUSR1'); // would wait two seconds
  await pause(50);
  const said = await stopped(run);
  expect(said).toMatch(/saved .*hash \w{16}$/m);
});
