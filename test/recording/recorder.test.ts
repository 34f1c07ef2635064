import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { type RecordedEvent, Recorder, type RecorderOptions, RecordingReader } from '../../src/recording/index.js';
import { SegmentFolder } from '../../src/recording/segments.js';
import { allocatedBytes } from '../support/allocations.js';
import { temporaryDirectory } from '../support/pty.js';

const BASE_NS = 1.7e18;

async function readAll(...paths: string[]) {
  const reader = await RecordingReader.open(paths);
  const events: RecordedEvent[] = [];
  const wire: Buffer[] = [];
  for await (const messages of reader.chunks()) {
    while (messages.next()) {
      if (messages.event !== null) events.push(messages.event);
      if (messages.topic === 'wire') wire.push(Buffer.from(messages.copy()));
    }
  }
  return { events, wire: Buffer.concat(wire).toString('latin1'), health: reader.health };
}

function feed(recorder: Recorder, from: number, count: number): string {
  let text = '';
  for (let i = from; i < from + count; i++) {
    const line = `${i},${(i * 7919) % 1000}\n`;
    recorder.bytes(Buffer.from(line), line.length, 1e6 * i, BASE_NS + 1e6 * i);
    text += line;
  }
  return text;
}

const needTool = (context: TestContext, tool: string, ...args: string[]) => {
  try {
    execFileSync(tool, args);
  } catch (error) {
    if (process.env.CI) throw error;
    context.skip(`${tool} ${args.join(' ')} does not work here: ${(error as Error).message.split('\n')[0]}`);
  }
};

test('recorder: files are rotated by size, named in order, and read back as one recording', async () => {
  const directory = join(await temporaryDirectory(), 'made', 'new');
  const recorder = new Recorder({
    destination: { directory, name: 'boat' },
    segmentMB: 0.05,
    chunkBytes: 4096,
    minFreeMB: 0,
  });
  recorder.event({ type: 'config', file: 'x', text: 'y', resolved: { columns: [], task: {}, network: {} } });
  let text = '';
  for (let i = 0; i < 10; i++) {
    text += feed(recorder, 500 * i, 500);
    await recorder.flush();
  }
  await recorder.close();
  const files = readdirSync(directory).sort();
  expect(files.length).toBeGreaterThan(4);
  for (const file of files) expect(file).toMatch(/^boat-\d{8}T\d{6}Z-\d{4}\.mcap$/);
  const { events, wire, health } = await readAll(directory);
  expect(wire).toBe(text);
  expect(health.every(({ isClosed, missing, damage }) => isClosed && missing === 0 && damage.length === 0)).toBe(true);
  expect(recorder.metrics()).toMatchObject({ segments: files.length, dropped: 0, lostBytes: 0, queueBytes: 0 });
  expect(recorder.metrics().bytesWritten).toBe(
    files.reduce((sum, file) => sum + statSync(join(directory, file)).size, 0),
  );
  const segments = events.filter(({ type }) => type === 'segment') as Extract<RecordedEvent, { type: 'segment' }>[];
  expect(segments.map(({ segment }) => segment)).toEqual(files.map((_, i) => i));
  expect(segments[3].standing.map(({ type }) => type)).toEqual(['config']);
  // Without one in the middle: counted, and told where.
  rmSync(join(directory, files[2]));
  const gap = await readAll(directory);
  expect(gap.health[2].missing).toBeGreaterThan(100);
  expect(gap.health.reduce((sum, { messages, missing }) => sum + messages + missing, 0)).toBe(
    health.reduce((sum, { messages }) => sum + messages, 0) - 1, // the removed file's own first event
  );
});

test('recorder: keeps to its quota by dropping its own oldest files, and says so', async () => {
  const directory = await temporaryDirectory();
  const dropped: string[] = [];
  const foreign = ['boat-2-20200101T000000Z-0000.mcap', 'boat.mcap', 'car-20200101T000000Z-0000.mcap'];
  for (const file of foreign) writeFileSync(join(directory, file), Buffer.alloc(60_000));
  writeFileSync(join(directory, 'boat-20200101T000000Z-0000.mcap'), Buffer.alloc(60_000));
  const recorder = new Recorder({
    destination: { directory, name: 'boat' },
    segmentMB: 0.03,
    quotaMB: 0.1,
    minFreeMB: 0,
    chunkBytes: 4096,
    onDropped: (file) => dropped.push(file),
  });
  for (let i = 0; i < 20; i++) {
    feed(recorder, 500 * i, 500);
    await recorder.flush();
  }
  await recorder.close();
  const files = readdirSync(directory);
  expect(files).toEqual(expect.arrayContaining(foreign));
  const own = files.filter((file) => /^boat-\d{8}T/.test(file));
  expect(own.reduce((sum, file) => sum + statSync(join(directory, file)).size, 0)).toBeLessThan(130_000);
  expect(dropped[0]).toContain('boat-20200101T000000Z-0000.mcap');
  expect(recorder.metrics().dropped).toBe(dropped.length);
  expect(dropped.length).toBeGreaterThan(5);
});

test('recorder: other limits hold while it records, without a byte lost', async () => {
  const directory = await temporaryDirectory();
  const recorder = new Recorder({ destination: { directory, name: 'boat' }, minFreeMB: 0, flushS: 1000 });
  let text = '';
  const record = async (count: number) => {
    for (let i = 0; i < count; i++) {
      text += feed(recorder, text.length, 500);
      await recorder.flush();
    }
  };
  await record(5);
  expect(recorder.metrics().segments).toBe(1);
  recorder.limit({ segmentMB: 0.02 });
  await record(10);
  const { segments, dropped } = recorder.metrics();
  expect(segments).toBeGreaterThan(5);
  expect(dropped).toBe(0);
  recorder.limit({ flushS: 0.02 });
  text += feed(recorder, text.length, 500);
  while (recorder.metrics().queueBytes > 0) await sleep(5); // nobody flushes
  const files = readdirSync(directory).sort();
  expect((await readAll(...files.map((file) => join(directory, file)))).wire).toBe(text);
  recorder.limit({ quotaMB: 0.05 });
  await record(3);
  await recorder.close();
  expect(recorder.metrics()).toMatchObject({ lostBytes: 0 });
  expect(recorder.metrics().dropped).toBeGreaterThan(3);
});

test('recorder: a new file sorts behind those that are there, also when the clock has gone back', async () => {
  const directory = await temporaryDirectory();
  const folder = new SegmentFolder(directory, 'a.b');
  const now = new Date('2026-03-04T05:06:07Z');
  expect(await folder.nextPath(now)).toBe(join(directory, 'a.b-20260304T050607Z-0000.mcap'));
  writeFileSync(join(directory, 'a.b-20270101T000000Z-0007.mcap'), '');
  expect(await folder.nextPath(now)).toBe(join(directory, 'a.b-20270101T000000Z-0008.mcap'));
  writeFileSync(join(directory, 'a.b-20270101T000000Z-9999.mcap'), '');
  expect(await folder.nextPath(now)).toBe(join(directory, 'a.b-20270101T000001Z-0000.mcap'));
});

test('recorder: events stand exactly where they came between the bytes, large ones too', async () => {
  const file = join(await temporaryDirectory(), 'x.mcap');
  const recorder = new Recorder({ destination: { file }, chunkBytes: 1024 });
  const text = 'x'.repeat(50_000);
  feed(recorder, 0, 3);
  recorder.event({
    type: 'config',
    file: 'big',
    text,
    resolved: { columns: [{ range: [-Infinity, 1] }], task: {}, network: {} },
  });
  const big = Buffer.alloc(5000, 'b');
  recorder.bytes(big, big.length, 5, BASE_NS);
  recorder.event({ type: 'gap', reason: 'request' });
  await recorder.close();
  const reader = await RecordingReader.open([file]);
  const order: string[] = [];
  for await (const messages of reader.chunks()) {
    while (messages.next()) {
      if (messages.event?.type === 'config') {
        expect(messages.event.text).toBe(text);
        expect(messages.event.resolved.columns).toEqual([{ range: [-Infinity, 1] }]);
      }
      order.push(messages.event?.type ?? `${messages.end - messages.start}`);
    }
  }
  expect(order.slice(0, 6)).toEqual(['segment', '4', '6', '6', 'config', '993']);
  expect(order.at(-1)).toBe('gap');
});

test('recorder: a disk that stands still delays nobody; what found no room is counted and said in its place', async (context) => {
  const directory = await temporaryDirectory();
  const fifo = join(directory, 'slow.mcap');
  needTool(context, 'mkfifo', fifo);
  // A named pipe is a disk that takes 64 KiB and then nothing until somebody reads.
  const held = openSync(fifo, 'r+');
  const recorder = new Recorder({ destination: { file: fifo }, chunkBytes: 4096, queueBytes: 65536, flushS: 0.02 });
  for (let i = 0; i < 40; i++) {
    feed(recorder, 300 * i, 300);
    recorder.event({ type: 'gap', reason: 'request' });
    await sleep(5);
  }
  const { lostBytes, lostReads, lostEvents, queueBytes } = recorder.metrics();
  expect(lostBytes).toBeGreaterThan(10_000);
  expect(lostReads).toBeGreaterThan(1000);
  expect(lostEvents).toBeGreaterThan(5);
  expect(queueBytes).toBeLessThanOrEqual(65536);
  const file = join(directory, 'copy.mcap');
  // The disk recovers.
  const copying = spawn('sh', ['-c', `cat "${fifo}" > "${file}"`]);
  const copied = once(copying, 'exit');
  while (recorder.metrics().queueBytes > 20_000) await sleep(5);
  const last = feed(recorder, 100_000, 10);
  await recorder.close();
  closeSync(held);
  await copied;
  const { events, wire, health } = await readAll(file);
  const overflows = events.filter(({ type }) => type === 'overflow') as Extract<RecordedEvent, { type: 'overflow' }>[];
  expect(overflows.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(lostBytes);
  expect(overflows.reduce((sum, { reads }) => sum + reads, 0)).toBe(lostReads);
  expect(overflows.reduce((sum, each) => sum + each.events, 0)).toBe(lostEvents);
  expect(wire.endsWith(last)).toBe(true);
  expect(health[0]).toMatchObject({ isClosed: true, missing: 0, damage: [] });
});

test('recorder: a flush asked for often while the disk stands still takes no room of its own', async (context) => {
  const directory = await temporaryDirectory();
  const fifo = join(directory, 'slow.mcap');
  needTool(context, 'mkfifo', fifo);
  const held = openSync(fifo, 'r+');
  const recorder = new Recorder({ destination: { file: fifo }, chunkBytes: 4096, queueBytes: 262_144 });
  const fed: string[] = [];
  for (let i = 0; i < 10; i++) {
    fed.push(feed(recorder, 500 * i, 500));
    await sleep(5);
  }
  const waiting = recorder.metrics().queueBytes;
  expect(waiting).toBeGreaterThan(4096); // the pipe takes no more
  const flushes: Promise<void>[] = [];
  for (let i = 0; i < 400; i++) {
    fed.push(feed(recorder, 10_000 + i, 1));
    flushes.push(recorder.flush());
  }
  expect(recorder.metrics().lostBytes).toBe(0);
  const file = join(directory, 'copy.mcap');
  const copying = spawn('sh', ['-c', `cat "${fifo}" > "${file}"`]);
  const copied = once(copying, 'exit');
  await Promise.all(flushes);
  expect(recorder.metrics().queueBytes).toBe(0);
  await recorder.close();
  closeSync(held);
  await copied;
  const { wire, health } = await readAll(file);
  expect(wire).toBe(fed.join(''));
  expect(health[0]).toMatchObject({ isClosed: true, missing: 0, damage: [] });
});

test('recorder: a full disk stops it without an error, and it goes on when there is room', async (context) => {
  const directory = await temporaryDirectory();
  const disk = join(directory, 'disk');
  needTool(context, 'mkdir', disk);
  needTool(context, 'mount', '-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', disk);
  onTestFinished(() => void execFileSync('umount', ['-l', disk]));
  writeFileSync(join(disk, 'ballast'), Buffer.alloc(64 * 1024));
  const said: string[] = [];
  const options: RecorderOptions = {
    destination: { directory: disk, name: 'full' },
    chunkBytes: 4096,
    queueBytes: 65536,
    minFreeMB: 0,
    flushS: 60,
    onState: (message) => said.push(message),
  };
  const recorder = new Recorder(options);
  let text = '';
  for (let i = 0; said.length === 0 && i < 100; i++) {
    text += feed(recorder, 100 * i, 100);
    await recorder.flush();
  }
  expect(said[0]).toMatch(/^cannot record: .*ENOSPC/);
  const more = feed(recorder, 50_000, 100);
  rmSync(join(disk, 'ballast'));
  await recorder.flush();
  expect(said[1]).toMatch(/^records again/);
  await recorder.close();
  expect(recorder.metrics().lostBytes).toBe(0);
  const { wire, health } = await readAll(disk);
  expect(wire).toBe(text + more);
  expect(health.flatMap(({ damage }) => damage)).toEqual([]);
});

test('recorder: where less than the minimum is free nothing is written, and nothing breaks', async () => {
  const directory = await temporaryDirectory();
  const said: string[] = [];
  const recorder = new Recorder({
    destination: { directory, name: 'x' },
    minFreeMB: 1e9,
    queueBytes: 65536,
    onState: (message) => said.push(message),
  });
  for (let i = 0; i < 50; i++) {
    feed(recorder, 0, 100);
    await recorder.flush();
  }
  await recorder.close();
  expect(said).toEqual(['cannot record: less than 1000000000 MB of the disk are free']);
  expect(readdirSync(directory)).toEqual([]);
  expect(recorder.metrics().lostBytes).toBeGreaterThan(1000);
});

test('recorder: a directory that cannot be made is said once', async () => {
  const said: string[] = [];
  const recorder = new Recorder({
    destination: { directory: '/proc/none', name: 'x' },
    onState: (message) => said.push(message),
  });
  feed(recorder, 0, 10);
  await recorder.flush();
  await recorder.flush();
  await recorder.close();
  expect(said).toHaveLength(1);
});

test('recorder: what was flushed is there while it goes on recording', async () => {
  const file = join(await temporaryDirectory(), 'live.mcap');
  const recorder = new Recorder({ destination: { file }, flushS: 60 });
  const text = feed(recorder, 0, 100);
  await recorder.flush();
  feed(recorder, 100, 5);
  const { wire, health } = await readAll(file);
  expect(wire).toBe(text);
  expect(health[0]).toMatchObject({ isClosed: false, damage: [], missing: 0 });
  await recorder.close();
});

test('recorder: a read allocates nothing', async () => {
  const file = join(await temporaryDirectory(), 'alloc.mcap');
  const recorder = new Recorder({ destination: { file }, queueBytes: 1 << 26, flushS: 600 });
  const bytes = Buffer.from('12.5,13.25,-7.125,1000,0.5\n');
  const times = new Float64Array([1e9, BASE_NS]);
  const loop = (count: number) => {
    for (let i = 0; i < count; i++) recorder.bytes(bytes, bytes.length, times[0], times[1]);
  };
  loop(30_000);
  const { total, report } = await allocatedBytes(
    new Session(),
    /src\/recording\/(recorder|mcap\/chunk|mcap\/format)\.ts/,
    () => loop(100_000),
  );
  expect(total / 100_000, report).toBeLessThan(1);
  await recorder.close();
  expect(readFileSync(file).length).toBeGreaterThan(130_000 * bytes.length);
});
