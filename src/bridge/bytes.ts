/** The bytes the grammar speaks of, by name. */
export const TAB = 0x09;
export const LF = 0x0a;
export const CR = 0x0d;
export const SPACE = 0x20;
export const QUOTE = 0x22;
export const HASH = 0x23;
export const PERCENT = 0x25;
export const OPEN = 0x28;
export const CLOSE = 0x29;
export const STAR = 0x2a;
export const PLUS = 0x2b;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const DOT = 0x2e;
export const SLASH = 0x2f;
export const ZERO = 0x30;
export const COLON = 0x3a;
export const SEMICOLON = 0x3b;
export const EQUALS = 0x3d;
export const OPEN_SQUARE = 0x5b;
export const CLOSE_SQUARE = 0x5d;
export const UNDERSCORE = 0x5f;
export const LETTER_A = 0x61;
export const LETTER_E = 0x65;
export const LETTER_Z = 0x7a;
export const BAR = 0x7c;
export const NUL = 0x00;
export const XON = 0x11;
export const XOFF = 0x13;
export const ESCAPE = 0x1b;

/** `a` where `b` is an ASCII letter of either case: OR this in, then compare with the lower case letter. */
export const LOWER_CASE = 0x20;

/** A starting value for `hashBytes`. */
export const HASH_START = 0x811c9dc5 | 0;

/** FNV-1a over `bytes[start, end)`, going on from `hash`: a signed 32-bit integer. */
export function hashBytes(bytes: Uint8Array, start: number, end: number, hash: number): number {
  let h = hash;
  for (let i = start; i < end; i++) h = Math.imul(h ^ bytes[i], 0x01000193);
  return h;
}

/** Whether `bytes[start, end)` is `other`, byte for byte. */
export function equalBytes(bytes: Uint8Array, start: number, end: number, other: Uint8Array): boolean {
  if (end - start !== other.length) return false;
  for (let i = 0; i < other.length; i++) if (bytes[start + i] !== other[i]) return false;
  return true;
}

/** Whether `bytes[start, end)` is `word`, which is in lower case, in any case. */
export function isWord(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false;
  for (let i = 0; i < word.length; i++) if ((bytes[start + i] | LOWER_CASE) !== word[i]) return false;
  return true;
}
