import { createHash } from 'node:crypto';
import type { StateArray } from '../online/index.js';

/** 16 hex digits over a text and over arrays of finite values with their names and shapes, as little-endian bytes. */
export function hashOf(text: string, arrays: readonly StateArray[]): string {
  const hash = createHash('sha256').update(text);
  for (const { name, shape, data } of arrays) {
    hash.update(`${name}[${shape}]`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex').slice(0, 16);
}
