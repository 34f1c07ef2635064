import type { ScheduleSpec } from '../spec/index.js';

/**
 * What the rate is multiplied by after t updates. From + − × ÷ √ only, so that it is the same on every machine.
 */
export function scheduleFactor(schedule: ScheduleSpec, t: number): number {
  switch (schedule.kind) {
    case 'step':
      return power(schedule.factor, Math.floor(t / schedule.every));
    case 'exponential':
      return power(schedule.factor, t);
    case 'cosine': {
      const floor = schedule.floor ?? 0;
      return t >= schedule.steps ? floor : floor + (1 - floor) * 0.5 * (1 + cosineOfHalfTurns(t / schedule.steps));
    }
    case 'inverseSquareRoot':
      return 1 / Math.sqrt(1 + t / schedule.steps);
  }
}

/** baseⁿ by squaring. */
function power(base: number, n: number): number {
  let result = 1;
  let square = base;
  for (let left = n; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}

const QUARTER_TURN = 1.5707963267948966;

/** cos(π·u) for 0 ≤ u ≤ 1, as sin of what is left to the middle: Taylor to the 17th power, error below 10⁻¹⁵. */
function cosineOfHalfTurns(u: number): number {
  const x = QUARTER_TURN * (1 - 2 * u);
  const z = x * x;
  let s = 1;
  for (let k = 16; k >= 2; k -= 2) s = 1 - (z / (k * (k + 1))) * s;
  return x * s;
}
