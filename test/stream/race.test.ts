import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { createStream, type Stream, type StreamOptions, type StreamReport } from '../../src/stream/index.js';

type Law = (x: Float64Array, i: number) => number;

/** Feeds rows of uniform inputs in ±2 and what a law makes of them. */
function feed(stream: Stream, inputs: number, rows: number, law: Law, seed = 5): StreamReport {
  const random = new Random(seed);
  const x = new Float64Array(inputs);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < inputs; k++) stream.row[k] = x[k] = 4 * random.uniform() - 2;
    stream.row[inputs] = law(x, i);
    stream.accept();
  }
  stream.finish();
  return stream.report();
}

function regression(inputs: number, options: Partial<StreamOptions> = {}, delay = 1): Stream {
  const names = Array.from({ length: inputs }, (_, k) => `x${k}`);
  return createStream({
    columns: [...names.map((name) => ({ name })), { name: 'y' }],
    task: { kind: 'regress', features: names, targets: ['y'], delay },
    ...options,
  });
}

const maeOf = (report: StreamReport) => (report.metrics as { mae: number }).mae;
const naiveOf = (report: StreamReport) => (report.baseline as { mae: number }).mae;
const expertsOf = ({ learner }: StreamReport) => (learner.kind === 'race' ? learner.experts : []);

describe('race: untouched', () => {
  it('learns a noisy linear law nearly to its noise, early and late labels alike', () => {
    for (const delay of [1, 50]) {
      const noise = new Random(9);
      const law: Law = (x) => x[0] - 2 * x[1] + 3 * x[2] + (2 * noise.uniform() - 1);
      expect(maeOf(feed(regression(3, {}, delay), 3, 3000, law))).toBeLessThan(1.1 * 0.5);
    }
  });

  it('follows a law that turns over', () => {
    const law: Law = (x, i) => (Math.floor(i / 1000) % 2 === 0 ? 1 : -1) * (x[0] - 2 * x[1]);
    const report = feed(regression(2), 2, 4000, law);
    expect(maeOf(report)).toBeLessThan(0.15 * naiveOf(report));
  });

  it('is the naive predictor where there is nothing else to know', () => {
    const walk = new Random(2);
    let level = 0;
    const report = feed(regression(2), 2, 3000, () => {
      level += walk.uniform() - 0.5;
      return level;
    });
    expect(maeOf(report)).toBeLessThan(1.05 * naiveOf(report));
    expect(expertsOf(report).at(-1)).toMatchObject({ kind: 'naive', rate: null });
    expect(expertsOf(report).at(-1)?.weight).toBeGreaterThan(0.9);
  });

  it('does as well whatever the units of the columns', () => {
    const law: Law = (x) => x[0] - 2 * x[1] + x[2] * x[0];
    const report = feed(regression(3), 3, 2000, law);
    const scaled = regression(3);
    const random = new Random(5);
    for (let i = 0; i < 2000; i++) {
      const x = Float64Array.from({ length: 3 }, () => 4 * random.uniform() - 2);
      scaled.row.set([1e4 * x[0] + 3e4, x[1] / 1e5, 7 - x[2], 1e3 * law(x, i) - 500]);
      scaled.accept();
    }
    scaled.finish();
    const [error, scaledError] = [report, scaled.report()].map((each) => maeOf(each) / naiveOf(each));
    expect(Math.abs(scaledError / error - 1)).toBeLessThan(0.25);
  });

  it('learns classes, with more inputs than a tracker takes too', () => {
    for (const inputs of [2, 40]) {
      const names = Array.from({ length: inputs }, (_, k) => `x${k}`);
      const stream = createStream({
        columns: [...names.map((name) => ({ name })), { name: 'y', kind: 'class', classes: 2 }],
        task: { kind: 'classify', features: names, targets: ['y'] },
      });
      const report = feed(stream, inputs, 3000, (x) => (x[0] > x[1] ? 1 : 0));
      expect((report.metrics as { accuracy: number }).accuracy).toBeGreaterThan(0.93);
      expect(expertsOf(report).map(({ kind }) => kind)).toEqual([
        ...['network', 'network', 'network'],
        ...(inputs === 2 ? ['linear', 'tracker', 'tracker'] : []),
        'naive',
      ]);
      expect(stream.prediction.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
    }
  });

  it('reports who is believed: weights add up to 1, and the leader has the largest', () => {
    const { learner } = feed(regression(2), 2, 500, (x) => x[0] + x[1]);
    if (learner.kind !== 'race') throw new Error('no race');
    const weights = learner.experts.map(({ weight }) => weight);
    expect(weights.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    expect(weights[learner.leader]).toBe(Math.max(...weights));
    expect(learner.experts.every(({ loss }) => loss !== null && loss >= 0 && loss <= 3)).toBe(true);
  });

  it('a probe says what a prediction would, and leaves the published one', () => {
    const stream = regression(2);
    feed(stream, 2, 500, (x) => x[0] + x[1]);
    const [published] = stream.prediction;
    const said = new Float64Array(3);
    stream.learner.probe(said, 1); // of the row that is still there
    expect([...said]).toEqual([0, published, 0]);
    stream.learner.network.input.fill(0);
    stream.learner.probe(said, 1);
    expect(said[1]).not.toBe(published);
    expect(stream.prediction[0]).toBe(published);
  });

  it('does not repeat the last label for ever once labels have stopped', () => {
    const stream = regression(1);
    const walk = new Random(2);
    let level = 0;
    feed(stream, 1, 1000, () => {
      level += walk.uniform() - 0.5;
      return level;
    });
    expect(expertsOf(stream.report()).at(-1)?.weight).toBeGreaterThan(0.9);
    const spreads = [5, 50].map((rows) => {
      const predictions = Array.from({ length: rows }, (_, i) => {
        stream.row.set([i % 2, Number.NaN]);
        stream.accept();
        return stream.prediction[0];
      });
      return Math.abs(predictions[rows - 1] - predictions[rows - 2]);
    });
    expect(spreads[0]).toBeLessThan(1e-6); // the last label
    expect(spreads[1]).toBeGreaterThan(1e-6); // what the features say
  });
});

describe('a declared network', () => {
  const law: Law = (x) => x[0] - 2 * x[1];

  it('of an absurd rate does no harm, and what was done about it is counted', () => {
    for (const optimizer of [
      { kind: 'sgd', rate: 1e30 },
      { kind: 'momentum', rate: 100 },
      { kind: 'adam', rate: 100 },
      { kind: 'rmsprop', rate: 1e20 },
    ] as const) {
      const stream = regression(2, { network: { optimizer } });
      const report = feed(stream, 2, 3000, law);
      expect(maeOf(report)).toBeLessThan(naiveOf(report));
      expect(report.learner).toMatchObject({ kind: 'network', safety: true });
      if (report.learner.kind === 'network') expect(report.learner.limitedSteps).toBeGreaterThan(1000);
      for (const { data } of stream.state().tensors) expect([...data].every(Number.isFinite)).toBe(true);
    }
  });

  it('that is much worse than the last value gives way to it, and comes back', () => {
    const stream = regression(2, { network: { optimizer: { kind: 'sgd', rate: 0 } } });
    const constant = feed(stream, 2, 600, () => 5);
    expect(constant.learner).toMatchObject({ kind: 'network' });
    const still = feed(regression(2, { network: { optimizer: { kind: 'sgd', rate: 0 } } }), 2, 600, (_, i) => i);
    if (still.learner.kind === 'network') expect(still.learner.naiveRows).toBeGreaterThan(400);
    expect(maeOf(still)).toBeLessThan(1.01);
  });

  it('that is sane learns the same with safety and without', () => {
    const [safe, bare] = [true, false].map((safety) => {
      const stream = regression(2, { network: { layers: [], safety } });
      const report = feed(stream, 2, 2000, law);
      return { stream, report };
    });
    expect(safe.stream.network.hash()).toBe(bare.stream.network.hash());
    expect(safe.report.learner).toMatchObject({ limitedSteps: 0, clippedRows: 0 });
    expect(bare.report.learner).toMatchObject({ safety: false, limitedSteps: 0 });
  });

  it('asked to be left alone is', () => {
    const stream = regression(2, { network: { optimizer: { kind: 'sgd', rate: 3 }, safety: false } });
    const report = feed(stream, 2, 500, law);
    expect(maeOf(report)).toBeGreaterThan(3 * naiveOf(report));
  });
});
