import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoreOf, summary } from '../../src/daemon/status.js';
import {
  createStream,
  type ForecastReport,
  LEARNED,
  MISSING,
  PREDICTED,
  SCORED,
  type Stream,
  type StreamOptions,
} from '../../src/stream/index.js';

const columns = [{ name: 'x', range: [-100, 100] }, { name: 'a' }, { name: 'b' }] satisfies StreamOptions['columns'];
const network = { layers: [] };

/** A row of the device: x is a feature, a a feature and target, b a target; null: not printed. */
type Event = { x: number; a: number | null; b: number | null; isBad: boolean } | { lost: number } | 'gap';

const value = fc.integer({ min: -64, max: 64 }).map((n) => n / 4);
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.record({
      x: value,
      a: fc.option(value, { freq: 12 }),
      b: fc.option(value, { freq: 12 }),
      isBad: fc.nat(12).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: fc.record({ lost: fc.integer({ min: 1, max: 9 }) }) },
  { weight: 1, arbitrary: fc.constant('gap' as const) },
);

function feed(stream: Stream, one: Event): number {
  if (one === 'gap') stream.gap('request');
  else if ('lost' in one) stream.lost(one.lost);
  else {
    stream.row.set([one.isBad ? 999 : one.x, one.a ?? Number.NaN, one.b ?? Number.NaN]);
    return stream.accept();
  }
  return 0;
}

/** One place of the device: what is known there, and what was predicted from it. */
interface Place {
  values: number[] | null;
  prediction: number[] | null;
  isScorable: boolean[];
}

interface Pair {
  truth: number[];
  prediction: number[];
  noChange: number[];
  line: number[];
}

/** What is to be scored and learned, found the slow way from places that are all kept. */
class Oracle {
  private places: Place[] = [];
  private start = 0;
  private rows = 0;
  private readonly hasLabel: boolean[];
  readonly scored: Pair[][];
  learned = 0;

  constructor(
    readonly horizons: readonly number[],
    readonly warmup: number,
  ) {
    this.hasLabel = horizons.map(() => false);
    this.scored = horizons.map(() => []);
  }

  private at(place: number): Place | undefined {
    return place < this.start ? undefined : this.places[place];
  }

  gap(): void {
    this.start = this.places.length;
  }

  /** @param predictions of the stream, null where the row was not predicted */
  place(values: number[] | null, predictions: number[] | null, isRow: boolean): void {
    if (isRow) this.rows++;
    const now = this.places.length;
    this.horizons.forEach((horizon, k) => {
      const then = this.at(now - horizon);
      if (values === null || !then?.values) return;
      this.hasLabel[k] = true;
      if (then.prediction === null) return;
      this.learned++;
      if (!then.isScorable[k]) return;
      const before = this.at(now - 2 * horizon)?.values;
      this.scored[k].push({
        truth: values,
        prediction: then.prediction.slice(2 * k, 2 * k + 2),
        noChange: then.values,
        line: then.values.map((v, i) => (before ? v + (v - before[i]) : v)),
      });
    });
    this.places.push({
      values,
      prediction: predictions,
      isScorable: this.hasLabel.map((has) => has && this.rows > this.warmup),
    });
  }
}

const maeOf = (pairs: Pair[], key: 'prediction' | 'noChange' | 'line') =>
  pairs.reduce((s, pair) => s + pair[key].reduce((t, v, i) => t + Math.abs(v - pair.truth[i]) / 2, 0), 0) /
  pairs.length;

function reportOf(stream: Stream) {
  const report = stream.report();
  if (report.kind !== 'forecast') throw new Error('not a forecast');
  return report;
}

describe('forecast', () => {
  it('learns and scores every horizon when its row has come, beside no change and line, as found the slow way', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 80 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 3 }),
        fc.constantFrom(0, 10),
        (events, horizons, warmup) => {
          const task = { kind: 'forecast', features: ['x', 'a'], targets: ['a', 'b'], horizons, warmup } as const;
          const stream = createStream({
            columns,
            task: { ...task, features: ['x', 'a'], targets: ['a', 'b'] },
            network,
          });
          const oracle = new Oracle(horizons, warmup);
          for (const one of events) {
            const outcome = feed(stream, one);
            if (one === 'gap') oracle.gap();
            else if ('lost' in one) for (let i = 0; i < one.lost; i++) oracle.place(null, null, false);
            else {
              const isKnown = !one.isBad && one.a !== null && one.b !== null;
              if (!one.isBad && !isKnown) expect(outcome & MISSING).toBe(MISSING);
              expect(outcome & PREDICTED).toBe(isKnown ? PREDICTED : 0);
              oracle.place(isKnown ? [one.a!, one.b!] : null, isKnown ? [...stream.prediction] : null, true);
            }
          }
          const report = reportOf(stream);
          expect(report.learned).toBe(oracle.learned);
          report.horizons.forEach(({ horizon, scored, metrics, baselines, baseline }, k) => {
            const pairs = oracle.scored[k];
            expect(horizon).toBe(horizons[k]);
            expect(scored).toBe(pairs.length);
            if (scored === 0) return;
            const [noChange, line] = [maeOf(pairs, 'noChange'), maeOf(pairs, 'line')];
            expect(metrics.mae).toBeCloseTo(maeOf(pairs, 'prediction'), 9);
            expect(baselines.noChange.mae).toBeCloseTo(noChange, 9);
            expect(baselines.line.mae).toBeCloseTo(line, 9);
            expect(baseline.mae).toBe(Math.min(baselines.noChange.mae!, baselines.line.mae!));
            if (baseline.mae! > 0) expect(metrics.skill).toBeCloseTo(1 - metrics.mae! / baseline.mae!, 12);
          });
        },
      ),
      { numRuns: 150 },
    );
  });

  it('scores a row once all its horizons have come true, and gives values, not changes', () => {
    const stream = createStream({
      columns,
      task: { kind: 'forecast', features: ['a'], targets: ['a'], horizons: [1, 3], warmup: 0 },
      network,
    });
    expect(stream.outputNames).toEqual(['a+1', 'a+3']);
    expect(stream.required).toEqual([false, true, false]);
    const outcomes: number[] = [];
    for (let i = 0; i < 8; i++) {
      stream.row.set([0, 1000 + i * i, 0]);
      const before = [...stream.prediction];
      outcomes.push(stream.accept() & (SCORED | LEARNED));
      if (i === 7) {
        expect([...stream.truth]).toEqual([1049, 1049]);
        expect([...stream.scoredBaseline]).toEqual([1036, 1016]);
        expect(stream.scoredPrediction[0]).toBe(before[0]);
      }
    }
    // Horizon 3 knows its first label with row 3, and what is predicted then comes true with row 6.
    expect(outcomes).toEqual([0, ...Array(5).fill(LEARNED), LEARNED | SCORED, LEARNED | SCORED]);
    for (const prediction of stream.prediction) expect(Math.abs(prediction - 1055)).toBeLessThan(60);
  });

  it('sees what comes in a wave with noise, far better than no change and line, whichever horizon', () => {
    const stream = createStream({
      columns: [{ name: 'temp', unit: 'degC' }],
      task: { kind: 'forecast', features: ['temp'], targets: ['temp'], horizons: [1, 10], lags: [1, 2, 5] },
    });
    let seed = 1;
    for (let i = 0; i < 4000; i++) {
      seed = (seed * 48271) % 2147483647;
      stream.row[0] = 20 + 5 * Math.sin(i / 8) + 0.4 * (seed / 2147483647 - 0.5);
      stream.accept();
    }
    const report = reportOf(stream);
    expect(report.metrics.skill).toBeGreaterThan(0.6);
    for (const { baselines, metrics } of report.horizons) {
      expect(metrics.mae).toBeLessThan(0.65 * Math.min(baselines.noChange.mae!, baselines.line.mae!));
    }
    expect(report.horizons[0].baseline.kind).toBe('line');
    expect(report.horizons.map(({ learner }) => learner.kind)).toEqual(['race', 'race']);
    const text = summary(report, scoreOf(report, 'degC'), 0);
    expect(text).toMatch(/race +no change|race +line/);
    expect(text).toMatch(/10 rows ahead +0\.\d+ degC +\d/);
  });

  it('takes no labels from outside: every truth comes with a row', () => {
    const task = { kind: 'forecast', features: ['x'], targets: ['a'], horizons: [2] } as const;
    const stream = createStream({ columns, task: { ...task, features: ['x'], targets: ['a'], horizons: [2] } });
    feed(stream, { x: 1, a: 1, b: 1, isBad: false });
    stream.labelRow.fill(1);
    expect(stream.label(0)).toBe(0);
    expect(stream.report()).toMatchObject({ labels: 1, unusedLabels: 1, learned: 0 });
  });

  it('tells the better baseline as its own: the line on a ramp, no change where nothing moves', () => {
    const run = (trace: (i: number) => number): ForecastReport => {
      const stream = createStream({
        columns,
        task: { kind: 'forecast', features: ['x'], targets: ['a'], horizons: [4] },
        network,
      });
      for (let i = 0; i < 300; i++) feed(stream, { x: 0, a: trace(i), b: 0, isBad: false });
      return reportOf(stream);
    };
    expect(run((i) => i)).toMatchObject({ baseline: { kind: 'line', mae: 0 }, baselines: { noChange: { mae: 4 } } });
    expect(run((i) => (i * 7) % 5)).toMatchObject({ baseline: { kind: 'noChange' } });
    expect(run(() => 3)).toMatchObject({ baseline: { kind: 'noChange', mae: 0 }, metrics: { skill: null } });
  });
});
