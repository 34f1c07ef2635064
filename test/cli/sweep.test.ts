import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demoConfigPath } from '../../src/daemon/index.js';
import { runCli } from '../support/cli.js';
import { SHIPPED_HASH } from '../support/shipped-log.js';

const folder = mkdtempSync(join(tmpdir(), 'edgegrad-sweep-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const csv = join(demoConfigPath(), '../sailing_wind.csv');
const vary = [
  '--vary',
  'network.optimizer.kind=sgd',
  '--vary',
  'network.optimizer.rate=0.005,0.02',
  '--vary',
  'network.layers=[],[{"kind":"dense","units":4}]',
];

test('sweep: every combination, best first; the command it names for a replay prints the same', async () => {
  const { code, out, err } = await runCli(folder, ['sweep', csv, ...vary, '--workers', '2', '--json']);
  expect([code, err]).toEqual([0, '']);
  const done = out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(done).toHaveLength(4);
  const skills = done.map(({ result }) => result.metrics.skill);
  expect(skills).toEqual([...skills].sort((a, b) => b - a));
  expect(new Set(done.map(({ result }) => result.hash)).size).toBe(4);
  for (const { command, result } of done.slice(0, 2)) {
    const words = [...command.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain);
    expect(words.shift()).toBe('edgegrad');
    expect(JSON.parse((await runCli(folder, words)).out).hash).toBe(result.hash);
  }
});

test('sweep: a table with a line for each, and with --print only the commands', async () => {
  const table = await runCli(folder, ['sweep', csv, '--vary', 'network.seed=1,2,3']);
  expect(table.code).toBe(0);
  const [header, ...rows] = table.out.trimEnd().split('\n');
  expect(header).toMatch(/network\.seed +skill +error \[kn\] +last value +hash/);
  expect(rows).toHaveLength(3);
  expect(table.out).toContain(SHIPPED_HASH);
  const printed = await runCli(folder, ['sweep', csv, ...vary, '--print']);
  expect(printed.out.trimEnd().split('\n')).toHaveLength(4);
  expect(printed.out).toMatch(
    /^edgegrad replay .* --set 'network\.optimizer\.kind="sgd"' --set network\.optimizer\.rate=0\.005 --set 'network\.layers=\[\]' --json$/m,
  );
});

test('sweep: a wrong key or value is one line, exit code 2; a replay that fails is in the table, exit code 1', async () => {
  const wrong = await runCli(folder, ['sweep', csv, '--vary', 'network.sed=1']);
  expect([wrong.code, wrong.out]).toEqual([2, '']);
  expect(wrong.err).toMatch(/unknown key "sed"/);
  expect((await runCli(folder, ['sweep', csv, '--vary', 'rate'])).err).toContain('expected key=value');
  writeFileSync(join(folder, 'empty.csv'), '');
  const failed = await runCli(folder, ['sweep', 'empty.csv', '--vary', 'network.seed=1,2']);
  expect(failed.code).toBe(1);
  expect(failed.out).toMatch(/REPLAY_NO_ROWS/);
});

test('replay: --set changes the configuration', async () => {
  const sgd = ['--set', 'network.optimizer.kind=sgd'];
  const hashOf = async (...args: string[]) =>
    JSON.parse((await runCli(folder, ['replay', csv, '--json', ...args])).out).hash;
  expect(await hashOf(...sgd, '--set', 'network.optimizer.rate=0.02')).toBe('34c6f336d10cdb26');
  expect(await hashOf(...sgd, '--set', 'network.optimizer.rate=0.03')).not.toBe('34c6f336d10cdb26');
});
