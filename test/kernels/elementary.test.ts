import { describe, expect, test } from 'vitest';
import { instantiateKernels } from '../../src/kernels/index.js';
import { CONSTANTS, layout as L } from '../../src/plan/index.js';
import { expNonPositive, log, log1pUnit, sigmoid, tanh } from '../../src/reference/index.js';

// The reference's functions are held against float64 in test/reference; here the SIMD ones are held against them.

const BLOCK = 1 << 14;
const FROM = L.CONSTANT_FLOATS;
const { buffer, kernels } = instantiateKernels(4 * (FROM + BLOCK));
const floats = new Float32Array(buffer);
CONSTANTS.forEach(([, value], i) => {
  floats.fill(value, 4 * i, 4 * i + 4);
});
const block = floats.subarray(FROM, FROM + BLOCK);
const bits = new Uint32Array(buffer, 4 * FROM, BLOCK);

/** Every 4093rd float32 of all signs, sizes and NaNs, and the special ones, a block at a time. */
function* sweep(): Generator<void> {
  const special = [
    0,
    -0,
    1,
    -1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    1e-45,
    -87.336,
    32,
    88.8,
  ];
  let at = 0;
  for (let pattern = 0; pattern < 2 ** 32; ) {
    for (let i = 0; i < BLOCK; i++, pattern += 4093) bits[i] = pattern;
    if (at++ === 0) block.set(special);
    yield;
  }
}

describe('simd', () => {
  test.each([
    ['tanh', tanh, () => kernels.activation(L.A_TANH, FROM, BLOCK), () => true],
    ['sigmoid', sigmoid, () => kernels.activation(L.A_SIGMOID, FROM, BLOCK), () => true],
    ['exp of x ≤ 0', expNonPositive, () => kernels.elementary(0, FROM, BLOCK), (x: number) => !(x > 0)],
    ['log', log, () => kernels.elementary(1, FROM, BLOCK), () => true],
    ['log(1 + e) of 0 … 1', log1pUnit, () => kernels.elementary(2, FROM, BLOCK), (x: number) => x >= 0 && x <= 1],
  ] as const)('%s gives the bits of the reference over the whole of float32', (_, reference, run, isInDomain) => {
    let compared = 0;
    for (const _block of sweep()) {
      const inputs = block.slice();
      run();
      for (let i = 0; i < BLOCK; i++) {
        const x = inputs[i];
        if (!isInDomain(x)) continue;
        compared++;
        const expected = reference(x);
        if (!Object.is(block[i], expected)) expect.fail(`${x}: ${block[i]}, the reference says ${expected}`);
      }
    }
    expect(compared).toBeGreaterThan(100_000);
  });
});
