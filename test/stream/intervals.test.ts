import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { createStream, PREDICTED, SCORED, type Stream, type StreamOptions } from '../../src/stream/index.js';
import { randomRow } from '../support/networks.js';

const ROWS = 4000;

function streamFor(task: object, network?: StreamOptions['network']): Stream {
  return createStream({
    columns: [{ name: 'a' }, { name: 'b' }, { name: 'y' }, { name: 'z' }],
    task: { kind: 'regress', features: ['a', 'b'], targets: ['y', 'z'], ...task },
    network,
  });
}

/** A law with noise, whose level moves twice; `z` is twenty times as large. */
function feed(
  stream: Stream,
  count: number,
  onRow: (outcome: number, truth: [number, number]) => void = () => {},
): void {
  const random = new Random(5);
  for (let i = 0; i < count; i++) {
    const [a, b] = randomRow(random, 2);
    const [u, v] = randomRow(random, 2);
    const y = Math.fround(a - 2 * b + 0.3 * u + (i > 1500 ? 4 : 0));
    const z = Math.fround(20 * (a * b + v * (i > 2500 ? 1 : 0.2)));
    stream.row.set([a, b, y, z]);
    onRow(stream.accept(), [y, z]);
  }
}

const TASKS = { 'the next row': {}, '60 rows late': { delay: 60 }, 'of 12 rows ago': { labelAge: 12 } };

describe('intervals of a stream', () => {
  for (const [name, task] of Object.entries(TASKS)) {
    it.each([['race', undefined] as const, ['network', { shortcut: true }] as const])(
      `labels ${name}: %s, 90 %% of the truths inside, as told and as counted`,
      (_, network) => {
        const stream = streamFor(task, network);
        let covered = 0;
        let width = 0;
        let counted = 0;
        feed(stream, ROWS, (outcome) => {
          if (outcome & PREDICTED && stream.rows > 200) {
            stream.prediction.forEach((p, i) => {
              expect(stream.lower[i]).toBeLessThanOrEqual(p);
              expect(stream.upper[i]).toBeGreaterThanOrEqual(p);
            });
          }
          if (!(outcome & SCORED) || Number.isNaN(stream.scoredLower[0])) return;
          stream.truth.forEach((y, i) => {
            const [lower, upper] = [stream.scoredLower[i], stream.scoredUpper[i]];
            expect((lower + upper) / 2).toBeCloseTo(stream.scoredPrediction[i], 9);
            if (lower <= y && y <= upper) covered++;
            width += upper - lower;
            counted++;
          });
        });
        const report = stream.report();
        if (report.kind !== 'regress' || report.interval === null) return expect.fail('no intervals');
        const { interval } = report;
        expect(interval.scored).toBe(counted / 2);
        expect(interval.covered).toBeCloseTo(covered / counted, 12);
        expect(interval.width).toBeCloseTo(width / counted, 9);
        expect(interval.targets.map((target) => target.name)).toEqual(['y', 'z']);
        for (const { covered } of interval.targets) {
          expect(covered).toBeGreaterThanOrEqual(0.88);
          expect(covered).toBeLessThanOrEqual(0.92);
        }
        expect(interval.targets[1].width!).toBeGreaterThan(interval.targets[0].width!);
        expect(interval.width!).toBeLessThan(interval.baselineWidth!);
      },
    );
  }

  it('of a forecast are around values, of every horizon and of all together', () => {
    const stream = createStream({
      columns: [{ name: 'a' }, { name: 'y' }],
      task: { kind: 'forecast', features: ['a', 'y'], targets: ['y'], horizons: [1, 12] },
      network: { shortcut: true },
    });
    const random = new Random(5);
    let y = 100;
    let [covered, counted] = [0, 0];
    for (let i = 0; i < ROWS; i++) {
      const [a, u] = randomRow(random, 2);
      y += a + 0.2 * u - 0.02 * (y - 100);
      stream.row.set([a, y]);
      const outcome = stream.accept();
      if (outcome & PREDICTED && i > 200) {
        for (const k of [0, 1]) {
          expect(stream.lower[k]).toBeLessThan(stream.prediction[k]);
          expect(stream.upper[k]).toBeGreaterThan(stream.prediction[k]);
        }
      }
      if (!(outcome & SCORED) || Number.isNaN(stream.scoredLower[0] + stream.scoredLower[1])) continue;
      for (const k of [0, 1]) {
        if (stream.scoredLower[k] <= stream.truth[k] && stream.truth[k] <= stream.scoredUpper[k]) covered++;
        counted++;
      }
    }
    const report = stream.report();
    if (report.kind !== 'forecast' || report.interval === null) return expect.fail('no intervals');
    expect(report.interval.covered).toBeCloseTo(covered / counted, 2);
    expect(report.interval.targets.map(({ name }) => name)).toEqual(['y+1', 'y+12']);
    for (const { interval } of report.horizons) {
      expect(Math.abs(interval!.covered! - 0.9)).toBeLessThanOrEqual(0.02);
    }
    const [near, far] = report.horizons.map(({ interval }) => interval!.width!);
    expect(far).toBeGreaterThan(1.5 * near);
  });

  it('are those that were published: scored ones equal the ones of their row', () => {
    const stream = streamFor({ delay: 3 });
    const published: number[][] = [];
    feed(stream, 600, (outcome) => {
      if (outcome & SCORED) {
        const [lower, upper] = published[published.length - 3];
        expect([stream.scoredLower[0], stream.scoredUpper[1]]).toEqual([lower, upper]);
      }
      published.push([stream.lower[0], stream.upper[1]]);
    });
  });

  it('change nothing that is learned, and none are kept where the task turns them off', () => {
    const [on, off, narrow] = [{}, { interval: 0 }, { interval: 0.5 }].map((task) => streamFor(task));
    for (const stream of [on, off, narrow]) feed(stream, 1000);
    expect(off.hash()).toBe(on.hash());
    expect(off.lower).toHaveLength(0);
    expect(off.report()).toMatchObject({ interval: null });
    expect(off.state().tensors.some(({ name }) => name.includes('interval'))).toBe(false);
    const covered = (stream: Stream) => (stream.report() as { interval: { covered: number } }).interval.covered;
    expect(covered(narrow)).toBeGreaterThan(0.45);
    expect(covered(narrow)).toBeLessThan(0.55);
  });

  it('go on being fitted while learning is paused', () => {
    const stream = streamFor({});
    feed(stream, 1000);
    stream.setLearning(false);
    const hash = stream.network.hash();
    const before = stream.report() as { interval: { scored: number } };
    const width = () => stream.upper[0] - stream.lower[0];
    const wide = width();
    for (let i = 0; i < 300; i++) {
      stream.row.set([0, 0, i % 2 === 0 ? 100 : -100, 0]);
      stream.accept();
    }
    expect(stream.network.hash()).toBe(hash);
    expect(width()).toBeGreaterThan(10 * wide);
    expect((stream.report() as typeof before).interval.scored).toBe(before.interval.scored + 300);
  });
});
