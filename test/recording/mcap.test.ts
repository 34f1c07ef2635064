import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { McapIndexedReader, McapStreamReader } from '@mcap/core';
import { expect, test } from 'vitest';
import { Recorder, RecordingReader } from '../../src/recording/index.js';
import { temporaryDirectory } from '../support/pty.js';

const line = (i: number) => `${i},${(i * 37) % 101},${((i * 17) % 1000) / 10}\n`;

/** A recording in one file: `reads` of a few lines each, and some events between them. */
async function record(file: string, reads: number, chunkBytes = 4096): Promise<void> {
  const recorder = new Recorder({ destination: { file }, chunkBytes, queueBytes: 1 << 22 });
  recorder.event({ type: 'opened', what: '/dev/ttyX', isAgain: false, mayBeMidLine: false }, 1, 1.7e18);
  for (let i = 0; i < reads; i++) {
    const bytes = Buffer.from(line(3 * i) + line(3 * i + 1) + line(3 * i + 2));
    recorder.bytes(bytes, bytes.length, 1000 * i, 1.7e18 + 1000 * i);
    if (i % 50 === 49) recorder.event({ type: 'gap', reason: 'request' }, 1000 * i, 1.7e18 + 1000 * i);
  }
  await recorder.close();
}

/** What a reader finds: one text a message, with its number. */
async function readAll(file: string) {
  const reader = await RecordingReader.open([file]);
  const messages = new Map<number, string>();
  let segments = 0;
  for await (const cursor of reader.chunks()) {
    while (cursor.next()) {
      if (cursor.event?.type === 'segment') segments++;
      else messages.set(cursor.sequence, `${cursor.topic} ${Buffer.from(cursor.copy()).toString('latin1')}`);
    }
  }
  return { messages, segments, health: reader.health[0] };
}

/** Messages that are not as they were. */
const strangers = (found: Map<number, string>, whole: Map<number, string>) =>
  [...found].filter(([sequence, text]) => whole.get(sequence) !== text);

test('recording: the indexed reader of @mcap/core opens it and finds every message', async () => {
  const file = join(await temporaryDirectory(), 'whole.mcap');
  await record(file, 500);
  const handle = await open(file, 'r');
  try {
    const reader = await McapIndexedReader.Initialize({
      readable: {
        size: async () => BigInt(statSync(file).size),
        read: async (offset, length) => {
          const buffer = new Uint8Array(Number(length));
          await handle.read(buffer, 0, buffer.length, Number(offset));
          return buffer;
        },
      },
    });
    expect([...reader.channelsById.values()].map(({ topic }) => topic)).toEqual(['wire', 'events']);
    expect(reader.statistics?.messageCount).toBe(512n);
    const wire: string[] = [];
    let last = -1n;
    for await (const message of reader.readMessages({ topics: ['wire'] })) {
      expect(message.logTime > last).toBe(true);
      last = message.logTime;
      wire.push(Buffer.from(message.data).toString());
    }
    expect(wire.join('')).toBe(Array.from({ length: 1500 }, (_, i) => line(i)).join(''));
    const events: { type: string }[] = [];
    for await (const message of reader.readMessages({ topics: ['events'] })) {
      events.push(JSON.parse(Buffer.from(message.data).toString()));
    }
    expect(events.filter(({ type }) => type === 'gap')).toHaveLength(10);
    expect(events.map(({ type }) => type)).toContain('segment');
  } finally {
    await handle.close();
  }
});

test('recording: our reader gives back every byte and event in the order they came', async () => {
  const file = join(await temporaryDirectory(), 'whole.mcap');
  await record(file, 500);
  const { messages, health, segments } = await readAll(file);
  expect([...messages.keys()]).toEqual(Array.from({ length: 511 }, (_, i) => i));
  expect([...messages.values()].map((text) => text.split(' ')[0]).slice(49, 53)).toEqual([
    'wire',
    'wire',
    'events',
    'wire',
  ]);
  expect(health).toMatchObject({ isClosed: true, missing: 0, damage: [], messages: 512, events: 12 });
  expect(segments).toBe(1);
});

test('recording: one that is cut is read by the stream reader of @mcap/core up to the last whole chunk', async () => {
  const file = join(await temporaryDirectory(), 'cut.mcap');
  await record(file, 500);
  const bytes = readFileSync(file);
  const stream = new McapStreamReader();
  stream.append(bytes.subarray(0, Math.floor(bytes.length / 2)));
  let wire = 0;
  for (let each = stream.nextRecord(); each !== undefined; each = stream.nextRecord()) {
    if (each.type === 'Message' && each.channelId === 1) wire++;
  }
  expect(wire).toBeGreaterThan(150);
});

/** The file ranges of the chunks with messages, and the numbers of those. */
async function chunksOf(file: string): Promise<{ from: number; to: number; sequences: number[] }[]> {
  const bytes = readFileSync(file);
  const chunks: { from: number; to: number; sequences: number[] }[] = [];
  for (let at = 8; at < bytes.length - 8; ) {
    const end = at + 9 + Number(bytes.readBigUInt64LE(at + 1));
    if (bytes[at] === 0x06) {
      const sequences: number[] = [];
      for (let p = at + 49; p < end; p += 9 + Number(bytes.readBigUInt64LE(p + 1))) {
        if (bytes[p] === 0x05) sequences.push(bytes.readUInt32LE(p + 11));
      }
      chunks.push({ from: at, to: end, sequences });
    }
    at = end;
  }
  return chunks;
}

test('recording: cut at any of 1,000 places, everything before the cut is there, and nothing else', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory, 'whole.mcap');
  await record(file, 500);
  const bytes = readFileSync(file);
  const whole = (await readAll(file)).messages;
  const [, ...chunks] = await chunksOf(file);
  const cut = join(directory, 'cut.mcap');
  for (let i = 0; i < 1000; i++) {
    const size = Math.floor((i * bytes.length) / 1000);
    writeFileSync(cut, bytes.subarray(0, size));
    const { messages, health } = await readAll(cut);
    const intact = chunks.filter(({ to }) => to <= size).flatMap(({ sequences }) => sequences);
    expect([...messages.keys()], `cut at ${size}`).toEqual(intact);
    expect(strangers(messages, whole)).toEqual([]);
    expect(health).toMatchObject({ isClosed: false, missing: 0, bytes: size });
    expect(health.damage.length).toBeLessThanOrEqual(1);
    for (const { to } of health.damage) expect(to).toBe(size);
  }
});

test('recording: with a byte changed at any of 1,000 places, at most its chunk is lost, and named', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory, 'whole.mcap');
  await record(file, 500);
  const bytes = readFileSync(file);
  const whole = (await readAll(file)).messages;
  const chunks = await chunksOf(file);
  const all = [...whole.keys()];
  const random = new Uint32Array(1).fill(7);
  const draw = (n: number) => {
    random[0] = Math.imul(random[0], 1664525) + 1013904223;
    return (random[0] >>> 8) % n;
  };
  const changed = join(directory, 'changed.mcap');
  for (let i = 0; i < 1000; i++) {
    const place = Math.floor((i * bytes.length) / 1000);
    const damaged = Buffer.from(bytes);
    damaged[place] ^= i % 2 === 0 ? 1 << draw(8) : 1 + draw(255);
    writeFileSync(changed, damaged);
    const { messages, segments, health } = await readAll(changed);
    const hit = chunks.findIndex(({ from, to }) => place >= from && place < to);
    const what = `byte ${place}, chunk ${hit}`;
    expect(strangers(messages, whole), what).toEqual([]);
    const others = all.filter((sequence) => hit <= 0 || !chunks[hit].sequences.includes(sequence));
    const isWhole = messages.size === all.length && segments === 1;
    if (!isWhole) {
      expect([...messages.keys()], what).toEqual(others);
      expect(health.missing, what).toBe(hit === 0 ? 1 : chunks[hit].sequences.length);
      const { from, to } = health.damage[0];
      expect(from <= place && place < to, what).toBe(true);
    } else {
      expect(health.missing, what).toBe(0);
    }
    // Every change is noticed, also where nothing is lost by it.
    expect(health.damage.length > 0 || !health.isClosed, what).toBe(true);
  }
});

test('recording: damage of megabytes, whatever byte it is made of, is one damaged place', async () => {
  const directory = await temporaryDirectory();
  const whole = join(directory, 'whole.mcap');
  await record(whole, 500);
  const bytes = readFileSync(whole);
  const { messages } = await readAll(whole);
  for (const byte of [0x00, 0x01, 0x06, 0x0f, 0xff]) {
    const hurt = Buffer.alloc(700_000, byte);
    const only = join(directory, 'only.mcap');
    writeFileSync(only, Buffer.concat([bytes.subarray(0, 8), hurt]));
    const found = await readAll(only);
    expect([found.messages.size, found.health.damage.length], `only ${byte}`).toEqual([0, 1]);
    // In the middle: what lies before and behind is there.
    const middle = join(directory, 'middle.mcap');
    writeFileSync(middle, Buffer.concat([bytes.subarray(0, 9000), hurt, bytes.subarray(9000)]));
    const rest = await readAll(middle);
    expect(strangers(rest.messages, messages), `middle ${byte}`).toEqual([]);
    expect(rest.messages.has(0) || rest.messages.has(1), `before ${byte}`).toBe(true);
    expect(rest.messages.has(Math.max(...messages.keys())), `behind ${byte}`).toBe(true);
  }
});
