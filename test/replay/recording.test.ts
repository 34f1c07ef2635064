import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { demoConfigPath, loadConfig } from '../../src/daemon/index.js';
import {
  Pipeline,
  RecordedSession,
  Recorder,
  type ReplayOptions,
  replayLog,
  streamOptionsOf,
} from '../../src/recording/index.js';
import { createStream, QUARANTINED, restoreStream, type Stream, saveStream } from '../../src/stream/index.js';
import { temporaryDirectory } from '../support/pty.js';
import { SHIPPED_HASH } from '../support/shipped-log.js';

const config = loadConfig(demoConfigPath());
const text = readFileSync(config.file, 'utf8');
const log = readFileSync(join(config.file, '../sailing_wind.csv'));
const options = { ...streamOptionsOf(config), columns: config.columns, task: config.task };
/** The same, whose labels come from outside. */
const unlabelled = { ...config, task: { ...config.task, labelWait: 8 } };
const unlabelledLog = Buffer.from(log.toString().replace(/^(\d.*),[^,]*,[^,]*$/gm, '$1,,'));

/** A process as the daemon is one, on a device that sends what it is told. */
class Process {
  readonly stream: Stream;
  readonly recorder: Recorder;
  readonly session: RecordedSession;
  private isAgain = false;

  constructor(
    directory: string,
    checkpoint?: Uint8Array,
    private readonly played = { config, log },
  ) {
    const { config } = played;
    this.stream = createStream(streamOptionsOf(config));
    if (checkpoint !== undefined) restoreStream(this.stream, checkpoint);
    this.recorder = new Recorder({ destination: { directory, name: 'boat' }, minFreeMB: 0, chunkBytes: 4096 });
    this.session = new RecordedSession(this.recorder, new Pipeline(this.stream), {
      config: { file: config.file, text, resolved: config },
      edgegrad: '0',
      fresh: checkpoint === undefined,
    });
    if (checkpoint !== undefined) this.session.gap('restart');
    this.open(false);
  }

  open(mayBeMidLine: boolean): void {
    this.session.opened('/dev/ttyX', { isAgain: this.isAgain, mayBeMidLine });
    this.isAgain = true;
  }

  send(from: number, to: number, step = 777): void {
    for (let at = from; at < to; at += step) {
      const bytes = this.played.log.subarray(at, Math.min(to, at + step));
      this.session.bytes(bytes, bytes.length);
    }
  }

  async save(): Promise<Uint8Array> {
    const bytes = saveStream(this.stream);
    await this.session.checkpoint('saved', 'x.safetensors');
    return bytes;
  }

  /** As SIGKILL does it, with what was flushed before. */
  async kill(): Promise<void> {
    await this.recorder.flush();
  }
}

const replay = (path: string | string[], more: ReplayOptions = {}) => replayLog(path, more);

test('a recording comes to every state of the process that made it: unplugged, gaps, checkpoints', async () => {
  const directory = await temporaryDirectory();
  const live = new Process(directory);
  live.send(0, 50_000);
  await live.save();
  live.session.closed('unplugged');
  live.open(true);
  live.send(60_007, 100_000);
  live.session.gap('request');
  await live.save();
  live.send(100_000, 150_000, 31);
  await live.session.end('stop', false);
  for (const executor of ['simd', 'reference'] as const) {
    const { result } = await replay(directory, { executor });
    expect(result.hash).toBe(live.stream.hash());
    expect(result.report).toEqual(live.stream.report());
    expect(result.recording?.comparison).toEqual({ compared: 4, equal: 4, notCompared: 0, notes: [] });
  }
});

test('pauses of learning are made again, at their places among the rows', async () => {
  const directory = await temporaryDirectory();
  const live = new Process(directory);
  live.send(0, 30_000);
  live.session.setLearning(false);
  const before = live.stream.report();
  const weights = live.stream.learner.hash();
  live.send(30_000, 50_000);
  expect(live.stream.learner.hash()).toBe(weights);
  expect(live.stream.report()).toMatchObject({ learned: before.learned });
  expect(live.stream.report().scored).toBeGreaterThan(before.scored);
  await live.save();
  live.session.setLearning(true);
  live.send(50_000, 60_000);
  await live.session.end('stop', false);
  for (const executor of ['simd', 'reference'] as const) {
    const { result } = await replay(directory, { executor });
    expect(result.hash).toBe(live.stream.hash());
    expect(result.report).toEqual(live.stream.report());
  }
});

test('labels from outside are learned again, at their places among the rows', async () => {
  const directory = await temporaryDirectory();
  const live = new Process(directory, undefined, { config: unlabelled, log: unlabelledLog });
  for (let at = 0; at < 100_000; at += 1000) {
    live.send(at, at + 1000);
    live.session.label([at / 10_000, -4], 2);
  }
  expect(live.session.label([3, Number.NaN], 0)).toBe(QUARANTINED);
  await live.session.end('stop', false);
  const report = live.stream.report();
  expect(report).toMatchObject({ labels: 101, badLabels: 1 });
  expect(report.learned).toBeGreaterThan(90);
  for (const executor of ['simd', 'reference'] as const) {
    const { result } = await replay(directory, { executor });
    expect(result.hash).toBe(live.stream.hash());
    expect(result.report).toEqual(report);
  }
});

test('a stream that was paused is paused when it goes on from its checkpoint', () => {
  const stream = createStream(options);
  stream.setLearning(false);
  const other = createStream(options);
  restoreStream(other, saveStream(stream));
  expect(other.isLearning).toBe(false);
});

test('a process that goes on from its checkpoint is followed, rows lost by a kill included', async () => {
  const directory = await temporaryDirectory();
  const first = new Process(directory);
  first.send(0, 40_000);
  const older = await first.save();
  first.send(40_000, 60_000);
  await first.save();
  first.send(60_000, 80_000); // learned, never saved
  await first.kill();
  // The newest checkpoint did not survive.
  const second = new Process(directory, older);
  second.send(90_000, 120_000);
  const last = await second.save();
  await second.session.end('stop', false);
  const third = new Process(directory, last);
  third.send(0, 30_000);
  await third.session.end('stop', false);
  const fourth = new Process(directory);
  fourth.send(0, log.length);
  await fourth.session.end('end of log', true);
  const { result } = await replay(directory);
  expect(result.recording?.comparison).toEqual({ compared: 10, equal: 10, notCompared: 0, notes: [] });
  expect(result.hash).toBe(SHIPPED_HASH); // of the shipped log, from its start to its end
  await third.recorder.close();
});

test('a state that differs is found, with its time and rows', async () => {
  const directory = await temporaryDirectory();
  const live = new Process(directory);
  live.send(0, 50_000);
  live.stream.gap('request'); // something happened that the recording does not tell
  live.send(50_000, 60_000);
  await live.save();
  await live.session.end('stop', false);
  const { comparison } = (await replay(directory)).result.recording!;
  expect(comparison).toMatchObject({ compared: 3, equal: 1, firstDifference: { at: 'checkpoint' } });
  expect(comparison.firstDifference?.recorded.rows).toBe(live.stream.rows);
  expect(comparison.firstDifference?.recorded.hash).not.toBe(comparison.firstDifference?.replayed.hash);
});

test('a recording that begins from a checkpoint is followed once that is given, from wherever it was taken', async () => {
  const directory = await temporaryDirectory();
  const before = createStream(options);
  new Pipeline(before).bytes(log, 40_000);
  const live = new Process(directory, saveStream(before));
  live.send(40_000, 80_000);
  const middle = await live.save();
  live.send(80_000, 120_000);
  await live.session.end('stop', false);
  const without = (await replay(directory)).result.recording!.comparison;
  expect(without).toMatchObject({ compared: 0, notCompared: 3 });
  expect(without.notes[0]).toMatch(/went on from row \d+, hash \w{16}: a checkpoint that is not in the recording/);
  const begin = await replay(directory, { checkpoint: { bytes: saveStream(before), name: 'begin' } });
  expect(begin.result.recording?.comparison).toMatchObject({ compared: 3, equal: 3, notCompared: 0 });
  const later = await replay(directory, { checkpoint: { bytes: middle, name: 'middle' } });
  expect(later.result.recording?.comparison).toMatchObject({ compared: 2, equal: 2, notCompared: 1 });
  expect(later.result.hash).toBe(live.stream.hash());
});

test('after damage nothing is compared that cannot be, and the rest is learned all the same', async () => {
  const directory = await temporaryDirectory();
  const live = new Process(directory);
  live.send(0, 50_000);
  await live.save();
  live.send(50_000, 100_000);
  await live.save();
  await live.session.end('stop', false);
  const { files: health } = (await replay(directory)).result.recording!;
  const { file } = health[0];
  const bytes = readFileSync(file);
  bytes[Math.floor(0.75 * bytes.length)] ^= 0x10;
  writeFileSync(file, bytes);
  const { result } = await replay(directory);
  const { comparison, files } = result.recording!;
  expect(comparison).toMatchObject({ compared: 2, equal: 2, notCompared: 2 });
  expect(comparison.notes[0]).toMatch(/messages before at .* are missing/);
  expect(files[0].missing).toBeGreaterThan(0);
  expect(files[0].damage).toHaveLength(1);
  expect(result.rows).toBeGreaterThan(1200);
});

test('any cuts, pulls, gaps, saves and restarts: the replay comes to every recorded state', async () => {
  const step = fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('send'),
        bytes: fc.integer({ min: 1, max: 20_000 }),
        step: fc.integer({ min: 1, max: 3000 }),
      }),
    },
    fc.record({ do: fc.constantFrom('unplug', 'gap', 'save', 'restart', 'kill', 'fresh') }),
  );
  const property = fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
    const directory = await temporaryDirectory();
    let live = new Process(directory);
    let saved: Uint8Array | undefined;
    let position = 0;
    let states = 1;
    for (const each of steps) {
      if (each.do === 'send') {
        const { bytes, step } = each as { bytes: number; step: number };
        live.send(position, Math.min(log.length, position + bytes), step);
        position = (position + bytes) % log.length;
      } else if (each.do === 'unplug') {
        live.session.closed('unplugged');
        live.open(true);
      } else if (each.do === 'gap') live.session.gap('request');
      else if (each.do === 'save') {
        saved = await live.save();
        states++;
      } else {
        if (each.do === 'restart') {
          saved = await live.save();
          await live.session.end('stop', false);
          states += 2;
        } else await live.kill();
        live = new Process(directory, each.do === 'fresh' ? undefined : saved);
        states++;
      }
    }
    await live.session.end('stop', false);
    states++;
    const outcome = await replay(directory).catch((error: { code?: string }) => error.code);
    if (outcome === 'REPLAY_NO_ROWS') return;
    const { result } = outcome as Awaited<ReturnType<typeof replay>>;
    expect(result.recording?.comparison).toEqual({ compared: states, equal: states, notCompared: 0, notes: [] });
    expect(result.report).toEqual(live.stream.report());
  });
  await fc.assert(property, { numRuns: 30 });
});
