// npm run bench:replay: rows a second of CPU time through decoding and learning (8-16-4), from CSV, JSON lines and
// recordings, and what recording costs. Every contestant runs in turn, several rounds; the fastest counts.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeviceEncoder, LineDecoder } from '../../dist/bridge.js';
import { Pipeline, Recorder, RecordingReader, replayLog } from '../../dist/recording.js';
import { createStream } from '../../dist/stream.js';

const ROWS = 100_000;
const ROUNDS = 5;
const features = [...'abcdefgh'];
const targets = [...'wxyz'];
const columns = [...features, ...targets].map((name) => ({ name }));
const stream = {
  columns,
  task: { kind: 'regress', features, targets },
  network: { layers: [{ kind: 'dense', units: 16, activation: 'tanh' }], optimizer: { kind: 'sgd', rate: 0.02 } },
};

const values = (i) => columns.map((_, j) => Number(Math.sin(0.1 * i + j).toFixed(3)));
const lines = Array.from({ length: ROWS }, (_, i) => `${values(i % 1000).join(',')}\n`);
const folder = mkdtempSync(join(tmpdir(), 'edgegrad-bench-'));
const path = (name) => join(folder, name);

/** CPU seconds of this process, its other threads included. */
const cpuS = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

/** The same rows as frames of a device, 20 a read. */
async function recordFrames(file) {
  const device = new DeviceEncoder({
    columns: columns.map(({ name }) => ({ name, unit: '', type: 'f32', scale: 1, offset: 0, label: false })),
  });
  const recorder = new Recorder({ destination: { file }, queueBytes: 1 << 26, flushS: 3600 });
  recorder.event({ type: 'opened', what: 'bench', isAgain: false, mayBeMidLine: false });
  let parts = [device.bytes.slice(0, device.hello())];
  for (let i = 0; i < ROWS; i++) {
    device.timeUs[0] = 1000 * i;
    parts.push(device.bytes.slice(0, device.row(values(i % 1000))));
    if (i % 20 !== 19) continue;
    const bytes = Buffer.concat(parts);
    recorder.bytes(bytes, bytes.length, 1e6 * i, 1.7e18 + 1e6 * i);
    parts = [];
  }
  await recorder.close();
  if (recorder.metrics().lostBytes > 0) throw new Error('the queue was too small');
}

/** Rows of a recording decoded into the arena, none of them learned. */
async function decodeRecording(file) {
  let rows = 0;
  const learner = createStream(stream);
  learner.accept = () => {
    rows++;
    return 0;
  };
  const pipeline = new Pipeline(learner);
  const start = cpuS();
  const reader = await RecordingReader.open([file]);
  for await (const messages of reader.chunks()) {
    while (messages.next()) {
      if (messages.topic === 'wire') pipeline.feed(messages.data, messages.start, messages.end);
    }
  }
  if (rows !== ROWS) throw new Error(`${file}: ${rows} rows`);
  return cpuS() - start;
}

async function record(file, rowsPerRead) {
  const recorder = new Recorder({ destination: { file }, queueBytes: 1 << 25, flushS: 3600 });
  recorder.event({ type: 'opened', what: 'bench', isAgain: false, mayBeMidLine: false });
  const reads = [];
  for (let i = 0; i < ROWS; i += rowsPerRead) reads.push(Buffer.from(lines.slice(i, i + rowsPerRead).join('')));
  const start = cpuS();
  reads.forEach((bytes, i) => {
    recorder.bytes(bytes, bytes.length, 1e6 * i, 1.7e18 + 1e6 * i);
  });
  await recorder.close();
  if (recorder.metrics().lostBytes > 0) throw new Error('the queue was too small');
  return cpuS() - start;
}

async function replay(file) {
  const start = cpuS();
  const { result } = await replayLog(file, { stream });
  if (result.rows !== ROWS) throw new Error(`${file}: ${result.rows} rows`);
  return cpuS() - start;
}

async function decode() {
  const decoder = new LineDecoder({
    columns: columns.map(({ name }) => name),
    required: columns.map(() => true),
    row: new Float32Array(columns.length),
    onRow() {},
  });
  const bytes = Buffer.from(lines.join(''));
  const start = cpuS();
  for (let at = 0; at < bytes.length; at += 65536) decoder.feed(bytes, at, Math.min(bytes.length, at + 65536));
  return cpuS() - start;
}

try {
  writeFileSync(path('log.csv'), `${columns.map(({ name }) => name).join(',')}\n${lines.join('')}`);
  const object = (i) => JSON.stringify(Object.fromEntries(columns.map(({ name }, j) => [name, values(i % 1000)[j]])));
  writeFileSync(path('log.ndjson'), Array.from({ length: ROWS }, (_, i) => `${object(i)}\n`).join(''));
  await record(path('single.mcap'), 1);
  await record(path('many.mcap'), 20);
  await recordFrames(path('frames.mcap'));
  const contestants = [
    ['decode CSV, no learning', decode],
    ['replay CSV', () => replay(path('log.csv'))],
    ['replay JSON lines', () => replay(path('log.ndjson'))],
    ['replay recording, 1 row a read', () => replay(path('single.mcap'))],
    ['replay recording, 20 rows a read', () => replay(path('many.mcap'))],
    ['decode recording of frames', () => decodeRecording(path('frames.mcap'))],
    ['replay recording of frames', () => replay(path('frames.mcap'))],
    ['record, 1 row a read', () => record(path('again.mcap'), 1)],
    ['record, 20 rows a read', () => record(path('again.mcap'), 20)],
  ].map(([name, run]) => ({ name, run, seconds: [] }));
  for (let round = 0; round < ROUNDS; round++) {
    for (const { run, seconds } of contestants) seconds.push(await run());
  }
  process.stdout.write(
    `${process.version} ${process.arch}, ${cpus()[0]?.model ?? 'unknown CPU'}; 12 columns, 8-16-4, best of ${ROUNDS} rounds\n`,
  );
  for (const { name, seconds } of contestants) {
    const best = Math.min(...seconds);
    const spread = [...seconds].sort((a, b) => a - b)[ROUNDS >> 1] / best - 1;
    const rate = String(Math.round(ROWS / best / 1000)).padStart(6);
    process.stdout.write(
      `${name.padEnd(34)}${rate} 000 rows/s  ${((1e6 * best) / ROWS).toFixed(2).padStart(6)} µs/row  spread ${(100 * spread).toFixed(0)} %\n`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
