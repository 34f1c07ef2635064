import { crc32 as zlibCrc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { cobsDecode, cobsEncode, NOT_COBS } from '../../src/bridge/cobs.js';
import { crc32 } from '../../src/bridge/crc32.js';
import { halfToNumber, numberToHalf } from '../../src/bridge/float16.js';
import { type DeviceColumn, DeviceEncoder, FrameDecoder } from '../../src/bridge/index.js';
import { decodeFrames, feedChunks, listenToFrames } from '../support/frames.js';

const bytesOf = fc.uint8Array({ maxLength: 700 });

test('the CRC is that of zlib, in one piece or in two', () => {
  expect(crc32(new TextEncoder().encode('123456789'), 0, 9) >>> 0).toBe(0xcbf43926);
  fc.assert(
    fc.property(bytesOf, fc.nat(700), (bytes, cut) => {
      const at = Math.min(cut, bytes.length);
      expect(crc32(bytes, 0, bytes.length) >>> 0).toBe(zlibCrc32(bytes));
      expect(crc32(bytes, at, bytes.length, crc32(bytes, 0, at))).toBe(crc32(bytes, 0, bytes.length));
    }),
  );
});

test('byte stuffing leaves no zero and comes back, also in place', () => {
  const some = fc.oneof(
    bytesOf,
    fc.array(fc.constantFrom(0, 1), { maxLength: 700 }),
    fc.nat(700).map((n) => Array(n).fill(7)),
  );
  fc.assert(
    fc.property(some, (list) => {
      const bytes = Uint8Array.from(list);
      const out = new Uint8Array(bytes.length + 10);
      const n = cobsEncode(bytes, 0, bytes.length, out, 2);
      expect(out.subarray(2, 2 + n)).not.toContain(0);
      expect(n).toBeLessThanOrEqual(bytes.length + 1 + Math.floor(bytes.length / 254));
      expect(cobsDecode(out, 2, 2 + n, out, 0)).toBe(bytes.length);
      expect(out.subarray(0, bytes.length)).toEqual(bytes);
    }),
    { numRuns: 500 },
  );
  expect(cobsDecode(new Uint8Array([3, 1]), 0, 2, new Uint8Array(9), 0)).toBe(NOT_COBS);
  expect(cobsDecode(new Uint8Array([3, 0, 1]), 0, 3, new Uint8Array(9), 0)).toBe(NOT_COBS);
});

test('every half is a number and comes back; numbers go to the nearest half', () => {
  for (let bits = 0; bits < 0x10000; bits++) {
    const value = halfToNumber(bits);
    if (Number.isNaN(value)) expect(numberToHalf(value)).toBe(0x7e00);
    else if (numberToHalf(value) !== bits) throw new Error(`${bits.toString(16)}: ${value}`);
  }
  expect([halfToNumber(0x3555), halfToNumber(1), halfToNumber(0x7bff)]).toEqual([0.333251953125, 2 ** -24, 65504]);
  expect([1e9, -1e9, 65519, 1 + 2 ** -11, 1 + 3 * 2 ** -11, 2 ** -26, 3 * 2 ** -25].map(numberToHalf)).toEqual([
    0x7bff, 0xfbff, 0x7bff, 0x3c00, 0x3c02, 0, 2,
  ]);
});

const column = (name: string, more: Partial<DeviceColumn> = {}): DeviceColumn => ({
  name,
  unit: '',
  type: 'f32',
  scale: 1,
  offset: 0,
  label: false,
  ...more,
});

/** The bytes of a device that says its schema and sends rows. */
function speak(columns: readonly DeviceColumn[], rows: readonly (readonly number[])[], boot = 1): Uint8Array {
  const device = new DeviceEncoder({ columns, boot, firmware: 'f 1', periodUs: 1000 });
  const out = [...device.bytes.subarray(0, device.hello())];
  rows.forEach((row, i) => {
    device.timeUs[0] = 2_000_000 * (i + 1);
    out.push(...device.bytes.subarray(0, device.row(row)));
  });
  return Uint8Array.from(out);
}

describe('columns are found by name', () => {
  test('in the order they are declared; what is not declared or ignored is not looked at', () => {
    const bytes = speak([column('x'), column('y'), column('z'), column('w')], [[1, 2, Number.POSITIVE_INFINITY, 4]]);
    const { events, mismatches } = decodeFrames(
      { columns: ['w', 'z', 'x'], ignored: [false, true, false], required: [true, false, true] },
      bytes,
    );
    expect(mismatches).toEqual([]);
    expect(events.at(-1)?.values).toEqual([4, null, 1]);
  });

  test('a required one that is missing is named, with what there is, and rows are refused', () => {
    const bytes = speak(
      [column('temprature'), column('y')],
      [
        [1, 2],
        [3, 4],
      ],
    );
    const { mismatches, counters } = decodeFrames({ columns: ['y', 'temperature'] }, bytes);
    expect(mismatches).toEqual([
      `BRIDGE_COLUMNS: the device's HELLO: found "temprature", "y", expected "temperature" among them, which the task needs; did you mean "temprature"?`,
    ]);
    expect(counters).toMatchObject({ rowsDecoded: 0, rejectedColumns: 2, rowsRefused: 2, rowsLost: 0 });
  });

  test('a unit that differs from the declared one is refused; none on either side is not', () => {
    const bytes = speak([column('x', { unit: 'g' }), column('y')], [[1, 2]]);
    const declared = (units: string[]) => decodeFrames({ columns: ['x', 'y'], units }, bytes);
    expect(declared(['g', 'm']).counters.rowsDecoded).toBe(1);
    expect(declared(['', '']).counters.rowsDecoded).toBe(1);
    const { mismatches, counters } = declared(['m/s²', '']);
    expect(mismatches[0]).toContain(
      'BRIDGE_UNIT: the device\'s HELLO, column "x": found the unit "g", expected "m/s²"',
    );
    expect(counters.rowsDecoded).toBe(0);
  });

  test('a time column the device lacks is its clock in seconds, beyond a wrap too', () => {
    const columns = ['time', 'x'];
    const row = new Float32Array(2);
    const times: number[] = [];
    const decoder: FrameDecoder = new FrameDecoder({
      columns,
      required: [true, true],
      timeColumn: 0,
      row,
      onRow: () => times.push(decoder.time[0], row[0]),
    });
    const device = new DeviceEncoder({ columns: [column('x')] });
    const feed = (n: number) => decoder.feed(device.bytes, 0, n);
    feed(device.hello());
    for (const us of [4_294_967_000, 4_294_968_000]) {
      device.timeUs[0] = us % 2 ** 32;
      feed(device.row([1]));
    }
    // The HELLO was at 0, and the first row is nearer to it by half a wrap backwards.
    expect(times).toEqual([-0.000296, Math.fround(-0.000296), 0.000704, Math.fround(0.000704)]);
    const own = decodeFrames({ columns, timeColumn: 0 }, speak([column('time'), column('x')], [[7.5, 1]]));
    expect(own.events.at(-1)?.values).toEqual([7.5, 1]);
  });

  test('a required column may come as a label, where it is declared as one', () => {
    const bytes = speak([column('x'), column('truth', { label: true })], [[1]]);
    const asLabel = decodeFrames({ columns: ['x', 'truth'], labelNames: ['truth'] }, bytes);
    expect(asLabel.mismatches).toEqual([]);
    expect(asLabel.events.at(-1)?.values).toEqual([1, null]);
    const asRow = decodeFrames({ columns: ['x', 'truth'] }, bytes);
    expect(asRow.mismatches[0]).toContain('the device sends "truth" as a label');
  });

  test('another protocol is refused once, with both numbers', () => {
    const device = new DeviceEncoder({ columns: [column('x')] });
    const stuffed = device.bytes.slice(1, device.hello() - 1);
    const body = new Uint8Array(260);
    const n = cobsDecode(stuffed, 0, stuffed.length, body, 0);
    body[10] = 2;
    new DataView(body.buffer).setInt32(n - 4, crc32(body, 0, n - 4), true);
    const out = new Uint8Array(300);
    const end = cobsEncode(body, 0, n, out, 0) + 1;
    const { decoder, heard } = listenToFrames({ columns: ['x'] });
    for (let i = 0; i < 3; i++) decoder.feed(out, 0, end);
    expect(heard().mismatches).toEqual([expect.stringContaining('found protocol 2, expected protocol 1')]);
  });
});

test('a frame is rejected once, and every number of a row is counted once', () => {
  const device = new DeviceEncoder({ columns: [column('x')] });
  const { decoder, heard } = listenToFrames({ columns: ['x'] });
  const feed = (n: number) => decoder.feed(device.bytes, 0, n);
  feed(device.hello());
  feed(device.batch(10, [1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 4]));
  device.nextRow[0] = 2;
  feed(device.batch(10, [1, 2, Number.POSITIVE_INFINITY, 4]));
  device.nextRow[0] += 3;
  feed(device.row([9]));
  expect(heard().events.flatMap(({ event, row }) => (event === 'row' ? [row] : []))).toEqual([0, 3, 5, 9]);
  expect(heard().counters).toMatchObject({ rejectedRange: 1, rejectedDuplicate: 1 });
  expect(heard().counters).toMatchObject({ rowsDecoded: 4, rowsLost: 3, rowsRefused: 3 });
});

test('rows of a schema that is not known ask for a HELLO', () => {
  const bytes = speak([column('x')], [[1], [2]]);
  const hello = bytes.indexOf(0, 1) + 1;
  const { decoder, heard } = listenToFrames({ columns: ['x'] });
  decoder.feed(bytes, hello, bytes.length);
  expect(heard().wanted).toBe(2);
  expect(decoder.schema).toBeNull();
  decoder.feed(bytes, 0, hello);
  expect(decoder.schema?.columns).toEqual([column('x')]);
  expect(decoder.hello).toMatchObject({ firmware: 'f 1', periodUs: 1000, boot: 1 });
});

test('after a reset in the middle of a frame its end is no damage', () => {
  const bytes = speak([column('x')], [[1], [2]]);
  const { decoder, heard } = listenToFrames({ columns: ['x'] });
  decoder.reset(true);
  decoder.feed(bytes, 5, bytes.length);
  expect(heard().counters).toMatchObject({ droppedPartial: 1, rejectedCobs: 0, rejectedCrc: 0, rejectedSchema: 2 });
});

test('any cutting of a damaged stream gives the same calls and counters', () => {
  const bytes = speak(
    [column('x'), column('n', { type: 'i16' })],
    Array.from({ length: 40 }, (_, i) => [i / 3, i]),
  );
  const piece = fc.oneof(
    fc.constant(bytes),
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom('text\n', 'a long line '.repeat(40), '\n', '\0').map((text) => new TextEncoder().encode(text)),
    fc.nat(bytes.length).map((n) => bytes.slice(n)),
  );
  const stream = fc.array(piece, { maxLength: 8 }).map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));
  const sizes = fc.array(fc.integer({ min: 1, max: 80 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(stream, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 10 }), sizes, (whole, wrong, chunks) => {
      for (const [at, byte] of wrong) if (whole.length > 0) whole[at % whole.length] = byte;
      const once = decodeFrames({ columns: ['n', 'x'] }, whole);
      expect(decodeFrames({ columns: ['n', 'x'] }, whole, chunks)).toEqual(once);
      expect(decodeFrames({ columns: ['n', 'x'] }, whole, [1])).toEqual(once);
    }),
    { numRuns: 500 },
  );
});

test('options that do not belong together are refused', () => {
  const make = (more: object) => () =>
    new FrameDecoder({ columns: ['x'], required: [true], row: new Float32Array(1), onRow() {}, ...more });
  expect(make({ units: [] })).toThrow('BRIDGE_OPTIONS: units: found a length of 0, expected 1');
  expect(make({ labels: { names: ['y'], values: new Float32Array(2) } })).toThrow('labels.values');
  expect(make({ row: new Float32Array(2) })).toThrow('row');
  expect(() => new DeviceEncoder({ columns: [] })).toThrow('0 columns');
  expect(() => new DeviceEncoder({ columns: [column('')] })).toThrow('the name ""');
  expect(() => new DeviceEncoder({ columns: Array.from({ length: 60 }, (_, i) => column(`c${i}`)) })).toThrow(
    '240 bytes',
  );
  expect(() => new DeviceEncoder({ columns: [column('a', { label: true }), column('b')] })).toThrow('a label column');
  expect(() => new DeviceEncoder({ columns: [column('a')] }).batch(1, [])).toThrow('1 to 57 whole rows');
});

test('a long line of text is told up to 512 bytes, and the frame behind it is taken', () => {
  const bytes = speak([column('x')], [[1]]);
  const hello = bytes.indexOf(0, 1) + 1;
  const { decoder, heard } = listenToFrames({ columns: ['x'] });
  feedChunks(decoder, bytes.slice(0, hello), [9]);
  feedChunks(decoder, new TextEncoder().encode(`${'y'.repeat(2000)}\n`), [33]);
  feedChunks(decoder, bytes.slice(hello), [3]);
  expect(heard().text).toBe(`${'y'.repeat(512)}\n`);
  expect(heard().counters).toMatchObject({ textLines: 1, rowsDecoded: 1, rejectedTooLong: 0 });
});
