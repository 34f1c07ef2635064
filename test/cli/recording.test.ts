// @slow logs are recorded and played in real time

import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { demoConfigPath, loadConfig } from '../../src/daemon/index.js';
import { openPty } from '../../src/ingest/index.js';
import { Pipeline, RecordedSession, Recorder, streamOptionsOf } from '../../src/recording/index.js';
import { createStream, saveStream } from '../../src/stream/index.js';
import { runCli } from '../support/cli.js';
import { needPty } from '../support/pty.js';
import { SHIPPED_HASH } from '../support/shipped-log.js';

const folder = mkdtempSync(join(tmpdir(), 'edgegrad-recording-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const edgegrad = (...args: string[]) => runCli(folder, args);

const config = loadConfig(demoConfigPath());
const csv = join(config.file, '../sailing_wind.csv');
const log = readFileSync(csv);

/** `run.mcap`, of a process that learned the shipped log with two checkpoints on the way, and the first of those. */
beforeAll(async () => {
  const stream = createStream(streamOptionsOf(config));
  const recorder = new Recorder({ destination: { file: join(folder, 'run.mcap') } });
  const session = new RecordedSession(recorder, new Pipeline(stream), {
    config: { file: config.file, text: readFileSync(config.file, 'utf8'), resolved: config },
    edgegrad: '0',
    fresh: true,
  });
  session.opened('/dev/ttyX', { isAgain: false, mayBeMidLine: false });
  for (let at = 0; at < log.length; at += 1000) {
    session.bytes(log.subarray(at, at + 1000), Math.min(1000, log.length - at));
    if (at === 100_000) writeFileSync(join(folder, 'early.safetensors'), saveStream(stream));
    if (at === 100_000 || at === 200_000) await session.checkpoint('saved', 'x.safetensors');
  }
  await session.end('end of log', true);
});

/** The same with one byte changed. */
function damage(name: string, share: number): string {
  const bytes = readFileSync(join(folder, 'run.mcap'));
  bytes[Math.floor(share * bytes.length)] ^= 4;
  writeFileSync(join(folder, name), bytes);
  return name;
}

describe('replay', () => {
  test('a recording needs no configuration, and comes to the same hash as the text log', async () => {
    const { code, out, err } = await edgegrad('replay', 'run.mcap', '--json');
    expect([code, err]).toEqual([0, '']);
    const result = JSON.parse(out);
    expect(result).toMatchObject({ rows: 3617, scored: 3517, hash: SHIPPED_HASH });
    expect(result.recording.comparison).toEqual({ compared: 4, equal: 4, notCompared: 0, notes: [] });
    const text = await edgegrad('replay', 'run.mcap', '--executor', 'reference');
    expect(text.out).toContain('recorded states: 4 of 4 equal');
  });

  test('--until ends at a number of rows, after a time, or at a time', async () => {
    const rowsOf = async (...args: string[]) => JSON.parse((await edgegrad('replay', ...args, '--json')).out).rows;
    expect(await rowsOf('run.mcap', '--until', '1234')).toBe(1234);
    expect(await rowsOf(csv, '--until', '1234')).toBe(1234);
    const rowsUpTo = (s: number) =>
      log
        .toString()
        .split('\n')
        .slice(1, -1)
        .filter((line) => Number.parseFloat(line) < s).length;
    expect(await rowsOf(csv, '--until', '10m')).toBe(rowsUpTo(600));
    expect(await rowsOf(csv, '--until', '1970-01-01T00:20:00Z')).toBe(rowsUpTo(1200));
    await edgegrad('convert', csv, 'timed.mcap', '--config', config.file);
    expect(await rowsOf('timed.mcap', '--until', '1970-01-01T00:20:00Z')).toBe(rowsUpTo(1200));
    expect(await rowsOf('timed.mcap', '--until', '10m')).toBe(rowsUpTo(600));
  });

  test('--speed keeps the recorded pace', async () => {
    writeFileSync(join(folder, 'short.csv'), log.toString().split('\n').slice(0, 31).join('\n'));
    const start = performance.now();
    const { code } = await edgegrad('replay', 'short.csv', '--speed', '100', '--config', config.file);
    expect(code).toBe(0);
    expect(performance.now() - start).toBeGreaterThan(1160); // 29 steps of four seconds, a hundred times as fast
    await edgegrad('convert', 'short.csv', 'short.mcap', '--config', config.file);
    const again = performance.now();
    expect((await edgegrad('replay', 'short.mcap', '--speed', '100')).code).toBe(0);
    expect(performance.now() - again).toBeGreaterThan(1160);
  });

  test('--from goes on from a checkpoint, in a text log and in a recording', async () => {
    const anew = JSON.parse((await edgegrad('replay', csv, '--json')).out);
    const text = JSON.parse((await edgegrad('replay', csv, '--from', 'early.safetensors', '--json')).out);
    expect(text.rows).toBeGreaterThan(anew.rows);
    expect(text.hash).not.toBe(anew.hash);
  });

  test('--trace writes a line for every row: prediction, and what became of the one before', async () => {
    await edgegrad('replay', 'run.mcap', '--trace', 'trace.ndjson');
    const rows = readFileSync(join(folder, 'trace.ndjson'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(rows).toHaveLength(3617);
    expect(rows[0]).toMatchObject({ row: 1, time: 0, outcome: ['predicted'] });
    const [before, row] = rows.slice(2000, 2002);
    expect(row.outcome).toEqual(['predicted', 'scored', 'learned']);
    expect(row.scored.prediction).toEqual(before.prediction);
    expect([row.scored.lower, row.scored.upper]).toEqual([before.lower, before.upper]);
    expect(row.lower[0]).toBeLessThan(row.prediction[0]);
    expect(row.upper[0]).toBeGreaterThan(row.prediction[0]);
    expect(rows[0].lower).toEqual([null, null]);
    expect(row.scored.error[0]).toBeCloseTo(row.scored.prediction[0] - row.scored.truth[0], 12);
    expect(row.loss).toBeNull(); // a race has several
    expect(Date.parse(row.at)).toBeGreaterThan(Date.parse('2020-01-01'));
  });

  test('--trace of one network has the loss of its steps', async () => {
    const one = ['--set', 'network.optimizer.kind=sgd', '--set', 'network.optimizer.rate=0.02'];
    await edgegrad('replay', csv, ...one, '--trace', 'one.ndjson');
    const row = JSON.parse(readFileSync(join(folder, 'one.ndjson'), 'utf8').split('\n')[2000]);
    expect(row.loss).toBeGreaterThan(0);
  });

  test('JSON lines on standard input are told by their first byte', async () => {
    await edgegrad('convert', 'run.mcap', 'run.ndjson');
    const { out } = await runCli(
      folder,
      ['replay', '-', '--json'],
      undefined,
      readFileSync(join(folder, 'run.ndjson')),
    );
    expect(JSON.parse(out).hash).toBe(SHIPPED_HASH);
    const broken = readFileSync(join(folder, 'run.ndjson'), 'utf8').replace(
      /^(.*\n){500}/,
      '$&{"t_s":\nnothing\n[1]\n',
    );
    const some = JSON.parse((await runCli(folder, ['replay', '-', '--json'], undefined, broken)).out);
    expect(some.rows).toBe(3617);
    expect(some.lines.rxLines - some.lines.rowsDecoded - some.lines.headers).toBe(3);
  });
});

describe('verify', () => {
  test('every state equal: exit code 0; one that differs: 1, with its row and time', async () => {
    const { code, out } = await edgegrad('verify', 'run.mcap');
    expect(out).toMatch(new RegExp(`^run\\.mcap: the same bits; 3617 rows, hash ${SHIPPED_HASH}`));
    expect(out).toContain('recorded states: 4 of 4 equal');
    expect(code).toBe(0);
    // Another machine's claim.
    const bytes = readFileSync(join(folder, 'run.mcap'));
    const recorder = new Recorder({ destination: { file: join(folder, 'claim.mcap') } });
    recorder.event({ type: 'config', file: 'x', text: '', resolved: config });
    const { hash } = JSON.parse((await edgegrad('replay', csv, '--until', '1', '--json')).out);
    const fresh = createStream(streamOptionsOf(config)).hash();
    recorder.event({
      type: 'start',
      fresh: true,
      hash: fresh,
      rows: 0,
      edgegrad: '0',
      node: '',
      architecture: '',
      executor: '',
    });
    recorder.bytes(log, 5000, 0, 1e18);
    recorder.event({ type: 'checkpoint', action: 'saved', hash, rows: 1 }, 1e9, 1.7e18);
    await recorder.close();
    const claim = await edgegrad('verify', 'claim.mcap');
    expect(claim.code).toBe(1);
    expect(claim.out).toMatch(/DIFFERENT/);
    expect(claim.out).toMatch(
      /first difference, "checkpoint" at 2023-11-14T22:13:20\.000Z: recorded row 1 hash \w{16}, replayed row \d\d hash/,
    );
    expect(bytes.length).toBeGreaterThan(0);
  });

  test('a damaged recording is no proof; a cut one is, as far as it goes', async () => {
    const damaged = await edgegrad('verify', damage('damaged.mcap', 0.5));
    expect(damaged.code).toBe(1);
    expect(damaged.out).toMatch(/not wholly compared/);
    expect(damaged.out).toMatch(/a chunk with a wrong CRC/);
    const bytes = readFileSync(join(folder, 'run.mcap'));
    writeFileSync(join(folder, 'cut.mcap'), bytes.subarray(0, Math.floor(0.9 * bytes.length)));
    const cut = await edgegrad('verify', 'cut.mcap');
    expect([cut.code, cut.out.includes('3 of 3 equal')]).toEqual([0, true]);
  });
});

describe('inspect, repair, convert', () => {
  test('inspect tells what is in a recording and what is missing', async () => {
    const { out } = await edgegrad('inspect', 'run.mcap');
    expect(out).toMatch(/1 file, \d+ bytes, \d+ chunks; nothing is missing/);
    expect(out).toMatch(/checkpoint 2/);
    const json = JSON.parse((await edgegrad('inspect', damage('hurt.mcap', 0.5), '--json')).out);
    expect(json.files[0].missing).toBeGreaterThan(0);
    expect(json.files[0].damage[0].reason).toBe('a chunk with a wrong CRC');
    expect(json.events.checkpoint).toBe(2);
  });

  test('repair makes a clean file of a damaged one, which replays to the same and still says what is missing', async () => {
    damage('broken.mcap', 0.5);
    const { code, out } = await edgegrad('repair', 'broken.mcap', 'clean.mcap');
    expect(code).toBe(0);
    expect(out).toMatch(/clean\.mcap: \d+ messages, \d+ missing/);
    const [broken, clean] = await Promise.all(
      ['broken.mcap', 'clean.mcap'].map(async (file) => JSON.parse((await edgegrad('replay', file, '--json')).out)),
    );
    expect(clean.hash).toBe(broken.hash);
    expect(clean.recording.files[0].damage).toEqual([]);
    expect(clean.recording.files[0].missing).toBe(broken.recording.files[0].missing);
    copyFileSync(join(folder, 'broken.mcap'), join(folder, 'same.mcap'));
    expect((await edgegrad('repair', 'same.mcap', 'same.mcap')).err).toContain('CONVERT_SAME_FILE');
  });

  test('there and back again, every way, comes to the same hash', async () => {
    const hashOf = async (...args: string[]) => JSON.parse((await edgegrad('replay', ...args, '--json')).out).hash;
    await edgegrad('convert', 'run.mcap', 'a.csv');
    expect(readFileSync(join(folder, 'a.csv'), 'utf8').split('\n', 1)[0]).toBe(
      'iso_time,t_s [s],stw_kn [kn],aws_kn [kn],awa_cos,awa_sin,twx_kn [kn],twy_kn [kn]',
    );
    expect(await hashOf('a.csv')).toBe(SHIPPED_HASH);
    await edgegrad('convert', 'a.csv', 'b.mcap', '--config', config.file);
    expect(await hashOf('b.mcap')).toBe(SHIPPED_HASH);
    await edgegrad('convert', 'b.mcap', 'c.ndjson');
    expect(await hashOf('c.ndjson')).toBe(SHIPPED_HASH);
    await edgegrad('convert', 'c.ndjson', 'd.mcap');
    expect(await hashOf('d.mcap', '--config', config.file)).toBe(SHIPPED_HASH);
    await edgegrad('convert', 'run.mcap', 'e.mcap', '--rows');
    expect(await hashOf('e.mcap')).toBe(SHIPPED_HASH);
    expect((await edgegrad('verify', 'e.mcap')).code).toBe(0);
    // Without a configuration the columns are those the device named.
    expect((await edgegrad('convert', 'd.mcap', 'f.csv')).out).toContain('3617 rows, 0 lines that are none');
  });
});

describe('record', () => {
  test('a port through an unplug, ended by Ctrl-C; the recording replays', async (context) => {
    const link = join(folder, 'ttyREC');
    let pty = await needPty(context, { link });
    let stage = 0;
    const { code, err } = await runCli(
      folder,
      ['record', '--port', link, '--out', 'port.mcap', '--config', config.file],
      (child, said) => {
        if (stage === 0 && said.includes('recording')) {
          stage = 1;
          pty.write(log.subarray(0, 30_000));
          setTimeout(() => void pty.unplug(), 400);
        } else if (stage === 1 && said.includes('is gone')) {
          stage = 2;
          void openPty({ link }).then((again) => {
            if (again.pty !== null) pty = again.pty;
          });
        } else if (stage === 2 && said.includes('is back')) {
          stage = 3;
          setTimeout(() => pty.write(log.subarray(30_000, 60_000)), 100);
          setTimeout(() => child.kill('SIGINT'), 600);
        }
      },
    );
    await pty.unplug();
    expect([code, stage]).toEqual([0, 3]);
    expect(err).toMatch(/port\.mcap {2}\d+ s {2}60000 bytes in \d+ reads {2}\d+ written {2}gone 1 times/);
    const inspected = JSON.parse((await edgegrad('inspect', 'port.mcap', '--json')).out);
    expect(inspected).toMatchObject({ wireBytes: 60_000, events: { config: 1, opened: 2, closed: 2, end: 1 } });
    const { out } = await edgegrad('replay', 'port.mcap', '--json');
    expect(JSON.parse(out).report.gapReasons).toEqual({ reconnect: 1 });
  });

  test('--duration ends it', async (context) => {
    const pty = await needPty(context);
    const { code, err } = await edgegrad('record', '--port', pty.path, '--out', 'timed-out.mcap', '--duration', '0.5s');
    expect(code).toBe(0);
    expect(err).toContain('0 bytes in 0 reads');
  });

  test.each([
    [['record', '--port', '/dev/ttyNOTHERE', '--out', 'x.mcap'], 'serial port /dev/ttyNOTHERE: found no such device'],
    [['record', '--port', '/dev/null', '--out', 'x.csv'], 'a file that ends with .mcap'],
    [['replay', 'nothing.mcap'], 'RECORDING_NOT_FOUND: nothing.mcap: found no such file'],
    [['replay', csv, '--until', 'later'], "'later' is invalid"],
    [['replay', csv, '--from', 'nothing.safetensors'], 'CHECKPOINT_FILE: nothing.safetensors'],
    [['verify', csv], 'REPLAY_NO_CONFIG'],
    [['convert', 'run.mcap'], 'two files: from, to'],
    [['convert', 'run.mcap', 'x.parquet'], 'a file that ends with .csv, .ndjson or .mcap'],
    [['convert', 'nothing.csv', 'x.mcap'], 'nothing.csv: found no such file'],
    [['repair', 'run.mcap', '/proc/x.mcap'], 'RECORDING_WRITE: /proc/x.mcap'],
    [['replay', '.'], 'expected the files of one recorder'],
  ])('%j: one line, exit code 2', async (args, message) => {
    const { code, err, out } = await edgegrad(...args);
    expect(err).toContain(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect([code, out]).toEqual([2, '']);
  });
});

test('- is standard input for what records and converts', async () => {
  const rows = `a,b\n${Array.from({ length: 20 }, (_, i) => `${i},${2 * i}\n`).join('')}20,40`;
  const recorded = await runCli(folder, ['record', '--port', '-', '--out', 'piped.mcap'], undefined, rows);
  expect(recorded.code).toBe(0);
  const converted = await runCli(folder, ['convert', '-', 'converted.mcap'], undefined, rows);
  expect(converted.code).toBe(0);
  for (const name of ['piped', 'converted']) {
    expect((await edgegrad('convert', `${name}.mcap`, `${name}.csv`)).out).toContain('21 rows, 0 lines');
  }
});
