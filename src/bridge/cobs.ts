/** What `cobsDecode` returns when the bytes are not COBS. */
export const NOT_COBS = -1;

/** A block holds at most this many bytes that are not zero. */
const MAX_BLOCK = 254;

/**
 * Undoes byte stuffing: `bytes[start, end)`, without the 0x00 that ends them, to `out[at, …)`.
 *
 * writes   out from `at` on; at most end − start − 1 bytes. Room for end − start is needed: bytes that are not COBS may
 *          leave that many behind
 * alias    out may be bytes, where at ≤ start
 * returns  how many bytes there are, or NOT_COBS: a 0x00 among them, or a block that goes beyond the end
 * @hot
 */
export function cobsDecode(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let p = start;
  let to = at;
  while (p < end) {
    const code = bytes[p++];
    const blockEnd = p + code - 1;
    if (code === 0 || blockEnd > end) return NOT_COBS;
    while (p < blockEnd) {
      const byte = bytes[p++];
      if (byte === 0) return NOT_COBS;
      out[to++] = byte;
    }
    if (code <= MAX_BLOCK && p < end) out[to++] = 0;
  }
  return to - at;
}

/**
 * Stuffs `bytes[start, end)` so that no 0x00 is left, to `out[at, …)`, without a 0x00 at the end.
 *
 * writes   out[at, at + n): n − (end − start) is 1, and one more for every full 254 bytes
 * alias    out must not overlap bytes
 * returns  n
 * @hot
 */
export function cobsEncode(bytes: Uint8Array, start: number, end: number, out: Uint8Array, at: number): number {
  let codeAt = at;
  let to = at + 1;
  for (let p = start; p < end; p++) {
    const byte = bytes[p];
    if (byte !== 0) out[to++] = byte;
    const length = to - codeAt - 1;
    if (byte === 0 || (length === MAX_BLOCK && p + 1 < end)) {
      out[codeAt] = length + 1;
      codeAt = to++;
    }
  }
  out[codeAt] = to - codeAt;
  return to - at;
}
