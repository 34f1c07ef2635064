/** [4 · 256]: entry 256·k + b is the CRC of byte b with k zero bytes behind it. */
const TABLE = new Uint32Array(4 * 256);
for (let b = 0; b < 256; b++) {
  let crc = b;
  for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  TABLE[b] = crc;
}
for (let i = 256; i < TABLE.length; i++) TABLE[i] = (TABLE[i - 256] >>> 8) ^ TABLE[TABLE[i - 256] & 0xff];

/**
 * CRC-32/ISO-HDLC, the one of zlib and Ethernet, of `bytes[start, end)`, four bytes a step. A signed 32-bit integer, so
 * that it never needs a heap number; `>>> 0` makes it the usual one.
 *
 * @param crc of the bytes before, to go on from; 0 at the start
 * @hot
 */
export function crc32(bytes: Uint8Array, start: number, end: number, crc = 0): number {
  let c = ~crc;
  let p = start;
  for (const last = end - 3; p < last; p += 4) {
    c ^= bytes[p] | (bytes[p + 1] << 8) | (bytes[p + 2] << 16) | (bytes[p + 3] << 24);
    c = TABLE[768 + (c & 0xff)] ^ TABLE[512 + ((c >>> 8) & 0xff)] ^ TABLE[256 + ((c >>> 16) & 0xff)] ^ TABLE[c >>> 24];
  }
  for (; p < end; p++) c = (c >>> 8) ^ TABLE[(c ^ bytes[p]) & 0xff];
  return ~c;
}
