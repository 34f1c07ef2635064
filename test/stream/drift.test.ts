import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import type { DriftSpec } from '../../src/spec/index.js';
import {
  createStream,
  DRIFTED,
  loadStream,
  restoreStream,
  type Stream,
  type StreamOptions,
  saveStream,
} from '../../src/stream/index.js';

const FLIP = 2000;

const REGRESSION: StreamOptions = {
  columns: [{ name: 'a' }, { name: 'b' }, { name: 'level' }, { name: 'y' }],
  task: { kind: 'regress', features: ['a', 'b'], targets: ['y'] },
};
const CLASSES: StreamOptions = {
  columns: [{ name: 'a' }, { name: 'b' }, { name: 'level' }, { name: 'y', kind: 'class', classes: 2 }],
  task: { kind: 'classify', features: ['a', 'b'], targets: ['y'] },
};
const ONE_NETWORK: StreamOptions['network'] = { optimizer: { kind: 'sgd', rate: 0.005 } };

/** A source of rows: two features, a column with a level of its own, and a target whose law turns over at FLIP. */
function source(isClass: boolean, seed = 5) {
  const random = new Random(seed);
  let i = 0;
  return (stream: Stream): number => {
    const turned = i < FLIP ? 1 : -1;
    const [a, b] = [4 * random.uniform() - 2, 4 * random.uniform() - 2];
    const noise = 0.6 * random.uniform() - 0.3;
    const y = turned * (a - 2 * b) + noise;
    const level = random.uniform() + (i >= 2500 ? 1 : 0);
    stream.row.set([a, b, level, isClass ? (y > 0 ? 1 : 0) : y]);
    i++;
    return stream.accept();
  };
}

function run(options: StreamOptions, rows = 4000): { stream: Stream; outcomes: number[] } {
  const stream = createStream(options);
  const next = source(options.task.kind === 'classify');
  return { stream, outcomes: Array.from({ length: rows }, () => next(stream)) };
}

/** The rows, from 1, at which a change was told. */
const toldAt = (outcomes: readonly number[]) => outcomes.flatMap((outcome, i) => (outcome & DRIFTED ? [i + 1] : []));

/** MAE of the rows after the law has turned over. */
function errorAfter(options: StreamOptions, rows: number): number {
  const stream = createStream(options);
  const next = source(false);
  let error = 0;
  for (let i = 0; i < FLIP + rows; i++) {
    next(stream);
    if (i > FLIP) error += Math.abs(stream.scoredPrediction[0] - stream.truth[0]);
  }
  return error / (rows - 1);
}

const reportOf = (stream: Stream) => stream.report().drift[0];
const arrayOf = (stream: Stream, name: string) => [
  ...(stream.arrays().find((array) => array.name === name)?.data ?? []),
];

describe('a watcher of the loss', () => {
  it.each<[string, DriftSpec, StreamOptions, number, number]>([
    ['adwin, one network', { detector: 'adwin' }, { ...REGRESSION, network: ONE_NETWORK }, 100, 0],
    // The race has learned the new law after twenty rows: only who looks often sees that it was wrong.
    ['adwin, the race', { detector: 'adwin', delta: 0.02, every: 4 }, REGRESSION, 100, 0],
    ['adwin, classes', { detector: 'adwin' }, { ...CLASSES, network: ONE_NETWORK }, 100, 0],
    ['ddm, classes', { detector: 'ddm' }, { ...CLASSES, network: ONE_NETWORK }, 100, 3],
    ['pageHinkley, the race', { detector: 'pageHinkley', lambda: 2 }, REGRESSION, 100, 0],
    ['kswin, the race', { detector: 'kswin', alpha: 0.0001 }, REGRESSION, 100, 0],
  ])('%s: tells when the law has turned over, and hardly before', (_, drift, options, latest, early) => {
    const { stream, outcomes } = run({ ...options, drift: [drift] });
    const told = toldAt(outcomes);
    expect(told.filter((row) => row <= FLIP).length).toBeLessThanOrEqual(early);
    expect(told.find((row) => row > FLIP)).toBeLessThan(FLIP + latest);
    const report = reportOf(stream);
    expect(report).toMatchObject({ on: 'loss', detector: drift.detector, policy: 'note', ignored: 0 });
    expect(report.detections).toBe(told.length);
    expect(report.lastRow).toBe(told.at(-1));
    expect(report.warnings > 0).toBe(drift.detector === 'ddm');
  });

  it('sees losses that come late, and those of labels from outside', () => {
    const late = run({
      ...REGRESSION,
      task: { ...REGRESSION.task, delay: 50 },
      network: ONE_NETWORK,
      drift: [{ detector: 'adwin' }],
    });
    const [told] = toldAt(late.outcomes);
    expect(told).toBeGreaterThan(FLIP + 50);
    expect(told).toBeLessThan(FLIP + 150);

    const stream = createStream({
      ...REGRESSION,
      task: { ...REGRESSION.task, labelWait: 3 },
      network: ONE_NETWORK,
      drift: [{ detector: 'adwin' }],
    });
    const random = new Random(1);
    const outcomes: number[] = [];
    for (let i = 0; i < 1600; i++) {
      const a = random.uniform();
      stream.row.set([a, 0, 0, Number.NaN]);
      const outcome = stream.accept();
      expect(outcome & DRIFTED).toBe(0);
      stream.labelRow[3] = i < 1000 ? a : 20 - a;
      outcomes.push(stream.label(0));
    }
    expect(toldAt(outcomes)[0]).toBeGreaterThan(1000);
  });

  it('of a forecast sees the losses of the first horizon, and its policy is for all of them', () => {
    const options: StreamOptions = {
      columns: [{ name: 'x' }],
      task: { kind: 'forecast', features: ['x'], targets: ['x'], horizons: [2, 5] },
      network: ONE_NETWORK,
      drift: [{ detector: 'adwin', policy: 'raiseRates', factor: 2, rows: 5000 }],
    };
    const stream = createStream(options);
    const random = new Random(2);
    const outcomes = Array.from({ length: 3000 }, (_, i) => {
      stream.row[0] = i < 2000 ? Math.abs((i % 40) - 20) : 20 * random.uniform();
      return stream.accept();
    });
    const [told] = toldAt(outcomes);
    expect(told).toBeGreaterThan(2000);
    expect(told).toBeLessThan(2200);
    expect(stream.tracks.map(({ learner }) => learner.network.rate)).toEqual([0.01, 0.01]);
    const again = loadStream(saveStream(stream));
    expect(again.hash()).toBe(stream.hash());
    expect(again.report().drift).toEqual(stream.report().drift);
  });

  it('is not told anything of rows in the warm-up, lost, quarantined, or before a gap', () => {
    const stream = createStream({
      ...REGRESSION,
      task: { ...REGRESSION.task, delay: 10, warmup: 50 },
      drift: [{ detector: 'adwin' }],
    });
    const next = source(false);
    const seen = () => arrayOf(stream, 'stream.drift.0.scalars')[0];
    for (let i = 0; i < 60; i++) next(stream);
    expect(seen()).toBe(0); // row 51 was the first to count, and its label is known with row 61
    next(stream);
    expect(seen()).toBe(1);
    stream.gap('request');
    stream.lost(5);
    for (let i = 0; i < 10; i++) next(stream);
    expect(seen()).toBe(1);
  });
});

describe('a watcher of a column', () => {
  it.each<[DriftSpec, number]>([
    [{ on: 'level', detector: 'adwin' }, 64],
    [{ on: 'level', detector: 'pageHinkley' }, 250],
    [{ on: 'level', detector: 'kswin', alpha: 0.0001 }, 40],
  ])('$detector: tells when its level has moved, whatever the unit', (drift, latest) => {
    for (const unit of [1, 1e6, 1e-4]) {
      const stream = createStream({ ...REGRESSION, drift: [drift] });
      const random = new Random(5);
      const outcomes = Array.from({ length: 4000 }, (_, i) => {
        stream.row.set([random.uniform(), random.uniform(), unit * (random.uniform() + (i < 2500 ? 0 : 1)), 0]);
        return stream.accept();
      });
      const told = toldAt(outcomes);
      expect(told[0]).toBeGreaterThan(2500);
      expect(told[0]).toBeLessThan(2500 + latest);
    }
  });

  it('leaves out and counts what is missing, and looks at no row outside a gate', () => {
    const stream = createStream({
      ...REGRESSION,
      columns: [{ name: 'a', range: [-2, 2] }, { name: 'b' }, { name: 'level' }, { name: 'y' }],
      drift: [{ on: 'level', detector: 'adwin' }],
    });
    for (let i = 0; i < 30; i++) {
      stream.row.set([i % 3 === 0 ? 9 : 1, 1, i % 3 === 1 ? Number.NaN : 1, 1]);
      stream.accept();
    }
    expect(reportOf(stream)).toMatchObject({ detections: 0, lastRow: null, ignored: 10 });
    expect(arrayOf(stream, 'stream.drift.0.scalars')[0]).toBe(10);
  });
});

describe('a policy', () => {
  const adwin = { detector: 'adwin' } as const;
  const quick = { detector: 'pageHinkley', lambda: 1 } as const;

  it('note and snapshot: what is learned is as without a watcher', () => {
    const plain = run(REGRESSION).stream;
    for (const policy of ['note', 'snapshot'] as const) {
      const { stream, outcomes } = run({ ...REGRESSION, drift: [{ ...quick, policy }] });
      expect(toldAt(outcomes).length).toBeGreaterThan(0);
      expect(stream.hash()).toBe(plain.hash());
    }
  });

  it('raiseRates: one network learns faster for so many labels, and then as declared', () => {
    const stream = createStream({
      ...REGRESSION,
      network: ONE_NETWORK,
      drift: [{ ...adwin, policy: 'raiseRates', factor: 10, rows: 60 }],
    });
    const next = source(false);
    const rates: number[] = [];
    const outcomes: number[] = [];
    for (let i = 0; i < 2500; i++) {
      outcomes.push(next(stream));
      rates.push(stream.network.rate);
    }
    const told = toldAt(outcomes);
    // The label that told it is learned from at the new rate already.
    const raised = rates.flatMap((rate, i) => (rate === 0.05 ? [i + 1] : []));
    expect(raised[0]).toBe(told[0]);
    expect(raised.at(-1)).toBe(told.at(-1)! + 58);
    expect(new Set(rates)).toEqual(new Set([0.005, 0.05]));
  });

  it('raiseRates: the new law is learned sooner, by one network and by a race', () => {
    const error = (network: StreamOptions['network'], drift: DriftSpec) =>
      errorAfter({ ...REGRESSION, network, drift: [drift] }, 200);
    expect(error(ONE_NETWORK, { ...adwin, policy: 'raiseRates' })).toBeLessThan(0.65 * error(ONE_NETWORK, adwin));
    expect(error(undefined, { ...quick, policy: 'raiseRates', rows: 100 })).toBeLessThan(
      0.985 * error(undefined, quick),
    );
  });

  it('raiseRates: of a race, networks, trackers and the mixture all go faster, and then as before', () => {
    const stateAfter = (rows: number, drift: DriftSpec) => {
      const { stream, outcomes } = run({ ...REGRESSION, drift: [drift] }, FLIP + rows);
      expect(toldAt(outcomes)[0]).toBeLessThan(FLIP + 20);
      const diagonal = arrayOf(stream, 'stream.race.trackers.0.diagonal').slice(0, 3);
      const [scale] = arrayOf(stream, 'stream.race.trackers.0.scale');
      return {
        rates: [0, 1, 2].map((k) => Number(stream.state().metadata[`networks.${k}.rate`])),
        remembered: arrayOf(stream, 'stream.race.mixture.mass')[0],
        uncertainty: scale * Math.max(...diagonal),
      };
    };
    const note = stateAfter(300, quick);
    const raised = stateAfter(300, { ...quick, policy: 'raiseRates', factor: 10 });
    expect(note.rates).toEqual([0.01, 0.1, 1]);
    expect(raised.rates).toEqual([0.1, 1, 10]);
    expect(note.remembered).toBeGreaterThan(400); // towards 1 / (1 − 0.998)
    expect(raised.remembered).toBeLessThan(55); // towards 1 / (1 − 0.98)
    expect(raised.uncertainty).toBeGreaterThan(2 * note.uncertainty);
    const before = stateAfter(600, { ...quick, policy: 'raiseRates', factor: 10 });
    expect(before.rates).toEqual(note.rates);
    expect(before.remembered).toBeGreaterThan(100);
  });

  it('raiseRates: no rate does harm, however it is raised', () => {
    for (const optimizer of [
      { kind: 'sgd', rate: 1e38 },
      { kind: 'sgd', rate: 0.05 },
      { kind: 'adam', rate: 10 },
      { kind: 'momentum', rate: 1 },
    ] as const) {
      for (const safety of [true, false]) {
        const drift: DriftSpec = { detector: 'kswin', alpha: 0.5, policy: 'raiseRates', factor: 1000 };
        const { stream } = run({ ...REGRESSION, network: { optimizer, safety }, drift: [drift] }, 2500);
        for (const { data } of stream.state().tensors) expect([...data].every(Number.isFinite)).toBe(true);
        const { metrics, baseline } = stream.report() as { metrics: { mae: number }; baseline: { mae: number } };
        const { learner } = stream.report();
        if (safety) expect(metrics.mae).toBeLessThan(3 * baseline.mae);
        if (safety && learner.kind === 'network') expect(learner.limitedSteps).toBeGreaterThan(1000);
      }
    }
  });

  it('forgetScalers: features that have moved are standardised soon again', () => {
    const shifted = (drift: DriftSpec) => {
      const stream = createStream({ ...REGRESSION, drift: [drift] });
      const random = new Random(3);
      let error = 0;
      for (let i = 0; i < 3000; i++) {
        const a = random.uniform() + (i < 2000 ? 0 : 1000);
        stream.row.set([a, random.uniform(), 0, a % 1000]);
        stream.accept();
        if (i > 2300) error += Math.abs(stream.scoredPrediction[0] - stream.truth[0]);
      }
      return { stream, error: error / 699 };
    };
    const watch = { on: 'a', detector: 'kswin', alpha: 0.0001 } as const;
    const plain = shifted(watch);
    const forgetting = shifted({ ...watch, policy: 'forgetScalers', rows: 10 });
    expect(arrayOf(plain.stream, 'stream.features.count')).toEqual([3000]);
    expect(arrayOf(forgetting.stream, 'stream.features.count')[0]).toBeLessThan(300);
    expect(arrayOf(plain.stream, 'stream.features.mean')[0]).toBeLessThan(400);
    expect(arrayOf(forgetting.stream, 'stream.features.mean')[0]).toBeGreaterThan(900);
    expect(forgetting.error).toBeLessThan(0.3 * plain.error);
  });

  it('freshLearner: the worst network begins anew, believed least of all until it has earned more', () => {
    const stream = createStream({ ...REGRESSION, drift: [{ ...quick, policy: 'freshLearner' }] });
    const next = source(false);
    const networks = () => {
      const { learner } = stream.report();
      return learner.kind === 'race' ? learner.experts : [];
    };
    const weightsOf = (k: number) =>
      String(stream.state().tensors.find(({ name }) => name === `networks.${k}.layers.0.weight`)?.data);
    const steps = (k: number) => Number(stream.state().metadata[`networks.${k}.steps`]);
    let before = [0, 1, 2].map(weightsOf);
    let experts = networks();
    let i = 0;
    for (; i < 2500; i++) {
      before = [0, 1, 2].map(weightsOf);
      experts = networks();
      if (next(stream) & DRIFTED) break;
    }
    expect(i).toBeGreaterThan(FLIP);
    const moved = [0, 1, 2].map((k) => {
      const [a, b] = [before[k], weightsOf(k)].map((text) => text.split(',').map(Number));
      return Math.max(...a.map((value, at) => Math.abs(value - b[at])));
    });
    const fresh = moved.indexOf(Math.max(...moved));
    const losses = experts.slice(0, 3).map(({ loss }) => loss ?? 0);
    expect(fresh).toBe(losses.indexOf(Math.max(...losses)));
    expect(moved.filter((by) => by > 0.2).length).toBe(1);
    const weights = networks().map(({ weight }) => weight);
    expect(weights[fresh]).toBeLessThan(0.01);
    expect(steps(fresh)).toBe(steps((fresh + 1) % 3));
    for (let k = 0; k < 4000; k++) next(stream);
    const [best] = networks()
      .slice(0, 3)
      .map(({ loss }) => loss ?? 0)
      .sort((a, b) => a - b);
    expect(networks()[fresh].loss).toBeLessThan(3 * best);
  });

  it('other detections draw other fresh networks, the same in every run', () => {
    const drift: DriftSpec[] = [{ detector: 'kswin', alpha: 0.5, policy: 'freshLearner' }];
    const [a, b] = [run({ ...REGRESSION, drift }).stream, run({ ...REGRESSION, drift }).stream];
    expect(reportOf(a).detections).toBeGreaterThan(5);
    expect(a.hash()).toBe(b.hash());
    expect(run({ ...REGRESSION, drift, seed: 2 }).stream.hash()).not.toBe(a.hash());
  });

  it('acts on nothing while learning is paused, and tells all the same', () => {
    const stream = createStream({ ...REGRESSION, network: ONE_NETWORK, drift: [{ ...adwin, policy: 'raiseRates' }] });
    const next = source(false);
    for (let i = 0; i < FLIP; i++) next(stream);
    stream.setLearning(false);
    for (let i = 0; i < 500; i++) next(stream);
    expect(reportOf(stream).detections).toBeGreaterThan(0);
    expect(stream.network.rate).toBe(0.005);
  });
});

describe('the same rows, the same detections', () => {
  const every: DriftSpec[] = [
    { detector: 'pageHinkley', lambda: 1, policy: 'raiseRates', rows: 80 },
    { detector: 'kswin', alpha: 0.05, policy: 'forgetScalers' },
    { on: 'level', detector: 'kswin', policy: 'raiseRates', factor: 2, rows: 900 },
    { on: 'level', detector: 'adwin', policy: 'snapshot' },
    { detector: 'adwin', policy: 'note' },
  ];
  const cases: [string, StreamOptions][] = [
    ['a race', { ...REGRESSION, drift: [...every, { detector: 'kswin', alpha: 0.2, policy: 'freshLearner' }] }],
    ['one network', { ...REGRESSION, network: { optimizer: { kind: 'adam', rate: 0.01 } }, drift: every }],
    [
      'classes',
      {
        ...CLASSES,
        drift: [
          { detector: 'ddm', policy: 'raiseRates' },
          { detector: 'adwin', policy: 'freshLearner' },
        ],
      },
    ],
  ];
  it.each(cases)('%s: on both executors, and after going on from a checkpoint anywhere', (_, options) => {
    const rows = 3000;
    const whole = run({ ...options, executor: 'simd' }, rows);
    const report = whole.stream.report().drift;
    expect(report.some(({ detections }) => detections > 0)).toBe(true);
    const reference = run({ ...options, executor: 'reference' }, rows);
    expect(reference.stream.hash()).toBe(whole.stream.hash());
    expect(reference.outcomes).toEqual(whole.outcomes);
    for (const cut of [150, 2005, 2040, 2533]) {
      const first = createStream(options);
      const next = source(options.task.kind === 'classify');
      const outcomes = Array.from({ length: cut }, () => next(first));
      first.finish(); // of no consequence for what is told
      const second = loadStream(saveStream(first));
      expect(second.drift).toEqual(first.drift);
      expect(second.hash()).toBe(first.hash());
      for (let i = cut; i < rows; i++) outcomes.push(next(second));
      expect(toldAt(outcomes)).toEqual(toldAt(whole.outcomes));
      expect(second.hash()).toBe(whole.stream.hash());
      expect(second.report().drift).toEqual(report);
    }
  });

  it('a checkpoint of other watchers is refused, and nothing changes', () => {
    const drift: DriftSpec[] = [{ detector: 'adwin', policy: 'raiseRates' }];
    const bytes = saveStream(run({ ...REGRESSION, drift }, 200).stream);
    const refuse = (changed: DriftSpec[]) => {
      const stream = createStream({ ...REGRESSION, drift: changed });
      const hash = stream.hash();
      expect(() => restoreStream(stream, bytes)).toThrow(/CHECKPOINT_MISMATCH: checkpoint: drift/);
      expect(stream.hash()).toBe(hash);
    };
    refuse([]);
    refuse([{ detector: 'adwin', policy: 'raiseRates', rows: 501 }]);
    refuse([{ detector: 'adwin', policy: 'note' }]);
    expect(() => loadStream(bytes, { drift: [] })).toThrow(/drift\[0\]/);
    expect(loadStream(bytes, { drift }).rows).toBe(200);
    expect(loadStream(saveStream(run(REGRESSION, 10).stream), { drift: [] }).drift).toEqual([]);
  });
});

describe('a declaration', () => {
  it.each<[unknown[], string]>([
    [[{ detector: 'adwim' }], 'SPEC_VALUE: drift[0].detector: found "adwim"'],
    [[{}], 'SPEC_MISSING_KEY: drift[0].detector'],
    [
      [{ detector: 'adwin' }, { detector: 'adwin', deltas: 1 }],
      'SPEC_UNKNOWN_KEY: drift[1].deltas: found unknown key "deltas"',
    ],
    [[{ detector: 'adwin', lambda: 1 }], 'unknown key "lambda"'],
    [[{ detector: 'adwin', delta: 1 }], 'SPEC_VALUE: drift[0].delta: found 1, expected a number between 0 and 1'],
    [[{ detector: 'adwin', on: 'levels' }], 'SPEC_UNKNOWN_COLUMN: drift[0].on: found "levels"'],
    [[{ detector: 'adwin', on: 'levels' }], 'did you mean "level"?'],
    [[{ detector: 'ddm' }], 'SPEC_DRIFT: drift[0].detector: found "ddm" with a task of kind "regress"'],
    [[{ detector: 'ddm', on: 'level' }], 'found "ddm" on the column "level"'],
    [[{ detector: 'adwin', rows: 5 }], 'expected "rows" only with a policy of "raiseRates" or "forgetScalers"'],
    [[{ detector: 'adwin', policy: 'snapshot', factor: 5 }], 'expected "factor" only with a policy of "raiseRates"'],
    [[{ detector: 'adwin', keep: 5 }], 'expected "keep" only with a policy of "snapshot"'],
    [[{ detector: 'kswin', window: 100, recent: 51 }], '"recent" of at most half of "window"'],
    [[{ detector: 'kswin', policy: 'panic' }], 'drift[0].policy: found "panic"'],
  ])('%j is refused: %s', (drift, message) => {
    expect(() => createStream({ ...REGRESSION, drift: drift as DriftSpec[] })).toThrow(message);
  });

  it('a column that has no mean, and a fresh learner beside nobody, are refused', () => {
    const columns: StreamOptions['columns'] = [...REGRESSION.columns, { name: 'heading', kind: 'angle' }];
    const drift: DriftSpec[] = [{ detector: 'adwin', on: 'heading' }];
    expect(() => createStream({ ...REGRESSION, columns, drift })).toThrow('a column of kind "angle"');
    expect(() =>
      createStream({ ...REGRESSION, network: ONE_NETWORK, drift: [{ detector: 'adwin', policy: 'freshLearner' }] }),
    ).toThrow('SPEC_DRIFT: drift[0].policy: found "freshLearner" with a network declared');
  });

  it('fills in what the papers and the policies say', () => {
    const drift: DriftSpec[] = [
      { detector: 'adwin' },
      { detector: 'pageHinkley', on: 'level', policy: 'raiseRates', rows: 7 },
      { detector: 'kswin', policy: 'snapshot' },
    ];
    expect(createStream({ ...REGRESSION, drift }).drift).toEqual([
      {
        on: 'loss',
        policy: 'note',
        detector: 'adwin',
        delta: 0.002,
        buckets: 5,
        every: 32,
        grace: 10,
        direction: 'up',
        range: 1,
      },
      {
        on: 'level',
        policy: 'raiseRates',
        rows: 7,
        factor: 4,
        detector: 'pageHinkley',
        delta: 0.005,
        lambda: 50,
        alpha: 0.9999,
        grace: 30,
        direction: 'both',
      },
      {
        on: 'loss',
        policy: 'snapshot',
        keep: 3,
        detector: 'kswin',
        alpha: 0.005,
        window: 100,
        recent: 30,
        direction: 'up',
      },
    ]);
  });
});
