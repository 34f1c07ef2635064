// @slow a device with faults, killed and started again

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { FirmwareDevice, openPty } from '../../src/ingest/index.js';
import { replayLog } from '../../src/recording/index.js';
import { needPty } from '../support/pty.js';

// Live through a pseudo-terminal, unplugged in the middle, killed and started again: the recording learns the same.

const root = join(import.meta.dirname, '../..');
const cli = join(root, 'dist/cli.js');
const log = readFileSync(join(root, 'models/sailing-wind/sailing_wind.csv'));
const TIMES = Number(process.env.LIVE_RUNS ?? 20);

const CONFIG = readFileSync(join(root, 'models/sailing-wind/edgegrad.toml'), 'utf8');

function folderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-live-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** The daemon as a user runs it, recording. */
function startDaemon(folder: string, port: string) {
  const config = join(folder, 'boat.toml');
  writeFileSync(
    config,
    `${CONFIG.replace(/\[source\][\s\S]*?\n\n/, `[source]\nport = "${port}"\n\n`).replace(/\[checkpoint\][\s\S]*$/, '')}
[checkpoint]
directory = "state"
intervalS = 1
[record]
directory = "recordings"
flushS = 0.1
`,
  );
  const child = spawn(process.execPath, [cli, 'run', config], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  return {
    child,
    config,
    closed,
    said: () => said,
    hears: (text: RegExp) => vi.waitFor(() => expect(said).toMatch(text), { timeout: 20_000, interval: 2 }),
  };
}

async function verified(folder: string) {
  const { result } = await replayLog(join(folder, 'recordings'), {});
  return result;
}

test(`recorded live with the plug pulled in the middle, ${TIMES} times at different moments: verified`, {
  timeout: 600_000,
}, async (context) => {
  const random = new Random(5);
  for (let time = 0; time < TIMES; time++) {
    const folder = folderOfTest();
    const link = join(folder, 'ttyBOAT');
    let pty = await needPty(context, { link });
    const daemon = startDaemon(folder, link);
    await daemon.hears(/at 115200/);
    // In pieces that end anywhere, at a pace that differs.
    const cut = Math.floor(log.length * (0.2 + 0.6 * random.uniform()));
    const send = async (from: number, end: number) => {
      for (let at = from; at < end; ) {
        const piece = 1 + (random.next() % 40_000);
        pty.write(log.subarray(at, Math.min(at + piece, end)));
        at += piece;
        await new Promise((resolve) => setTimeout(resolve, random.next() % 8));
      }
    };
    await send(0, cut);
    await new Promise((resolve) => setTimeout(resolve, random.next() % 60));
    await pty.unplug();
    await daemon.hears(/is gone/);
    const again = await openPty({ link });
    if (again.pty === null) throw new Error(again.reason);
    pty = again.pty;
    await daemon.hears(/is back/);
    await send(cut, log.length);
    await new Promise((resolve) => setTimeout(resolve, 150));
    daemon.child.kill('SIGTERM');
    expect(await daemon.closed, daemon.said()).toBe(0);
    await pty.unplug();

    const result = await verified(folder);
    const comparison = result.recording!.comparison;
    expect(comparison.firstDifference, `time ${time}`).toBeUndefined();
    expect(comparison.equal).toBe(comparison.compared);
    expect(comparison).toMatchObject({ notCompared: 0, notes: [] });
    expect(comparison.compared).toBeGreaterThanOrEqual(2);
    expect(daemon.said()).toContain(`hash ${result.hash}`);
  }
});

test('frames of a device with faults, killed in the middle, started again and reloaded: verified', {
  timeout: 120_000,
}, async (context) => {
  const folder = folderOfTest();
  const { device, reason } = await FirmwareDevice.open({
    log: join(root, 'models/sailing-wind/sailing_wind.csv'),
    speed: 8000,
    timeColumn: 't_s',
    args: ['--faults', 'flip=0.0005,lose=0.0002,duplicate=0.002,reboot=0.002', '--seed', '9', '--loop', '6'],
  });
  if (device === null) {
    if (process.env.CI) throw new Error(reason);
    context.skip(reason);
    return;
  }
  onTestFinished(() => device.stop());
  const link = join(folder, 'ttyDEVICE');
  symlinkSync(device.path, link);
  const first = startDaemon(folder, link);
  await first.hears(/at 115200/);
  device.start();
  await first.hears(/speaks frames/);
  await new Promise((resolve) => setTimeout(resolve, 2500));
  first.child.kill('SIGKILL');
  await first.closed;
  const second = startDaemon(folder, link);
  await second.hears(/goes on from/);
  await second.hears(/at 115200/);
  writeFileSync(second.config, readFileSync(second.config, 'utf8').replace('intervalS = 1', 'intervalS = 2'));
  second.child.kill('SIGHUP');
  await second.hears(/configuration changed: checkpoint\.intervalS/);
  await device.finished;
  rmSync(link);
  await second.hears(/is gone/);
  second.child.kill('SIGTERM');
  expect(await second.closed, second.said()).toBe(0);

  const result = await verified(folder);
  const comparison = result.recording!.comparison;
  expect(comparison.firstDifference).toBeUndefined();
  expect(comparison.equal).toBe(comparison.compared);
  expect(comparison.compared).toBeGreaterThanOrEqual(3);
  expect(result.frames.rejectedCrc).toBeGreaterThan(0);
  expect(result.frames.restarts).toBeGreaterThan(0);
  expect(result.report.rows).toBeGreaterThan(3000);
  expect(second.said()).toContain(`hash ${result.hash}`);
});
