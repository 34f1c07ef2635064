/**
 * 32 random bits for one unit of one step: a hash of where it stands, so that there is no state to keep, and every
 * executor draws the same in any order. The mixing is splitmix32's.
 *
 * @param key what tells this step, column and layer from others
 */
export function drawOf(key: number, unit: number): number {
  let t = (key + Math.imul(unit, 0x9e3779b9)) | 0;
  t = Math.imul(t ^ (t >>> 16), 0x21f0aaad);
  t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
  return t ^ (t >>> 15);
}

/** The key of a layer's draws for one column of one step. `salt` holds the layer and the seed. */
export function dropoutKey(salt: number, steps: number, column: number): number {
  return drawOf(drawOf(salt, steps), column);
}

/**
 * a = x · factor, factor = scale where the draw keeps the unit, else 0.                                   one column @hot
 *
 * @param kept of 2³¹ draws
 */
export function dropoutForward(
  mem: Float32Array,
  key: number,
  kept: number,
  scale: number,
  x: number,
  factors: number,
  a: number,
  n: number,
): void {
  for (let i = 0; i < n; i++) {
    mem[factors + i] = drawOf(key, i) >>> 1 < kept ? scale : 0;
    mem[a + i] = mem[x + i] * mem[factors + i];
  }
}
