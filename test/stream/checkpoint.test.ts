import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors } from '../../src/models/index.js';
import {
  createStream,
  loadStream,
  PREDICTED,
  restoreStream,
  type Stream,
  type StreamOptions,
  saveStream,
} from '../../src/stream/index.js';

const regression = {
  columns: [
    { name: 't', kind: 'time', maxGap: 50 },
    { name: 'x', range: [-1000, Infinity], maxStep: 400, unit: 'm' },
    { name: 'heading', kind: 'angle' },
    { name: 'mode', kind: 'class', classes: 3 },
    { name: 'y' },
  ],
  task: {
    kind: 'regress',
    features: ['x', 'heading', 'mode'],
    targets: ['y'],
    delay: 5,
    labelAge: 2,
    warmup: 10,
    window: 7,
  },
  network: { shortcut: false },
  seed: 3,
} satisfies StreamOptions;

const race = { ...regression, network: undefined } satisfies StreamOptions;
/** Every label is known before the next row is predicted. */
const promptRace = { ...race, task: { ...regression.task, delay: 1, labelAge: 0 } } satisfies StreamOptions;
const history = {
  ...race,
  task: {
    ...regression.task,
    lags: [1, { rows: 4, columns: ['x'] }],
    windows: [{ rows: 6, of: ['mean', 'deviation', 'slope', 'min', 'max'] }],
  },
} satisfies StreamOptions;
const forecast = {
  ...race,
  task: {
    kind: 'forecast',
    features: ['x', 'mode', 'y'],
    targets: ['y', 'heading'],
    horizons: [3, 1],
    lags: [2],
    warmup: 5,
  },
} satisfies StreamOptions;
const residual = {
  ...race,
  task: { kind: 'anomaly', features: ['x', 'mode', 'heading'], warmup: 20, alarmRate: 0.1, hold: 2 },
} satisfies StreamOptions;
const autoencoder = {
  ...race,
  task: { ...residual.task, method: 'autoencoder' },
} satisfies StreamOptions;
const classRace = {
  columns: [{ name: 'x' }, { name: 'y', kind: 'class', classes: 4 }],
  task: { kind: 'classify', features: ['x'], targets: ['y'], warmup: 0, window: 4, delay: 3 },
} satisfies StreamOptions;

const classification = {
  columns: [{ name: 'x' }, { name: 'y', kind: 'class', classes: 4 }],
  task: { kind: 'classify', features: ['x'], targets: ['y'], warmup: 0, window: 4 },
  network: { layers: [] },
} satisfies StreamOptions;

// Against forgetting: memory, probe with rollback, and held weights.
const remembering = {
  ...regression,
  network: { consolidation: { kind: 'si', strength: 0.1, interval: 20 } },
  memory: { rows: 15, replay: 2 },
  monitor: { every: 3, rows: 12, interval: 10, drop: 0.01, rollback: true },
} satisfies StreamOptions;
const rememberingForecast = {
  ...forecast,
  memory: { rows: 12, replay: 1 },
  monitor: { every: 3, rows: 12, interval: 10, drop: 0.01, rollback: true },
} satisfies StreamOptions;
const rememberingRace = { ...classRace, memory: { rows: 15 }, monitor: { every: 4, rows: 12, interval: 10 } };

/** Row i of a made-up device, with a spike, a missing label, a missing feature, a gap in time and lost rows now and then. */
function feedRow(stream: Stream, i: number): number {
  const wave = Math.fround(((i * 37) % 101) / 10);
  if (stream.task.kind === 'classify') {
    stream.row.set([wave, i % 11 === 0 ? Number.NaN : (i >> 2) % 4]);
    return stream.accept();
  }
  const t = i * 2 + Math.floor(i / 60) * 100;
  const x = i % 23 === 0 ? 900 : i % 17 === 0 ? Number.NaN : wave;
  stream.row.set([t, x, (i * 31) % 360, i % 3, i % 13 === 0 ? Number.NaN : 3 * wave + (i % 3)]);
  stream.time[0] = t;
  if (i % 41 === 0) stream.lost(2);
  return stream.accept();
}

describe('checkpoint of a stream', () => {
  for (const options of [
    regression,
    classification,
    race,
    promptRace,
    classRace,
    history,
    forecast,
    rememberingForecast,
    remembering,
    rememberingRace,
    residual,
    autoencoder,
  ] as StreamOptions[]) {
    const early = options === promptRace ? ', early labels' : '';
    const what = `${options.task.lags ? ', lags and windows' : ''}${options.task.method ? ', autoencoder' : ''}${options.memory ? ' that remembers' : ''}${early}`;
    it(`${options.task.kind}, ${options.network ? 'a network' : 'a race'}${what}: going on from it is bit-identical to never having stopped, at any row`, () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 150 }), fc.integer({ min: 0, max: 60 }), (before, after) => {
          const stream = createStream(options);
          for (let i = 0; i < before; i++) feedRow(stream, i);
          const resumed = loadStream(saveStream(stream));
          expect(resumed.hash()).toBe(stream.hash());
          for (let i = before; i < before + after; i++) {
            const outcome = feedRow(stream, i);
            expect(feedRow(resumed, i)).toBe(outcome);
            if (outcome & PREDICTED) expect(resumed.prediction).toEqual(stream.prediction);
          }
          expect(resumed.hash()).toBe(stream.hash());
          stream.finish();
          resumed.finish();
          expect(resumed.report()).toEqual(stream.report());
          expect(saveStream(resumed)).toEqual(saveStream(stream));
        }),
        { numRuns: options.network ? 20 : options.task.kind === 'forecast' ? 3 : 8 },
      );
    });
  }

  it('takes a race back to an earlier row, whatever it has predicted since', () => {
    for (let since = 1; since < 12; since++) {
      const [kept, other] = [createStream(promptRace), createStream(promptRace)];
      for (let i = 0; i < 75; i++) feedRow(kept, i);
      for (let i = 0; i < 75 + since; i++) feedRow(other, i);
      restoreStream(other, saveStream(kept));
      for (let i = 75; i < 85; i++) for (const stream of [kept, other]) feedRow(stream, i);
      expect(other.hash()).toBe(kept.hash());
    }
  });

  it('holds the weights under the names PyTorch gives them, and everything else under stream.', () => {
    const { tensors, metadata } = decodeSafetensors(saveStream(createStream(regression)));
    expect(tensors.get('layers.0.weight')?.shape).toEqual([16, 6]);
    expect(tensors.get('layers.1.bias')?.shape).toEqual([1]);
    expect(tensors.get('stream.pending.features')?.shape).toEqual([8, 6]);
    expect(metadata['stream.version']).toBe('4');
  });

  it('holds the networks of a race side by side', () => {
    const { tensors } = decodeSafetensors(saveStream(createStream(race)));
    for (const k of [0, 1, 2]) {
      expect(tensors.get(`networks.${k}.layers.0.weight`)?.shape).toEqual([16, 6]);
      expect(tensors.get(`networks.${k}.shortcut.weight`)?.shape).toEqual([1, 6]);
    }
    expect(tensors.get('stream.race.mixture.weights')?.shape).toEqual([7]);
  });

  it('holds every horizon of a forecast under a name of its own, and restores all or none', () => {
    const stream = createStream(forecast);
    for (let i = 0; i < 60; i++) feedRow(stream, i);
    const { tensors, metadata } = decodeSafetensors(saveStream(stream));
    for (const name of ['horizon3', 'horizon1']) {
      expect(tensors.get(`${name}.networks.0.layers.0.weight`)?.shape).toEqual([16, 7]);
      expect(tensors.has(`stream.${name}.race.mixture.weights`)).toBe(true);
    }
    const other = createStream(forecast);
    const hash = other.hash();
    const damaged = new Map([...tensors].filter(([name]) => name !== 'horizon1.networks.2.layers.1.bias'));
    expect(() => other.restore({ tensors: damaged, metadata })).toThrow(/layers\.1\.bias/);
    expect(other.hash()).toBe(hash);
  });

  it('leaves every network of a race as it was when one of them is damaged', () => {
    const stream = createStream(race);
    for (let i = 0; i < 30; i++) feedRow(stream, i);
    const { tensors, metadata } = decodeSafetensors(saveStream(stream));
    const damaged = new Map([...tensors].filter(([name]) => name !== 'networks.2.layers.1.bias'));
    const other = createStream(race);
    const hash = other.hash();
    expect(() => other.restore({ tensors: damaged, metadata })).toThrow(/layers\.1\.bias/);
    expect(other.hash()).toBe(hash);
  });

  it('agrees with the same declaration, whatever the units and whether defaults are written out', () => {
    const bytes = saveStream(createStream(regression));
    const columns = regression.columns.map((column) => ({ ...column, unit: 'furlong' }));
    const network = { layers: [{ kind: 'dense' as const, units: 16, activation: 'tanh' as const }] };
    expect(loadStream(bytes, { columns, network, executor: 'reference' }).columns[1].unit).toBe('furlong');
  });

  it('refuses another declaration and names what differs', () => {
    const bytes = saveStream(createStream(regression));
    const load = (change: Partial<StreamOptions>) => () => loadStream(bytes, { ...regression, ...change });
    expect(load({ task: { ...regression.task, delay: 6 } })).toThrow(
      'CHECKPOINT_MISMATCH: checkpoint: task.delay: found 5, expected 6, as configured',
    );
    const columns = regression.columns.map((column) => (column.name === 'x' ? { name: 'x', maxStep: 400 } : column));
    expect(load({ columns: columns as StreamOptions['columns'] })).toThrow(/checkpoint: columns\[1\]\.range/);
    expect(load({ network: { layers: [] } })).toThrow(/checkpoint: network\.layers/);
    expect(load({ network: { optimizer: { kind: 'sgd', rate: 0.5 } } })).toThrow(
      /checkpoint: network\.optimizer\.biasRate: found 0\.02, expected 0\.5/,
    );
  });

  it('refuses what is not one, is of another version, lacks something or is not finite, and changes nothing', () => {
    const stream = createStream(regression);
    for (let i = 0; i < 30; i++) feedRow(stream, i);
    const { tensors, metadata } = decodeSafetensors(saveStream(stream));
    const list = [...tensors.values()];
    const other = createStream(regression);
    const hash = other.hash();
    const restore = (changed: typeof list, texts: Record<string, string>) => () =>
      other.restore(decodeSafetensors(encodeSafetensors(changed, { ...metadata, ...texts })));
    const without = (name: string) => list.filter((tensor) => tensor.name !== name);
    expect(restore(list, { 'stream.format': 'x' })).toThrow(/CHECKPOINT_FORMAT/);
    expect(restore(list, { 'stream.version': '1' })).toThrow(/CHECKPOINT_VERSION: .* found "1", expected "4"/);
    expect(restore(list, { 'stream.task': '{' })).toThrow(/stream\.task/);
    expect(restore(without('stream.clock'), {})).toThrow(/stream\.clock: found nothing, expected F64 \[2\]/);
    expect(restore(without('layers.1.weight'), {})).toThrow(/layers\.1\.weight/);
    const mean = tensors.get('stream.features.mean')!;
    const bad = { ...mean, data: Float64Array.from(mean.data, () => Number.NaN) };
    expect(restore([...without(mean.name), bad], {})).toThrow(/stream\.features\.mean\[0\]: found NaN/);
    expect(other.hash()).toBe(hash);
    expect(restore(list, {})).not.toThrow();
    expect(other.hash()).toBe(stream.hash());
  });
});

describe('hash of a stream', () => {
  it('changes with every row that was learned from, and not with reports, saves or finish', () => {
    const stream = createStream(classification);
    const seen = new Set<string>();
    for (let i = 0; i < 40; i++) {
      feedRow(stream, i);
      seen.add(stream.hash());
    }
    expect(seen.size).toBe(40);
    const hash = stream.hash();
    stream.report();
    saveStream(stream);
    stream.finish();
    expect(stream.hash()).toBe(hash);
    expect(hash).toMatch(/^[0-9a-f]{16}$/);
  });

  it('differs where one row waiting for its label differed, or a gate remembers another value', () => {
    const [a, b] = [createStream(regression), createStream(regression)];
    for (let i = 1; i < 6; i++) for (const stream of [a, b]) feedRow(stream, i);
    expect(b.hash()).toBe(a.hash());
    b.gap('request');
    expect(b.hash()).not.toBe(a.hash());
  });

  it('is the same on both executors', () => {
    for (const options of [
      regression,
      race,
      promptRace,
      classRace,
      history,
      forecast,
      residual,
      autoencoder,
    ] as StreamOptions[]) {
      const streams = (['simd', 'reference'] as const).map((executor) => createStream({ ...options, executor }));
      for (let i = 0; i < 200; i++) for (const stream of streams) feedRow(stream, i);
      expect(streams[0].hash()).toBe(streams[1].hash());
    }
  });
});
