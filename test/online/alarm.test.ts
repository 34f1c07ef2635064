import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { Alarm, type AlarmOptions, RobustScale } from '../../src/online/index.js';

const OPTIONS: AlarmOptions = { rate: 0.01, hold: 1, release: 1, warmup: 200 };

/** Feeds scores one by one; returns where the alarm was on. */
function feed(alarm: Alarm, scores: readonly number[], isLearning = true): boolean[] {
  return scores.map((score) => alarm.take(Float64Array.of(score), isLearning));
}

/** Scores of errors that are normal-like, in usual sizes. */
function usual(count: number, seed: number): number[] {
  const random = new Random(seed);
  const sum = () => Array.from({ length: 6 }, () => random.uniform() - 0.5).reduce((s, v) => s + v, 0);
  return Array.from({ length: count }, () => 1.8 * Math.abs(sum()));
}

describe('alarm', () => {
  it('keeps the share of rows in alarm at the stated rate, whatever the scores are like', () => {
    const shapes = [
      (v: number) => v,
      (v: number) => v ** 4,
      (v: number) => (v < 1 ? 0 : v),
      (v: number) => Math.ceil(v),
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(0.002, 0.01, 0.05),
        fc.constantFrom(1, 2, 5),
        fc.constantFrom(...shapes),
        fc.nat(1000),
        (rate, release, shape, seed) => {
          const alarm = new Alarm({ ...OPTIONS, rate, release });
          feed(alarm, usual(30_000, seed).map(shape));
          const found = alarm.report().rate!;
          // Some tens of rows are above it while the threshold finds its place. Scores of few different values can be below the rate: there is no threshold between two of them.
          expect(found).toBeLessThanOrEqual(1.05 * rate + 70 / 30_000);
          if (shape === shapes[0]) expect(found).toBeGreaterThanOrEqual(0.8 * rate);
        },
      ),
      { numRuns: 24 },
    );
  });

  it('says nothing during the warm-up, then begins at the quantile of its end', () => {
    const alarm = new Alarm(OPTIONS);
    expect(feed(alarm, [...Array(100).fill(1000), ...usual(100, 3)]).some(Boolean)).toBe(false);
    expect(alarm.report()).toMatchObject({ judged: 0, rate: null, threshold: null });
    feed(alarm, [0.5]);
    const { threshold } = alarm.report();
    expect(threshold).toBeGreaterThan(1.5);
    expect(threshold).toBeLessThan(6);
  });

  it('is raised by `hold` rows above one after the other and ends with `release` rows that are not', () => {
    const alarm = new Alarm({ rate: 0.01, hold: 3, release: 2, warmup: 0 });
    const [high, low] = [100, 0];
    const found = feed(alarm, [high, high, low, high, high, high, high, low, high, low, low, low]);
    expect(found.map(Number)).toEqual([0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0]);
    expect(alarm.report()).toMatchObject({ judged: 12, alarms: 1, alarmRows: 5, isInAlarm: false });
    // The rows that raised it do not count towards its end, nor the other way round.
    const next = feed(alarm, [high, high, high, low, high, low, low, high, high, low]);
    expect(next.map(Number)).toEqual([0, 0, 1, 1, 1, 1, 0, 0, 0, 0]);
  });

  it('takes an enormous score as it takes a slight one: the threshold moves no further', () => {
    const thresholds = [10, 1e6].map((spike) => {
      const alarm = new Alarm(OPTIONS);
      expect(feed(alarm, [...usual(1000, 5), spike]).at(-1)).toBe(true);
      return alarm.report().threshold;
    });
    expect(thresholds[1]).toBe(thresholds[0]);
  });

  it('accepts a level that lasts, within two hundred rows of a hundred times the score', () => {
    const alarm = new Alarm(OPTIONS);
    feed(alarm, usual(1000, 7));
    const found = feed(
      alarm,
      usual(1000, 8).map((score) => 100 * (1 + score)),
    );
    expect(found.slice(0, 50).every(Boolean)).toBe(true);
    expect(found.slice(200).filter(Boolean).length).toBeLessThan(30);
  });

  it('does not move while nothing is to be learned, and ends an alarm at a gap', () => {
    const alarm = new Alarm({ ...OPTIONS, release: 50 });
    feed(alarm, usual(300, 9));
    const { threshold } = alarm.report();
    expect(feed(alarm, [100], false)).toEqual([true]);
    expect(alarm.report()).toMatchObject({ threshold, isInAlarm: true });
    alarm.clear();
    expect(alarm.report().isInAlarm).toBe(false);
    expect(feed(alarm, [0.1], false)).toEqual([false]);
  });
});

describe('usual size of errors', () => {
  it('scores by the column that is worst for its kind, and 0 before it knows any', () => {
    const scale = new RobustScale(2);
    expect(scale.score(Float64Array.of(5, 5))).toBe(0);
    expect(scale.largest[0]).toBe(0);
    for (let i = 0; i < 100; i++) scale.update(Float64Array.of(i % 2 ? 1 : -1, 0.01));
    expect(scale.score(Float64Array.of(2, -0.05))).toBe(1);
    expect(scale.largest[0]).toBeCloseTo(5, 9);
  });

  it('is hardly moved by one enormous error, and follows where errors stay large', () => {
    const scale = new RobustScale(1);
    for (let i = 0; i < 500; i++) scale.update(Float64Array.of(1));
    scale.update(Float64Array.of(1e30));
    scale.score(Float64Array.of(1));
    expect(scale.largest[0]).toBeGreaterThan(0.98);
    for (let i = 0; i < 3000; i++) scale.update(Float64Array.of(50));
    scale.score(Float64Array.of(50));
    expect(scale.largest[0]).toBeLessThan(1.2);
  });

  it('stays finite where there never was an error, or only enormous ones', () => {
    const scale = new RobustScale(2);
    for (let i = 0; i < 50; i++) scale.update(Float64Array.of(0, 3e38));
    scale.score(Float64Array.of(0, 0));
    expect(scale.largest[0]).toBe(0);
    expect(scale.score(Float64Array.of(1e-30, 3e38))).toBe(0);
    expect(scale.largest[0]).toBe(1e6);
  });
});
