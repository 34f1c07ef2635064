import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readToken } from '../../src/daemon/http-config.js';
import { demoConfigPath, loadConfig } from '../../src/daemon/index.js';
import {
  checkReadable,
  isInHome,
  needsOf,
  serialGroup,
  type UnitOptions,
  unitNameOf,
  unitText,
} from '../../src/daemon/service.js';
import { needTool } from '../support/tools.js';

const options = {
  name: 'wind',
  command: [process.execPath, '/opt/edgegrad/cli.js', 'run', '/etc/edgegrad/wind.toml'],
  user: undefined,
  serialGroup: 'dialout',
  serialDrivers: ['ttyACM', 'ttyUSB'],
  needsNetwork: false,
  readsHome: false,
  memoryMax: '256M',
} satisfies UnitOptions;

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), 'edgegrad-service-'));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const variants: Record<string, Partial<UnitOptions>> = {
  'a user of its own': {},
  'the network': { needsNetwork: true },
  'a page on this machine, and its token': {
    isLocal: true,
    secrets: [{ credential: 'http-token', file: '/etc/edgegrad/token' }],
  },
  'an existing user and home': { user: 'daemon', readsHome: true },
  'every sign in its paths': { command: [process.execPath, '/opt/a b/%h$X"\\\';#.js', ''] },
};

for (const [variant, changes] of Object.entries(variants)) {
  test(`systemd takes the unit with ${variant} without a word, and finds it exposed no more than 3.6`, (context) => {
    needTool(context, 'systemd-analyze');
    const file = join(folder(), unitNameOf(options.name));
    writeFileSync(file, unitText({ ...options, ...changes }));
    const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', file], { encoding: 'utf8' });
    expect([status, stdout, stderr]).toEqual([0, '', '']);
    const security = spawnSync(
      'systemd-analyze',
      ['security', '--offline=true', '--threshold=36', '--no-pager', file],
      { encoding: 'utf8' },
    );
    const exposure = /Overall exposure level for .*: ([\d.]+)/.exec(security.stdout)?.[1];
    console.log(`exposure with ${variant}: ${exposure}`);
    expect([security.status, security.stderr]).toEqual([0, '']);
    expect(Number(exposure)).toBeLessThanOrEqual(3.6);
  });
}

test('a word of the command is quoted where systemd would read it otherwise', () => {
  const text = unitText({
    ...options,
    command: ['/usr/bin/node', '/a b/%h', '$HOME', 'x"y\\', "it's;", '', 'plain.js'],
  });
  expect(text).toContain(`\nExecStart=/usr/bin/node "/a b/%%h" "$$HOME" "x\\"y\\\\" "it's;" "" plain.js\n`);
});

test('only a configuration with a connection over the network gets one', () => {
  const config = loadConfig(demoConfigPath());
  expect(needsOf([config]).needsNetwork).toBe(false);
  config.source.port = 'tcp://10.0.0.2:3333';
  expect(needsOf([config]).needsNetwork).toBe(true);
  expect(unitText({ ...options, needsNetwork: true })).toContain('RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n');
  const closed = unitText(options);
  expect(closed).toContain('PrivateNetwork=yes\n');
  expect(closed).toContain('RestrictAddressFamilies=AF_UNIX\n');
});

test('a page is reached from this machine only, unless it listens to others; systemd hands it the token', () => {
  const config = loadConfig(demoConfigPath());
  const http = { port: 8080, host: '127.0.0.1', token: undefined, tokenFile: '/etc/edgegrad/a%token', names: [] };
  config.http = http;
  const needs = needsOf([config]);
  expect([needs.needsNetwork, needs.isLocal]).toEqual([false, true]);
  const text = unitText({ ...options, ...needs });
  expect(text).toContain('\nLoadCredential=http-token:/etc/edgegrad/a%%token\n');
  expect(text).toContain(
    'IPAddressAllow=localhost\nIPAddressDeny=any\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\n',
  );
  expect(text).not.toContain('PrivateNetwork');
  config.http = { ...http, host: '0.0.0.0' };
  expect(needsOf([config]).needsNetwork).toBe(true);
});

test('a broker is reached, on this machine only where it is there; systemd hands over the password', () => {
  const config = loadConfig(demoConfigPath());
  config.mqtt = { ...config.mqtt, url: 'mqtt://localhost', passwordFile: '/etc/edgegrad/password' };
  const needs = needsOf([config]);
  expect([needs.needsNetwork, needs.isLocal]).toEqual([false, true]);
  const text = unitText({ ...options, ...needs });
  expect(text).toContain('\nLoadCredential=mqtt-password:/etc/edgegrad/password\n');
  expect(text).toContain('IPAddressAllow=localhost\n');
  expect(text).not.toContain('PrivateNetwork');
  for (const url of ['mqtt://[::1]:1883', 'mqtts://127.0.0.1/']) {
    config.mqtt.url = url;
    expect(needsOf([config]).needsNetwork).toBe(false);
  }
  config.mqtt.url = 'mqtt://192.168.1.10';
  expect(needsOf([config]).needsNetwork).toBe(true);
});

test('the token systemd hands over is taken before the file, which the user of a service may not read', () => {
  const credentials = folder();
  const file = join(credentials, 'token');
  const config = { port: 0, host: '0.0.0.0', token: undefined, tokenFile: file, names: [] };
  writeFileSync(file, 'of the file, 16 characters');
  expect(() => readToken(config, {})).toThrow('spaces, or characters beyond ASCII');
  writeFileSync(file, 'of-the-file-16-characters\n');
  expect(readToken(config, {})).toBe('of-the-file-16-characters');
  expect(readToken(config, { CREDENTIALS_DIRECTORY: credentials })).toBe('of-the-file-16-characters');
  writeFileSync(join(credentials, 'http-token'), 'handed-over-16-characters\n');
  expect(readToken(config, { CREDENTIALS_DIRECTORY: credentials })).toBe('handed-over-16-characters');
});

test('the kind of serial device that is configured is allowed beside the usual ones', () => {
  const config = loadConfig(demoConfigPath());
  config.source.port = '/dev/ttymxc2';
  expect(needsOf([config]).serialDrivers).toEqual(['ttyACM', 'ttyUSB', 'ttyAMA', 'ttyS', 'ttymxc']);
  config.source.port = '/dev/ttyUSB0';
  expect(needsOf([config]).serialDrivers).toEqual(['ttyACM', 'ttyUSB', 'ttyAMA', 'ttyS']);
});

test('serial ports belong to dialout, or to uucp where there is no dialout', () => {
  const file = join(folder(), 'group');
  writeFileSync(file, 'root:x:0:\nuucp:x:10:\n');
  expect(serialGroup(file)).toBe('uucp');
  writeFileSync(file, 'root:x:0:\nuucp:x:10:\ndialout:x:20:pi\n');
  expect(serialGroup(file)).toBe('dialout');
});

test('a file the service could not read is refused with what to do', () => {
  expect(isInHome('/home/pi/x.toml')).toBe(true);
  expect(isInHome('/srv/home/x.toml')).toBe(false);
  expect(() => checkReadable('/tmp/x.toml', 'configuration', undefined)).toThrow(/directory for temporary files/);
  expect(() => checkReadable('/nowhere/x.toml', 'configuration', 'pi')).toThrow(/ENOENT/);
  expect(() => checkReadable('/etc/passwd', 'configuration', undefined)).not.toThrow();
  const place = mkdtempSync('/dev/shm/edgegrad-service-');
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const file = join(place, 'x.toml'); // open to all, in a directory that is not
  writeFileSync(file, '');
  chmodSync(file, 0o644);
  expect(() => checkReadable(file, 'configuration', undefined)).toThrow(/not every user may read.*--user/);
  expect(() => checkReadable(file, 'configuration', 'pi')).not.toThrow();
});
