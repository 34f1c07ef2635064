import { Session } from 'node:inspector/promises';
import { expect, test } from 'vitest';
import { DeviceEncoder, FrameDecoder, HostEncoder, WireDecoder } from '../../src/bridge/index.js';
import { allocatedBytes } from '../support/allocations.js';

const columns = (['f32', 'i16', 'f16', 'u8', 'bool', 'f32'] as const).map((type, i) => ({
  name: `c${i}`,
  unit: '',
  type,
  scale: i === 1 ? 0.25 : 1,
  offset: 0,
  label: i === 5,
}));

const FRAMES = 2000;

/** A device's frames: rows, rows with a mask, batches, labels. */
function stream() {
  // Its first row is far from 0 and its clock far beyond 31 bits, so that small integers do not hide an allocation.
  const device = new DeviceEncoder({ columns, boot: 1 });
  device.nextRow[0] = 3_000_000_000;
  const parts: Uint8Array[] = [];
  const keep = (n: number) => parts.push(device.bytes.slice(0, n));
  keep(device.hello());
  for (let i = 0; i < FRAMES; i++) {
    device.timeUs[0] = 3_000_000_000 + 10_000 * i;
    const values = [i / 3, i % 100, i % 7, i % 256, i % 2];
    if (i % 5 === 1) keep(device.row([Number.NaN, Number.NaN, 1, 2, 3]));
    else if (i % 5 === 2) keep(device.batch(100, [...values, ...values]));
    else if (i % 5 === 3) keep(device.label(device.nextRow[0] - 1, [i / 7]));
    else keep(device.row(values));
  }
  return new Uint8Array(parts.flatMap((part) => [...part]));
}

const options = (onRow: () => void) => ({
  columns: ['t', 'c0', 'c1', 'c2', 'c3', 'c4'],
  required: [true, true, true, true, true, true],
  row: new Float32Array(6),
  timeColumn: 0,
  labels: { names: ['c5'], values: new Float32Array(1) },
  onRow,
  onLabel() {},
});

test.each([
  ['a FrameDecoder', (onRow: () => void) => new FrameDecoder(options(onRow))],
  ['a WireDecoder', (onRow: () => void) => new WireDecoder(options(onRow))],
])('%s allocates nothing for rows and labels, in whatever chunks', { timeout: 30_000 }, async (_, make) => {
  const bytes = stream();
  let rows = 0;
  const decoder = make(() => {
    rows++;
  });
  decoder.feed(bytes, 0, bytes.length);
  // The pass begins behind the HELLO; every pass comes 2,400 rows after the one before, as if it were lost: none is.
  const hello = bytes.indexOf(0, 1) + 1;
  const pass = (chunk: number) => {
    decoder.reset(false);
    decoder.feed(bytes, 0, hello);
    for (let from = hello; from < bytes.length; from += chunk) {
      decoder.feed(bytes, from, Math.min(bytes.length, from + chunk));
    }
  };
  for (let i = 0; i < 30; i++) for (const chunk of [4096, 61, 1]) pass(chunk); // until compiled
  const before = rows;
  // A HELLO a pass allocates its schema; it is spread over 2,000 frames, so measure more of them without it.
  const body = bytes.subarray(hello);
  const session = new Session();
  decoder.reset(false);
  decoder.feed(bytes, 0, hello);
  // A new schema is a new layout, for which V8 compiles anew.
  for (let i = 0; i < 40; i++) {
    for (let p = 0; p < body.length; p += 61) decoder.feed(body, p, Math.min(body.length, p + 61));
  }
  const { total, report } = await allocatedBytes(
    session,
    /src\/bridge/,
    () => {
      for (let p = 0; p < body.length; p += 61) decoder.feed(body, p, Math.min(body.length, p + 61));
      for (let i = 0; i < 9; i++) {
        for (let p = 0; p < body.length; p += 4096) decoder.feed(body, p, Math.min(body.length, p + 4096));
      }
    },
    10 * FRAMES,
  );
  expect(rows - before).toBeGreaterThan(2_000);
  expect(total / (10 * FRAMES), report).toBeLessThanOrEqual(1);
});

test('an OUTPUT allocates nothing', async () => {
  const host = new HostEncoder();
  const values = new Float32Array([1, 2, 3]);
  let bytes = 0;
  const send = (count: number) => {
    for (let i = 0; i < count; i++) {
      host.timeUs[0] = 1e12 + i;
      host.score[0] = i / 7;
      values[1] = i;
      bytes += host.output(i, values, i % 2 === 0, false);
    }
  };
  for (let i = 0; i < 20; i++) send(5000); // until compiled
  const { total, report } = await allocatedBytes(new Session(), /src\/bridge/, () => send(20_000), 20_000);
  expect(bytes).toBeGreaterThan(0);
  expect(total / 20_000, report).toBeLessThanOrEqual(1);
});
