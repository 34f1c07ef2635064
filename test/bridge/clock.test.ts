import { describe, expect, test } from 'vitest';
import { ClockEstimator } from '../../src/bridge/index.js';

function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

/** PINGs every two seconds to a device whose clock is `ppm` fast, over a link with a skewed jitter. */
function simulate(ppm: number, seconds: number, jitterUs: number, seed = 1) {
  const next = random(seed);
  const deviceOf = (hostUs: number) => (hostUs - 5e11) * (1 + ppm * 1e-6) + 12345;
  const estimator = new ClockEstimator();
  const delay = () => 400 + -Math.log(1 - next()) * jitterUs;
  const start = 5e11 + 3e9;
  let last = 0;
  for (let host = start; host <= start + seconds * 1e6; host += 2e6) {
    const arrived = host + delay();
    const answered = arrived + 50 + 100 * next();
    const back = answered + delay();
    estimator.add(host, deviceOf(arrived), deviceOf(answered), back);
    last = host;
  }
  return { estimator, last, deviceOf };
}

describe('a clock estimator', () => {
  test.each([-80, -3, 0, 40, 100])('finds %i ppm within 5, and the time within the jitter', (ppm) => {
    for (let seed = 1; seed <= 20; seed++) {
      const { estimator, last, deviceOf } = simulate(ppm, 180, 1000, seed);
      expect(Math.abs(estimator.driftPpm - ppm)).toBeLessThan(5);
      expect(estimator.count).toBe(64);
      for (const host of [last - 60e6, last, last + 10e6]) {
        expect(Math.abs(estimator.hostTimeOf(deviceOf(host)) - host)).toBeLessThan(500);
      }
    }
  });

  test('one exchange gives the offset, two close together no wild drift', () => {
    const { estimator, last, deviceOf } = simulate(40, 0, 1000);
    expect(estimator.count).toBe(1);
    expect(Math.abs(estimator.hostTimeOf(deviceOf(last)) - last)).toBeLessThan(20_000);
    expect(estimator.driftPpm).toBe(0);
    for (let seed = 1; seed <= 20; seed++)
      expect(Math.abs(simulate(40, 2, 1000, seed).estimator.driftPpm)).toBeLessThan(400);
  });

  test('follows a drift that changes, since old exchanges leave the window', () => {
    const { estimator, last, deviceOf } = simulate(40, 400, 500);
    const turned = (host: number) => deviceOf(last) + (host - last) * (1 - 30e-6);
    for (let host = last + 2e6; host < last + 140e6; host += 2e6) {
      estimator.add(host, turned(host + 400), turned(host + 500), host + 900);
    }
    expect(Math.abs(estimator.driftPpm + 30)).toBeLessThan(1);
  });

  test('what is impossible is not taken', () => {
    const estimator = new ClockEstimator();
    expect(estimator.hostTimeOf(0)).toBeNaN();
    expect(estimator.roundTripUs).toBeNaN();
    estimator.add(1000, 0, 10, 900);
    estimator.add(1000, 10, 0, 2000);
    estimator.add(Number.NaN, 0, 10, 2000);
    estimator.add(1000, 0, 5000, 2000);
    expect(estimator.count).toBe(0);
    estimator.add(1000, 0, 100, 2000);
    expect(estimator.count).toBe(1);
    expect(estimator.roundTripUs).toBe(900);
    expect(estimator.offsetAt(0)).toBe(-1450);
    estimator.reset();
    expect(estimator.count).toBe(0);
  });
});
