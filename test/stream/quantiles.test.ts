import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import {
  createStream,
  loadStream,
  PREDICTED,
  SCORED,
  type Stream,
  type StreamOptions,
  saveStream,
} from '../../src/stream/index.js';
import { randomRow } from '../support/networks.js';

const QUANTILES = [0.1, 0.5, 0.9];

const options = {
  columns: [{ name: 'a' }, { name: 'b' }, { name: 'y' }, { name: 'z' }],
  task: { kind: 'regress', features: ['a', 'b'], targets: ['y', 'z'], delay: 3, quantiles: QUANTILES },
  network: { layers: [{ kind: 'dense', units: 16, activation: 'tanh' }], shortcut: true },
} satisfies StreamOptions;

/** A law with noise that is skewed, and larger where b is. */
function feed(stream: Stream, from: number, to: number, onRow: (outcome: number) => void = () => {}): void {
  for (let i = from; i < to; i++) {
    const random = new Random(i + 1);
    const [a, b] = randomRow(random, 2);
    const size = 0.2 + Math.abs(b);
    const skewed = random.uniform() ** 3;
    stream.row.set([a, b, a + size * skewed, 50 * (b - size * skewed)]);
    onRow(stream.accept());
  }
}

describe('quantiles of a stream', () => {
  it('lie above the part of the truths that they state, never cross, and tell more than the last value', () => {
    const stream = createStream(options);
    const published: number[][] = [];
    const below = [0, 0, 0];
    const pinball = [0, 0, 0];
    let scored = 0;
    feed(stream, 0, 12_000, (outcome) => {
      if (outcome & PREDICTED) {
        for (const i of [0, 3]) {
          expect(stream.quantiles[i]).toBeLessThanOrEqual(stream.quantiles[i + 1]);
          expect(stream.quantiles[i + 1]).toBeLessThanOrEqual(stream.quantiles[i + 2]);
        }
        expect([...stream.prediction]).toEqual([stream.quantiles[1], stream.quantiles[4]]);
      }
      if (outcome & SCORED) {
        scored++;
        const then = published[published.length - 3];
        stream.truth.forEach((y, i) => {
          QUANTILES.forEach((tau, q) => {
            const r = y - then[3 * i + q];
            pinball[q] += Math.max(tau * r, (tau - 1) * r) / 2;
            if (r <= 0) below[q] += 0.5;
          });
        });
      }
      published.push([...stream.quantiles]);
    });
    const report = stream.report();
    if (report.kind !== 'regress' || report.quantiles === undefined) return expect.fail('no quantiles');
    report.quantiles.all.forEach((scores, q) => {
      expect(scores.quantile).toBe(QUANTILES[q]);
      expect(scores.below).toBeCloseTo(below[q] / scored, 9);
      expect(scores.pinball).toBeCloseTo(pinball[q] / scored, 9);
      expect(Math.abs(scores.below! - scores.quantile)).toBeLessThan(0.04);
      expect(scores.pinball!).toBeLessThan(0.5 * scores.baselinePinball!);
    });
    expect(report.quantiles.window).toHaveLength(3);
    expect(report.quantiles.fading[2].below).toBeGreaterThan(0.75);
    expect(report.metrics.skill).toBeGreaterThan(0.5);
    expect(report.interval!.covered).toBeCloseTo(0.9, 1);
  });

  it('go on from a checkpoint as if it had not been', () => {
    const stream = createStream(options);
    feed(stream, 0, 500);
    const resumed = loadStream(saveStream(stream));
    for (const each of [stream, resumed]) feed(each, 500, 700);
    expect(resumed.report()).toEqual(stream.report());
    expect(saveStream(resumed)).toEqual(saveStream(stream));
  });

  it('are the same on both executors', () => {
    const streams = (['simd', 'reference'] as const).map((executor) => createStream({ ...options, executor }));
    for (const stream of streams) feed(stream, 0, 500);
    expect([...streams[1].quantiles]).toEqual([...streams[0].quantiles]);
    expect(streams[1].hash()).toBe(streams[0].hash());
  });

  it('are the last known value while a network is far worse, and stay finite at any rate', () => {
    const network = { ...options.network, optimizer: { kind: 'sgd', rate: 100 } } as const;
    const stream = createStream({ ...options, network });
    feed(stream, 0, 3000, (outcome) => {
      if (outcome & PREDICTED) expect(stream.quantiles.every(Number.isFinite)).toBe(true);
    });
    const { metrics, baseline } = stream.report() as { metrics: { mae: number }; baseline: { mae: number } };
    expect(metrics.mae).toBeLessThan(3 * baseline.mae);
  });

  it('want a declared network, a regression, and an ascending list', () => {
    const make = (change: object, network?: StreamOptions['network']) => () =>
      createStream({ ...options, task: { ...options.task, ...change }, network });
    expect(make({})).toThrow(/SPEC_TASK: task\.quantiles: found no network, expected a declared one/);
    expect(make({ quantiles: [0.5, 0.1] }, options.network)).toThrow(/task\.quantiles.*ascending/);
    expect(make({ quantiles: [0, 0.5] }, options.network)).toThrow(/between 0 and 1/);
    const forecast = { kind: 'forecast', horizons: [1], delay: undefined };
    expect(make(forecast, options.network)).toThrow(/"quantiles" only for kind "regress"/);
  });
});
