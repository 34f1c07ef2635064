// @slow a process that looks at its port for many seconds

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { HealthMessage, StatusMessage } from '../../src/daemon/http/messages.js';
import { holdersOf, readersOf, SerialSource } from '../../src/ingest/index.js';
import { edgegrad } from '../support/cli.js';
import { LINE_CONFIG, startDaemon } from '../support/live-daemon.js';
import { Listener, needPty } from '../support/pty.js';
import { needTool } from '../support/tools.js';

const rows = (count: number) =>
  Array.from({ length: count }, (_, i) => `${i % 7},${3 * (i % 7) + 1},${i % 8}\n`).join('');

/** A program that has a terminal open until the test ends. */
async function holding(command: string, args: string[], path: string) {
  const child = spawn(command, args, { stdio: 'ignore' });
  onTestFinished(() => void child.kill());
  await expect.poll(() => holdersOf(path).some(({ pid }) => pid === child.pid), { timeout: 10_000 }).toBe(true);
  return child;
}

test('a port that is waited for says once why it does not open, with who holds it, and opens when it is free', async (context) => {
  needTool(context, 'flock');
  const pty = await needPty(context);
  const child = await holding('flock', ['--no-fork', pty.path, 'sleep', '60'], pty.path);
  const source = new SerialSource({ path: pty.path, wait: true, random: () => 1 });
  const listener = new Listener();
  const problems: string[] = [];
  onTestFinished(() => source.stop());
  void source.start(Object.assign(listener, { refused: (problem: Error) => problems.push(problem.message) }));
  await expect.poll(() => source.counters().failedAttempts, { timeout: 10_000 }).toBeGreaterThan(2);
  expect(problems).toEqual([
    `INGEST_LOCKED: serial port ${pty.path}: found a port that is held by sleep, process ${child.pid}, expected a port that is free; close it, or: kill ${child.pid}`,
  ]);
  child.kill();
  await listener.until(() => listener.events.length > 0);
  expect(listener.events).toEqual(['opened']);
  expect(problems).toHaveLength(1);
});

test('a port without permission says so at once, with the remedy', async (context) => {
  if (process.getuid?.() !== 0) return context.skip('another user can be tried by root only');
  const pty = await needPty(context);
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-port-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'line.toml');
  writeFileSync(
    file,
    `${LINE_CONFIG}[source]\nport = "${pty.path}"\nwait = true\n[checkpoint]\ndirectory = "/tmp/edgegrad-none-${process.pid}"\n`,
  );
  const { code, err } = await edgegrad(['check-config', file], { cwd: folder });
  expect([code, err]).toEqual([0, '']);
  const { spawnSync } = await import('node:child_process');
  spawnSync('chmod', ['-R', 'a+rX', folder]);
  let isStopped = false;
  const run = await edgegrad(['run', file], {
    cwd: folder,
    uid: 65534,
    during(child, said) {
      if (isStopped || !said.includes('INGEST_PERMISSION')) return;
      isStopped = true;
      child.kill('SIGTERM');
    },
  });
  expect(run.err).toMatch(/found no permission to read and write it, .*usermod -aG \w+ \$USER.*; it is tried again/);
  expect(run.err.match(/INGEST_PERMISSION/g)).toHaveLength(1);
});

test('another program that reads the port is said, nothing is learned meanwhile, and learning goes on when it has gone', async (context) => {
  const daemon = await startDaemon(context);
  const { pty } = daemon;
  pty.write(Buffer.from(rows(60)));
  await daemon.hears(/rows are CSV/);
  expect(readersOf(pty.path).filter(({ isEdgegrad }) => !isEdgegrad)).toEqual([]);
  const cat = await holding('cat', [pty.path], pty.path);
  // What is left of rows of which the other has had a part.
  pty.write(Buffer.from(`${'3,\n'.repeat(30)}`));
  await daemon.hears(
    new RegExp(
      `cat \\(process ${cat.pid}\\) reads the same port and takes bytes away; nothing is learned until it has gone`,
    ),
  );
  const health = await daemon.get<HealthMessage>('/healthz');
  expect(health.status).toBe('failing');
  expect(health.tasks[0].problems.join()).toContain(`cat (process ${cat.pid}) reads the same port`);
  expect((await daemon.get<StatusMessage>('/api/status')).tasks[0].isLearning).toBe(false);
  cat.kill();
  await daemon.hears(/no other program reads the port any more/);
  expect((await daemon.get<StatusMessage>('/api/status')).tasks[0].isLearning).toBe(true);
});
