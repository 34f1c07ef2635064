import { expect, test } from 'vitest';
import { scheduleFactor } from '../../src/engine/schedule.js';

// Math.pow and Math.cos are only near what every machine computes alike.
const NEAR = 12;

test('schedule: step and exponential are powers of their factor', () => {
  for (const t of [0, 1, 9, 10, 11, 99, 1000]) {
    expect(scheduleFactor({ kind: 'step', factor: 0.5, every: 10 }, t)).toBe(0.5 ** Math.floor(t / 10));
    expect(scheduleFactor({ kind: 'exponential', factor: 0.99 }, t)).toBeCloseTo(0.99 ** t, NEAR);
  }
});

test('schedule: cosine goes from 1 to its floor, and stays there', () => {
  for (const floor of [undefined, 0.25]) {
    const schedule = { kind: 'cosine', steps: 8, ...(floor === undefined ? {} : { floor }) } as const;
    const low = floor ?? 0;
    for (let t = 0; t < 8; t++) {
      const expected = low + (1 - low) * 0.5 * (1 + Math.cos((Math.PI * t) / 8));
      expect(scheduleFactor(schedule, t), `t = ${t}`).toBeCloseTo(expected, NEAR);
    }
    for (const t of [8, 9, 10, 16, 1e6]) expect(scheduleFactor(schedule, t), `t = ${t}`).toBe(low);
  }
});

test('schedule: inverse square root begins with 1', () => {
  for (const [t, expected] of [
    [0, 1],
    [300, 0.5],
    [800, 1 / 3],
    [9900, 0.1],
  ]) {
    expect(scheduleFactor({ kind: 'inverseSquareRoot', steps: 100 }, t)).toBeCloseTo(expected, NEAR);
  }
});
