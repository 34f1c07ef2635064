// @slow the simulated device is compiled, and learned from

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test, vi } from 'vitest';
import { FirmwareDevice, type FirmwareDeviceOptions } from '../../src/ingest/index.js';

// The daemon and the C library for devices, each a process of its own, a pseudo-terminal between them.

const CLI = join(import.meta.dirname, '../../dist/cli.js');
const ROWS = 600;

/** A log of y = 3x + 1, one row every 10 ms of the device. */
const LOG = `x [cm],y\n${Array.from({ length: ROWS }, (_, i) => {
  const x = ((i * 7) % 40) / 4 - 5;
  return `${x},${3 * x + 1}\n`;
}).join('')}`;

const CONFIG = `name = "line"
columns = [{ name = "x", unit = "cm" }, { name = "y" }]
network = { layers = [], optimizer = { kind = "sgd", rate = 0.05 } }
`;

function folderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-device-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function needDevice(context: TestContext, folder: string, options: Partial<FirmwareDeviceOptions>) {
  const log = join(folder, 'log.csv');
  writeFileSync(log, LOG);
  const { device, reason } = await FirmwareDevice.open({ log, periodS: 0.01, speed: 10, ...options });
  if (device === null) {
    if (process.env.CI) throw new Error(reason);
    context.skip(reason);
    throw new Error('skipped');
  }
  onTestFinished(() => device.stop());
  // A name of its own, which goes with the device: the number of its terminal is soon another's.
  const port = join(folder, 'ttyDEVICE');
  symlinkSync(device.path, port);
  const finished = device.finished.then(() => rmSync(port));
  return { start: () => device.start(), finished, port, report: () => device.report };
}

/** The daemon, from when it has opened the port on. */
async function startDaemon(folder: string, config: string, port: string) {
  writeFileSync(join(folder, 'line.toml'), config);
  const child = spawn(process.execPath, [CLI, 'run', 'line.toml', '--port', port], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  const hears = (text: RegExp) => vi.waitFor(() => expect(said).toMatch(text), { timeout: 20_000, interval: 5 });
  await hears(/at 115200/);
  return {
    said: () => said,
    hears,
    /** Has it read another configuration. */
    reload(text: string) {
      writeFileSync(join(folder, 'line.toml'), text);
      child.kill('SIGHUP');
    },
    async stop() {
      child.kill('SIGTERM');
      expect([0, 2]).toContain(await closed);
      return said;
    },
  };
}

test('labels that come later on their own are learned from and acknowledged; predictions go back', async (context) => {
  const folder = folderOfTest();
  const device = await needDevice(context, folder, {
    labels: ['y'],
    args: ['--label-delay', '5', '--label-repeat', '200'],
  });
  const task = 'task = { kind = "regress", features = ["x"], targets = ["y"], warmup = 20, labelWait = 50 }\n';
  const daemon = await startDaemon(folder, `${CONFIG}${task}[source]\noutput = true\n`, device.port);
  device.start();
  await device.finished;
  await daemon.hears(/is gone/);
  const said = await daemon.stop();
  expect(said).toContain('device edgegrad-device 1');
  expect(said).toContain(`${ROWS} rows in all`);
  const report = JSON.parse(device.report()) as Record<string, number>;
  const [, frames, labels] = /(\d+) frames, (\d+) labels/.exec(said) ?? [];
  expect(Number(frames)).toBeGreaterThan(2 * ROWS);
  expect(Number(labels)).toBeGreaterThanOrEqual(report.labels);
  expect(report.labelsGivenUp).toBe(0);
  expect(report.labelAcks).toBeGreaterThanOrEqual(ROWS);
  // A prediction that the link has no room for is dropped, not kept: how many are depends on the machine.
  expect(report.outputs).toBeGreaterThan(ROWS / 10);
  expect(report.rxBad).toBe(0);
  // The line is found: the error of the last rows is far below that of the last value.
  const [, model, naive] = /error, last 200 +([\d.]+) +([\d.]+)/.exec(said) ?? [];
  expect(Number(model)).toBeLessThan(0.1 * Number(naive));
});

test('the device is asked for the rate of the configuration', async (context) => {
  const folder = folderOfTest();
  const device = await needDevice(context, folder, { speed: 1, periodS: 1 });
  const task = 'task = { kind = "regress", features = ["x"], targets = ["y"], warmup = 20 }\n';
  const daemon = await startDaemon(folder, `${CONFIG}${task}[source]\nrowPeriodS = 0.002\n`, device.port);
  device.start();
  await device.finished; // ten minutes at its own pace
  await daemon.hears(/is gone/);
  expect(await daemon.stop()).toContain(`${ROWS} rows in all`);
});

test('the device is asked for another rate as soon as the configuration says another one', async (context) => {
  const folder = folderOfTest();
  const device = await needDevice(context, folder, { speed: 1, periodS: 1 });
  const config = `${CONFIG}task = { kind = "regress", features = ["x"], targets = ["y"], warmup = 20 }\n`;
  const daemon = await startDaemon(folder, config, device.port);
  device.start();
  await daemon.hears(/speaks frames/);
  daemon.reload(`${config}[source]\nrowPeriodS = 0.002\n`);
  await daemon.hears(/configuration changed: source\.rowPeriodS/);
  await device.finished; // ten minutes at its own pace
  await daemon.hears(/is gone/);
  expect(await daemon.stop()).toContain(`${ROWS} rows in all`);
});

test.for([
  ['a column the device does not have', '{ name = "humidity" }', /task needs|humidity/, /x, y|"x", "y"/],
  ['another unit', '{ name = "x", unit = "mm" }', /"mm"/, /"cm"/],
] as const)('%s: nothing is learned, and the message names both', async ([, column, declared, found], context) => {
  const folder = folderOfTest();
  const device = await needDevice(context, folder, { speed: 'max' });
  const name = /name = "(\w+)"/.exec(column)?.[1];
  const config = `name = "line"
columns = [${column}, { name = "y" }]
task = { kind = "regress", features = ["${name}"], targets = ["y"] }
`;
  const daemon = await startDaemon(folder, config, device.port);
  device.start();
  await daemon.hears(/BRIDGE_/);
  await device.finished;
  await daemon.hears(/is gone/);
  const said = await daemon.stop();
  const line = said.split('\n').find((each) => each.includes('BRIDGE_')) ?? '';
  expect(line).toMatch(declared);
  expect(line).toMatch(found);
  expect(said).toContain('0 rows in all');
});
