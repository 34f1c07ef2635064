import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { checkTogether, loadConfig } from '../../src/daemon/index.js';
import { ofProcess } from '../../src/daemon/together.js';
import { edgegrad } from '../support/cli.js';
import { configure, folderOfTest, LINE_CONFIG, lineRows, runDaemon } from '../support/daemon.js';
import { needPty } from '../support/pty.js';

// Several tasks in one process.

const at = (port: string, more = '') => `[source]\nport = "${port}"\n${more}`;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('two tasks on one port and one on another: every byte goes to each of its tasks, and each keeps its own', async (context) => {
  const folder = folderOfTest();
  const shared = await needPty(context);
  const other = await needPty(context);
  const run = runDaemon(folder, [
    configure(folder, 'a.toml', LINE_CONFIG('a', at(shared.path))),
    configure(folder, 'b.toml', LINE_CONFIG('b', at(shared.path)).replace('rate = 0.05', 'rate = 0.01')),
    configure(folder, 'c.toml', LINE_CONFIG('c', at(other.path))),
  ]);
  for (const name of ['a', 'b', 'c']) await run.hears(new RegExp(`^${name}: /dev/pts/\\d+ at 115200; `, 'm'));
  shared.write(lineRows(0, 300));
  other.write(lineRows(0, 120));
  for (const name of ['a', 'b', 'c']) await run.hears(new RegExp(`^${name}: rows are CSV`, 'm'));
  run.child.kill('SIGUSR1');
  for (const name of ['a', 'b', 'c']) await run.hears(new RegExp(`^${name}: saved .*${name}\\.safetensors`, 'm'));
  await pause(200);
  run.child.kill('SIGTERM');
  expect(await run.closed, run.said()).toBe(0);
  // The first line of an opening may have been cut.
  expect(run.said()).toContain('a: 299 rows in all');
  expect(run.said()).toContain('b: 299 rows in all');
  expect(run.said()).toContain('c: 119 rows in all');
  const hashes = [...run.said().matchAll(/^ {2}saved .*, hash (\w+)$/gm)].map(([, hash]) => hash);
  expect(new Set(hashes).size).toBe(3); // other rates, other rows
});

test('a shared port that goes away and comes back does so for both', async (context) => {
  const folder = folderOfTest();
  const link = join(folder, 'ttyBOARD');
  const first = await needPty(context, { link });
  const run = runDaemon(folder, [
    configure(folder, 'a.toml', LINE_CONFIG('a', at(link))),
    configure(folder, 'b.toml', LINE_CONFIG('b', at(link))),
  ]);
  await run.hears(/^b: .*at 115200/m);
  first.write(lineRows(0, 100));
  await run.hears(/^b: rows are CSV/m);
  await first.unplug();
  await run.hears(/^a: .*is gone/m);
  await run.hears(/^b: .*is gone/m);
  const second = await needPty(context, { link });
  await run.hears(/^a: .*is back/m);
  await run.hears(/^b: .*is back/m);
  second.write(lineRows(100, 50));
  await pause(300);
  run.child.kill('SIGTERM');
  expect(await run.closed).toBe(0);
  for (const name of ['a', 'b']) expect(run.said()).toContain(`${name}: 148 rows in all`);
});

test('one that fails, at its start or later, is told of and leaves the others alone; exit code 1', async (context) => {
  const folder = folderOfTest();
  const pty = await needPty(context);
  const run = runDaemon(folder, [
    configure(folder, 'a.toml', LINE_CONFIG('a', at('/dev/ttyNOTHERE'))),
    configure(folder, 'b.toml', LINE_CONFIG('b', at(pty.path))),
    // The device has no such column, and the port is shared.
    configure(folder, 'c.toml', LINE_CONFIG('c', at(pty.path)).replaceAll('"y"', '"z"')),
  ]);
  await run.hears(/^a: INGEST_NOT_FOUND: .*ttyNOTHERE/m);
  await run.hears(/^b: .*at 115200/m);
  pty.write(Buffer.from('x;y\n'));
  pty.write(lineRows(0, 200));
  await run.hears(/^c: .*"z"/m);
  await pause(300);
  run.child.kill('SIGTERM');
  expect(await run.closed, run.said()).toBe(1);
  expect(run.said()).toMatch(/b: (200|199) rows in all/);
  expect(run.said()).toMatch(/RUN_TASKS: a, c: found 2 of 3 tasks failed/);
  expect(existsSync(join(folder, 'edgegrad-state/b.safetensors'))).toBe(true);
});

test('SIGHUP reads every configuration again; one that is wrong is kept, and together they are looked at, too', async (context) => {
  const folder = folderOfTest();
  const one = await needPty(context);
  const two = await needPty(context);
  const a = (text: string) => configure(folder, 'a.toml', LINE_CONFIG('a', text));
  const b = (text: string) => configure(folder, 'b.toml', LINE_CONFIG('b', text));
  const run = runDaemon(folder, [a(at(one.path)), b(at(one.path))]);
  await run.hears(/^b: .*at 115200/m);
  one.write(lineRows(0, 100));
  await run.hears(/^b: rows are CSV/m);

  a(at(one.path, 'speed = "fast"'));
  b(at(one.path, '[checkpoint]\nintervalS = 7\n'));
  run.child.kill('SIGHUP');
  await run.hears(/^a: configuration kept as it was: .*a\.toml: source\.speed/m);
  await run.hears(/^b: configuration changed: checkpoint\.intervalS/m);

  a(at(one.path, 'baudRate = 9600'));
  run.child.kill('SIGHUP');
  await run.hears(
    /^a: configuration kept as it was: CONFIG_TOGETHER: .*source\.baudRate: found 115200, expected 9600/m,
  );

  a(at(two.path));
  run.child.kill('SIGHUP');
  await run.hears(/^a: .*is back/m);
  two.write(lineRows(0, 50));
  one.write(lineRows(100, 60));
  await pause(300);
  run.child.kill('SIGTERM');
  expect(await run.closed, run.said()).toBe(0);
  expect(run.said()).toContain('a: 148 rows in all');
  expect(run.said()).toContain('b: 159 rows in all');
});

test('two tasks share standard input', async () => {
  const folder = folderOfTest();
  const run = runDaemon(folder, [
    '--port',
    '-',
    configure(folder, 'a.toml', LINE_CONFIG('a')),
    configure(folder, 'b.toml', LINE_CONFIG('b')),
  ]);
  run.child.stdin.end(lineRows(0, 250));
  expect(await run.closed).toBe(0);
  for (const name of ['a', 'b']) expect(run.said()).toContain(`${name}: 250 rows in all`);
});

test.for([
  ['a name', {}, { name: 'a' }, /b\.toml: name: found "a", as in .*a\.toml, expected a name of its own/],
  ['a checkpoint', {}, { name: 'a.previous' }, /b\.toml: name: found a checkpoint .*a\.previous\.safetensors/],
  ['one kept aside', {}, { name: 'a.drift-5' }, /b\.toml: name: found a checkpoint .*a\.drift-5\.safetensors/],
  ['one kept aside by the other', { name: 'b.drift-5' }, {}, /b\.toml: name: found a checkpoint .*b\.drift-5\.safe/],
  ['one before by the other', { name: 'b.previous' }, {}, /b\.toml: name: found a checkpoint .*b\.previous\.safe/],
  ['a rate', {}, { source: 'baudRate = 9600' }, /b\.toml: source\.baudRate: found 9600, expected 115200/],
  ['waiting', {}, { source: 'wait = true' }, /b\.toml: source\.wait: found true, expected false/],
  ['rows', { source: 'rowPeriodS = 1' }, { source: 'rowPeriodS = 2' }, /source\.rowPeriodS: found 2, expected 1/],
  ['outputs', { source: 'output = true' }, { source: 'output = true' }, /source\.output: found true, expected false/],
] as const)('what cannot run together is refused by name: %s', async ([, ofA, ofB, message]) => {
  const folder = folderOfTest();
  const write = (file: string, { name, source = '' }: { name?: string; source?: string }) =>
    configure(folder, file, LINE_CONFIG(name ?? file[0], at('/dev/ttyX', source)));
  const files = [write('a.toml', ofA), write('b.toml', ofB)];
  expect(() => checkTogether(files.map((file) => loadConfig(file)))).toThrow(message);
  const { code, err } = await edgegrad(['check-config', ...files], { cwd: folder });
  expect([code, err]).toEqual([2, expect.stringMatching(message)]);
});

test('several that can run together are printed one after the other', async () => {
  const folder = folderOfTest();
  const files = ['a', 'b'].map((name) =>
    configure(folder, `${name}.toml`, LINE_CONFIG(name, at('/dev/ttyNOTHERE', 'wait = true'))),
  );
  const { code, out, err } = await edgegrad(['check-config', ...files], { cwd: folder });
  expect([code, err]).toEqual([0, '']);
  expect(out.match(/^name +[ab]$/gm)).toHaveLength(2);
  const doctor = await edgegrad(['doctor', '--no-listen', '--json', ...files], { cwd: folder });
  const { findings } = JSON.parse(doctor.out) as { findings: { check: string; text: string }[] };
  expect(findings.filter(({ check }) => check === 'port')).toHaveLength(1);
  expect(findings.filter(({ check }) => check === 'step').map(({ text }) => text[0])).toEqual(['a', 'b']);
  const unit = await edgegrad(['service', 'install', '--dry-run', '--name', 'house', ...files], { cwd: folder });
  expect(unit.out).toContain(`run ${files.join(' ')} --state /var/lib/edgegrad-house --wait`);
});

test('what goes out of the process is as the first configuration says that says something; another one is refused', () => {
  const folder = folderOfTest();
  const load = (name: string, more: string) => loadConfig(configure(folder, `${name}.toml`, LINE_CONFIG(name, more)));
  const [silent, loud, same] = [
    load('a', ''),
    load('b', '[output]\nndjson = true'),
    load('c', '[output]\nndjson = true'),
  ];
  expect(ofProcess([silent, load('d', '[output]\nndjson = false')]).output.ndjson).toBe(false);
  const joined = ofProcess([silent, loud, same]);
  expect([joined.name, joined.output.ndjson]).toEqual(['a', true]);
  same.output = { ndjson: 'otherwise' } as never;
  expect(() => checkTogether([silent, loud, same])).toThrow(
    /c\.toml: output: found another \[output\] than in .*b\.toml/,
  );
});
