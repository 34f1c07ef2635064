import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { cobsDecode, cobsEncode } from '../../src/bridge/cobs.js';
import { type DeviceColumn, DeviceEncoder, HostEncoder } from '../../src/bridge/index.js';
import { decodeFrames, type FrameEvent, feedChunks, listenToFrames } from '../support/frames.js';

interface Frame {
  name: string;
  direction: 'device' | 'host';
  bytes: string;
  body: string;
  header: { type: number; flags: number; seq: number; tUs: number; schema: number };
  message: string;
  given: { schema: string; boot: number; rows: number };
  // biome-ignore lint/suspicious/noExplicitAny: the meaning differs from message to message
  [key: string]: any;
}

interface Vectors {
  schemas: { name: string; hash: number; columns: DeviceColumn[] }[];
  frames: Frame[];
  rejects: { name: string; direction: string; reason: string; schema: string | null; bytes: string }[];
  sequences: { name: string; bytes: string; events: FrameEvent[]; text: string }[];
  cobs: { name: string; body: string; bytes: string }[];
}

const file = new URL('../../firmware-bridge/protocol/vectors/binary.json', import.meta.url);
const vectors: Vectors = JSON.parse(readFileSync(file, 'utf8'));

const fromHex = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
const toHex = (bytes: Uint8Array, end: number) => Buffer.from(bytes.subarray(0, end)).toString('hex');
const schemaOf = (name: string) => {
  const schema = vectors.schemas.find((each) => each.name === name);
  if (schema === undefined) throw new Error(`no schema "${name}"`);
  return schema;
};

/** Columns for a receiver that wants everything this schema has. */
const wanting = (columns: readonly DeviceColumn[]) => ({
  columns: columns.filter(({ label }) => !label).map(({ name }) => name),
  labelNames: columns.filter(({ label }) => label).map(({ name }) => name),
});

/** The bytes that make a receiver know a schema. */
function introduction(columns: readonly DeviceColumn[], boot: number, rows: number): Uint8Array {
  const device = new DeviceEncoder({ columns, boot });
  device.nextRow[0] = rows;
  return device.bytes.slice(0, device.hello());
}

describe('byte stuffing', () => {
  test.each(vectors.cobs)('$name', ({ body, bytes }) => {
    const out = new Uint8Array(300);
    const plain = fromHex(body);
    const stuffed = fromHex(bytes);
    const n = cobsEncode(plain, 0, plain.length, out, 0);
    out[n] = 0;
    expect(toHex(out, n + 1)).toBe(bytes);
    expect(cobsDecode(stuffed, 0, stuffed.length - 1, out, 0)).toBe(plain.length);
    expect(toHex(out, plain.length)).toBe(body);
  });
});

describe('a schema', () => {
  test.each(vectors.schemas)('$name has its hash', ({ columns, hash }) => {
    expect(new DeviceEncoder({ columns }).hash).toBe(hash);
  });
});

/** Writes the frame a vector means; the number of bytes, those before it left out. */
function encodeDevice(frame: Frame): { device: DeviceEncoder; length: number } {
  const { columns } = schemaOf(frame.given.schema);
  const { firmware, periodUs } = frame;
  const device = new DeviceEncoder({ columns, boot: frame.given.boot, firmware, periodUs });
  device.nextRow[0] = frame.given.rows;
  device.timeUs[0] = frame.header.tUs;
  const raw = fromHex(frame.raw ?? '');
  const mask = () => {
    const bits = new Uint8Array((columns.filter(({ label }) => !label).length + 7) >> 3);
    for (const i of frame.missing) bits[i >> 3] |= 1 << (i & 7);
    return bits;
  };
  const write: Record<string, () => number> = {
    HELLO: () => device.helloPart(frame.first, frame.here),
    ROW: () => device.rawRow(raw, frame.missing === null ? null : mask()),
    ROW_BATCH: () => device.rawBatch(frame.stepUs, frame.count, raw),
    LABEL: () => device.rawLabel(frame.row, raw),
    LOG: () => device.log(frame.level, frame.text),
    STATS: () => device.stats(frame as unknown as Parameters<DeviceEncoder['stats']>[0]),
    PONG: () => device.pong(frame.token, frame.rxUs),
  };
  return { device, length: write[frame.message]() };
}

/**
 * Frames whose values come back as they are: what a mask hides has no value to write, a bool of 2 is a bool of 1, and values are
 * rounded to float32, so that integers of more bits than that cannot come back.
 */
const hasExactValues = ({ message, name, missing, values }: (typeof vectors.frames)[number]): boolean =>
  ['ROW', 'ROW_BATCH', 'LABEL'].includes(message) &&
  !missing?.length &&
  !/bool other|mask/.test(name) &&
  values.flat().every((x: number | null) => !(Math.abs(x ?? 0) > 2 ** 24));

describe('a frame of the device', () => {
  const frames = vectors.frames.filter(({ direction }) => direction === 'device');

  test.each(frames)('$name: is written as it should be', (frame) => {
    const { device, length } = encodeDevice(frame);
    const start = frame.message === 'HELLO' ? 1 : 0;
    expect(toHex(device.bytes.subarray(start), length - start)).toBe(frame.bytes);
  });

  test.each(frames.filter(hasExactValues))('$name: values are written as the raw numbers they come from', (frame) => {
    const { columns } = schemaOf(frame.given.schema);
    const device = new DeviceEncoder({ columns, boot: frame.given.boot });
    device.nextRow[0] = frame.given.rows;
    device.timeUs[0] = frame.header.tUs;
    const values = frame.values.flat().map((x: number | null) => x ?? Number.NaN);
    const length =
      frame.message === 'ROW'
        ? device.row(values)
        : frame.message === 'LABEL'
          ? device.label(frame.row, values)
          : device.batch(frame.stepUs, values);
    const again = decodeFrames(
      wanting(columns),
      new Uint8Array([...introduction(columns, frame.given.boot, frame.given.rows), ...device.bytes.slice(0, length)]),
    );
    expect(again.events.filter(({ event }) => event === 'row' || event === 'label').map(({ values: v }) => v)).toEqual(
      frame.values,
    );
  });

  test.each(frames)('$name: is read as it is meant', (frame) => {
    const { columns } = schemaOf(frame.given.schema);
    const { decoder, heard } = listenToFrames(wanting(columns));
    const start = introduction(columns, frame.given.boot, frame.given.rows);
    decoder.feed(start, 0, start.length);
    const before = heard().events.length;
    const bytes = fromHex(frame.bytes);
    decoder.feed(bytes, 0, bytes.length);
    const events = heard().events.slice(before);
    const { message } = frame;
    if (message === 'ROW' || message === 'ROW_BATCH') {
      expect(events.map(({ event }) => event)).toEqual(frame.values.map(() => 'row'));
      expect(events.map(({ values }) => values)).toEqual(frame.values);
      expect(events.map(({ row }) => row)).toEqual(
        frame.values.map((_: unknown, i: number) => (frame.given.rows + i) % 2 ** 32),
      );
    } else {
      expect(events).toHaveLength(1);
      const [event] = events;
      expect(event.event).toBe(message.toLowerCase());
      for (const key of [
        'bootId',
        'nextRow',
        'periodUs',
        'level',
        'text',
        'droppedRows',
        'freeRam',
        'rxBad',
        'token',
      ]) {
        if (key in frame) expect(event[key]).toBe(frame[key]);
      }
      if (message === 'LABEL') expect(event).toEqual({ event: 'label', row: frame.row, values: frame.values[0] });
      if (message === 'HELLO') expect(decoder.hello?.firmware).toBe(frame.firmware);
      if (message === 'PONG') {
        expect((event.tUs as number) - (event.rxUs as number)).toBe((frame.header.tUs - frame.rxUs) >>> 0);
      }
    }
  });

  test.each(frames)('$name: no flipped bit gets through', (frame) => {
    const { columns } = schemaOf(frame.given.schema);
    const { decoder, heard } = listenToFrames(wanting(columns));
    const start = introduction(columns, frame.given.boot, frame.given.rows);
    decoder.feed(start, 0, start.length);
    const { rxFrames } = heard().counters;
    const bytes = fromHex(frame.bytes);
    for (let bit = 0; bit < 8 * bytes.length; bit++) {
      bytes[bit >> 3] ^= 1 << (bit & 7);
      decoder.feed(bytes, 0, bytes.length);
      decoder.feed(new Uint8Array(1), 0, 1);
      bytes[bit >> 3] ^= 1 << (bit & 7);
    }
    expect(heard().counters.rxFrames).toBe(rxFrames);
    decoder.feed(bytes, 0, bytes.length);
    expect(heard().counters.rxFrames).toBe(rxFrames + 1);
  });
});

describe('a frame of the host', () => {
  test.each(vectors.frames.filter(({ direction }) => direction === 'host'))('$name', (frame) => {
    const host = new HostEncoder();
    for (let seq = 0; seq < frame.header.seq; seq++) host.helloRequest();
    host.timeUs[0] = frame.header.tUs;
    host.score[0] = frame.score ?? Number.NaN;
    const values = Float32Array.from(frame.values ?? [], (x: number | null) => x ?? Number.NaN);
    const write: Record<string, () => number> = {
      HELLO_REQ: () => host.helloRequest(),
      RATE: () => host.rate(frame.periodUs),
      PING: () => host.ping(frame.token),
      OUTPUT: () => host.output(frame.row, values, frame.warmingUp, frame.alarm),
      LABEL_ACK: () => host.labelAck(frame.row),
    };
    const length = write[frame.message]();
    expect(toHex(host.bytes, length)).toBe(`00${frame.bytes}`);
  });
});

describe('bytes that are no frame', () => {
  test.each(vectors.rejects.filter(({ direction }) => direction === 'device'))('$name: $reason', (vector) => {
    const columns = vector.schema === null ? [] : schemaOf(vector.schema).columns;
    const { decoder, heard } = listenToFrames(columns.length > 0 ? wanting(columns) : { columns: ['x'] });
    if (columns.length > 0) {
      const start = introduction(columns, 0x5a3c19e7, 0);
      decoder.feed(start, 0, start.length);
    }
    const before = heard().events.length;
    const bytes = fromHex(vector.bytes);
    feedChunks(decoder, bytes, [17]);
    expect(heard().events.slice(before)).toEqual([{ event: 'reject', reason: vector.reason }]);
  });
});

describe('a stream', () => {
  const every = vectors.schemas.flatMap(({ columns }) => columns);
  const named = (label: boolean) => [...new Set(every.filter((c) => c.label === label).map(({ name }) => name))];

  test.each(vectors.sequences)('$name', ({ bytes, events, text }) => {
    for (const chunk of [1 << 20, 1, 7, 64]) {
      const heard = decodeFrames(
        { columns: named(false), required: named(false).map(() => false), labelNames: named(true) },
        fromHex(bytes),
        [chunk],
      );
      expect(heard.text).toBe(text);
      // A receiver of all schemas at once has NaN for the columns of the others.
      const present = (values: unknown) => (values as (number | null)[]).filter((x) => x !== null);
      const bare = (list: FrameEvent[]) =>
        list.map((event) => ('values' in event ? { ...event, values: present(event.values) } : event));
      expect(bare(heard.events)).toEqual(bare(events));
    }
  });
});
