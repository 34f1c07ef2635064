import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { runCli } from '../support/cli.js';
import { needPty } from '../support/pty.js';

// Rows and events as JSON lines on standard output.

const cli = join(import.meta.dirname, '../../dist/cli.js');

function folderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-ndjson-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const CONFIG = 'models/sailing-wind/edgegrad.toml';
const root = join(import.meta.dirname, '../..');
const LOG = join(root, 'models/sailing-wind/sailing_wind.csv');
const log = readFileSync(LOG);

/** The shipped log by a pipe: rows come as fast as they are read. */
function started(folder: string, port = '-') {
  const child = spawn(
    process.execPath,
    [cli, 'run', join(root, CONFIG), '--ndjson', '--port', port, '--state', folder],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  );
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  child.stdin.on('error', () => {});
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return { child, ended, said: () => said };
}

test('every row is a line, with what replay says of it, and every event', async () => {
  const folder = folderOfTest();
  const trace = join(folder, 'trace.ndjson');
  await runCli(folder, ['replay', LOG, '--config', join(root, CONFIG), '--trace', trace]);
  const { code, out } = await runCli(folder, ['run', join(root, CONFIG), '--ndjson', '--port', '-'], undefined, log);
  expect(code).toBe(0);
  const lines = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  const rows = lines.filter((line) => 'row' in line);
  const traced = readFileSync(trace, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(rows).toHaveLength(traced.length);
  rows.forEach((row, i) => {
    expect(row).toMatchObject({
      task: 'sailing-wind',
      row: traced[i].row,
      time: traced[i].time,
      outcome: traced[i].outcome,
    });
    expect(row.prediction && Object.entries(row.prediction)).toEqual(
      traced[i].prediction?.map((value: number, k: number) => [['twx_kn', 'twy_kn'][k], value]),
    );
    expect(row.scored && Object.values(row.scored.truth)).toEqual(traced[i].scored?.truth);
  });
  expect(lines.filter((line) => 'event' in line).map(({ event }) => event)).toContainEqual(
    expect.stringMatching(/^rows are CSV/),
  );
});

test('a reader that does not read costs lines of a port, said once, and neither learning nor the end', async (context) => {
  const folder = folderOfTest();
  const pty = await needPty(context);
  const { child, ended, said } = started(folder, pty.path);
  await vi.waitFor(() => expect(said()).toMatch(/at 115200/), 10_000);
  for (let at = 0; at < 3; at++) {
    pty.write(log);
    await pty.drained();
  }
  await vi.waitFor(() => expect(said()).toMatch(/standard output is read too slowly/), 20_000);
  child.kill('SIGTERM');
  expect(await ended).toBe(0);
  expect(said().match(/standard output is read too slowly/g)).toHaveLength(1);
  expect(said()).toMatch(/saved .*sailing-wind\.safetensors/);
});

test('a reader that does not read holds back rows of a pipe, and gets every one of them once it does', async () => {
  const folder = folderOfTest();
  const [header, ...rows] = log.toString().trimEnd().split('\n');
  const { child, ended } = started(folder);
  child.stdin.end(`${header}\n${`${rows.join('\n')}\n`.repeat(3)}`);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(child.exitCode).toBeNull();
  let out = '';
  child.stdout.on('data', (bytes) => {
    out += bytes;
  });
  expect(await ended).toBe(0);
  expect(out.match(/"row":/g)).toHaveLength(3 * rows.length);
});

test('a reader that goes away ends the run, and what was learned is saved', async () => {
  const folder = folderOfTest();
  const { child, ended, said } = started(folder);
  child.stdin.write(log.subarray(0, 20_000));
  await new Promise((resolve) => child.stdout.once('data', resolve));
  child.stdout.destroy();
  const feeding = setInterval(() => child.stdin.write('\n'.repeat(10)), 20);
  child.stdin.write(log.subarray(20_000, 40_000));
  expect(await ended).toBe(0);
  clearInterval(feeding);
  await vi.waitFor(() => expect(said()).toMatch(/standard output is closed/));
  expect(said()).toMatch(/saved .*sailing-wind\.safetensors/);
});
