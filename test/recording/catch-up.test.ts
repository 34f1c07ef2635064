import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { catchUp, Pipeline, RecordedSession, Recorder, streamOptionsOf } from '../../src/recording/index.js';
import { createStream, restoreStream, type Stream, saveStream } from '../../src/stream/index.js';
import { temporaryDirectory } from '../support/pty.js';

const config = {
  name: 'room',
  columns: [{ name: 'x', range: [-10, 10] }, { name: 'y' }],
  task: { kind: 'regress', features: ['x'], targets: ['y'], warmup: 10, labelWait: 4 },
  network: { layers: [], optimizer: { kind: 'sgd', rate: 0.05 }, seed: 1 },
};

/** The names stand in the header only, the other way round than declared. */
const HEADER = 'y;x\n';
const rows = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => (((from + i) * 7) % 4001) / 400 - 5)
    .map((x) => `${3 * x + 1};${x.toFixed(4)}\n`)
    .join('');

const newStream = () => createStream(streamOptionsOf(config));

/** A process that learns and records, in small files. */
function start(directory: string, { stream = newStream(), fresh = true, more = config } = {}) {
  const recorder = new Recorder({ destination: { directory, name: 'room' }, segmentMB: 0.02, minFreeMB: 0 });
  const pipeline: Pipeline = new Pipeline(stream, { onFormat: (format) => session.format(format) });
  const session: RecordedSession = new RecordedSession(recorder, pipeline, {
    config: { file: 'x', text: '', resolved: more },
    edgegrad: '0',
    fresh,
  });
  if (!fresh) session.gap('restart');
  session.opened('/dev/ttyX', { isAgain: false, mayBeMidLine: !fresh });
  return {
    stream,
    session,
    /** In reads that end anywhere. */
    async send(text: string) {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; at += 613) {
        const end = Math.min(bytes.length, at + 613);
        session.bytes(bytes.subarray(at, end), end - at);
        if (at % 10 === 0) await recorder.flush();
      }
    },
    async save(): Promise<Uint8Array> {
      const bytes = saveStream(stream);
      await session.checkpoint('saved', 'x.safetensors');
      return bytes;
    },
    /** Everything so far was written, and nothing after. */
    kill: () => recorder.flush(),
  };
}

const again = (directory: string, stream: Stream, isFresh = false) =>
  catchUp(stream, { directory, name: 'room', config, isFresh });
const at = (checkpoint: Uint8Array) => {
  const stream = newStream();
  restoreStream(stream, checkpoint);
  return stream;
};

test('a checkpoint in the middle of a line, many files after the header: the rest is learned to the same bits', async () => {
  const directory = await temporaryDirectory();
  const live = start(directory);
  await live.send(HEADER + rows(0, 3000) + rows(3000, 1).slice(0, 5));
  const checkpoint = await live.save();
  const { rows: rowsThen } = live.stream;
  await live.send(rows(3000, 1).slice(5) + rows(3001, 1500));
  live.session.opened('/dev/ttyX', { isAgain: true, mayBeMidLine: true });
  await live.send(rows(5000, 300));
  live.session.setLearning(false);
  await live.send(rows(5300, 50));
  live.session.setLearning(true);
  live.session.label([7], 2);
  await live.send(rows(5350, 200));
  await live.kill();
  expect(readdirSync(directory).length).toBeGreaterThan(4);

  const stream = at(checkpoint);
  expect(await again(directory, stream)).toEqual({
    outcome: 'caughtUp',
    rows: live.stream.rows - rowsThen,
    isDifferent: false,
  });
  expect(live.stream.rows).toBeGreaterThan(5000);
  expect([stream.rows, stream.hash()]).toEqual([live.stream.rows, live.stream.hash()]);
  expect(Buffer.from(saveStream(stream)).equals(Buffer.from(saveStream(live.stream)))).toBe(true);
});

test('over several processes that were killed before they saved anything; also from nothing', async () => {
  const directory = await temporaryDirectory();
  const first = start(directory);
  await first.send(HEADER + rows(0, 400));
  await first.kill();
  const second = start(directory, { stream: newStream(), fresh: false });
  const untold = newStream();
  // As a process does that learns again first.
  expect(await again(directory, untold, true)).toMatchObject({ outcome: 'caughtUp', rows: first.stream.rows });
  await second.kill();
  const stream = newStream();
  const third = await again(directory, stream, true);
  expect(third.outcome).toBe('caughtUp');
  expect(stream.hash()).toBe(second.stream.hash());
});

test('a checkpoint that was saved and removed is no reason to learn again', async () => {
  const directory = await temporaryDirectory();
  const live = start(directory);
  await live.send(HEADER + rows(0, 400));
  await live.save();
  await live.send(rows(400, 100));
  await live.kill();
  const stream = newStream();
  expect(await again(directory, stream, true)).toEqual({ outcome: 'removed', rows: 0, isDifferent: false });
  expect(stream.rows).toBe(0);
});

test('where nothing is recorded, or not that state, nothing happens', async () => {
  const directory = await temporaryDirectory();
  const stream = newStream();
  expect((await again(directory, stream)).outcome).toBe('noRecording');
  const other = newStream();
  new Pipeline(other).bytes(Buffer.from(rows(0, 100)), rows(0, 100).length);
  const hash = other.hash();
  const live = start(directory);
  await live.send(HEADER + rows(0, 4000));
  await live.kill();
  expect(await again(directory, other)).toEqual({ outcome: 'unknown', rows: 0, isDifferent: false });
  expect(other.hash()).toBe(hash);
});

test('a file cut off anywhere is learned from up to the cut, and damage is gone around', async () => {
  const directory = await temporaryDirectory();
  const live = start(directory);
  await live.send(HEADER + rows(0, 500));
  const checkpoint = await live.save();
  await live.send(rows(500, 3000));
  await live.kill();
  const files = readdirSync(directory).sort();
  const last = join(directory, files.at(-1)!);
  const whole = readFileSync(last);
  const cut = at(checkpoint);
  truncateSync(last, whole.length - 100);
  expect((await again(directory, cut)).outcome).toBe('caughtUp');
  expect(cut.rows).toBeGreaterThan(500);
  expect(cut.rows).toBeLessThan(live.stream.rows);
  writeFileSync(last, whole);

  const middle = join(directory, files.at(-3)!);
  const bytes = readFileSync(middle);
  bytes[bytes.length >> 1] ^= 1;
  writeFileSync(middle, bytes);
  const around = at(checkpoint);
  expect((await again(directory, around)).outcome).toBe('caughtUp');
  expect(around.rows).toBeGreaterThan(cut.rows - 1500);
  expect(around.rows).toBeLessThan(live.stream.rows);
  expect(around.report().gaps).toBeGreaterThan(0);
});

test('it can be ended in between', async () => {
  const directory = await temporaryDirectory();
  const live = start(directory);
  await live.send(HEADER + rows(0, 100));
  const checkpoint = await live.save();
  await live.send(rows(100, 3000));
  await live.kill();
  const stream = at(checkpoint);
  const { outcome } = await catchUp(stream, {
    directory,
    name: 'room',
    config,
    isFresh: false,
    onProgress: () => false,
  });
  expect(outcome).toBe('ended');
  expect(stream.rows).toBeLessThan(live.stream.rows);
});

test('a process of another configuration in between ends it there', async () => {
  const directory = await temporaryDirectory();
  const live = start(directory);
  await live.send(HEADER + rows(0, 100));
  const checkpoint = await live.save();
  await live.send(rows(100, 100));
  await live.kill();
  const { rows: rowsOfFirst } = live.stream;
  const task = { ...config.task, window: 7 };
  const other = start(directory, {
    more: { ...config, task },
    stream: createStream(streamOptionsOf({ ...config, task })),
  });
  await other.send(HEADER + rows(0, 50));
  await other.kill();
  const stream = at(checkpoint);
  expect((await again(directory, stream)).outcome).toBe('caughtUp');
  expect(stream.rows).toBe(rowsOfFirst);
});
