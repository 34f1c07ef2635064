// @slow the simulated device is compiled, and fuzzed

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { buildFolder, FIRMWARE, need, run } from './tools.js';

const MAX_MS = 120_000;
const ROWS = 2000;

type Counters = Record<string, number>;

describe('simulated device', () => {
  let folder: string;
  let remove: () => Promise<void>;
  let log: string;
  const processes: ChildProcess[] = [];

  beforeAll(async () => {
    ({ folder, remove } = await buildFolder());
    log = join(folder, 'log.csv');
    const rows = Array.from({ length: ROWS }, (_, i) => `${i / 100},${Math.fround(Math.sin(i / 50))},${i},${i % 3}`);
    writeFileSync(log, `t_s,wave [V],count,class\n${rows.join('\n')}\n`);
  });
  afterAll(() => remove());
  afterEach(() => {
    for (const child of processes.splice(0)) child.kill('SIGKILL');
  });

  let isBuilt = false;
  /** As a daemon builds it: one line, plain flags. */
  function build(context: TestContext): void {
    need(context, 'cc', 'make');
    if (isBuilt) return;
    const sources = ['simulator', 'src'].flatMap((room) =>
      readdirSync(join(FIRMWARE, room))
        .filter((name) => name.endsWith('.c'))
        .map((name) => join(room, name)),
    );
    run('cc', ['-O2', '-o', join(folder, 'edgegrad-device'), ...sources]);
    run('make', [`${folder}/listen`, `BUILD=${folder}`]);
    isBuilt = true;
  }

  /** Starts it; the path of its terminal, and what it says at its end. */
  async function start(...args: string[]) {
    const device = spawn(join(folder, 'edgegrad-device'), [...args, log], { stdio: ['pipe', 'pipe', 'pipe'] });
    processes.push(device);
    const lines: string[] = [];
    createInterface({ input: device.stderr }).on('line', (line) => lines.push(line));
    const closed = once(device, 'close');
    const [path] = (await once(createInterface({ input: device.stdout }), 'line')) as [string];
    return {
      device,
      path,
      async end(): Promise<{ code: number | null; counters: Counters & { faults: Counters }; printed: string[] }> {
        const [code] = await closed;
        return { code, counters: JSON.parse(lines.at(-1) ?? '{}'), printed: lines.slice(0, -1) };
      },
    };
  }

  /** A host in C at the other end, until it is gone: what it counted, and rows as [number, µs, values…]. */
  async function listen(path: string, ...args: string[]): Promise<{ heard: Counters; rows: number[][] }> {
    const host = spawn(join(folder, 'listen'), [path, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    processes.push(host);
    const lines: string[] = [];
    createInterface({ input: host.stdout }).on('line', (line) => lines.push(line));
    await once(host, 'close');
    return {
      heard: JSON.parse(lines.at(-1) ?? '{}'),
      rows: lines.slice(0, -1).map((line) => line.split(' ').map(Number)),
    };
  }

  test('plays every row of a log, as fast as the host reads', { timeout: MAX_MS }, async (context) => {
    build(context);
    const { path, end } = await start('--speed', 'max', '--time', 't_s', '--boot', '5');
    await sleep(50); // nobody reads: the terminal is full, and the device waits
    const { heard, rows } = await listen(path, '--rows');
    const { code, counters } = await end();
    expect(code).toBe(0);
    expect(heard).toMatchObject({ rows: ROWS, lost: 0, restarts: 0, clocks: 0, cobs: 0, crc: 0, schema: 0 });
    expect(rows.every((row, i) => row[0] === i && row[1] === i * 10_000 && row[4] === i && row[5] === i % 3)).toBe(
      true,
    );
    expect(rows.every((row, i) => Math.fround(row[3]) === Math.fround(Math.sin(i / 50)))).toBe(true);
    expect(counters).toMatchObject({ rows: ROWS, droppedRows: 0, damagedRows: 0, rxFrames: 1, rxBad: 0 });
  });

  test('every row that was damaged shows as lost, and no other', { timeout: MAX_MS }, async (context) => {
    build(context);
    const report = join(folder, 'report.ndjson');
    const faults = 'flip=2e-4,lose=2e-4,duplicate=0.02,cut=0.0005';
    const { path, end } = await start(
      '--speed',
      'max',
      '--boot',
      '5',
      '--faults',
      faults,
      '--seed',
      '3',
      '--report',
      report,
    );
    const { heard, rows } = await listen(path, '--rows');
    const { counters } = await end();
    const damaged = new Set(
      readFileSync(report, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).row as number),
    );
    const arrived = new Set(rows.map(([number]) => number));
    expect(damaged.size).toBeGreaterThan(10);
    expect(counters.damagedRows).toBe(damaged.size);
    expect(counters.faults.duplicate).toBeGreaterThan(10);
    for (let i = 0; i < ROWS; i++) expect(arrived.has(i), `row ${i} arrived`).toBe(!damaged.has(i));
    expect(heard.rows).toBe(arrived.size);
    expect(rows.every(([number, , , , count]) => number === count)).toBe(true);
  });

  test('a seed does the same to the same rows, whatever the host does', { timeout: MAX_MS }, async (context) => {
    build(context);
    const report = join(folder, 'report.ndjson');
    const faults = ['--faults', 'flip=1e-4,lose=1e-4,reboot=0.002', '--report', report];
    const play = async (seed: string, ...host: string[]) => {
      const { path, end } = await start('--speed', 'max', '--boot', '5', ...faults, '--seed', seed);
      const { heard } = await listen(path, ...host);
      const { counters } = await end();
      // A frame that is damaged because the end of the one before is missing may owe that to a HELLO the host asked for.
      const damaged = readFileSync(report, 'utf8')
        .split('\n')
        .filter((line) => !line.includes('frame before'));
      return { heard, damaged, reboots: counters.faults.reboot };
    };
    const [first, again, other] = [await play('1'), await play('1', '--output'), await play('2')];
    expect(first.damaged.length).toBeGreaterThan(5);
    expect(again.damaged).toEqual(first.damaged);
    expect(other.damaged).not.toEqual(first.damaged);
    expect(first.reboots).toBeGreaterThan(0);
    expect(first.heard.restarts).toBe(first.reboots);
    expect(again.reboots).toBe(first.reboots);
  });

  test('sends labels later, again until they are acknowledged, and prints predictions', {
    timeout: MAX_MS,
  }, async (context) => {
    build(context);
    const { path, end } = await start(
      ...['--speed', 'max', '--label', 'class', '--label-delay', '7', '--label-repeat', '100', '--omit', 't_s'],
      ...['--faults', 'lose=1e-3', '--print-output'],
    );
    const { heard } = await listen(path, '--ack', '--output');
    const { code, counters, printed } = await end();
    expect(code).toBe(0);
    expect(counters.labelsGivenUp).toBe(0);
    expect(counters.labelAcks).toBe(heard.labels);
    expect(heard.labels).toBeGreaterThanOrEqual(ROWS);
    expect(printed.length).toBe(heard.rows);
    expect(JSON.parse(printed[0])).toMatchObject({ score: 0.5, warmingUp: false, alarm: false });
  });

  test('drops rows only when asked to, and they keep their numbers', { timeout: MAX_MS }, async (context) => {
    build(context);
    const { path, end } = await start('--speed', '1000', '--drop', '--boot', '5', '--loop', '10');
    await sleep(1000); // in a fifth of a second more has been sent than the terminal holds
    const { heard } = await listen(path);
    const { counters } = await end();
    expect(counters.droppedRows).toBeGreaterThan(0);
    expect(heard.rows + heard.lost).toBeLessThanOrEqual(10 * ROWS);
    expect(heard.rows).toBe(10 * ROWS - counters.droppedRows);
  });

  test('ends at SIGTERM, at SIGHUP and with its standard input', { timeout: MAX_MS }, async (context) => {
    build(context);
    for (const signal of ['SIGTERM', 'SIGHUP', 'stdin'] as const) {
      const { device, end } = await start('--speed', '1', '--ends-with-stdin');
      if (signal === 'stdin') device.stdin?.end();
      else device.kill(signal);
      const { code, counters } = await end();
      expect(code, signal).toBe(0);
      expect(counters.rows, signal).toBeLessThan(ROWS);
    }
  });

  test('says what is wrong with its command line', { timeout: MAX_MS }, async (context) => {
    build(context);
    for (const [args, said] of [
      [[log, '--speed', 'fast'], '--speed: fast'],
      [[log, '--label', 'nothing'], 'no such column: nothing'],
      [[log, '--faults', 'flip=2'], '--faults'],
      [[join(folder, 'none.csv')], 'No such file'],
      [[log, '--unknown', '1'], 'unknown option: --unknown'],
    ] as const) {
      const device = spawn(join(folder, 'edgegrad-device'), args, { stdio: ['ignore', 'ignore', 'pipe'] });
      let printed = '';
      device.stderr.on('data', (chunk) => {
        printed += chunk;
      });
      expect(await once(device, 'close')).toEqual([2, null]);
      expect(printed).toContain(said);
    }
  });
});
