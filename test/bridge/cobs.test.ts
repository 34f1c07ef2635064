import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cobsDecode, cobsEncode, NOT_COBS } from '../../src/bridge/cobs.js';

function encode(body: Uint8Array): Uint8Array {
  const out = new Uint8Array(2 * body.length + 10);
  return out.slice(0, cobsEncode(body, 0, body.length, out, 0));
}

function decode(bytes: Uint8Array): Uint8Array | undefined {
  const out = new Uint8Array(bytes.length + 10);
  const length = cobsDecode(bytes, 0, bytes.length, out, 0);
  return length === NOT_COBS ? undefined : out.slice(0, length);
}

/** Runs of bytes that are not zero, around the 254 of a full block, with or without a zero behind. */
const bodies = fc
  .array(fc.tuple(fc.constantFrom(0, 1, 2, 253, 254, 255, 508, 509), fc.boolean()), { minLength: 1, maxLength: 4 })
  .map((runs) =>
    Uint8Array.from(runs.flatMap(([length, isEnded]) => [...Array(length).fill(7), ...(isEnded ? [0] : [])])),
  );

test('byte stuffing: what is stuffed has no zero, and comes back as it was', () => {
  fc.assert(
    fc.property(bodies, (body) => {
      const bytes = encode(body);
      expect(bytes.includes(0)).toBe(false);
      expect(decode(bytes)).toEqual(body);
    }),
  );
});

test('byte stuffing: a block beyond the end and a zero inside are refused', () => {
  expect(decode(Uint8Array.of(3, 1))).toBeUndefined();
  expect(decode(Uint8Array.of(3, 1, 0))).toBeUndefined();
  expect(decode(Uint8Array.of(0))).toBeUndefined();
  expect(decode(Uint8Array.of(3, 1, 2))).toEqual(Uint8Array.of(1, 2));
});
