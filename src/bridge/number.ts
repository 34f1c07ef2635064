import { DOT, isWord, LETTER_E, LOWER_CASE, MINUS, PLUS, ZERO } from './bytes.js';

/** What `parseNumber` found in a field. */
export const NUMBER = 0;
/** An empty field, `nan` or `null`. */
export const MISSING = 1;
export const NOT_NUMERIC = 2;

/** This many digits fit in 31 bits. */
const SHORT_DIGITS = 9;
const SHORT_BYTES = SHORT_DIGITS + 1;
/** One more digit keeps the mantissa at or below 2^53 while it is below this. */
const MANTISSA_LIMIT = 900719925474099;
/** Digits kept after those of the mantissa; what comes later is below 1e-30 of the number. */
const MORE_DIGITS = 15;
/** 10^0 … 10^22 are doubles without rounding. */
const EXACT_POWER = 22;
/** Numbers with a larger exponent are beyond float32: Infinity. */
const MAX_EXPONENT = 38;
/** Numbers with a smaller exponent are below 1e-89, far below float32, whose least is 1.4e-45: zero. */
const MIN_EXPONENT = -120;
/** Where exponent digits stop being counted, far outside both limits above. */
const EXPONENT_CAP = 100000;

/** 10^k as the sum of two doubles: the nearest one and what it lacks. Correct to about 2^-100. */
const POWER = new Float64Array(1 - MIN_EXPONENT);
const POWER_REST = new Float64Array(1 - MIN_EXPONENT);
POWER[0] = 1;
for (let k = 1; k < POWER.length; k++) {
  const p = POWER[k - 1] * 10;
  const rest = productRest(POWER[k - 1], 10, p) + POWER_REST[k - 1] * 10;
  POWER[k] = p + rest;
  POWER_REST[k] = rest - (POWER[k] - p);
}

/**
 * Reads the decimal number that fills `bytes[start, end)` into `out[at]`.
 *
 *     number   = [sign] (digits ["." [digits]] / "." digits) [("e" / "E") [sign] digits]
 *     missing  = "" / [sign] "nan" / "null"                  in any case
 *
 * A mantissa up to 2^53 with a power of ten up to 10^±22 is one exact product or quotient, so the double is the
 * correctly rounded one; every other number is within one ulp (wrong only where it lies within 2^-45 ulp of the middle
 * between two doubles). Beyond float32 accuracy ends: from 1e39 on the result may be ±Infinity, below 1e-89 zero.
 * Uses + − × ÷ only, in a fixed order: the same bits on every machine.
 *
 * writes   out[at]: the number; NaN when missing; untouched when not numeric
 * returns  NUMBER, MISSING or NOT_NUMERIC. Not the number itself, for V8 puts a returned double on the heap.
 * @hot
 */
export function parseNumber(bytes: Uint8Array, start: number, end: number, out: Float64Array, at: number): number {
  let p = start;
  const negative = p < end && bytes[p] === MINUS;
  if (negative || (p < end && bytes[p] === PLUS)) p++;
  if (end - p <= SHORT_BYTES && parseShort(bytes, p, end, negative, out, at)) return NUMBER;
  let mantissa = 0;
  let more = 0; // the digits after the mantissa's
  let moreDigits = 0;
  let exponent = 0;
  const integer = p;
  for (; p < end; p++) {
    const digit = bytes[p] - ZERO;
    if (digit < 0 || digit > 9) break;
    if (moreDigits === 0 && mantissa < MANTISSA_LIMIT) mantissa = mantissa * 10 + digit;
    else if (moreDigits < MORE_DIGITS) {
      more = more * 10 + digit;
      moreDigits++;
    } else exponent++;
  }
  let digits = p - integer;
  if (p < end && bytes[p] === DOT) {
    const fraction = ++p;
    for (; p < end; p++) {
      const digit = bytes[p] - ZERO;
      if (digit < 0 || digit > 9) break;
      if (moreDigits === 0 && mantissa < MANTISSA_LIMIT) mantissa = mantissa * 10 + digit;
      else if (moreDigits < MORE_DIGITS) {
        more = more * 10 + digit;
        moreDigits++;
      } else continue;
      exponent--;
    }
    digits += p - fraction;
  }
  if (digits === 0) return parseMissing(bytes, start, end, out, at);
  if (p < end && (bytes[p] | LOWER_CASE) === LETTER_E) {
    p++;
    const down = p < end && bytes[p] === MINUS;
    if (down || (p < end && bytes[p] === PLUS)) p++;
    if (p === end) return NOT_NUMERIC;
    let power = 0;
    for (; p < end; p++) {
      const digit = bytes[p] - ZERO;
      if (digit < 0 || digit > 9) break;
      if (power < EXPONENT_CAP) power = power * 10 + digit;
    }
    exponent += down ? -power : power;
  }
  if (p < end) return NOT_NUMERIC;
  if (moreDigits === 0 && exponent >= -EXACT_POWER && exponent <= EXACT_POWER) {
    const value = exponent < 0 ? mantissa / POWER[-exponent] : mantissa * POWER[exponent];
    out[at] = negative ? -value : value;
  } else {
    scaled[0] = mantissa;
    scaled[1] = more;
    scale(moreDigits, exponent);
    out[at] = negative ? -scaled[0] : scaled[0];
  }
  return NUMBER;
}

/**
 * Most fields: up to nine digits, perhaps a point, nothing else. The same operation as the general way ends with, in
 * integers until then. Returns whether it was one; otherwise it has written nothing.
 * @hot
 */
function parseShort(
  bytes: Uint8Array,
  start: number,
  end: number,
  negative: boolean,
  out: Float64Array,
  at: number,
): boolean {
  let integer = 0;
  let point = -1;
  for (let p = start; p < end; p++) {
    const byte = bytes[p];
    if (byte >= ZERO && byte <= ZERO + 9) integer = (Math.imul(integer, 10) + (byte - ZERO)) | 0;
    else if (byte === DOT && point < 0) point = p;
    else return false;
  }
  const digits = point < 0 ? end - start : end - start - 1;
  if (digits === 0 || digits > SHORT_DIGITS) return false;
  const value = point < 0 ? integer : integer / POWER[end - 1 - point];
  out[at] = negative ? -value : value;
  return true;
}

/** The mantissa and the digits after it on their way into `scale`, the number on its way out. */
const scaled = new Float64Array(2);

/** `scaled[0] ← (scaled[0]·10^moreDigits + scaled[1]) · 10^exponent`, in sums of two doubles, rounded once at the end. */
function scale(moreDigits: number, exponent: number): void {
  const mantissa = scaled[0];
  const more = scaled[1];
  if (mantissa === 0 || exponent < MIN_EXPONENT) {
    scaled[0] = 0;
    return;
  }
  if (exponent > MAX_EXPONENT) {
    scaled[0] = Number.POSITIVE_INFINITY;
    return;
  }
  // a + aRest = mantissa·10^moreDigits + more
  const shifted = mantissa * POWER[moreDigits];
  const shiftedRest = productRest(mantissa, POWER[moreDigits], shifted) + more;
  const a = shifted + shiftedRest;
  const aRest = shiftedRest - (a - shifted);
  if (exponent >= 0) {
    const b = POWER[exponent];
    const product = a * b;
    scaled[0] = product + (productRest(a, b, product) + (a * POWER_REST[exponent] + aRest * b));
  } else {
    const b = POWER[-exponent];
    const quotient = a / b;
    const product = quotient * b;
    const remainder = a - product - productRest(quotient, b, product) + (aRest - quotient * POWER_REST[-exponent]);
    scaled[0] = quotient + remainder / b;
  }
}

/** What the rounded product `p = a·b` lacks to the exact one (Dekker, 1971); for factors below 1e290. */
function productRest(a: number, b: number, p: number): number {
  const aBig = 134217729 * a; // 2^27 + 1 cuts 53 bits into halves whose products are exact
  const aHigh = aBig - (aBig - a);
  const aLow = a - aHigh;
  const bBig = 134217729 * b;
  const bHigh = bBig - (bBig - b);
  const bLow = b - bHigh;
  return aHigh * bHigh - p + aHigh * bLow + aLow * bHigh + aLow * bLow;
}

const NAN_WORD = new Uint8Array([0x6e, 0x61, 0x6e]);
const NULL_WORD = new Uint8Array([0x6e, 0x75, 0x6c, 0x6c]);

function parseMissing(bytes: Uint8Array, start: number, end: number, out: Float64Array, at: number): number {
  const signed = start < end && (bytes[start] === MINUS || bytes[start] === PLUS);
  if (
    start === end ||
    isWord(bytes, signed ? start + 1 : start, end, NAN_WORD) ||
    isWord(bytes, start, end, NULL_WORD)
  ) {
    out[at] = Number.NaN;
    return MISSING;
  }
  return NOT_NUMERIC;
}
