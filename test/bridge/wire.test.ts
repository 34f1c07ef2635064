import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeviceEncoder, WireDecoder, type WireDecoderOptions } from '../../src/bridge/index.js';
import { feedChunks } from '../support/frames.js';
import { type Columns, decode } from '../support/lines.js';

const column = (name: string) => ({ name, unit: '', type: 'f32' as const, scale: 1, offset: 0, label: false });

/** A decoder of either that writes down its calls. */
function listenToWire(options: Columns) {
  const row = new Float32Array(options.columns.length).fill(-1);
  const calls: unknown[] = [];
  const decoder: WireDecoder = new WireDecoder({
    required: options.columns.map(() => true),
    ...options,
    row,
    onRow: () => calls.push(['row', [...row], decoder.time[0]]),
    onReject: (reason) => calls.push(['reject', reason]),
    onFormat: (format) => calls.push(['format', format]),
    onMismatch: (problem) => calls.push(['mismatch', problem.message]),
    onFrameReject: (reason) => calls.push(['frame reject', reason]),
    onText: (text) => calls.push(['text', text]),
    onHello: (hello) => calls.push(['hello', hello.boot]),
    onGap: (kind) => calls.push(['gap', kind]),
    onLost: (count) => calls.push(['lost', count]),
  } satisfies WireDecoderOptions);
  return { decoder, calls };
}

interface TextVector {
  name: string;
  columns: string[];
  required?: boolean[];
  ignored?: boolean[];
  timeColumn?: number;
  input?: string;
  inputHex?: string;
}
const file = new URL('../../firmware-bridge/protocol/vectors/text.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, 'utf8')) as { vectors: TextVector[] };

test.each(vectors)('text vector "$name": everything is as with a LineDecoder alone', (vector) => {
  const bytes =
    vector.inputHex === undefined
      ? new TextEncoder().encode(vector.input)
      : new Uint8Array(Buffer.from(vector.inputHex, 'hex'));
  const { name: _, input: __, inputHex: ___, ...rest } = vector;
  const options = Object.fromEntries(
    Object.entries(rest).filter(([key]) => ['columns', 'required', 'ignored', 'timeColumn'].includes(key)),
  ) as unknown as Columns;
  for (const chunk of [1, 7, 1 << 20]) {
    const alone = decode(options, bytes, [chunk]);
    const { decoder, calls } = listenToWire(options);
    feedChunks(decoder, bytes, [chunk]);
    decoder.finish();
    expect(decoder.lines.counters()).toEqual(alone.counters);
    expect(calls.filter((call) => (call as unknown[])[0] === 'row')).toEqual(
      alone.rows.map((row, i) => ['row', row, alone.times[i]]),
    );
    expect(calls.map((call) => (call as unknown[])[0])).toEqual(alone.order);
    expect(decoder.mode).toBe(alone.formats.length > 0 ? 'text' : 'unknown');
    expect(decoder.frames.counters().rxBytes).toBe(0);
  }
});

test('text with zeros and noise in it is as with a LineDecoder alone, in any cutting', () => {
  const options = { columns: ['a', 'b'] };
  const piece = fc.constantFrom('1,2\n', '3.5,4\n', 'a,b\n', '\0', '\0\0', 'x', '\x01\x02', '\n', 'ÿ', '9'.repeat(300));
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (pieces, chunk) => {
      const bytes = new TextEncoder().encode(pieces.join(''));
      const alone = decode(options, bytes, [chunk]);
      const { decoder, calls } = listenToWire(options);
      feedChunks(decoder, bytes, [chunk]);
      decoder.finish();
      expect(calls.map((call) => (call as unknown[])[0])).toEqual(alone.order);
      expect(decoder.lines.counters()).toEqual(alone.counters);
    }),
    { numRuns: 500 },
  );
});

function deviceBytes(before: string, rows: number): Uint8Array {
  const device = new DeviceEncoder({ columns: [column('a'), column('b')], boot: 9 });
  const parts = [...new TextEncoder().encode(before)];
  parts.push(...device.bytes.subarray(0, device.hello()));
  for (let i = 0; i < rows; i++) parts.push(...device.bytes.subarray(0, device.row([i, i / 2])));
  return new Uint8Array(parts);
}

test.each([
  ['at once', ''],
  ['after a greeting', 'boot 1.2\r\nready\r\n'],
  ['after much text', 'a line of a long greeting\n'.repeat(100)],
  ['after rows of text', `a,b\n${'1,2\n'.repeat(20)}`],
  ['after noise', '\x01\x02ÿ'.repeat(200)],
])('a binary device is known by its first frame, %s', (_, before) => {
  const bytes = deviceBytes(before, 5);
  let first: unknown[] | undefined;
  for (const chunk of [1, 3, 64, 1 << 20]) {
    const { decoder, calls } = listenToWire({ columns: ['b', 'a'] });
    feedChunks(decoder, bytes, [chunk]);
    expect(decoder.mode).toBe('binary');
    expect(calls.slice(-5)).toEqual([0, 1, 2, 3, 4].map((i) => ['row', [i / 2, i], Number.NaN]));
    expect(calls).toEqual((first ??= calls));
  }
});

test('after the link was opened anew the device is text or binary again', () => {
  const { decoder, calls } = listenToWire({ columns: ['a', 'b'] });
  const binary = deviceBytes('', 2);
  const text = new TextEncoder().encode(`a,b\n${'1,2\n'.repeat(10)}`);
  decoder.feed(binary, 0, binary.length);
  expect(decoder.mode).toBe('binary');
  decoder.feed(text, 0, text.length);
  expect(calls.filter((call) => (call as unknown[])[0] === 'row')).toHaveLength(2);
  decoder.reset(false);
  expect(decoder.mode).toBe('unknown');
  decoder.feed(text, 0, text.length);
  expect(decoder.mode).toBe('text');
  expect(calls.filter((call) => (call as unknown[])[0] === 'row')).toHaveLength(12);
  decoder.reset(true);
  decoder.feed(binary, 0, binary.length);
  expect(decoder.mode).toBe('binary');
  expect(calls.filter((call) => (call as unknown[])[0] === 'row')).toHaveLength(14);
  expect(calls.some((call) => (call as unknown[])[0] === 'lost' || (call as unknown[])[0] === 'gap')).toBe(false);
});
