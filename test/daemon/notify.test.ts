import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { isJournal, withPriority } from '../../src/daemon/journal.js';
import { keepsUp, SystemdNotifier } from '../../src/daemon/notify.js';
import { needTool } from '../support/tools.js';

/** Prints what arrives at a socket such as systemd's; receiving without looking at descriptors closes those sent along. */
const LISTENER = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
print('bound', flush=True)
while True: print(s.recv(4096).decode(), flush=True)`;

/** A socket as systemd has one, and what has arrived at it so far. */
async function needManager(context: TestContext): Promise<{ socket: string; heard: () => string[] }> {
  needTool(context, 'python3', 'systemd-notify');
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-notify-'));
  const socket = join(folder, 'socket');
  const child = spawn('python3', ['-c', LISTENER, socket], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  let text = '';
  child.stdout.on('data', (bytes) => {
    text += bytes;
  });
  await until(() => text.startsWith('bound\n'));
  return { socket, heard: () => text.split('\n').filter((line) => !['', 'bound', 'BARRIER=1'].includes(line)) };
}

const until = async (condition: () => boolean) => {
  for (let i = 0; i < 1000 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(condition()).toBe(true);
};

const none = () => {
  throw new Error('no problem was expected');
};

test('without systemd nothing is told, and nothing fails', async () => {
  const notifier = new SystemdNotifier({ env: { WATCHDOG_USEC: '3000000' }, onProblem: none });
  expect([notifier.isListening, notifier.watchdogPeriodMs]).toEqual([false, 0]);
  await notifier.ready('x');
  notifier.watch({ isProgressing: none, status: none });
  await notifier.stopped('y');
});

test('states arrive in the order they were told, a status as one line', async (context) => {
  const { socket, heard } = await needManager(context);
  const notifier = new SystemdNotifier({ env: { ...process.env, NOTIFY_SOCKET: socket }, onProblem: none });
  void notifier.ready('row 0\n  of none');
  void notifier.reloading();
  await notifier.stopped('saved');
  await until(() => heard().length >= 6);
  expect(heard().map((line) => line.replace(/\d{3,}/, 'N'))).toEqual([
    'READY=1',
    'STATUS=row 0; of none',
    'RELOADING=1',
    'MONOTONIC_USEC=N',
    'STOPPING=1',
    'STATUS=saved',
  ]);
});

test('the watchdog is fed at a third of its time while there is progress, and not while there is none', async (context) => {
  const { socket, heard } = await needManager(context);
  const problems: string[] = [];
  let works = true;
  const notifier = new SystemdNotifier({
    env: { ...process.env, NOTIFY_SOCKET: socket, WATCHDOG_USEC: '150000', WATCHDOG_PID: String(process.pid) },
    onProblem: (message) => problems.push(message),
  });
  expect(notifier.watchdogPeriodMs).toBe(50);
  const fed = () => heard().filter((line) => line === 'WATCHDOG=1').length;
  const told = () => heard().filter((line) => line === 'STATUS=row 7').length;
  notifier.watch({ isProgressing: () => works, status: () => 'row 7' });
  await until(() => fed() >= 3);
  works = false;
  await until(() => problems.length === 1);
  const toldWhileStuck = told();
  await until(() => told() >= toldWhileStuck + 3); // the status is still told
  const fedBefore = fed();
  await until(() => told() >= toldWhileStuck + 6);
  expect(fed()).toBe(fedBefore);
  works = true;
  await until(() => fed() > fedBefore);
  const fedAtStop = fed();
  await notifier.stopping('saves');
  await until(() => fed() > fedAtStop + 2); // a disk may take long
  await notifier.stopped('');
  const fedInAll = fed();
  await new Promise((resolve) => setTimeout(resolve, 150));
  expect(fed()).toBe(fedInAll);
  expect(problems).toEqual(['bytes come in, but no work is done: the watchdog is not fed', 'work goes on']);
});

test("another process's watchdog is left to it", () => {
  const env = { NOTIFY_SOCKET: '/nowhere', WATCHDOG_USEC: '60000000', WATCHDOG_PID: '1' };
  expect(new SystemdNotifier({ env, onProblem: none }).watchdogPeriodMs).toBe(0);
});

test('that systemd cannot be told is said once', async () => {
  const problems: string[] = [];
  const env = { NOTIFY_SOCKET: '/nowhere/at/all', PATH: '/nowhere' };
  const notifier = new SystemdNotifier({ env, onProblem: (message) => problems.push(message) });
  await notifier.ready('x');
  await notifier.stopped('y');
  expect(problems).toEqual(['systemd is not told how this service is: systemd-notify ENOENT']);
});

test('work keeps up unless something came in and nothing was done', () => {
  let counts = { received: 0, done: 0 };
  const isUp = keepsUp(() => counts);
  const after = (received: number, done: number) => {
    counts = { received, done };
    return isUp();
  };
  expect(after(0, 0)).toBe(true); // a silent device
  expect(after(100, 5)).toBe(true);
  expect(after(200, 5)).toBe(false);
  expect(after(200, 5)).toBe(false); // silence is no work
  expect(after(200, 6)).toBe(true);
  expect(after(200, 6)).toBe(true);
});

test('the journal is known by the stream it names, and gets each line with its priority', () => {
  expect(isJournal(2, {})).toBe(false);
  expect(isJournal(2, { JOURNAL_STREAM: '0:0' })).toBe(false);
  expect(isJournal(99999, { JOURNAL_STREAM: '0:0' })).toBe(false);
  const script = `
    const { fstatSync } = require('node:fs');
    const { dev, ino } = fstatSync(2, { bigint: true });
    console.log(dev + ':' + ino);`;
  const { stdout } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8', stdio: ['ignore', 'pipe', 2] });
  expect(isJournal(2, { JOURNAL_STREAM: stdout.trim() })).toBe(true);
  expect(withPriority('a\nb\n', 'warning')).toBe('<4>a\n<4>b\n');
  expect(withPriority('', 'info')).toBe('');
});
