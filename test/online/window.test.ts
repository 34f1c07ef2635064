import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WindowSums } from '../../src/online/index.js';

describe('window sums', () => {
  it('holds nothing before the first row', () => {
    const window = new WindowSums(2, 3, 1);
    expect(window.current()).toBeNull();
    expect(window.worst()).toBeNull();
  });

  it('sums the rows there are, then the last of them, and keeps the worst full window', () => {
    const window = new WindowSums(2, 2, 1);
    window.push(Float64Array.of(9, 1));
    expect(window.current()).toEqual({ count: 1, values: Float64Array.of(9, 1) });
    expect(window.worst()).toBeNull();
    window.push(Float64Array.of(1, 2));
    window.push(Float64Array.of(4, 3));
    window.push(Float64Array.of(5, 4));
    expect(window.current()).toEqual({ count: 2, values: Float64Array.of(9, 7) });
    expect(window.worst()).toEqual({ count: 2, values: Float64Array.of(10, 3) });
  });

  it('equals the sum over the last rows, exactly for whole numbers, at every size and moment', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 100 }), fc.integer({ min: 1, max: 12 }), (errors, size) => {
        const window = new WindowSums(2, size, 1);
        let worst = -1;
        errors.forEach((error, i) => {
          window.push(Float64Array.of(error, 2 * error));
          const last = errors.slice(Math.max(0, i + 1 - size), i + 1);
          const sum = last.reduce((s, e) => s + e, 0);
          if (last.length === size) worst = Math.max(worst, sum);
          expect(window.current()).toEqual({ count: last.length, values: Float64Array.of(sum, 2 * sum) });
          expect(window.worst()?.values[0] ?? -1).toBe(worst);
        });
      }),
    );
  });

  it('forgets an enormous error completely once it has left', () => {
    const window = new WindowSums(2, 10, 1);
    window.push(Float64Array.of(1e38, 1e38));
    for (let i = 0; i < 10; i++) window.push(Float64Array.of(0.25, 0.5));
    expect(window.current()).toEqual({ count: 10, values: Float64Array.of(2.5, 5) });
  });

  it('does not drift over a million rows', () => {
    const window = new WindowSums(2, 7, 1);
    for (let i = 0; i < 1e6; i++) window.push(Float64Array.of((i % 7) * 0.1, 0.1));
    const [model, baseline] = window.current()!.values;
    expect(model).toBeCloseTo(2.1, 14);
    expect(baseline).toBeCloseTo(0.7, 14);
  });
});
