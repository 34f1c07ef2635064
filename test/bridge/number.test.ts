import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MISSING, NOT_NUMERIC, NUMBER, parseNumber } from '../../src/bridge/number.js';

const UNTOUCHED = -123.25;

function parse(text: string): { kind: number; value: number } {
  const out = new Float64Array(3).fill(UNTOUCHED);
  const bytes = new TextEncoder().encode(`9${text}9`); // what lies around the field must not matter
  const kind = parseNumber(bytes, 1, bytes.length - 1, out, 1);
  expect([out[0], out[2]]).toEqual([UNTOUCHED, UNTOUCHED]);
  return { kind, value: out[1] };
}

/** The double next to `x`, away from zero. */
function next(x: number): number {
  const bits = new BigInt64Array(new Float64Array([x]).buffer);
  bits[0] += 1n;
  return new Float64Array(bits.buffer)[0];
}

const digits = (max: number) => fc.stringMatching(new RegExp(`^[0-9]{1,${max}}$`));
const sign = fc.constantFrom('', '-', '+');

describe('a number', () => {
  test.each([
    '0',
    '-0',
    '+0',
    '7',
    '-7',
    '+7',
    '007',
    '1.5',
    '1.',
    '.5',
    '-.5',
    '0.1',
    '123456789',
    '1234567890',
    '999999999.9',
    '4294967296',
    '9007199254740991',
    '9007199254740992',
    '9007199254740993',
    '1e3',
    '1E3',
    '1e+3',
    '1e-3',
    '1e22',
    '1e23',
    '1e-22',
    '1e-23',
    '3.4028234e38',
    '1.17549435e-38',
    '1.4e-45',
    '5e-46',
    '0e999999',
    '1700000000.123456',
    '0.000000000000000000000000000001',
    '123456789012345678901234567890',
    '1.7976931348623157e30',
  ])('%s is what Number() says', (text) => {
    expect(parse(text)).toEqual({ kind: NUMBER, value: Number(text) });
  });

  test.each([
    '-',
    '+',
    '.',
    '-.',
    'e5',
    '.e5',
    '1e',
    '1e+',
    '1e1.5',
    '1.2.3',
    '--1',
    '1-',
    '1,5',
    '0x10',
    '1 2',
    'inf',
    '-Infinity',
    'ovf',
    'na',
    'nanx',
    'nul',
    '1n',
    '1_000',
    '٣',
    '1\0',
    '5V',
  ])('%s is none', (text) => {
    expect(parse(text)).toEqual({ kind: NOT_NUMERIC, value: UNTOUCHED });
  });

  test.each(['', 'nan', 'NaN', 'NAN', '-nan', '+NaN', 'null', 'NULL'])('"%s" is missing', (text) => {
    expect(parse(text)).toEqual({ kind: MISSING, value: Number.NaN });
  });

  test('with up to 15 digits and a power of ten up to 22 it is the correctly rounded double', () => {
    fc.assert(
      fc.property(
        sign,
        fc.bigInt(0n, 10n ** 15n - 1n),
        fc.nat(15),
        fc.integer({ min: -22, max: 22 }),
        (s, n, cut, e) => {
          const text = n.toString().padStart(cut + 1, '0');
          const at = text.length - cut;
          const exponent = Math.max(-22, Math.min(22, e)) + cut;
          fc.pre(Math.abs(exponent - cut) <= 22);
          const number = `${s}${text.slice(0, at)}${cut > 0 ? '.' : ''}${text.slice(at)}e${exponent}`;
          expect(parse(number)).toEqual({ kind: NUMBER, value: Number(number) });
        },
      ),
      { numRuns: 5000 },
    );
  });

  test('of any length it is within one ulp, and the same float32', () => {
    fc.assert(
      fc.property(sign, digits(40), digits(40), fc.integer({ min: -75, max: 30 }), (s, integer, fraction, e) => {
        const number = `${s}${integer}.${fraction}e${e}`;
        const expected = Number(number);
        fc.pre(Math.abs(expected) < 1e39 && (Math.abs(expected) > 1e-80 || expected === 0));
        const { kind, value } = parse(number);
        expect(kind).toBe(NUMBER);
        expect(value === expected || next(value) === expected || next(expected) === value).toBe(true);
        expect(Math.fround(value)).toBe(Math.fround(expected));
      }),
      { numRuns: 5000 },
    );
  });

  test('printed by JavaScript it comes back as it was, for every magnitude a float32 has', () => {
    fc.assert(
      fc.property(fc.float({ noNaN: true, noDefaultInfinity: true }), (x) => {
        const text = Object.is(x, -0) ? '-0' : String(x);
        expect(parse(text).value).toBe(x);
      }),
      { numRuns: 5000 },
    );
    fc.assert(
      fc.property(fc.double({ min: -1e38, max: 1e38, noNaN: true }), (x) => {
        fc.pre(Math.abs(x) > 1e-80);
        expect(parse(String(x)).value).toBe(x);
      }),
      { numRuns: 5000 },
    );
  });

  test('far outside float32 it becomes infinite or zero, never something between', () => {
    expect(parse('1e39').value).toBe(Number.POSITIVE_INFINITY);
    expect(parse('-1e999999999999').value).toBe(Number.NEGATIVE_INFINITY);
    expect(parse(`1${'0'.repeat(400)}`).value).toBe(Number.POSITIVE_INFINITY);
    expect(parse('1e-999999999999').value).toBe(0);
    expect(parse(`0.${'0'.repeat(400)}1`).value).toBe(0);
    expect(parse(`${'0'.repeat(400)}1.5`).value).toBe(1.5);
  });
});
