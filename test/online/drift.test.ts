import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import {
  Adwin,
  Ddm,
  DRIFT,
  type DriftDetector,
  Kswin,
  naturalLog,
  PageHinkley,
  STABLE,
  WARNING,
} from '../../src/online/index.js';
import '../support/seed.js';

const DETECTORS: Record<string, () => DriftDetector> = {
  adwin: () => new Adwin(),
  'adwin of a range of its own': () => new Adwin({ delta: 0.1, buckets: 2, every: 3 }),
  ddm: () => new Ddm(),
  pageHinkley: () => new PageHinkley({ lambda: 5 }),
  'pageHinkley of a fixed scale': () => new PageHinkley({ lambda: 5, scale: 1, direction: 'up' }),
  kswin: () => new Kswin({ window: 40, recent: 10 }),
};

const feed = (detector: DriftDetector, values: readonly number[]): number[] =>
  values.map((value) => detector.update(Float64Array.of(value)));

const alarms = (levels: readonly number[]): number => levels.filter((level) => level === DRIFT).length;

/** Values 0 … 1 whose mean moves at some place: errors or losses. */
const losses = fc
  .tuple(
    fc.integer({ min: 0, max: 2 ** 32 - 1 }),
    fc.array(fc.tuple(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 0, max: 10 })), {
      minLength: 1,
      maxLength: 5,
      size: 'max',
    }),
  )
  .map(([seed, parts]) => {
    const random = new Random(seed);
    return parts.flatMap(([length, mean]) => Array.from({ length }, () => (random.uniform() < mean / 10 ? 1 : 0)));
  });

/** Numbers that move anywhere. */
const numbers = fc
  .tuple(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.array(fc.tuple(fc.nat(90), fc.integer({ min: -5, max: 5 }))))
  .map(([seed, parts]) => {
    const random = new Random(seed);
    return parts.flatMap(([length, level]) => Array.from({ length }, () => level + random.uniform()));
  });

const uniform = (random: Random) => random.uniform();
const bernoulli = (p: number) => (random: Random) => (random.uniform() < p ? 1 : 0);
const sequence = (seed: number, length: number, draw: (random: Random, i: number) => number): number[] => {
  const random = new Random(seed);
  return Array.from({ length }, (_, i) => draw(random, i));
};

describe('naturalLog', () => {
  it('is within two units in the last place of Math.log, and gives the bits it has always given', () => {
    let worst = 0;
    for (let x = 1e-300; x < 1e300; x *= 1.7) {
      worst = Math.max(worst, Math.abs(naturalLog(x) / Math.log(x) - 1));
    }
    expect(worst).toBeLessThan(2 * Number.EPSILON);
    expect([1, 2, 0.002, 1e9].map(naturalLog)).toEqual([0, Math.LN2, -6.214608098422191, 20.72326583694641]);
  });
});

describe('ADWIN', () => {
  /** The paper on the values themselves: buckets are lists, every sum is made anew. */
  function slow(values: readonly number[], delta: number, buckets: number, every: number): [number[], number[]] {
    let window: number[][] = []; // buckets, the oldest first
    const widths: number[] = [];
    const levels = values.map((value, i) => {
      window.push([value]);
      for (let size = 1; ; size *= 2) {
        const same = window.filter((bucket) => bucket.length === size);
        if (same.length <= buckets) break;
        const at = window.indexOf(same[0]);
        window.splice(at, 2, [...same[0], ...same[1]]);
      }
      let level = STABLE;
      while ((i + 1) % every === 0 && window.flat().length >= 10 && hasCut(window, delta)) {
        window = window.slice(1);
        level = DRIFT;
      }
      widths.push(window.flat().length);
      return level;
    });
    return [levels, widths];
  }

  function hasCut(window: readonly number[][], delta: number): boolean {
    const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
    const all = window.flat();
    const centre = mean(all);
    const variance = mean(all.map((x) => (x - centre) ** 2));
    return window.some((_, cut) => {
      const [older, newer] = [window.slice(0, cut + 1).flat(), window.slice(cut + 1).flat()];
      if (older.length < 5 || newer.length < 5) return false;
      const m = 1 / (1 / older.length + 1 / newer.length);
      const log = Math.log(2 / (delta / Math.log(all.length)));
      return Math.abs(mean(older) - mean(newer)) > Math.sqrt((2 / m) * variance * log) + (2 / (3 * m)) * log;
    });
  }

  it('drops what the paper drops when every cut is looked at the slow way', () => {
    let drifts = 0;
    fc.assert(
      fc.property(
        losses,
        fc.constantFrom([0.002, 5, 32], [0.2, 2, 4], [0.05, 3, 7]),
        (values, [delta, buckets, every]) => {
          const adwin = new Adwin({ delta, buckets, every, range: 1 });
          const widths: number[] = [];
          const levels = values.map((value) => {
            const level = adwin.update(Float64Array.of(value));
            widths.push(adwin.width);
            return level;
          });
          expect([levels, widths]).toEqual(slow(values, delta, buckets, every));
          drifts += alarms(levels);
        },
      ),
      { numRuns: 50 },
    );
    expect(drifts).toBeGreaterThan(20);
  });

  it('keeps a window of any length in a few buckets', () => {
    const adwin = new Adwin({ range: 1 });
    feed(adwin, sequence(3, 200_000, uniform));
    expect(adwin.width).toBe(200_000);
    const counts = adwin.state('a').find(({ name }) => name === 'a.counts')!.data;
    expect([...counts].reduce((a, b) => a + b)).toBeLessThan(5 * 17 + 1);
  });

  it('cuts a window that has not changed no more often than δ says', () => {
    for (const [name, draw] of Object.entries({ uniform, rare: bernoulli(0.02), often: bernoulli(0.4) })) {
      const streams = 40;
      const checks = 10_000 / 32;
      let cuts = 0;
      for (let seed = 0; seed < streams; seed++) {
        cuts += alarms(feed(new Adwin({ delta: 0.002, range: 1 }), sequence(seed, 10_000, draw)));
      }
      expect(cuts, name).toBeLessThanOrEqual(0.002 * checks * streams);
    }
  });

  it('of a range of its own tells the same whatever the unit', () => {
    const values = sequence(8, 3000, (random, i) => random.uniform() + (i > 1500 ? 0.5 : 0));
    const levels = feed(new Adwin(), values);
    expect(alarms(levels)).toBeGreaterThan(0);
    for (const unit of [2 ** 20, 2 ** -20])
      expect(
        feed(
          new Adwin(),
          values.map((x) => x * unit),
        ),
      ).toEqual(levels);
    expect(alarms(feed(new Adwin(), Array(3000).fill(0.1)))).toBe(0);
  });
});

describe('DDM', () => {
  it('warns and tells drift where the slow definition does', () => {
    let drifts = 0;
    let warnings = 0;
    fc.assert(
      fc.property(losses, (values) => {
        let since: number[] = [];
        let least: [number, number] | null = null;
        const expected = values.map((value) => {
          since.push(value);
          const p = since.reduce((a, b) => a + b, 0) / since.length;
          const s = Math.sqrt((p * (1 - p)) / since.length);
          if (since.length < 30 || p === 0) return STABLE;
          if (least === null || p + s <= least[0] + least[1]) {
            least = [p, s];
            return STABLE;
          }
          if (p + s >= least[0] + 3 * least[1]) {
            since = [];
            least = null;
            return DRIFT;
          }
          return p + s >= least[0] + 2 * least[1] ? WARNING : STABLE;
        });
        const levels = feed(new Ddm(), values);
        expect(levels).toEqual(expected);
        drifts += alarms(levels);
        warnings += levels.filter((level) => level === WARNING).length;
      }),
    );
    expect(drifts).toBeGreaterThan(20);
    expect(warnings).toBeGreaterThan(20);
  });

  it('is not alarmed by the first error after a perfect record, but by a few', () => {
    const levels = feed(new Ddm(), [...Array(500).fill(0), 1, ...Array(100).fill(0), 1, 1, 1, 1]);
    expect(levels.slice(0, 601).every((level) => level === STABLE)).toBe(true);
    expect(alarms(levels)).toBe(1);
  });
});

describe('Page–Hinkley', () => {
  it('tells drift where the sums, written out, say so, and which way', () => {
    const [delta, lambda, alpha, grace] = [0.01, 4, 0.99, 20];
    const drifts = { up: 0, down: 0, both: 0 };
    fc.assert(
      fc.property(numbers, fc.constantFrom('up', 'down', 'both'), (values, direction) => {
        let since: number[] = [];
        const expected = values.map((value) => {
          since.push(value);
          const steps = since.map((x, i) => x - since.slice(0, i + 1).reduce((a, b) => a + b, 0) / (i + 1));
          const sums = (sign: number) =>
            steps.map((_, t) =>
              steps.slice(0, t + 1).reduce((sum, step, i) => sum + alpha ** (t - i) * (step + sign * delta), 0),
            );
          const [rises, falls] = [sums(-1), sums(1)];
          const hasRisen = rises.at(-1)! - Math.min(0, ...rises) > lambda;
          const hasFallen = Math.max(0, ...falls) - falls.at(-1)! > lambda;
          const isDrift = (hasRisen && direction !== 'down') || (hasFallen && direction !== 'up');
          if (since.length < grace || !isDrift) return STABLE;
          since = [];
          return DRIFT;
        });
        const levels = feed(new PageHinkley({ delta, lambda, alpha, grace, direction, scale: 1 }), values);
        expect(levels).toEqual(expected);
        drifts[direction] += alarms(levels);
      }),
      { numRuns: 25 },
    );
    expect(Math.min(...Object.values(drifts))).toBeGreaterThan(5);
  });

  it('of a scale of its own tells the same whatever the unit and the zero', () => {
    const values = sequence(8, 2000, (random, i) => random.uniform() + (i > 1500 ? 0.5 : 0));
    const levels = feed(new PageHinkley(), values);
    expect(alarms(levels)).toBe(1);
    for (const unit of [2 ** 20, 2 ** -10]) {
      expect(
        feed(
          new PageHinkley(),
          values.map((x) => x * unit),
        ),
      ).toEqual(levels);
    }
    expect(alarms(feed(new PageHinkley(), Array(3000).fill(0.1)))).toBe(0);
  });
});

describe('KSWIN', () => {
  /** The largest distance of two empirical distributions, by counting at every value. */
  function distance(a: readonly number[], b: readonly number[]): number {
    const below = (list: readonly number[], x: number) => list.filter((v) => v <= x).length / list.length;
    return Math.max(...[...a, ...b].map((x) => Math.abs(below(a, x) - below(b, x))));
  }

  it('compares the latest values with a sample of the others, as counted the slow way', () => {
    const [n, r, alpha] = [40, 10, 0.05];
    let drifts = 0;
    fc.assert(
      fc.property(numbers, fc.boolean(), (exact, isCoarse) => {
        const values = isCoarse ? exact.map(Math.round) : exact;
        const random = new Random(9);
        let window: number[] = [];
        const expected = values.map((value) => {
          window = [...window, value].slice(-n);
          if (window.length < n) return STABLE;
          const latest = window.slice(-r);
          const others = window.slice(0, n - r);
          const sample = Array.from({ length: r }, (_, i) => {
            const j = i + random.below(others.length - i);
            [others[i], others[j]] = [others[j], others[i]];
            return others[i];
          });
          if (!(distance(sample, latest) > Math.sqrt((-0.5 * Math.log(alpha / 2) * 2) / r))) return STABLE;
          window = latest;
          return DRIFT;
        });
        const levels = feed(new Kswin({ window: n, recent: r, alpha, seed: 9 }), values);
        expect(levels).toEqual(expected);
        drifts += alarms(levels);
      }),
    );
    expect(drifts).toBeGreaterThan(20);
  });

  it('tells a change of the spread alone', () => {
    const values = sequence(2, 1000, (random, i) => (i < 500 ? 1 : 20) * (random.uniform() - 0.5));
    const levels = feed(new Kswin({ alpha: 0.0001 }), values);
    expect(levels.indexOf(DRIFT)).toBeGreaterThanOrEqual(500);
    expect(levels.indexOf(DRIFT)).toBeLessThan(550);
  });

  it('one test tells a change where there is none at most as often as α says', () => {
    // Windows that share no value, so that the tests are independent.
    let told = 0;
    for (let seed = 0; seed < 4000; seed++) {
      told += alarms(feed(new Kswin({ alpha: 0.05, seed }), sequence(seed, 100, uniform)));
    }
    expect(told / 4000).toBeLessThanOrEqual(0.05);
    expect(told).toBeGreaterThan(20);
  });
});

describe('every detector', () => {
  const SHIFT = 3000;
  /** Errors at a rate that rises from 10 % to 60 %, at once or within so many values. */
  const errors = (random: Random, share: number) => (random.uniform() < 0.1 + 0.5 * share ? 1 : 0);
  /** Numbers in 0 … 1 that rise by 1. */
  const levels = (random: Random, share: number) => random.uniform() + share;
  // Of 21 streams: the median of how late a sudden and a gradual rise may be told, and how many may be told of one before.
  const TOLD: [
    name: string,
    make: (seed: number) => DriftDetector,
    draw: (random: Random, share: number) => number,
    during: number,
    sudden: number,
    gradual: number,
    early: number,
  ][] = [
    ['adwin', () => new Adwin({ range: 1, direction: 'up' }), errors, 1000, 64, 450, 0],
    // Nothing bounds how often DDM is wrong: p + s passes its least value by three spreads sooner or later.
    ['ddm', () => new Ddm(), errors, 1000, 100, 500, 12],
    ['pageHinkley', () => new PageHinkley({ scale: 1, direction: 'up' }), errors, 1000, 120, 500, 0],
    ['kswin', (seed) => new Kswin({ alpha: 0.0001, direction: 'up', seed }), levels, 100, 30, 90, 1],
  ];
  for (const [name, make, draw, during, sudden, gradual, early] of TOLD) {
    it(`${name} tells a sudden rise and one within ${during} values, both soon and not before`, () => {
      for (const [length, latest] of [
        [1, sudden],
        [during, gradual],
      ]) {
        const delays: number[] = [];
        let before = 0;
        for (let seed = 1; seed <= 21; seed++) {
          const told = feed(
            make(seed),
            sequence(seed, 6000, (random, i) => draw(random, i < SHIFT ? 0 : Math.min((i - SHIFT) / length, 1))),
          );
          if (told.slice(0, SHIFT).includes(DRIFT)) before++;
          const first = told.indexOf(DRIFT, SHIFT);
          delays.push(first < 0 ? Number.POSITIVE_INFINITY : first - SHIFT);
        }
        delays.sort((a, b) => a - b);
        expect(delays[10]).toBeLessThanOrEqual(latest);
        expect(before).toBeLessThanOrEqual(early);
      }
    });
  }

  it('of a direction is silent about a change the other way, and begins anew all the same', () => {
    for (const make of [
      (direction: 'up' | 'down') => new Adwin({ range: 1, direction }),
      (direction: 'up' | 'down') => new PageHinkley({ scale: 1, direction }),
      (direction: 'up' | 'down') => new Kswin({ alpha: 0.0001, direction }),
    ]) {
      const rises = sequence(3, 4000, (random, i) => 0.3 * random.uniform() + (i < 2000 ? 0 : 0.7));
      const falls = rises.map((x) => 1 - x);
      expect([alarms(feed(make('up'), rises)) > 0, alarms(feed(make('down'), rises))]).toEqual([true, 0]);
      expect([alarms(feed(make('down'), falls)) > 0, alarms(feed(make('up'), falls))]).toEqual([true, 0]);
    }
    const adwin = new Adwin({ range: 1, direction: 'down' });
    feed(
      adwin,
      sequence(3, 4000, (random, i) => 0.3 * random.uniform() + (i < 2000 ? 0 : 0.7)),
    );
    expect(adwin.width).toBeLessThan(2300);
  });

  it('of the papers’ defaults is hardly ever alarmed by noise', () => {
    // At most so many in 100 000 values. KSWIN tests at every value, so that its α of 0.005 is a promise of little.
    const MOST: Record<string, [make: (seed: number) => DriftDetector, alarms: number]> = {
      adwin: [() => new Adwin({ range: 1 }), 0],
      ddm: [() => new Ddm(), 20],
      pageHinkley: [() => new PageHinkley({ scale: 1 }), 10],
      'pageHinkley of its own scale': [() => new PageHinkley(), 10],
      kswin: [(seed) => new Kswin({ seed }), 200],
      'kswin, α 0.0001': [(seed) => new Kswin({ seed, alpha: 0.0001 }), 5],
    };
    const noises = { uniform, errors: bernoulli(0.2) };
    for (const [name, [make, most]] of Object.entries(MOST)) {
      for (const [noise, draw] of Object.entries(noises)) {
        let told = 0;
        for (let seed = 1; seed <= 5; seed++) told += alarms(feed(make(seed), sequence(seed, 20_000, draw)));
        expect(told, `${name}, ${noise}`).toBeLessThanOrEqual(most);
      }
    }
  });

  for (const [name, make] of Object.entries(DETECTORS)) {
    it(`${name} goes on from its state bit for bit`, () => {
      const values = sequence(4, 2000, (random, i) =>
        random.uniform() < 0.1 + 0.6 * (Math.floor(i / 300) % 2) ? 1 : 0,
      );
      for (const cut of [7, 333, 1201]) {
        const first = make();
        feed(first, values.slice(0, cut));
        const second = make();
        const kept = first.state('x');
        second.state('x').forEach(({ data }, i) => {
          data.set(kept[i].data);
        });
        const rest = feed(first, values.slice(cut));
        expect(feed(second, values.slice(cut))).toEqual(rest);
        expect(second.state('x')).toEqual(first.state('x'));
        expect(alarms(rest)).toBeGreaterThan(0);
      }
    });

    it(`${name} leaves out and counts what is no number, and stays finite whatever comes`, () => {
      const values = sequence(4, 1500, (random, i) =>
        random.uniform() < 0.1 + 0.6 * (Math.floor(i / 300) % 2) ? 1 : 0,
      );
      const plain = make();
      const dirty = make();
      const expected = feed(plain, values);
      const levels = values.map((value) => {
        for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 1e39, -1e300]) {
          expect(dirty.update(Float64Array.of(bad))).toBe(STABLE);
        }
        return dirty.update(Float64Array.of(value));
      });
      expect(levels).toEqual(expected);
      expect(dirty.ignored).toBe(5 * values.length);
      feed(
        dirty,
        sequence(6, 2000, (random) => (random.uniform() < 0.5 ? -3e38 : 3e38)),
      );
      for (const { data } of dirty.state('x')) expect([...data].every(Number.isFinite)).toBe(true);
    });
  }
});
