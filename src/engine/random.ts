/**
 * xoshiro128** (Blackman & Vigna 2018), seeded through splitmix32: integers only, the same everywhere.
 */
export class Random {
  /** [4]: the whole state, to be kept and restored. */
  readonly words = new Int32Array(4);
  readonly #s = new Uint32Array(this.words.buffer);

  /** @param seed a whole number, 0 … 2³² − 1 */
  constructor(seed: number) {
    let state = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      state = (state + 0x9e3779b9) >>> 0;
      let t = state ^ (state >>> 16);
      t = Math.imul(t, 0x21f0aaad);
      t ^= t >>> 15;
      t = Math.imul(t, 0x735a2d97);
      this.#s[i] = t ^ (t >>> 15);
    }
  }

  /** 32 random bits. */
  next(): number {
    return this.#bits() >>> 0;
  }

  /** Uniform on [0, 1), a multiple of 2⁻²⁴. */
  uniform(): number {
    return (this.#bits() >>> 8) * 2 ** -24;
  }

  /** A whole number from 0 to count − 1, evenly but for one part in 2²⁴; count ≤ 2²⁴. */
  below(count: number): number {
    return Math.floor((this.#bits() >>> 8) * count * 2 ** -24);
  }

  /**
   * One of 0 … n − 1 with equal chances where it is below `most`, else −1: what reservoir sampling asks, without a number
   * that V8 would have to box.
   *
   * @param n 1 … 2⁵³; chances are equal to within 2⁻⁵³
   * @param most at most 2³⁰
   * @hot
   */
  pick(n: number, most: number): number {
    const high = this.#bits() >>> 5;
    const low = this.#bits() >>> 6;
    const drawn = Math.floor((high * 2 ** 26 + low) * 2 ** -53 * n);
    return drawn < most ? drawn | 0 : -1;
  }

  /** 32 random bits, as a signed integer. */
  #bits(): number {
    const s = this.#s;
    const rotated = Math.imul(s[1], 5);
    const result = Math.imul((rotated << 7) | (rotated >>> 25), 9);
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return result;
  }
}
