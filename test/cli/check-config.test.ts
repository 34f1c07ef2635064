import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demoConfigPath } from '../../src/daemon/index.js';
import { edgegrad as command } from '../support/cli.js';

const folder = mkdtempSync(join(tmpdir(), 'edgegrad-check-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const edgegrad = (...args: string[]) => command(args, { cwd: folder });
const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const small = (source: string) => `name = "room"
columns = [{ name = "light", unit = "lx" }, { name = "co2", range = [0, 5000] }, { name = "occupied", kind = "class", classes = 2 }]
task = { kind = "classify", features = ["light", "co2"], targets = ["occupied"] }
${source}
`;

test('prints what would run: columns, task, network with its memory, time, checkpoint', async () => {
  const { code, out, err } = await edgegrad('check-config', demoConfigPath());
  expect([code, err]).toEqual([0, '']);
  for (const text of [
    'sailing_wind.csv, played 120 times as fast',
    'aws_kn: number, kn, 0 … 80, step ≤ 20',
    't_s: time, s, a gap above 60 s',
    'regress twx_kn, twy_kn from stw_kn, aws_kn, awa_cos, awa_sin',
    'a race of 3 networks 4-16-2, 3 trackers and the last known value',
    'memory         64.0 KiB',
    'edgegrad-state/sailing-wind.safetensors, not there yet; saved every 300 s',
  ]) {
    expect(out).toContain(text);
  }
  expect(out).toMatch(/a row takes [\d.]+ µs on this machine: [\d ]+ rows\/s at most/);
});

test('says what a forecast and an anomaly task come to', async () => {
  const columns = 'columns = [{ name = "temp" }, { name = "power" }]\n';
  const forecast = write(
    'forecast.toml',
    `${columns}task = { kind = "forecast", features = ["temp", "power"], targets = ["temp"], horizons = [1, 12], lags = [3] }\n`,
  );
  const { code, out } = await edgegrad('check-config', forecast);
  expect(code).toBe(0);
  for (const text of [
    'forecast temp from temp, power',
    '1, 12 rows ahead, learned when those rows have come',
    'inputs         temp, power, temp-3, power-3',
    'outputs        temp+1, temp+12',
    'for each of 2 horizons',
    'memory         128 KiB',
  ]) {
    expect(out).toContain(text);
  }
  const anomaly = write(
    'anomaly.toml',
    `${columns}task = { kind = "anomaly", features = ["temp"], alarmRate = 0.002 }\n`,
  );
  const found = await edgegrad('check-config', anomaly);
  expect(found.code).toBe(0);
  for (const text of [
    'anomaly in temp, by residual',
    'alarm in 0.2 % of rows: raised by 1 above the threshold, ended by 3 that are not',
    'outputs        score, threshold',
  ]) {
    expect(found.out).toContain(text);
  }
});

test('a port has a budget: what fits through it, and the share of a core that takes', async () => {
  const file = write('port.toml', small('source = { port = "/dev/ttyNOTHERE", baudRate = 9600 }'));
  const { code, out } = await edgegrad('check-config', file);
  expect(code).toBe(0);
  expect(out).toContain('/dev/ttyNOTHERE at 9600 bits/s, which is not there now');
  expect(out).toContain('at most 160 rows/s fit through 9600 bits/s'); // 960 bytes/s, 3 columns of 2 bytes
  expect(out).toContain('occupied: class, 2 classes');
  expect(out).toContain('outputs        occupied.0, occupied.1');
});

test('a checkpoint that is there is read: how far it is, or why it would be refused', async () => {
  await command(['run', '--speed', 'max'], { cwd: folder });
  const { out } = await edgegrad('check-config', demoConfigPath());
  expect(out).toContain('sailing-wind.safetensors, from which it goes on: 3617 rows');
  const wider = readFileSync(demoConfigPath(), 'utf8')
    .replace('[checkpoint]', '[network]\nshortcut = true\n\n[checkpoint]')
    .replace('"sailing_wind.csv"', JSON.stringify(join(demoConfigPath(), '../sailing_wind.csv')));
  const refused = await edgegrad('check-config', write('wider.toml', wider));
  expect(refused.code).toBe(2);
  expect(refused.err).toMatch(/CHECKPOINT_MISMATCH: .*network: found "a race", expected "a declared network"/);
});

test.each([
  ['unknown key', small('sauce = {}'), 'did you mean "source"?'],
  ['no TOML', 'name = ', 'CONFIG_SYNTAX'],
  ['a log that is not there', small('source = { log = "nowhere.csv" }'), 'nowhere.csv, which is not there'],
  ['no address', small('source = { port = "tcp://nowhere" }'), 'expected tcp://host:port'],
])('%s is one line and exit code 2', async (_, text, message) => {
  const { code, out, err } = await edgegrad('check-config', write('wrong.toml', text));
  expect(err).toContain(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect([code, out]).toEqual([2, '']);
});

test('a configuration without a source is right, as one may be given with --port', async () => {
  const { code, out } = await edgegrad('check-config', write('none.toml', small('')));
  expect(code).toBe(0);
  expect(out).toContain('none: give --port');
});
