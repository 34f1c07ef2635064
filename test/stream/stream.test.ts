import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AFTER_GAP,
  createStream,
  LEARNED,
  MISSING,
  PREDICTED,
  QUARANTINED,
  SCORED,
  type Stream,
} from '../../src/stream/index.js';
import { type Event, FEATURES, feed, HIDDEN, runOracle, SEED, schemaFor } from './oracle.js';

const CLASSES = 3;

type Task = { kind: 'regress' | 'classify'; delay: number; labelAge: number; warmup: number };

function streamFor(task: Task): Stream {
  return createStream({
    columns: schemaFor(task.kind, CLASSES),
    task: { ...task, features: FEATURES, targets: ['y'], window: 5 },
    network: {
      layers: [{ kind: 'dense', units: HIDDEN, activation: 'tanh' }],
      optimizer: { kind: 'sgd', rate: 0.05 },
    },
    seed: SEED,
  });
}

/** Float32 values, as a decoder writes them. */
const value = fc.integer({ min: -64, max: 64 }).map((n) => n / 4);

function eventsFor(kind: Task['kind'], length: number): fc.Arbitrary<Event[]> {
  const label = kind === 'regress' ? value : fc.nat(CLASSES - 1);
  const row = fc.record({
    kind: fc.constant('row' as const),
    x: fc.tuple(value, value),
    y: fc.option(label, { freq: 5 }),
    isBad: fc.nat(9).map((n) => n === 0),
  });
  const event: fc.Arbitrary<Event> = fc.oneof(
    { weight: 30, arbitrary: row },
    { weight: 1, arbitrary: row.map((r) => ({ ...r, x: [r.x[0], Number.NaN] as [number, number] })) },
    { weight: 2, arbitrary: fc.constant({ kind: 'lost' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'gap' as const }) },
  );
  return fc.array(event, { maxLength: length });
}

function expectAsOracle(events: Event[], task: Task): void {
  const stream = streamFor(task);
  const expected = runOracle(events, task, CLASSES);
  const scored: unknown[] = [];
  let learned = 0;
  events.forEach((event, i) => {
    const outcome = feed(stream, event);
    if (outcome & LEARNED) learned++;
    if (outcome & SCORED) {
      scored.push({
        prediction: stream.scoredPrediction[0],
        baseline: stream.scoredBaseline[0],
        truth: stream.truth[0],
      });
    }
    if (expected.predictions[i] === null) expect(outcome & PREDICTED).toBe(0);
    else {
      expect(outcome & PREDICTED).toBe(PREDICTED);
      expect(task.kind === 'regress' ? stream.prediction[0] : stream.predictedClass).toBe(expected.predictions[i]);
    }
  });
  // A label that a lost row made known is learned from without an outcome to say so.
  expect(stream.report().learned).toBe(expected.learned);
  expect(stream.report().scored).toBe(expected.scored.length);
  if (events.every((event) => event.kind !== 'lost')) {
    expect(scored).toEqual(expected.scored);
    expect(learned).toBe(expected.learned);
  }
}

describe('stream: labels find their rows', () => {
  for (const kind of ['regress', 'classify'] as const) {
    for (const [delay, labelAge] of [
      [1, 0],
      [0, 1],
      [0, 3],
      [2, 3],
      [60, 0],
    ] as const) {
      it(`${kind}, delay ${delay}, label age ${labelAge}: as written the slow way, with missing labels, lost and bad rows, gaps`, () => {
        fc.assert(
          fc.property(eventsFor(kind, 40 + 2 * delay), fc.constantFrom(0, 10), (events, warmup) => {
            expectAsOracle(events, { kind, delay, labelAge, warmup });
          }),
          { numRuns: delay > 10 ? 30 : 60 },
        );
      });
    }
  }
});

describe('stream: one row after the other', () => {
  const row = (x: number, y: number | null): Event => ({ kind: 'row', x: [x, -x], y });

  it('predicts before it learns, and scores before it learns, from the second row on', () => {
    const stream = streamFor({ kind: 'regress', delay: 1, labelAge: 0, warmup: 0 });
    expect(feed(stream, row(1, 5))).toBe(PREDICTED);
    // No label was known when the first row was predicted: there is no baseline to score against.
    expect(feed(stream, row(2, 6))).toBe(PREDICTED | LEARNED);
    expect(feed(stream, row(3, 7))).toBe(PREDICTED | LEARNED | SCORED);
    expect(stream.truth[0]).toBe(6);
    expect(stream.scoredBaseline[0]).toBe(5);
  });

  it('does not score rows of the warm-up', () => {
    const stream = streamFor({ kind: 'regress', delay: 1, labelAge: 0, warmup: 3 });
    const outcomes = [1, 2, 3, 4, 5].map((x) => feed(stream, row(x, x)) & SCORED);
    expect(outcomes).toEqual([0, 0, 0, 0, SCORED]);
  });

  it('says why a row was not predicted, and uses the label of a row without features', () => {
    const stream = streamFor({ kind: 'regress', delay: 1, labelAge: 0, warmup: 0 });
    expect(feed(stream, { ...row(1, 5), isBad: true } as Event)).toBe(QUARANTINED);
    expect(feed(stream, { kind: 'row', x: [1, Number.NaN], y: 4 })).toBe(MISSING);
    expect(feed(stream, row(1, 5))).toBe(PREDICTED);
    feed(stream, row(2, 5));
    feed(stream, row(3, 5));
    expect(stream.scoredBaseline[0]).toBe(5);
    expect(stream.report()).toMatchObject({
      rows: 5,
      predicted: 3,
      quarantined: 1,
      quarantine: { x0: { range: 1, step: 0 } },
      missing: 1,
      missingLabels: 0,
    });
  });

  it('finish scores the rows whose truth was printed already, once, and changes nothing else', () => {
    const stream = streamFor({ kind: 'regress', delay: 4, labelAge: 0, warmup: 0 });
    for (let x = 0; x < 10; x++) feed(stream, row(x, x));
    const hash = stream.hash();
    expect(stream.report().scored).toBe(2); // rows 4 and 5: before, no label was known
    stream.finish();
    expect(stream.report().scored).toBe(6);
    stream.finish();
    expect(stream.report().scored).toBe(6);
    expect(stream.hash()).toBe(hash);
    feed(stream, row(10, 10));
    expect(stream.report().scored).toBe(6);
    expect(stream.report().learned).toBe(7);
  });

  it('takes a huge number of lost rows as one gap in the order, at once', () => {
    const stream = streamFor({ kind: 'regress', delay: 2, labelAge: 1, warmup: 0 });
    for (let x = 0; x < 5; x++) feed(stream, row(x, x));
    stream.lost(1e12);
    expect(stream.report().lost).toBe(1e12);
    for (const count of [0, -1, Number.NaN, Infinity, 0.5]) stream.lost(count);
    expect(stream.report().lost).toBe(1e12);
  });

  it('names inputs and outputs, and which columns it uses', () => {
    const stream = createStream({
      columns: [
        { name: 't', kind: 'time' },
        { name: 'awa_deg', kind: 'angle' },
        { name: 'note', kind: 'ignore' },
        { name: 'mode', kind: 'class', classes: 2 },
        { name: 'twa_deg', kind: 'angle' },
        { name: 'tws_kn' },
        { name: 'aws_kn' },
      ],
      task: { kind: 'regress', features: ['aws_kn', 'mode', 'awa_deg'], targets: ['tws_kn', 'twa_deg'] },
    });
    expect(stream.inputNames).toEqual(['aws_kn', 'mode.0', 'mode.1', 'awa_deg.cos', 'awa_deg.sin']);
    expect(stream.outputNames).toEqual(['tws_kn', 'twa_deg.cos', 'twa_deg.sin']);
    expect(stream.required).toEqual([false, true, false, true, true, true, true]);
    expect(stream.timeColumn).toBe(0);
    stream.row.set([0, 60, 5, 1, -90, 12, 9]);
    expect(stream.accept()).toBe(PREDICTED);
    expect([...stream.network.input]).toEqual([0, 0, 1, 0, 0]); // one-hot passes, the rest is its own mean
    stream.row.set([1, 60, 5, 0, -90, 12, 9]);
    expect(stream.accept()).toBe(PREDICTED | LEARNED);
    expect(stream.prediction[0]).toBeCloseTo(12, 3);
    expect(stream.prediction[1]).toBeCloseTo(0, 3);
    expect(stream.prediction[2]).toBeCloseTo(-1, 3);
  });

  it('gives class probabilities and the most probable class', () => {
    const stream = streamFor({ kind: 'classify', delay: 1, labelAge: 0, warmup: 0 });
    expect(stream.predictedClass).toBe(-1);
    for (let i = 0; i < 300; i++) feed(stream, row(i % 3, i % 3));
    feed(stream, row(2, 2));
    expect(stream.outputNames).toEqual(['y.0', 'y.1', 'y.2']);
    expect(stream.prediction.reduce((s, p) => s + p, 0)).toBeCloseTo(1, 5);
    expect(stream.predictedClass).toBe(2);
    feed(stream, { ...row(2, 2), isBad: true } as Event);
    expect(stream.predictedClass).toBe(-1);
  });
});

describe('stream: gaps', () => {
  function timed(maxGap?: number): Stream {
    return createStream({
      columns: [
        { name: 't', kind: 'time', ...(maxGap === undefined ? {} : { maxGap }) },
        { name: 'x', maxStep: 1 },
        { name: 'y' },
      ],
      task: { kind: 'regress', features: ['x'], targets: ['y'], delay: 2, warmup: 0 },
    });
  }
  const at = (stream: Stream, t: number, x = 0) => {
    stream.row.set([t, x, x]);
    stream.time[0] = t;
    return stream.accept();
  };

  it('a jump of more than maxGap, or backwards, is one; maxGap itself, standing still and an unknown time are not', () => {
    const stream = timed(10);
    const outcomes = [1e9, 1e9 + 10, 1e9 + 10, Number.NaN, 1e9 + 20.5, 1e9 + 20].map((t) => at(stream, t) & AFTER_GAP);
    expect(outcomes).toEqual([0, 0, 0, 0, AFTER_GAP, AFTER_GAP]);
    expect(stream.report()).toMatchObject({ gaps: 2, gapReasons: { time: 2 } });
  });

  it('without maxGap only backwards is one', () => {
    const stream = timed();
    expect([0, 1e9, 5].map((t) => at(stream, t) & AFTER_GAP)).toEqual([0, 0, AFTER_GAP]);
  });

  it('nothing is learned across one, and the first row after it has no step to check', () => {
    const stream = timed(10);
    const learned = [0, 1, 2, 3].map((t) => at(stream, t) & LEARNED);
    expect(learned).toEqual([0, 0, LEARNED, LEARNED]);
    expect([100, 101, 102].map((t) => at(stream, t, 50) & (LEARNED | QUARANTINED))).toEqual([0, 0, LEARNED]);
  });

  it('one that is told starts time anew', () => {
    const stream = timed(10);
    at(stream, 1000);
    stream.gap('restart');
    expect(at(stream, 3) & AFTER_GAP).toBe(0);
    expect(stream.report()).toMatchObject({ gaps: 1, gapReasons: { restart: 1 } });
  });
});

describe('stream: hostile rows', () => {
  const hostile = fc.oneof(
    fc.float(),
    fc.constantFrom(Number.NaN, Infinity, -Infinity, 3.4028234663852886e38, -3.4028234663852886e38, 1e-45, 0, 1),
  );

  for (const kind of ['regress', 'classify'] as const) {
    it(`${kind}: whatever the values, every state stays finite and every prediction it gives is`, () => {
      fc.assert(
        fc.property(fc.array(fc.tuple(hostile, hostile, hostile, hostile), { maxLength: 60 }), (rows) => {
          const stream = createStream({
            columns: [
              { name: 't', kind: 'time', maxGap: 1e30 },
              { name: 'a' },
              { name: 'b', kind: 'angle', maxStep: 90 },
              kind === 'regress' ? { name: 'y' } : { name: 'y', kind: 'class', classes: 2 },
            ],
            task: { kind, features: ['a', 'b'], targets: ['y'], warmup: 0, window: 3 },
            network: {
              layers: [{ kind: 'dense', units: 4, activation: 'relu' }],
              optimizer: { kind: 'sgd', rate: 10 },
            },
          });
          for (const row of rows) {
            stream.row.set(row);
            stream.time[0] = row[0];
            const outcome = stream.accept();
            if (outcome & PREDICTED) expect([...stream.prediction].every(Number.isFinite)).toBe(true);
          }
          stream.finish();
          for (const { name, data } of stream.state().tensors) {
            expect([name, [...data].every(Number.isFinite)]).toEqual([name, true]);
          }
          const { learned, skippedSteps, rows: count } = stream.report();
          expect(learned + skippedSteps).toBeLessThanOrEqual(count);
        }),
        { numRuns: 200 },
      );
    });
  }
});
