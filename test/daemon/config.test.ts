import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { configSchema } from '../../src/daemon/config-schema.js';
import { demoConfigPath, loadConfig } from '../../src/daemon/index.js';

const folder = mkdtempSync(join(tmpdir(), 'edgegrad-config-'));
afterAll(() => rmSync(folder, { recursive: true }));
const shipped = readFileSync(demoConfigPath(), 'utf8');

function load(text: string) {
  const file = join(folder, 'my.toml');
  writeFileSync(file, text);
  return loadConfig(file);
}

test('the shipped configuration is read with every default filled in', () => {
  const config = loadConfig(demoConfigPath());
  expect(config.name).toBe('sailing-wind');
  expect(config.task).toMatchObject({ delay: 1, labelAge: 0, warmup: 100, window: 200 });
  expect(config.network).toEqual({ seed: 1, executor: 'auto' });
  expect(config.source).toMatchObject({ port: undefined, baudRate: 115200, wait: false });
  expect(config.source.log).toMatch(/sailing_wind\.csv$/);
});

test('nothing is recorded unless a directory is given; limits have defaults', () => {
  expect(loadConfig(demoConfigPath()).record).toEqual({
    directory: undefined,
    flushS: 5,
    segmentMB: 32,
    segmentHours: 24,
    quotaMB: 1024,
    minFreeMB: 64,
  });
  expect(load(`${shipped}\n[record]\ndirectory = "r"\nquotaMB = 5\n`).record).toMatchObject({
    directory: 'r',
    quotaMB: 5,
  });
});

test('changes are made to what the file says, and checked with it', () => {
  const set = (key: string, value: unknown) => loadConfig(demoConfigPath(), [{ key, value }]);
  expect(set('network.seed', 7).network.seed).toBe(7);
  expect(set('columns.1.unit', 'm/s').columns[1]).toMatchObject({ name: 'stw_kn', unit: 'm/s', range: [0, 30] });
  expect(set('record.directory', 'r').record.directory).toBe('r');
  expect(() => set('network.sed', 7)).toThrow(/unknown key "sed"/);
  expect(() => set('name.first', 7)).toThrow(/CONFIG_CHANGE: .*: name\.first: found a value at "name"/);
});

test.each([
  [
    'an unknown key',
    shipped.replace('name = "sailing-wind"', 'nam = "x"'),
    `my.toml: nam: found unknown key "nam", expected one of ${Object.keys(configSchema.entries).join(', ')}; did you mean "name"?`,
  ],
  [
    'an unknown key in a list',
    shipped.replace('maxGap = 60', 'maxGab = 60'),
    'my.toml: columns[0].maxGab: found unknown key "maxGab"',
  ],
  [
    'a wrong type',
    shipped.replace('baudRate = 115200', 'baudRate = "fast"'),
    'my.toml: source.baudRate: found "fast", expected a number',
  ],
  [
    'a value out of range',
    shipped.replace('window = 200', 'window = 0'),
    'my.toml: task.window: found 0, expected a whole number from 1 to 100000',
  ],
  [
    'a column that is not there',
    shipped.replace('["stw_kn", "aws_kn"', '["stw_kn", "aws_knot"'),
    'my.toml: task.features[1]: found "aws_knot", expected one of the columns t_s, stw_kn',
  ],
  ['a missing table', shipped.replace('[task]', '[tusk]'), 'my.toml: tusk: found unknown key "tusk"'],
  [
    'no task',
    shipped.slice(0, shipped.indexOf('[task]')),
    'my.toml: task: found nothing, expected a table of keys; add task',
  ],
  ['broken TOML', '[source\n', 'my.toml:1:8: found '],
  ['an empty file', '', 'my.toml: columns: found nothing, expected a list; add columns'],
])('%s is one line that names place, found, expected', (_, text, expected) => {
  let message = '';
  try {
    load(text);
  } catch (error) {
    message = (error as Error).message;
  }
  expect(message).toContain(expected);
  expect(message).not.toContain('\n');
});

test('a missing file and a directory are told apart', () => {
  expect(() => loadConfig(join(folder, 'none.toml'))).toThrow(/none\.toml: found no such file/);
  expect(() => loadConfig(folder)).toThrow(/found a directory/);
});
