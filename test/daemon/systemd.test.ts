// @slow a real systemd starts and stops the service; needs root

import { chmodSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoConfigPath } from '../../src/daemon/index.js';
import { realClock, SimulatedDevice } from '../../src/ingest/index.js';
import { needPty } from '../support/pty.js';
import { needSystemd } from '../support/systemd.js';

// The unit that `edgegrad service install` writes, under a real systemd, learning from a real pseudo-terminal. Only
// waiting times are shortened, and what a whole machine would start before it is left out.

const UNIT = 'edgegrad-wind.service';
const DROP_IN = `[Unit]
DefaultDependencies=no
[Service]
WatchdogSec=3
TimeoutAbortSec=1
RestartSec=100ms
`;

test('a service starts, is started anew by the watchdog, goes on, reloads, stops and leaves', {
  timeout: 120_000,
}, async (context) => {
  const pty = await needPty(context);
  chmodSync(pty.path, 0o666); // what the group dialout is for a serial port
  const { run, edgegrad, write } = await needSystemd(context);
  const log = readFileSync(join(demoConfigPath(), '../sailing_wind.csv'));
  const device = new SimulatedDevice({ bytes: log, wire: pty, speed: 1, periodS: 0.02, clock: realClock });

  const config = (window: string) =>
    readFileSync(demoConfigPath(), 'utf8')
      .replace('"sailing-wind"', '"wind"')
      .replace(/^log = .*/m, `port = "${pty.path}"`)
      .replace(/^window = \d+/m, `window = ${window}`)
      .replace(/^intervalS = \d+/m, 'intervalS = 0.5');
  write('/srv/wind.toml', config('200'));
  write(`/etc/systemd/system/${UNIT}.d/test.conf`, DROP_IN);

  const show = (property: string, unit = UNIT) => run('systemctl', 'show', unit, '-p', property, '--value').out.trim();
  const journal = (...args: string[]) => run('journalctl', '-u', UNIT, '-o', 'cat', '--no-pager', ...args).out;
  const until = async (what: string, condition: () => boolean) => {
    for (let i = 0; i < 150 && !condition(); i++) await new Promise((resolve) => setTimeout(resolve, 200));
    if (!condition()) throw new Error(`not seen: ${what}; ${run('systemctl', 'status', UNIT).out}\n${journal()}`);
  };

  const installed = edgegrad('service', 'install', '/srv/wind.toml', '--now');
  if (installed.code !== 0) throw new Error(`${installed.err}${journal()}`);
  expect(show('ActiveState')).toBe('active'); // it has said READY=1
  await until('the port', () => journal().includes('at 115200; '));
  device.start();

  await until('a status with rows', () => /row \d+/.test(show('StatusText')));
  const status = edgegrad('service', 'status');
  expect([status.code, status.err]).toEqual([0, '']);
  expect(status.out).toMatch(/^edgegrad-wind\.service: active \(running\), process \d+, 0 restarts/);
  expect(status.out).toMatch(/checkpoint \/var\/lib\/edgegrad-wind\/wind\.safetensors: \d+ bytes, \d+ s old/);
  expect(status.out).toContain('rows are CSV');

  // Another configuration of the same name, and a user nobody knows.
  write('/srv/other.toml', config('200'));
  const other = edgegrad('service', 'install', '/srv/other.toml');
  expect([other.code, other.err]).toEqual([
    2,
    expect.stringContaining('SERVICE_NAME: /srv/other.toml: name: found that of another'),
  ]);
  const stranger = edgegrad('service', 'install', '/srv/wind.toml', '--user', 'stranger');
  expect([stranger.code, stranger.err]).toEqual([2, expect.stringContaining('SERVICE_USER: --user: found "stranger"')]);

  // An event loop that stands still.
  const before = show('MainPID');
  run('systemctl', 'kill', '--signal=STOP', '--kill-whom=main', UNIT);
  await until('a restart', () => Number(show('NRestarts')) > 0 && show('ActiveState') === 'active');
  expect(show('MainPID')).not.toBe(before);
  expect(run('journalctl', '-u', UNIT, '--no-pager').out).toContain('Watchdog timeout');
  await until('the checkpoint', () => journal().includes('goes on from /var/lib/edgegrad-wind/wind.safetensors'));
  const [, rows] = /goes on from \S+: (\d+) rows/.exec(journal()) ?? [];
  expect(Number(rows)).toBeGreaterThan(0);

  // A reload keeps the process, whatever the file says.
  const process = show('MainPID');
  write('/srv/wind.toml', config('300'));
  expect(run('systemctl', 'reload', UNIT).code).toBe(0);
  await until('the change', () => journal().includes('task.window cannot change without losing'));
  write('/srv/wind.toml', config('"wide"'));
  expect(run('systemctl', 'reload', UNIT).code).toBe(0);
  await until('the refusal', () => journal('-p', 'err').includes('configuration kept as it was'));
  expect(journal('-p', 'err')).not.toContain('rows are CSV');
  expect([show('MainPID'), show('ActiveState')]).toEqual([process, 'active']);
  write('/srv/wind.toml', config('200'));

  // One that did not end in time would be killed: its result would be `timeout`.
  const stop = (unit: string): void => {
    expect(run('systemctl', 'stop', unit).code).toBe(0);
    expect([show('ActiveState', unit), show('Result', unit), show('ExecMainStatus', unit)]).toEqual([
      'inactive',
      'success',
      '0',
    ]);
  };
  stop(UNIT);
  expect(journal()).toMatch(/saved \/var\/lib\/edgegrad-wind\/wind\.safetensors, hash \w{16}/);
  const stopped = edgegrad('service', 'status');
  expect(stopped.code).toBe(1);
  expect(stopped.err).toMatch(/SERVICE_NOT_RUNNING: edgegrad-wind\.service: found inactive/);

  const removed = edgegrad('service', 'uninstall');
  expect([removed.code, removed.err]).toEqual([0, '']);
  expect(show('LoadState')).toBe('not-found');
  device.stop();

  // The shipped log: a pseudo-terminal, and the program that makes it, inside the service.
  const LOG = 'edgegrad-sailing-wind.service';
  write(`/etc/systemd/system/${LOG}.d/test.conf`, DROP_IN);
  expect(edgegrad('service', 'install', '--now').code).toBe(0);
  const said = () => run('journalctl', '-u', LOG, '-o', 'cat', '--no-pager').out;
  await until('rows of the log', () => said().includes('rows are CSV'));
  stop(LOG);
  expect(said()).toMatch(/saved \S+, hash \w{16}/);
  expect(said()).not.toContain('systemd is not told');
});
