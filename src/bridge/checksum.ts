import { LETTER_A, LOWER_CASE, STAR, ZERO } from './bytes.js';

/** Bytes of the suffix `*hh`. */
export const CHECKSUM_BYTES = 3;

/** What `checkChecksum` found. */
export const CHECKSUM_ABSENT = 0;
export const CHECKSUM_RIGHT = 1;
export const CHECKSUM_WRONG = 2;

/**
 * Looks for `*hh` at the end of `bytes[start, end)`: two hexadecimal digits, the exclusive or of every byte of the line
 * before the star.
 * @hot
 */
export function checkChecksum(bytes: Uint8Array, start: number, end: number): number {
  const star = end - CHECKSUM_BYTES;
  if (star < start || bytes[star] !== STAR) return CHECKSUM_ABSENT;
  const high = hexDigit(bytes[star + 1]);
  const low = hexDigit(bytes[star + 2]);
  if (high < 0 || low < 0) return CHECKSUM_ABSENT;
  let xor = 0;
  for (let p = start; p < star; p++) xor ^= bytes[p];
  return xor === 16 * high + low ? CHECKSUM_RIGHT : CHECKSUM_WRONG;
}

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= ZERO + 9) return byte - ZERO;
  const letter = (byte | LOWER_CASE) - LETTER_A;
  return letter >= 0 && letter < 6 ? 10 + letter : -1;
}
