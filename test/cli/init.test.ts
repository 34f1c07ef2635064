// @slow configurations by listening in real time

import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { checkTarget, draftText, likelyKind, likelyTarget, roleOf } from '../../src/cli/init/draft.js';
import { type Observation, observe } from '../../src/cli/init/observe.js';
import { configOf, demoConfigPath, loadConfig } from '../../src/daemon/index.js';
import { type Pty, SimulatedDevice } from '../../src/ingest/index.js';
import { edgegrad as command } from '../support/cli.js';
import { needPty } from '../support/pty.js';
import { needTool } from '../support/tools.js';

const folder = mkdtempSync(join(tmpdir(), 'edgegrad-init-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const log = readFileSync(join(demoConfigPath(), '../sailing_wind.csv'));

/** The shipped log, played on a terminal until the test ends. */
function play(pty: Pty): void {
  const device = new SimulatedDevice({ bytes: log, wire: pty, periodS: 0.005 });
  device.finished.catch(() => {}); // the wire is cut at the end of the test
  device.start();
  onTestFinished(() => device.stop());
}

const observed = (text: string): Observation => {
  const observation = observe(new TextEncoder().encode(text));
  if (observation === undefined) throw new Error('no rows');
  return observation;
};

test('a configuration made from a device runs, and learns from it', async (context) => {
  const pty = await needPty(context);
  const file = join(folder, 'wind.toml');
  let isPlaying = false;
  const { code, err } = await command(['init', file, '--port', pty.path, '--target', 'twx_kn'], {
    cwd: folder,
    during(_, said) {
      if (isPlaying || !said.includes('listens to')) return;
      isPlaying = true;
      play(pty); // as a board does that restarts when its port is opened
    },
  });
  expect(code).toBe(0);
  expect(err).toMatch(/\d+ rows of 13 columns, CSV\n {2}t_s +\d+ … \d+, the last \d+ {2}\(time\)\n/);
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(/^name = "aws_kn" {2}# seen [\d.]+ … [\d.]+, the last [\d.]+$/m);
  const config = loadConfig(file);
  expect([config.name, config.source.port, config.source.wait]).toEqual(['wind', pty.path, true]);
  expect(config.columns[0]).toMatchObject({ name: 't_s', kind: 'time', unit: 's' });
  expect(config.task).toMatchObject({ kind: 'regress', targets: ['twx_kn'] });
  expect(config.task.features).toHaveLength(11);
  let isTold = false;
  const run = await command(['run', file, '--state', 'wind'], {
    cwd: folder,
    during(child, said) {
      if (isTold || !said.includes('rows are CSV')) return;
      isTold = true;
      setTimeout(() => child.kill('SIGINT'), 2000);
    },
  });
  expect(run.code).toBe(0);
  const [, rows] = /rows in all, (\d+) of them/.exec(run.err) ?? [];
  expect(Number(rows)).toBeGreaterThan(100);
  expect(run.err).toMatch(/error, \d+ rows +[\d.]+ +[\d.]+ +skill/);
  expect(run.err).toContain('quarantined 0,');
  // A file that is there is left alone.
  writeFileSync(file, 'mine');
  const again = await command(['init', file, '--port', pty.path], { cwd: folder });
  expect([again.code, readFileSync(file, 'utf8')]).toEqual([2, 'mine']);
  expect(again.err).toContain('INIT_EXISTS');
});

test('on a terminal it asks: what to predict, of what kind, by what name', async (context) => {
  needTool(context, 'script');
  const pty = await needPty(context);
  const rows = Array.from(
    { length: 400 },
    (_, i) => `light:${(i * 37) % 500} co2:${400 + (i % 90)} occupied:${i % 2}\n`,
  );
  const device = new SimulatedDevice({ bytes: new TextEncoder().encode(rows.join('')), wire: pty, periodS: 0.01 });
  device.finished.catch(() => {});
  device.start();
  onTestFinished(() => device.stop());
  const cli = join(import.meta.dirname, '../../dist/cli.js');
  const asked = spawn(
    'script',
    ['-qefc', `"${process.execPath}" "${cli}" init room.toml --port ${pty.path}`, '/dev/null'],
    {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  const answers: [RegExp, string][] = [
    [/which column is to be predicted\? \[occupied\] $/, '\n'],
    [/is occupied a number or a class\? \[class\] $/, '\n'],
    [/what is it called\? \[room\] $/, 'hut\n'],
  ];
  let said = '';
  asked.stdout.on('data', (bytes) => {
    said += bytes;
    const plain = stripVTControlCharacters(said).trimEnd();
    if (answers.length > 0 && answers[0][0].test(`${plain} `)) asked.stdin.write(answers.shift()?.[1] ?? '');
  });
  const code = await new Promise((resolve) => asked.once('close', resolve));
  expect([code, answers, said.includes('room.toml is written')]).toEqual([0, [], true]);
  const config = loadConfig(join(folder, 'room.toml'));
  expect([config.name, config.task.kind, config.task.targets, config.task.features]).toEqual([
    'hut',
    'classify',
    ['occupied'],
    ['light', 'co2'],
  ]);
  expect(config.columns.at(-1)).toMatchObject({ kind: 'class', classes: 2 });
});

test('Ctrl-C at a question writes nothing', async (context) => {
  needTool(context, 'script');
  const pty = await needPty(context);
  const timer = setInterval(() => pty.write(new TextEncoder().encode(`${Date.now() % 100},${Date.now() % 7}\n`)), 5);
  onTestFinished(() => clearInterval(timer));
  const cli = join(import.meta.dirname, '../../dist/cli.js');
  const line = `"${process.execPath}" "${cli}" init left.toml --port ${pty.path} --seconds 2`;
  const asked = spawn('script', ['-qefc', line, '/dev/null'], { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  let isLeft = false;
  asked.stdout.on('data', (bytes) => {
    said += bytes;
    if (isLeft || !said.includes('is to be predicted')) return;
    isLeft = true;
    asked.stdin.write('\x03');
  });
  const code = await new Promise((resolve) => asked.once('close', resolve));
  expect(said).toContain('INIT_ENDED');
  expect([code, existsSync(join(folder, 'left.toml'))]).toEqual([2, false]);
});

test.each([
  [['init', '/dev/null/x.toml', '--port', '/dev/ttyNOTHERE'], '/dev/ttyNOTHERE: found no such device'],
  [['init', 'x.toml', '--seconds', '0'], "'0' is invalid"],
  [['init', 'x.toml', '--kind', 'guess'], "'guess' is invalid"],
])('%j is one line and exit code 2, and nothing is written', async (args, message) => {
  const { code, err } = await command(args, { cwd: folder });
  expect(err).toContain(message);
  expect(code).toBe(2);
  expect(existsSync(join(folder, 'x.toml'))).toBe(false);
});

test('a silent device, and one that prints no rows, are told what to do', async (context) => {
  const pty = await needPty(context);
  const init = () => command(['init', 'x.toml', '--port', pty.path, '--seconds', '1'], { cwd: folder });
  const silent = await init();
  expect(silent.code).toBe(2);
  expect(silent.err).toMatch(/INIT_NO_ROWS: .*found 0 bytes and 0 lines.*is the sketch running/);
  const timer = setInterval(() => pty.write(new TextEncoder().encode('hello there\n')), 20);
  onTestFinished(() => clearInterval(timer));
  expect((await init()).err).toMatch(/INIT_NO_ROWS: .*not two rows of numbers.*edgegrad doctor/);
});

test('clocks and counters are told from values', () => {
  const roles = (header: string, row: (i: number) => string) => {
    const rows = Array.from({ length: 20 }, (_, i) => row(i));
    return observed(`${[header, ...rows].join('\n')}\n`).columns.map(roleOf);
  };
  expect(roles('time_s,millis,seq,light', (i) => `${i * 2},${i * 2000},${i},${(i * 7) % 5}`)).toEqual([
    'time',
    'ignore',
    'ignore',
    'value',
  ]);
  // Whatever only grows, by any name and of any unit.
  expect(roles('a,b (°C),c', (i) => `${i + 5},${i * i * 0.5},${20 - i}`)).toEqual(['ignore', 'ignore', 'value']);
  expect(roles('jetzt,a', (i) => `${1_700_000_000.5 + i},${i % 3}`)).toEqual(['time', 'value']);
  expect(roles('a,b', (i) => `nan,${i % 3}`)).toEqual(['ignore', 'value']);
});

test('columns without names are numbered', () => {
  const { columns, format } = observed(Array.from({ length: 20 }, (_, i) => `${i % 3};${i % 5}`).join('\n'));
  expect(columns.map(({ name }) => name)).toEqual(['c1', 'c2']);
  expect(format.names).toBeNull();
  expect(columns[1]).toMatchObject({ min: 0, max: 4, isInteger: true, distinct: 5, missing: 0 });
});

test('a target has to be a column of values with another beside it, and a class whole numbers', () => {
  const two = observed(Array.from({ length: 20 }, (_, i) => `${i % 3},${(i % 5) - 0.5}`).join('\n'));
  expect(() => checkTarget(two, 'c2', 'regress')).not.toThrow();
  expect(() => checkTarget(two, 'c3', 'regress')).toThrow(/found "c3", expected one of c1, c2/);
  expect(() => checkTarget(two, 'c1', 'classify')).not.toThrow();
  expect(() => checkTarget(two, 'c2', 'classify')).toThrow(/values from -0\.5 to 3\.5/);
  const one = observed(Array.from({ length: 20 }, (_, i) => `${i},${i % 3}`).join('\n'));
  expect(() => checkTarget(one, 'c2', 'regress')).toThrow(/only one column of values, c2.*--kind forecast or anomaly/);
  expect(() => checkTarget(one, 'c2', 'forecast')).not.toThrow();
  expect(() => checkTarget(one, '', 'anomaly')).not.toThrow();
});

test('whatever a device prints, what is written is a configuration', () => {
  const name = fc
    .string({ minLength: 1, maxLength: 12, unit: 'grapheme' })
    .filter((text) => text !== '' && text.trim() === text);
  const value = fc.oneof(fc.double({ noNaN: true, min: -3e38, max: 3e38 }), fc.integer({ min: -9, max: 9 }));
  const column = fc.record({ a: value, b: value, missing: fc.nat(3), isGrowing: fc.boolean() });
  const file = join(folder, 'any.toml');
  fc.assert(
    fc.property(
      fc.uniqueArray(name, { minLength: 2, maxLength: 6 }),
      fc.array(column, { minLength: 6, maxLength: 6 }),
      fc.constantFrom('regress' as const, 'classify' as const, 'forecast' as const, 'anomaly' as const),
      fc.string({ minLength: 1 }),
      (names, columns, wanted, port) => {
        const observation: Observation = {
          format: { kind: 'csv', delimiter: ',', separator: null, fields: names.length, names, checksum: false },
          rows: 9,
          columns: names.map((each, i) => {
            const { a, b, missing, isGrowing } = columns[i];
            const [min, max] = [Math.min(a, b), Math.max(a, b)];
            const isInteger = Number.isInteger(a) && Number.isInteger(b);
            // The first two can always be predicted, and predicted from.
            return {
              name: each,
              min,
              max,
              example: a,
              missing,
              isInteger,
              isGrowing: i > 1 && isGrowing,
              step: 1,
              distinct: 2,
            };
          }),
        };
        const mayBeClass = columns[0].a >= 0 && columns[0].b >= 0;
        const kind = wanted === 'classify' && !mayBeClass ? 'regress' : wanted;
        try {
          checkTarget(observation, names[0], kind);
        } catch {
          return;
        }
        writeFileSync(
          file,
          draftText({ name: 'any', port, baudRate: 9600, observation, kind, target: names[0], file: 'a\nb' }),
        );
        const config = loadConfig(file);
        expect(config.columns.map((each) => each.name)).toEqual(names);
        expect(config.source.port).toBe(port);
        expect(config.task.kind).toBe(kind);
        for (const { kind: is, range, name: of } of config.columns) {
          const { min, max } = observation.columns[names.indexOf(of)];
          if (is === 'number' && range !== undefined) expect(range[0] <= min && range[1] >= max).toBe(true);
        }
      },
    ),
  );
});

const drafted = (text: string, target?: string) => {
  const observation = observe(new TextEncoder().encode(text), false);
  if (observation === undefined) throw new Error('no rows');
  const column = target ?? likelyTarget(observation);
  const kind = likelyKind(observation, column);
  const draft = { name: 'any', port: '-', baudRate: 9600, observation, kind, target: column, file: 'any' };
  return { observation, toml: draftText(draft), config: configOf(draftText(draft), 'any') };
};
const table = (header: string, rows: number, row: (i: number) => string) =>
  `${header === '' ? '' : `${header}\n`}${Array.from({ length: rows }, (_, i) => `${row(i)}\n`).join('')}`;
const wave = (i: number) => (20 + 5 * Math.sin(i / 9)).toFixed(2);

test('names of a header are kept whatever signs are in them, and what they say of units', () => {
  for (const header of [
    'Temp. außen (°C);Feuchte [%];Wind / Böe',
    '# Temp. außen (°C);Feuchte [%];Wind / Böe',
    '"Temp. außen (°C)";"Feuchte [%]";"Wind / Böe"',
  ]) {
    const { config } = drafted(table(header, 30, (i) => `${wave(i)};${50 + (i % 7)};${(i * 3) % 11}`));
    expect(config.columns.map(({ name, unit, range }) => [name, unit, range])).toEqual([
      ['Temp. außen (°C)', '°C', undefined],
      ['Feuchte [%]', '%', [0, 100]],
      ['Wind / Böe', '', undefined],
    ]);
  }
});

test('ranges that were seen are not enforced', () => {
  const { config } = drafted(table('a,b', 30, (i) => `${wave(i)},${i % 7}`));
  expect(config.columns.every(({ range }) => range === undefined)).toBe(true);
});

test.each([-127, 8388607, 65535])('%d is named as a probable error code, and no range reaches it', (code) => {
  const { toml, config } = drafted(table('temp,b', 60, (i) => `${i % 20 === 9 ? code : wave(i)},${i % 7}`));
  expect(toml).toContain(`# probable error code: ${code} in 3 rows`);
  const [low, high] = config.columns[0].range ?? [];
  expect([low! > code || high! < code, low! < 0, high! > 100]).toEqual([true, true, true]);
});

test('85 among room temperatures is named, but not shut out: it may come to be true', () => {
  const { toml, config } = drafted(table('temp,b', 60, (i) => `${i === 0 ? 85 : wave(i)},${i % 7}`));
  expect(toml).toContain('# probable error code: 85 in 1 row');
  expect(config.columns[0].range).toBeUndefined();
});

test('columns of words are left out by name, and rows are read all the same', () => {
  const { config, observation } = drafted(
    table('when,room,t,door', 40, (i) => `mon ${i},hall,${wave(i)},${(i >> 3) % 2}`),
  );
  expect(observation.rows).toBe(40);
  expect(config.columns.map(({ name, kind }) => [name, kind])).toEqual([
    ['when', 'ignore'],
    ['room', 'ignore'],
    ['t', 'number'],
    ['door', 'class'],
  ]);
});

test('0 and 1, and few whole numbers that come again, are classes; the likely target is the last that changes', () => {
  expect(drafted(table('a,b', 40, (i) => `${wave(i)},${i % 2}`)).config.task).toMatchObject({
    kind: 'classify',
    targets: ['b'],
  });
  expect(drafted(table('a,b', 80, (i) => `${wave(i)},${(i >> 3) % 4}`)).config.task.kind).toBe('classify');
  expect(drafted(table('a,b', 80, (i) => `${wave(i)},${i % 30}`)).config.task.kind).toBe('regress');
  expect(drafted(table('a,b,c', 40, (i) => `${i % 9},${wave(i)},7`)).config.task.targets).toEqual(['b']);
  expect(drafted(table('ms,a', 40, (i) => `${i * 20},${wave(i)}`)).config.task).toMatchObject({
    kind: 'forecast',
    targets: ['a'],
  });
  expect(
    drafted(
      table('a,total', 40, (i) => `${wave(i)},${i * i}`),
      'total',
    ).config.task.targets,
  ).toEqual(['total']);
});

test('a configuration made from a file works untouched in replay and run; replay makes one itself', async () => {
  const log = join(folder, 'log.csv');
  writeFileSync(
    log,
    table('Zeit;Raum;Temp (°C);Fenster', 300, (i) => `${1_700_000_000 + 10 * i};Küche;${wave(i)};${(i >> 4) % 2}`),
  );
  const init = await command(['init', '--from', 'log.csv', 'log.toml'], { cwd: folder });
  expect([init.code, init.err]).toEqual([
    0,
    expect.stringContaining('predicts Fenster, the last column that changes (classify)'),
  ]);
  expect(init.err).toContain('the latest lines:\n  1700002950;Küche;');
  const replayed = await command(['replay', 'log.csv', '--config', 'log.toml', '--json'], { cwd: folder });
  const { hash, lines } = JSON.parse(replayed.out);
  expect(lines).toMatchObject({ rowsDecoded: 300, rejectedNotNumeric: 0 });
  const itself = await command(['replay', 'log.csv', '--target', 'Fenster', '--json'], { cwd: folder });
  expect(JSON.parse(itself.out).hash).toBe(hash);
  const run = await command(['run', 'log.toml', '--state', 'from-log'], { cwd: folder });
  expect([run.code, run.err]).toEqual([0, expect.stringContaining(`hash ${hash}`)]);
  const wrong = await command(['replay', 'log.csv', '--target', 'Tür'], { cwd: folder });
  expect([wrong.code, wrong.err]).toEqual([
    2,
    expect.stringContaining('found "Tür", expected one of Temp (°C), Fenster'),
  ]);
  const piped = await command(['init', '--from', '-', 'piped.toml'], { cwd: folder, input: readFileSync(log) });
  expect([piped.code, loadConfig(join(folder, 'piped.toml')).source.port]).toEqual([0, '-']);
});

test('a file without rows says what is in it', async () => {
  writeFileSync(join(folder, 'words.txt'), 'all is well\nall was well\n');
  const { code, err } = await command(['init', '--from', 'words.txt', 'x.toml'], { cwd: folder });
  expect(err).toContain(
    'words.txt: found 25 bytes and 2 lines, and not two rows of numbers among them, the last "all was well"',
  );
  expect([code, existsSync(join(folder, 'x.toml'))]).toEqual([2, false]);
});

test('hexadecimal numbers are not guessed in silence', async () => {
  const text = Array.from(
    { length: 60 },
    (_, i) => `${(600 + 37 * i).toString(16).toUpperCase()},${(100 + 91 * i).toString(16).toUpperCase()}\n`,
  ).join('');
  const { code } = await command(['init', '--from', '-', 'doubt.toml'], { cwd: folder, input: text });
  expect([code, existsSync(join(folder, 'doubt.toml'))]).toEqual([2, false]);
});

test.each([
  ['decimal commas', (i: number) => `22,${10 + ((11 * i) % 80)};50,${10 + ((7 * i) % 80)}`, 2],
  ['signs around rows', (i: number) => `/*22.${10 + ((11 * i) % 80)},50.${10 + ((7 * i) % 80)}*/`, 2],
  ['sentences with units', (i: number) => `Temp: 22.${10 + ((11 * i) % 80)} °C, Hum: 50.${10 + ((7 * i) % 80)} %`, 2],
  ['JSON', (i: number) => `{"t": 22.${10 + ((11 * i) % 80)}, "room": "hall", "h": 50.${10 + ((7 * i) % 80)}}`, 2],
] as const)('%s: what init writes reads every row', async (name, row, values) => {
  const text = Array.from({ length: 60 }, (_, i) => `${row(i)}\n`).join('');
  const [log, file] = [`${name.replaceAll(' ', '-')}.txt`, `${name.replaceAll(' ', '-')}.toml`];
  writeFileSync(join(folder, log), text);
  const init = await command(['init', '--from', log, file], { cwd: folder });
  expect([init.err, init.code]).toEqual([expect.stringContaining('60 rows'), 0]);
  const { columns } = loadConfig(join(folder, file));
  expect(columns.filter(({ kind }) => kind === 'number')).toHaveLength(values);
  const { out } = await command(['replay', log, '--config', file, '--json'], { cwd: folder });
  expect(JSON.parse(out)).toMatchObject({ rows: 60, quarantined: 0, report: { missing: 0 } });
});
