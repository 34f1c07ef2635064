// @slow processes that look at ports and disks

import { spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { type Heard, judge } from '../../src/cli/doctor/listen.js';
import {
  checkClock,
  checkDisk,
  checkIntruders,
  checkMemory,
  checkPower,
  checkSpeed,
} from '../../src/cli/doctor/machine.js';
import { checkPort } from '../../src/cli/doctor/port.js';
import { demoConfigPath, loadConfig } from '../../src/daemon/index.js';
import { measureRowUs } from '../../src/daemon/row-time.js';
import { holdersOf, SimulatedDevice } from '../../src/ingest/index.js';
import { createStream } from '../../src/stream/index.js';
import { edgegrad as command, otherUser } from '../support/cli.js';
import { needPty } from '../support/pty.js';

const folder = mkdtempSync(join(tmpdir(), 'edgegrad-doctor-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const edgegrad = (...args: string[]) => command(args, { cwd: folder });
/** A directory with these files. */
const tree = (files: Record<string, string>): string => {
  const root = mkdtempSync(join(folder, 'root-'));
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(join(root, file, '..'), { recursive: true });
    writeFileSync(join(root, file), text);
  }
  return root;
};

interface Report {
  problems: number;
  findings: { check: string; level: string; text: string; remedy?: string }[];
}

test('without a configuration the machine is looked at, one line a finding', async () => {
  const { code, out, err } = await edgegrad('doctor');
  expect([code, err]).toEqual([0, '']);
  for (const check of ['node', 'serialport', 'ports', 'clock', 'disk', 'flush', 'memory', 'simd', 'step']) {
    expect(out).toMatch(new RegExp(`^(ok|warning) +${check} +\\S`, 'm'));
  }
});

test('a device that prints the rows of its configuration is heard at its rate; --json says the same', async (context) => {
  const pty = await needPty(context);
  const device = new SimulatedDevice({
    bytes: readFileSync(join(demoConfigPath(), '../sailing_wind.csv')),
    wire: pty,
    periodS: 0.01,
  });
  device.start();
  onTestFinished(() => device.stop());
  const { code, out } = await edgegrad('doctor', demoConfigPath(), '--port', pty.path, '--listen', '--json');
  const { problems, findings } = JSON.parse(out) as Report;
  const of = (check: string) => findings.find((finding) => finding.check === check);
  expect(of('port')).toMatchObject({ level: 'ok' });
  expect(of('baud')?.text).toMatch(/^text at 115200: \d+ lines, \d+ of them rows$/);
  expect(of('baud')?.text).not.toContain(' 0 of them');
  // What plays the device has the port open too, as another program would.
  expect(of('holder')).toMatchObject({ level: 'problem', remedy: expect.stringMatching(/kill \d+/) });
  expect([code, problems]).toEqual([1, findings.filter(({ level }) => level === 'problem').length]);
});

test('a device that prints no text, and one that is silent, are told apart', { timeout: 90_000 }, async (context) => {
  const noisy = await needPty(context);
  const silent = await needPty(context);
  const noise = Uint8Array.from({ length: 64 }, (_, i) => (i * 73 + 128) & 0xff);
  const timer = setInterval(() => noisy.write(noise), 20);
  onTestFinished(() => clearInterval(timer));
  const [first, second] = await Promise.all([
    edgegrad('doctor', demoConfigPath(), '--port', noisy.path, '--listen'),
    edgegrad('doctor', demoConfigPath(), '--port', silent.path, '--listen'),
  ]);
  expect(first.out).toMatch(
    /^warning +baud +no text at any rate tried; \d+ % of the bytes at 115200 are printable; look up/m,
  );
  expect(second.out).toMatch(/^warning +baud +nothing heard from \S+ in 3 s; is the sketch running/m);
});

test('a port that is not there, or is a file, is a problem and exit code 1', async () => {
  const { code, out } = await edgegrad('doctor', '--port', '/dev/ttyNOTHERE');
  expect(code).toBe(1);
  expect(out).toMatch(/^problem +port +\/dev\/ttyNOTHERE: no such device; plug the board in/m);
  expect((await edgegrad('doctor', '--port', '/etc/passwd')).out).toMatch(
    /^problem +port +\/etc\/passwd is no device/m,
  );
});

test('noise at the configured rate and text at another names the other', () => {
  const heard = (rate: number, printableShare: number, lines: number, rows: number): Heard => ({
    rate,
    bytes: 1000,
    printableShare,
    lines,
    rows,
  });
  const noise = heard(115200, 0.4, 3, 0);
  expect(judge([noise, heard(57600, 0.5, 2, 0), heard(9600, 1, 20, 20), heard(19200, 0.97, 2, 0)], true)).toMatchObject(
    {
      level: 'problem',
      text: 'noise at 115200, text at 9600',
      remedy: 'set source.baudRate = 9600',
    },
  );
  expect(judge([heard(9600, 1, 20, 20)], true).level).toBe('ok');
  expect(judge([heard(9600, 1, 20, 0)], true)).toMatchObject({
    level: 'warning',
    remedy: expect.stringContaining('columns'),
  });
  expect(judge([noise, heard(9600, 0.5, 2, 0)], true).level).toBe('warning');
});

test('what a device prints is tried with the configuration: how many lines are rows, and why the others are none', async (context) => {
  const pty = await needPty(context);
  const file = join(folder, 'tried.toml');
  writeFileSync(
    file,
    `columns = [{ name = "a" }, { name = "b" }]\ntask = { kind = "regress", features = ["a"], targets = ["b"] }\n[source]\nport = "${pty.path}"\n`,
  );
  let line = 'The voltage is 12.5 and the current 3\n';
  const timer = setInterval(() => pty.write(Buffer.from(line)), 100);
  onTestFinished(() => clearInterval(timer));
  const finding = async () => {
    const { code, out } = await edgegrad('doctor', file, '--listen', '--json');
    const { findings } = JSON.parse(out) as Report;
    return { code, ...findings.find(({ check }) => check === 'rows' || check === 'baud') };
  };
  expect(await finding()).toMatchObject({
    code: 1,
    check: 'rows',
    level: 'problem',
    text: expect.stringMatching(
      /^text at 115200: \d+ lines, none is a row \(\d+ of no form that is known\), the last "The voltage is 12\.5 and the current 3"$/,
    ),
    remedy: expect.stringContaining('edgegrad init'),
  });
  line = '12.5,3\n';
  expect(await finding()).toMatchObject({ level: 'ok', text: expect.stringMatching(/: \d+ lines, \d+ of them rows$/) });
}, 30_000);

test('who has a port open is found by its process, and edgegrad itself is no problem', async (context) => {
  const pty = await needPty(context);
  const cat = spawn('cat', [pty.path], { stdio: 'ignore' });
  onTestFinished(() => void cat.kill());
  for (let i = 0; i < 500 && !holdersOf(pty.path).some(({ pid }) => pid === cat.pid); i++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  expect(holdersOf(pty.path)).toContainEqual({ pid: cat.pid, command: 'cat', isEdgegrad: false });
  cat.kill();
  const heard: string[] = [];
  await command(['run', demoConfigPath(), '--port', pty.path, '--state', 'held'], {
    cwd: folder,
    during(child, err) {
      if (heard.length > 0 || !err.includes('at 115200')) return;
      heard.push(...checkPort(pty.path).findings.map(({ text }) => text));
      child.kill('SIGTERM');
    },
  });
  expect(heard.some((text) => text.startsWith('edgegrad itself learns from it, process '))).toBe(true);
});

test('a port of another group is a problem that names the group', async (context) => {
  if (process.geteuid?.() !== 0) context.skip('needs root, to look as another user');
  const pty = await needPty(context);
  chmodSync(pty.path, 0o600);
  const { out, code } = await command(['doctor', '--port', pty.path], { cwd: '/', uid: otherUser(context) });
  expect(code).toBe(1);
  expect(out).toMatch(
    /^problem +port +\S+ may not be opened by this user; it belongs to the group \w+; sudo usermod -aG/m,
  );
});

test('a clock that was never set is a problem; one that is set over the network is fine', () => {
  const root = tree({ 'run/systemd/timesync/synchronized': '' });
  expect(checkClock(new Date('1970-01-01T00:05:00Z'), root).level).toBe('problem');
  expect(checkClock(new Date('2030-06-01T12:00:00Z'), root)).toMatchObject({
    level: 'ok',
    text: '2030-06-01 12:00:00 UTC, set over the network',
  });
});

test('programs that take serial ports are found by name, under-voltage and heat by their bits', () => {
  const intruders = tree({ 'proc/12/comm': 'ModemManager\n', 'proc/13/comm': 'brltty\n', 'proc/self/comm': 'x\n' });
  expect(checkIntruders(intruders).map(({ check, level }) => [check, level])).toEqual([
    ['ModemManager', 'warning'],
    ['brltty', 'warning'],
  ]);
  expect(checkIntruders(tree({ 'proc/12/comm': 'bash\n' }))[0].level).toBe('ok');
  const power = (bits: string) =>
    checkPower(tree({ 'sys/devices/platform/soc/soc:firmware/get_throttled': bits })).map(({ check, level, text }) => [
      check,
      level,
      text,
    ]);
  expect(power('0\n')).toEqual([['power', 'ok', 'enough, and cool']]);
  expect(power('50005')).toEqual([['power', 'problem', 'too low a voltage now']]);
  expect(power('a0000')).toEqual([['heat', 'warning', 'slowed down because it was hot']]);
  expect(power('50000')[0][2]).toBe('too low a voltage since it was switched on');
  expect(checkPower(tree({}))).toEqual([]); // no Raspberry Pi
});

test('memory, disk and speed have their limits', async () => {
  const MIB = 2 ** 20;
  expect([60, 120, 4000].map((free) => checkMemory(MIB, free * MIB).level)).toEqual(['problem', 'warning', 'ok']);
  const { columns, task } = loadConfig(demoConfigPath());
  const stream = createStream({ columns, task, executor: 'reference' });
  expect(measureRowUs({ columns, task, executor: 'reference' })).toBeGreaterThan(0);
  expect(checkSpeed(stream, 100, 1000).map(({ level }) => level)).toEqual(['warning', 'ok']);
  expect(checkSpeed(stream, 600, 1000)[1].level).toBe('warning');
  expect(checkSpeed(stream, 2000, 1000)[1].level).toBe('problem');
  const found = await checkDisk(join(folder, 'not/there/yet'), 1000);
  expect(found.map(({ check }) => check)).toEqual(['disk', 'flush']);
  expect((await checkDisk(folder, 2 ** 60 / 100)).at(0)).toMatchObject({ level: 'problem', check: 'disk' });
  expect((await checkDisk('/proc/x', 1000)).some(({ level }) => level === 'problem')).toBe(true);
});
