// @slow processes that see drift

import { mkdtempSync, readdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { CheckpointStore } from '../../src/daemon/index.js';
import { Random } from '../../src/engine/index.js';
import { replayLog } from '../../src/recording/index.js';
import { loadStream } from '../../src/stream/index.js';
import { runCli } from '../support/cli.js';

const CONFIG = `
name = "lab"
columns = [{ name = "a" }, { name = "b" }, { name = "y" }]
task = { kind = "regress", features = ["a", "b"], targets = ["y"] }
checkpoint = { directory = "state" }
record = { directory = "recordings" }

[[drift]]
detector = "pageHinkley"
lambda = 1
policy = "snapshot"
keep = 2

[[drift]]
detector = "kswin"
alpha = 0.0001
policy = "freshLearner"

[[drift]]
on = "b"
detector = "adwin"
policy = "raiseRates"
factor = 3
`;

/** Rows whose law turns over, and whose column b moves, every 700 rows. */
function rowsOf(from: number, end: number): string {
  const random = new Random(3);
  let text = '';
  for (let i = 0; i < end; i++) {
    const turned = Math.floor(i / 700) % 2;
    const [a, b] = [random.uniform(), random.uniform() + 2 * turned];
    if (i >= from) text += `${a},${b},${(turned === 1 ? -1 : 1) * (a + 2 * b)}\n`;
  }
  return text;
}

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgegrad-drift-'));
  const made = folder;
  onTestFinished(() => rmSync(made, { recursive: true }));
  writeFileSync(join(folder, 'lab.toml'), CONFIG);
});

const run = (input: string) => runCli(folder, ['run', 'lab.toml', '--port', '-'], undefined, input);
const aside = () => readdirSync(join(folder, 'state')).filter((file) => file.includes('.drift-'));

test('run: says what has changed, keeps the latest checkpoints aside, goes on, and its recording is verified', async () => {
  const header = 'a,b,y\n';
  const first = await run(header + rowsOf(0, 2000));
  expect(first.code, first.err).toBe(0);
  expect(first.err).toMatch(
    /drift: the loss has changed \(pageHinkley\) (\d+ times, last )?at row \d+; a checkpoint is kept aside/,
  );
  expect(first.err).toMatch(/drift: b has changed \(adwin\) .*at row \d+; learns 3 times as fast for 500 labels/);
  expect(first.err).toMatch(/drift of the loss \(pageHinkley\): \d+, last at row \d+/);

  const second = await run(header + rowsOf(2000, 5000));
  expect(second.code, second.err).toBe(0);
  expect(second.err).toContain('goes on from');
  const kept = aside();
  expect(kept.length).toBeGreaterThan(0);
  expect(kept.length).toBeLessThanOrEqual(2);
  for (const file of kept) {
    const stream = loadStream(readFileSync(join(folder, 'state', file)));
    expect(file).toBe(`lab.drift-${stream.rows}.safetensors`);
    expect(stream.report().drift[0].detections).toBeGreaterThan(0);
  }

  const { result } = await replayLog(join(folder, 'recordings'), {});
  const { comparison } = result.recording!;
  expect(comparison.firstDifference).toBeUndefined();
  expect(comparison.equal).toBe(comparison.compared);
  expect(comparison.compared).toBeGreaterThan(4); // starts, ends, and every checkpoint kept aside
  expect(second.err).toContain(`hash ${result.hash}`);
  const [loss, fresh, column] = result.report.drift;
  expect([loss, fresh, column].every(({ detections }) => detections > 0)).toBe(true);
  for (const { detector, detections, lastRow } of result.report.drift) {
    expect(second.err).toContain(`(${detector}): ${detections}, last at row ${lastRow}`);
  }
});

test('replay and check-config know the watchers, and trace the rows at which they told a change', async () => {
  writeFileSync(join(folder, 'log.csv'), `a,b,y\n${rowsOf(0, 2000)}`);
  const { out, code, err } = await runCli(folder, [
    'replay',
    'log.csv',
    '-c',
    'lab.toml',
    '--json',
    '--trace',
    'rows.ndjson',
  ]);
  expect(code, err).toBe(0);
  const { report } = JSON.parse(out);
  expect(report.drift).toMatchObject([
    { on: 'loss', detector: 'pageHinkley', policy: 'snapshot', warnings: 0, ignored: 0 },
    { on: 'loss', detector: 'kswin', policy: 'freshLearner' },
    { on: 'b', detector: 'adwin', policy: 'raiseRates' },
  ]);
  const drifted = readFileSync(join(folder, 'rows.ndjson'), 'utf8')
    .trim()
    .split('\n')
    .flatMap((line) => {
      const { row, outcome } = JSON.parse(line);
      return outcome.includes('drifted') ? [row] : [];
    });
  const last = report.drift.map(({ lastRow }: { lastRow: number }) => lastRow);
  expect(Math.max(...drifted)).toBe(Math.max(...last));
  for (const row of last) expect(drifted).toContain(row);

  const checked = await runCli(folder, ['check-config', 'lab.toml']);
  expect(checked.out).toMatch(/^drift {10}pageHinkley watches the loss: snapshot$/m);
  expect(checked.out).toMatch(/^ {15}adwin watches b: raiseRates$/m);

  writeFileSync(join(folder, 'bad.toml'), CONFIG.replace('lambda', 'lamda'));
  const bad = await runCli(folder, ['check-config', 'bad.toml']);
  expect(bad.code).toBe(2);
  expect(bad.err).toContain('bad.toml: drift[0].lamda: found unknown key "lamda"');
});

test('checkpoints kept aside: the latest are kept whatever their number of rows, and others are let alone', async () => {
  const store = new CheckpointStore(join(folder, 'state'), 'lab');
  await store.prepare();
  const bytes = new Uint8Array([1, 2, 3]);
  for (const name of ['lab.safetensors', 'lab.drift-x.safetensors', 'other.drift-5.safetensors']) {
    writeFileSync(join(folder, 'state', name), '');
  }
  for (const rows of [900, 1000, 70, 2000]) {
    await store.saveAside(store.asideFile(rows), bytes, 2);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await store.saveAside(store.asideFile(30), bytes, 2);
  expect(readdirSync(join(folder, 'state')).sort()).toEqual([
    'lab.drift-2000.safetensors',
    'lab.drift-30.safetensors',
    'lab.drift-x.safetensors',
    'lab.safetensors',
    'other.drift-5.safetensors',
  ]);
  expect(readFileSync(store.asideFile(30))).toEqual(Buffer.from(bytes));
  await expect(store.saveAside('/proc/nothing/lab.drift-1.safetensors', bytes, 2)).rejects.toThrow(/CHECKPOINT_WRITE/);
});

test('checkpoints kept aside: the latest are kept also where the wall clock has gone back years in between', async () => {
  const store = new CheckpointStore(join(folder, 'state'), 'lab');
  await store.prepare();
  const inTenYears = Date.now() / 1000 + 3e8;
  for (const rows of [1, 2]) {
    await store.saveAside(store.asideFile(rows), new Uint8Array(1), 2);
    utimesSync(store.asideFile(rows), inTenYears + rows, inTenYears + rows);
  }
  for (const rows of [3, 4, 5]) await store.saveAside(store.asideFile(rows), new Uint8Array(1), 2);
  expect(readdirSync(join(folder, 'state')).sort()).toEqual(['lab.drift-4.safetensors', 'lab.drift-5.safetensors']);
});
