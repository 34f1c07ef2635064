import { describe, expect, it } from 'vitest';
import { expNonPositive } from '../../src/online/index.js';

describe('expNonPositive', () => {
  it('is within four units in the last place of Math.exp, and 0 below −700', () => {
    const x = new Float64Array(1);
    let worst = 0;
    for (let v = 0; v >= -700; v -= 0.00731) {
      x[0] = v;
      expNonPositive(x, x, 1);
      worst = Math.max(worst, Math.abs(x[0] / Math.exp(v) - 1));
    }
    expect(worst).toBeLessThan(4 * Number.EPSILON);
    const out = new Float64Array(4);
    expNonPositive(out, Float64Array.of(-0, -700.5, -Infinity, Number.NaN), 4);
    expect([...out]).toEqual([1, 0, 0, 0]);
  });

  it('gives the bits it has always given', () => {
    const out = new Float64Array(3);
    expNonPositive(out, Float64Array.of(-1, -0.3, -57.25), 3);
    expect([...out]).toEqual([0.36787944117144233, 0.7408182206817179, 1.3697487445079347e-25]);
  });
});
