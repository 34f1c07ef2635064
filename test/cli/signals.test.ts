// @slow processes that are signalled at several moments

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { needPty } from '../support/pty.js';

// What a person or systemd does to a running process.

const cli = join(import.meta.dirname, '../../dist/cli.js');

const CONFIG = `name = "mine"
columns = [{ name = "x", range = [-10, 10] }, { name = "y" }]
task = { kind = "regress", features = ["x"], targets = ["y"], warmup = 10 }
network = { layers = [], optimizer = { kind = "sgd", rate = 0.05 } }
`;

function running(args: string[], config = CONFIG) {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-signals-'));
  const file = join(folder, 'mine.toml');
  writeFileSync(file, config);
  const child = spawn(process.execPath, [cli, 'run', file, ...args], {
    cwd: folder,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
    rmSync(folder, { recursive: true });
  });
  return {
    child,
    closed,
    checkpoint: join(folder, 'edgegrad-state/mine.safetensors'),
    said: () => said,
    hears: (text: string | RegExp) => vi.waitFor(() => expect(said).toMatch(text), 10_000),
    configure: (text: string) => writeFileSync(file, text),
  };
}

const rows = (from: number, count: number) =>
  Buffer.from(
    Array.from({ length: count }, (_, i) => (((from + i) * 7) % 40) / 4 - 5)
      .map((x) => `${x};${3 * x + 1}\n`)
      .join(''),
  );

test('SIGUSR1 keeps a checkpoint and goes on', async (context) => {
  const pty = await needPty(context);
  const run = running(['--port', pty.path]);
  await run.hears(/at 115200/);
  pty.write(rows(0, 200));
  await run.hears(/rows are CSV/);
  expect(existsSync(run.checkpoint)).toBe(false);
  run.child.kill('SIGUSR1');
  await run.hears(/saved .*mine\.safetensors, hash \w{16}/);
  expect(existsSync(run.checkpoint)).toBe(true);
  pty.write(rows(200, 100));
  await new Promise((resolve) => setTimeout(resolve, 300));
  run.child.kill('SIGTERM');
  expect(await run.closed).toBe(0);
  expect(run.said()).toContain('299 rows in all'); // the first may have been cut
});

test('SIGHUP takes over what can change with what was learned, keeps the rest, and says which', async (context) => {
  const pty = await needPty(context);
  const run = running(['--port', pty.path]);
  await run.hears(/at 115200/);
  pty.write(rows(0, 300));
  await run.hears(/rows are CSV/);
  run.child.kill('SIGHUP');
  await run.hears(/configuration read again: nothing has changed/);
  run.configure(`${CONFIG}[checkpoint]\nintervalS = 1\n`);
  run.child.kill('SIGHUP');
  await run.hears(/configuration changed: checkpoint\.intervalS/);
  await vi.waitFor(() => expect(existsSync(run.checkpoint)).toBe(true), 10_000);
  run.configure('name = 3');
  run.child.kill('SIGHUP');
  await run.hears(/configuration kept as it was: .*mine\.toml: name: found 3/);
  run.configure(CONFIG.replace('features = ["x"]', 'features = ["x"], window = 7'));
  run.child.kill('SIGHUP');
  await run.hears(/configuration kept as it was: task\.window cannot change without losing/);
  pty.write(rows(300, 100));
  await new Promise((resolve) => setTimeout(resolve, 300));
  run.child.kill('SIGTERM');
  expect(await run.closed).toBe(0);
  expect(run.said()).toContain('399 rows in all');
});

test('SIGHUP moves to another port, and what was learned moves with it', async (context) => {
  const first = await needPty(context);
  const second = await needPty(context);
  const run = running([]);
  await run.closed; // without a port there is nothing to run
  expect(run.said()).toMatch(/CONFIG_SOURCE/);
  const at = (port: string) => `${CONFIG}[source]\nport = "${port}"\n`;
  const moved = running(['--fresh'], at(first.path));
  await moved.hears(/at 115200/);
  first.write(rows(0, 300));
  await moved.hears(/rows are CSV/);
  moved.configure(at(second.path));
  moved.child.kill('SIGHUP');
  await moved.hears(/configuration changed: source\.port/);
  await moved.hears(new RegExp(`${second.path} is back`));
  second.write(rows(300, 100));
  await new Promise((resolve) => setTimeout(resolve, 300));
  moved.child.kill('SIGTERM');
  expect(await moved.closed).toBe(0);
  expect(moved.said()).toContain('398 rows in all'); // the first of each opening may have been cut
});

test('standard input is a source that ends', async () => {
  const run = running(['--port', '-']);
  run.child.stdin.end(rows(0, 250));
  expect(await run.closed).toBe(0);
  expect(run.said()).toContain('250 rows in all');
  expect(readFileSync(run.checkpoint).length).toBeGreaterThan(0);
});
