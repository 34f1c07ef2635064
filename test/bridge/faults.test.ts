// @slow damage of every kind, at many places of a log

import { expect, test } from 'vitest';
import { DeviceEncoder, FrameDecoder } from '../../src/bridge/index.js';

const ROWS = 200_000;
/** This many bytes at the start are spared: the decoder knows the device before the damage begins. */
const SPARED = 200;

/** A seeded generator of uniform numbers (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const columns = ['a', 'b', 'c'].map((name, i) => ({
  name,
  unit: '',
  type: (['f32', 'i16', 'u8'] as const)[i],
  scale: 1,
  offset: 0,
  label: false,
}));

/** What row `n` holds, so that a row delivered can be checked by its number alone. */
const valuesOf = (n: number) => [Math.fround(Math.sin(n)), ((n * 7919) % 65536) - 32768, n % 256];

/** A device's stream: rows, batches, logs, a HELLO and STATS now and then; where each frame lies and its rows. */
function makeStream() {
  const device = new DeviceEncoder({ columns, boot: 5 });
  const bytes = new Uint8Array(ROWS * 40);
  const starts: number[] = [];
  const ends: number[] = [];
  const firstRow: number[] = [];
  const rowCount: number[] = [];
  let length = 0;
  const send = (n: number, rows: number) => {
    // The 0x00 before a HELLO is not part of its frame.
    const lead = device.bytes[0] === 0 ? 1 : 0;
    bytes.set(device.bytes.subarray(0, n), length);
    starts.push(length + lead);
    length += n;
    ends.push(length);
    firstRow.push(device.nextRow[0] - rows);
    rowCount.push(rows);
  };
  send(device.hello(), 0);
  for (let i = 0; device.nextRow[0] < ROWS; i++) {
    const n = device.nextRow[0];
    device.timeUs[0] = n * 1000;
    if (i % 500 === 499) send(device.hello(), 0);
    else if (i % 200 === 199)
      send(device.stats({ droppedRows: 0, droppedFrames: 0, rxFrames: 0, rxBad: 0, freeRam: 9 }), 0);
    else if (i % 50 === 49) send(device.log(2, `at ${n}`), 0);
    else if (i % 10 === 9)
      send(
        device.batch(
          1000,
          [0, 1, 2, 3].flatMap((k) => valuesOf(n + k)),
        ),
        4,
      );
    else send(device.row(valuesOf(n)), 1);
  }
  return { bytes: bytes.subarray(0, length), starts, ends, firstRow, rowCount };
}

const stream = makeStream();

/** A stream after damage: its bytes, and for each the place it had before, −1 where it was changed or put in. */
interface Damaged {
  bytes: Uint8Array;
  from: Int32Array;
  length: number;
}

const blank = (): Damaged => ({
  bytes: new Uint8Array(2 * stream.bytes.length),
  from: new Int32Array(2 * stream.bytes.length),
  length: 0,
});

function put(out: Damaged, byte: number, from: number): void {
  out.bytes[out.length] = byte;
  out.from[out.length++] = from;
}

const faults: Record<string, (next: () => number) => Damaged> = {
  'single bits flipped': (next) => {
    const out = blank();
    for (let i = 0; i < stream.bytes.length; i++) {
      const isHit = i >= SPARED && next() < 0.002;
      put(out, isHit ? stream.bytes[i] ^ (1 << Math.floor(8 * next())) : stream.bytes[i], isHit ? -1 : i);
    }
    return out;
  },
  'bytes dropped': (next) => {
    const out = blank();
    for (let i = 0; i < stream.bytes.length; i++) if (i < SPARED || next() >= 0.002) put(out, stream.bytes[i], i);
    return out;
  },
  'bursts of noise': (next) => {
    const out = blank();
    let left = 0;
    for (let i = 0; i < stream.bytes.length; i++) {
      if (i >= SPARED && left === 0 && next() < 0.0005) left = 1 + Math.floor(100 * next());
      if (left > 0) {
        put(out, Math.floor(256 * next()), -1);
        left--;
      } else put(out, stream.bytes[i], i);
    }
    return out;
  },
  'cuts of 64 bytes': (next) => {
    const out = blank();
    for (let i = 0; i < stream.bytes.length; i += 64) {
      if (i >= SPARED && next() < 0.02) continue;
      for (let j = i; j < Math.min(i + 64, stream.bytes.length); j++) put(out, stream.bytes[j], j);
    }
    return out;
  },
  'chunks of 64 bytes twice': (next) => {
    const out = blank();
    for (let i = 0; i < stream.bytes.length; i += 64) {
      for (let again = i >= SPARED && next() < 0.02 ? 2 : 1; again > 0; again--) {
        for (let j = i; j < Math.min(i + 64, stream.bytes.length); j++) put(out, stream.bytes[j], j);
      }
    }
    return out;
  },
  nothing: () => {
    const out = blank();
    for (let i = 0; i < stream.bytes.length; i++) put(out, stream.bytes[i], i);
    return out;
  },
};

/** Frames that came whole: all their bytes in a row behind a 0x00. [frames]: whether it did. */
function wholeFrames({ bytes, from, length }: Damaged): Uint8Array {
  const startAt = new Map(stream.starts.map((start, frame) => [start, frame]));
  const isWhole = new Uint8Array(stream.starts.length);
  for (let p = 0; p < length; p++) {
    const frame = from[p] < 0 ? undefined : startAt.get(from[p]);
    if (frame === undefined || (p > 0 && bytes[p - 1] !== 0)) continue;
    const size = stream.ends[frame] - stream.starts[frame];
    let i = 0;
    while (i < size && from[p + i] === stream.starts[frame] + i) i++;
    if (i === size) isWhole[frame] = 1;
  }
  return isWhole;
}

test.each(Object.keys(faults).flatMap((name) => [1, 4096].map((chunk) => [name, chunk] as const)))(
  '%s, in chunks of %i bytes: every whole row is delivered, no other, and the lost ones are counted',
  (name, chunk) => {
    const damaged = faults[name](random(7));
    const isWhole = wholeFrames(damaged);
    const delivered = new Uint8Array(ROWS + 8);
    const row = new Float32Array(3);
    let wrong = 0;
    let before = -1;
    let lost = 0;
    let restarts = 0;
    let clocks = 0;
    const decoder: FrameDecoder = new FrameDecoder({
      columns: ['a', 'b', 'c'],
      required: [true, true, true],
      row,
      onRow() {
        const n = decoder.rowNumber[0];
        const values = valuesOf(n);
        if (n <= before || values.some((value, i) => value !== row[i]) || decoder.timeUs[0] !== n * 1000) wrong++;
        before = n;
        delivered[n] = 1;
      },
      onLost(count) {
        lost += count;
      },
      onGap(kind) {
        if (kind === 'restart') restarts++;
        else clocks++;
      },
    });
    for (let p = 0; p < damaged.length; p += chunk) {
      decoder.feed(damaged.bytes, p, Math.min(damaged.length, p + chunk));
    }
    expect(wrong).toBe(0);
    expect([restarts, clocks]).toEqual([0, 0]);

    let missed = 0;
    let invented = 0;
    let known = 0;
    for (let frame = 0; frame < isWhole.length; frame++) {
      const end = stream.firstRow[frame] + stream.rowCount[frame];
      if (isWhole[frame] === 1) known = Math.max(known, end);
      for (let n = stream.firstRow[frame]; n < end; n++) {
        if (isWhole[frame] === 1 && delivered[n] === 0) missed++;
        if (isWhole[frame] === 0 && delivered[n] === 1) invented++;
      }
    }
    expect({ missed, invented }).toEqual({ missed: 0, invented: 0 });

    // What is lost behind the last whole frame nobody can know.
    const counters = decoder.counters();
    expect(counters.rowsLost).toBe(lost);
    expect(counters.rowsDecoded + lost).toBe(known);
    if (name === 'nothing' || name.endsWith('twice')) expect(lost).toBe(0);
    else expect(lost).toBeGreaterThan(1000);
  },
);
