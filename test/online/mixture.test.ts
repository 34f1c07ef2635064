import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expNonPositive, Mixture } from '../../src/online/index.js';

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

describe('mixture', () => {
  it('weights are e to the minus of the discounted losses, as written the slow way', () => {
    const loss = fc.double({ min: 0, max: 3, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(loss, loss, loss), { minLength: 1, maxLength: 50 }), (rows) => {
        const mixture = new Mixture(3, 0.7, 0.9);
        for (const row of rows) {
          mixture.losses.set(row);
          mixture.update();
        }
        const sums = [0, 1, 2].map((k) => rows.reduce((sum, row, i) => sum + row[k] * 0.9 ** (rows.length - 1 - i), 0));
        const powers = sums.map((sum) => Math.exp(-0.7 * (sum - Math.min(...sums))));
        const total = powers.reduce((a, b) => a + b);
        powers.forEach((power, k) => {
          expect(mixture.weights[k]).toBeCloseTo(power / total, 10);
        });
        expect(mixture.weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
      }),
    );
  });

  it('a loser of any length comes back within its memory once it wins', () => {
    const mixture = new Mixture(2, 0.5, 0.99);
    const lose = (k: number, rows: number) => {
      for (let i = 0; i < rows; i++) {
        mixture.losses.fill(0);
        mixture.losses[k] = 3;
        mixture.update();
      }
    };
    lose(1, 1_000_000);
    expect(mixture.leader()).toBe(0);
    lose(0, 100);
    expect(mixture.leader()).toBe(1);
    expect(mixture.meanLoss(0)).toBeGreaterThan(1);
  });

  it('begins with equal weights and no mean', () => {
    const mixture = new Mixture(4, 1, 0.9);
    expect([...mixture.weights]).toEqual([0.25, 0.25, 0.25, 0.25]);
    expect(mixture.meanLoss(0)).toBeNull();
  });

  it('demotes one to the last of all, from where it comes back by being right', () => {
    const mixture = new Mixture(3, 0.5, 0.99);
    for (let i = 0; i < 200; i++) {
      mixture.losses.set([0.1, 1, 2]);
      mixture.update();
    }
    mixture.demote(0);
    expect(mixture.weights[0]).toBe(mixture.weights[2]);
    expect(mixture.leader()).toBe(1);
    expect(mixture.weights.reduce((a, b) => a + b)).toBeCloseTo(1, 12);
    for (let i = 0; i < 300; i++) {
      mixture.losses.set([0.1, 1, 2]);
      mixture.update();
    }
    expect(mixture.leader()).toBe(0);
  });
});
