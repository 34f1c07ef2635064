import { wrongArgument } from './errors.js';

/**
 * `TypedArray.set` costs more than it moves for a short row. Fixed indices spare V8 the arithmetic of a loop: of the first
 * eight elements, as many as a small board sends.                                                                @hot
 */
export function copyRow(to: Float32Array, from: ArrayLike<number>, what: string): void {
  const n = to.length;
  if (from.length !== n) throw wrongArgument(what, `${from.length} values`, `${n}`);
  if (n > 16) {
    to.set(from);
    return;
  }
  let i = 0;
  if (n >= 4) {
    to[0] = from[0];
    to[1] = from[1];
    to[2] = from[2];
    to[3] = from[3];
    i = 4;
    if (n >= 8) {
      to[4] = from[4];
      to[5] = from[5];
      to[6] = from[6];
      to[7] = from[7];
      i = 8;
    }
  }
  for (; i < n; i++) to[i] = from[i];
}
