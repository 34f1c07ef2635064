// @slow hostile inputs by the thousand

import { expect, test } from 'vitest';
import { cobsEncode } from '../../src/bridge/cobs.js';
import { crc32 } from '../../src/bridge/crc32.js';
import { DeviceEncoder, FrameDecoder, WireDecoder } from '../../src/bridge/index.js';
import { accountedFrames } from '../support/frames.js';
import { growth, MOST_GROWTH } from '../support/growth.js';

const RUNS = Number(process.env.FUZZ_RUNS ?? 1_000_000);

const columns = ['t', 'a', 'b', 'truth'].map((name, i) => ({
  name,
  unit: 'm',
  type: (['f32', 'f16', 'i16', 'u8'] as const)[i],
  scale: i === 2 ? 0.5 : 1,
  offset: 0,
  label: i === 3,
}));

function options() {
  const row = new Float32Array(3);
  const seen = { rows: 0, infinite: 0, text: 0 };
  return {
    seen,
    columns: ['t', 'a', 'b'],
    required: [true, true, false],
    row,
    timeColumn: 0,
    labels: { names: ['truth'], values: new Float32Array(1) },
    onRow() {
      seen.rows++;
      for (let i = 0; i < 3; i++) if (Math.abs(row[i]) === Number.POSITIVE_INFINITY) seen.infinite++;
    },
    onText(text: string) {
      seen.text = Math.max(seen.text, text.length);
    },
  };
}

let state = Number(process.env.FUZZ_SEED ?? 1);
/** An integer from 0 to n − 1 (mulberry32). */
function below(n: number): number {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
}

/** A row whose first value is infinite. */
const INFINITE = new Uint8Array([0, 0, 0x80, 0x7f, 0, 0, 0, 0]);

/** Some input a hostile device would send, to `out`: its length. */
function input(device: DeviceEncoder, out: Uint8Array, body: Uint8Array): number {
  const kind = below(8);
  if (kind < 2) {
    const n = below(40);
    for (let i = 0; i < n; i++) out[i] = below(256);
    return n;
  }
  if (kind === 2) {
    const n = below(120);
    for (let i = 0; i < n; i++) out[i] = below(12) === 0 ? 10 : below(60) === 0 ? 0 : 32 + below(95);
    return n;
  }
  if (kind < 5) {
    // A frame whose CRC is right and whose content is anything.
    const n = 10 + below(below(6) === 0 ? 237 : 40);
    for (let i = 0; i < n; i++) body[i] = below(3) === 0 ? below(256) : below(5);
    body[0] = below(10) === 0 ? below(256) : 1 + below(7);
    if (below(2) === 0) body[1] &= 15;
    if (below(2) === 0) new DataView(body.buffer).setUint16(8, device.hash, true);
    if (body[0] === 1 && below(8) !== 0) body[10] = 1;
    new DataView(body.buffer).setInt32(n, crc32(body, 0, n), true);
    const end = cobsEncode(body, 0, n + 4, out, 0);
    out[end] = 0;
    return end + 1;
  }
  device.timeUs[0] += below(2000);
  device.nextRow[0] += below(20) === 0 ? below(70000) : 0;
  const n =
    kind === 5
      ? below(50) === 0
        ? device.rawRow(INFINITE, null)
        : device.row([below(100), below(100), below(100)])
      : kind === 6
        ? device.batch(below(1000), [1, 2, 3, 4, below(9), 6])
        : below(4) === 0
          ? device.hello()
          : device.label(below(100), [below(256)]);
  out.set(device.bytes.subarray(0, n));
  if (below(4) === 0) out[below(n)] ^= 1 << below(8);
  return below(10) === 0 ? below(n) : n;
}

test(`${RUNS} hostile inputs never throw, in bounded memory, and all is counted`, () => {
  const device = new DeviceEncoder({ columns, boot: 3 });
  const out = new Uint8Array(1000);
  const body = new Uint8Array(300);
  const direct = options();
  const either = options();
  const frames = new FrameDecoder(direct);
  const wire = new WireDecoder(either);
  let bytes = 0;
  const half = RUNS >> 1;
  let heap = 0;
  for (let i = 0; i < RUNS; i++) {
    const n = input(device, out, body);
    bytes += n;
    const cut = below(n + 1);
    frames.feed(out, 0, cut);
    frames.feed(out, cut, n);
    if (i % 4 === 0) wire.feed(out, 0, n);
    if (below(2000) === 0) wire.reset(below(2) === 0);
    if (below(5000) === 0) frames.reset(below(2) === 0);
    if (i === half) {
      globalThis.gc?.();
      heap = process.memoryUsage().heapUsed;
    }
  }
  globalThis.gc?.();
  expect(process.memoryUsage().heapUsed - heap).toBeLessThan(4e6);
  const counters = frames.counters();
  expect(counters.rxBytes).toBe(bytes);
  expect(counters.rowsDecoded).toBe(direct.seen.rows);
  expect(accountedFrames(counters)).toBeLessThanOrEqual(bytes);
  expect(direct.seen.infinite + either.seen.infinite).toBe(0);
  expect(direct.seen.text).toBeLessThanOrEqual(513);
  // The input has reached every rule.
  for (const [name, value] of Object.entries(counters))
    if (name !== 'rejectedColumns') expect(value, name).toBeGreaterThan(0);
}, 600_000);

test.each([
  ['nothing but line feeds', [10]],
  ['nothing but zeros', [0]],
  ['nothing but letters', [65]],
  ['lines that could each precede a frame', [10, 10, 10, 10, 10, 1, 0]],
  ['noise', [255, 1, 2]],
  ['lines of one byte, then noise', [65, 10, 65, 10, 200, 7]],
])('%s: time grows as the bytes do', (_, unit) => {
  const bytes = Uint8Array.from({ length: 65536 }, (__, i) => unit[i % unit.length]);
  const feed = (times: number) => {
    const decoder = new FrameDecoder({ columns: ['a'], required: [true], row: new Float32Array(1), onRow() {} });
    for (let i = 0; i < times; i++) decoder.feed(bytes, 0, bytes.length);
    return decoder.counters().rxBytes;
  };
  expect(growth(feed)).toBeLessThan(MOST_GROWTH);
  expect(feed(16)).toBe(2 ** 20);
});
