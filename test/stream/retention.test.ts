import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { SpecError } from '../../src/spec/index.js';
import {
  CheckpointError,
  createStream,
  FORGOTTEN,
  HELD_OUT,
  LEARNED,
  loadStream,
  ROLLED_BACK,
  restoreStream,
  SCORED,
  type Stream,
  type StreamOptions,
  saveStream,
} from '../../src/stream/index.js';

const CLASSES = 4;
const classification = {
  columns: [{ name: 'x' }, { name: 'y' }, { name: 'z', kind: 'class', classes: CLASSES }],
  task: { kind: 'classify', features: ['x', 'y'], targets: ['z'] },
  network: { optimizer: { kind: 'sgd', rate: 0.1 } },
} satisfies StreamOptions;

const regression = {
  columns: [{ name: 'x' }, { name: 'season' }, { name: 'y' }],
  task: { kind: 'regress', features: ['x', 'season'], targets: ['y'] },
  network: { layers: [{ kind: 'dense', units: 16, activation: 'tanh' }], optimizer: { kind: 'sgd', rate: 0.05 } },
} satisfies StreamOptions;

/** Four clouds of points, one a class, in a row: those of one season lie between those of the other. */
const CENTRES = [-1.5, 0.5, -0.5, 1.5];
function feedCloud(stream: Stream, random: Random, label: number, shown = label): number {
  stream.row[0] = CENTRES[label] + 0.8 * (random.uniform() - 0.5);
  stream.row[1] = random.uniform();
  stream.row[2] = shown;
  return stream.accept();
}

/** The share of each class told right, by rows without a label. */
function accuracies(stream: Stream): number[] {
  const random = new Random(77);
  return Array.from({ length: CLASSES }, (_, label) => {
    let right = 0;
    for (let i = 0; i < 50; i++) {
      feedCloud(stream, random, label, Number.NaN);
      if (stream.predictedClass === label) right++;
    }
    return right / 50;
  });
}

/** Two seasons, classes 0 and 1 in the first, 2 and 3 in the second; what is known of each class at the end. */
function twoSeasons(options: Partial<StreamOptions>): number[] {
  const stream = createStream({ ...classification, ...options });
  const random = new Random(3);
  for (let i = 0; i < 4000; i++) feedCloud(stream, random, i < 1000 ? i % 2 : 2 + (i % 2));
  return accuracies(stream);
}

/** y = x in summer and −x in winter; the mean error of the first `count` rows of the second summer. */
function secondSummer(options: Partial<StreamOptions>, count: number): number {
  const stream = createStream({ ...regression, ...options });
  const random = new Random(4);
  let total = 0;
  for (let i = 0; i < 9000 + count; i++) {
    const isSummer = i < 1000 || i >= 9000;
    const x = 2 * random.uniform() - 1;
    stream.row.set([x, isSummer ? 1 : -1, isSummer ? x : -x]);
    if ((stream.accept() & SCORED) !== 0 && i > 9000) total += Math.abs(stream.scoredPrediction[0] - stream.truth[0]);
  }
  return total / (count - 1);
}

describe('memory', () => {
  it('classes of a season long gone are forgotten without it, and known with it', () => {
    const without = twoSeasons({});
    expect(Math.max(without[0], without[1])).toBeLessThan(0.5);
    for (const policy of ['balanced', 'reservoir'] as const) {
      for (const share of twoSeasons({ memory: { policy, rows: 40 } })) expect(share).toBeGreaterThan(0.9);
    }
  });

  it('a ring forgets as fast as its last rows pass', () => {
    const [first, second] = twoSeasons({ memory: { policy: 'ring', rows: 40 } });
    expect(Math.max(first, second)).toBeLessThan(0.5);
  });

  it('a law of another season is known at once when it comes back', () => {
    const memory = { rows: 100 };
    expect(secondSummer({ memory }, 20)).toBeLessThan(0.35 * secondSummer({}, 20));
  });

  it('in a race a network that replays is one of the contestants, and is believed where it knows more', () => {
    const race = { network: undefined };
    const memory = { rows: 100 };
    expect(secondSummer({ ...race, memory }, 20)).toBeLessThan(secondSummer(race, 20));
    const experts = (options: Partial<StreamOptions>) => {
      const { learner } = createStream({ ...regression, ...race, ...options }).report();
      return learner.kind === 'race' ? learner.experts.map(({ kind }) => kind) : [];
    };
    expect(experts({ memory }).filter((kind) => kind === 'replay')).toHaveLength(1);
    expect(experts({})).not.toContain('replay');
  });

  it('learns as many remembered rows after every row as it was told, none before there are any', () => {
    const stream = createStream({ ...classification, memory: { rows: 10, replay: 4, policy: 'reservoir' } });
    const random = new Random(1);
    for (let i = 0; i < 101; i++) feedCloud(stream, random, i % 4); // the last label is not yet known
    const { learned, memory } = stream.report();
    expect(learned).toBe(100);
    expect(memory).toMatchObject({
      policy: 'reservoir',
      capacity: 10,
      rows: 10,
      replay: 4,
      replayed: 4 * 99,
      skipped: 0,
    });
    expect(stream.network.steps).toBe(100 + 4 * 99);
    expect(memory?.bytes).toBe(4 * 10 * 3);
  });

  it('the rows lie in the arena, as they were measured', () => {
    const stream = createStream({ ...classification, memory: { rows: 5 } });
    const random = new Random(1);
    feedCloud(stream, random, 2);
    const first = Array.from(stream.row);
    feedCloud(stream, random, 1);
    expect(Array.from(stream.network.region('memory').subarray(0, 3))).toEqual(first);
  });

  it('nothing is replayed while learning is paused', () => {
    const stream = createStream({ ...classification, memory: {} });
    const random = new Random(1);
    for (let i = 0; i < 50; i++) feedCloud(stream, random, i % 4);
    const before = stream.network.hash();
    stream.setLearning(false);
    for (let i = 0; i < 50; i++) feedCloud(stream, random, i % 4);
    expect(stream.network.hash()).toBe(before);
  });

  it('without it a stream is what it was: no region, no tensor, no word in the report', () => {
    const stream = createStream(classification);
    expect(stream.report()).not.toHaveProperty('memory');
    expect(stream.network.plan.regions.map(({ name }) => name)).not.toContain('pending raw');
    expect(
      stream
        .arrays()
        .map(({ name }) => name)
        .filter((name) => /memory|monitor|raw/.test(name)),
    ).toEqual([]);
  });

  it.each([
    ['unknown key', { memory: { size: 5 } }, 'memory.size'],
    ['balanced without classes', { ...regression, memory: { policy: 'balanced' } }, 'memory.policy'],
    ['no row', { memory: { rows: 0 } }, 'memory.rows'],
    ['half a row', { memory: { replay: 0.5 } }, 'memory.replay'],
    ['no part', { monitor: { drop: 0 } }, 'monitor.drop'],
    ['every row held out', { monitor: { every: 1 } }, 'monitor.every'],
    ['no such consolidation', { network: { consolidation: { kind: 'mas', strength: 1 } } }, 'network.consolidation'],
    [
      'averaged gradients',
      { network: { consolidation: { kind: 'si', strength: 1 }, optimizer: { kind: 'sgd', rate: 1, accumulate: 2 } } },
      'network.consolidation',
    ],
  ])('%s is refused by name', (_, options, where) => {
    const make = () => createStream({ ...classification, ...options } as StreamOptions);
    expect(make).toThrow(SpecError);
    expect(make).toThrow(where);
  });
});

describe('consolidation of a declared network', () => {
  /** One law over inputs in two orders, one after the other; the share of rows of the first that is told right at the end. */
  function firstOrder(network: StreamOptions['network']): number {
    const names = Array.from({ length: 8 }, (_, i) => `x${i}`);
    const stream = createStream({
      columns: [...names.map((name) => ({ name })), { name: 'c', kind: 'class', classes: 2 }],
      task: { kind: 'classify', features: names, targets: ['c'] },
      network: { optimizer: { kind: 'sgd', rate: 0.1 }, ...network },
    });
    const orders = [
      [0, 1, 2, 3, 4, 5, 6, 7],
      [3, 6, 0, 7, 5, 1, 2, 4],
    ];
    const random = new Random(11);
    const feed = (order: number[], isLabelled: boolean): number => {
      const x = names.map(() => 2 * random.uniform() - 1);
      const label = 2 * x[0] - x[1] + x[2] - 2 * x[3] > 0 ? 1 : 0;
      stream.row.set(order.map((i) => x[i]));
      stream.row[8] = isLabelled ? label : Number.NaN;
      stream.accept();
      return label;
    };
    for (let i = 0; i < 4000; i++) feed(orders[i < 2000 ? 0 : 1], true);
    let right = 0;
    for (let i = 0; i < 300; i++) if (feed(orders[0], false) === stream.predictedClass) right++;
    return right / 300;
  }

  it('holds what was learned first, which is lost without it', () => {
    expect(firstOrder({})).toBeLessThan(0.6);
    expect(firstOrder({ consolidation: { kind: 'ewc', strength: 100, keep: 1 } })).toBeGreaterThan(0.85);
    expect(firstOrder({ consolidation: { kind: 'si', strength: 0.1 } })).toBeGreaterThan(0.85);
  });

  it('is told in the report', () => {
    const stream = createStream({
      ...classification,
      network: { consolidation: { kind: 'ewc', strength: 1, interval: 10 } },
    });
    const random = new Random(1);
    for (let i = 0; i < 36; i++) feedCloud(stream, random, i % 4);
    expect(stream.report().learner).toMatchObject({ kind: 'network', consolidated: 3 });
  });
});

describe('monitor', () => {
  const monitor = { every: 5, rows: 60, interval: 100, drop: 0.3 };

  /** True labels first, then garbage. */
  function garbage(options: Partial<StreamOptions>): { stream: Stream; outcomes: number[] } {
    const stream = createStream({ ...classification, ...options });
    const random = new Random(5);
    const outcomes: number[] = [];
    for (let i = 0; i < 2000; i++) {
      const label = i % CLASSES;
      outcomes.push(feedCloud(stream, random, label, i < 1500 ? label : (label + 1 + (i % 3)) % CLASSES));
    }
    return { stream, outcomes };
  }

  it('says that a learner has forgotten, once, when labels turn to garbage', () => {
    const { stream, outcomes } = garbage({ monitor });
    const said = outcomes.flatMap((outcome, i) => (outcome & FORGOTTEN ? [i] : []));
    expect(said).toHaveLength(1);
    expect(said[0]).toBeGreaterThan(1500);
    expect(said[0]).toBeLessThanOrEqual(1800);
    const report = stream.report().monitor;
    expect(report).toMatchObject({ isForgetting: true, forgotten: 1, rolledBack: 0 });
    expect(report?.skill).toBeLessThan(0.7 * report!.bestSkill!);
    expect(Math.min(...accuracies(stream))).toBeLessThan(0.5);
  });

  it('puts the best state back where it may, as often as it must', () => {
    const { stream, outcomes } = garbage({ monitor: { ...monitor, rollback: true } });
    const back = outcomes.filter((outcome) => outcome & ROLLED_BACK).length;
    expect(back).toBeGreaterThan(0);
    expect(stream.report().monitor).toMatchObject({ forgotten: back, rolledBack: back });
    expect(Math.min(...accuracies(stream))).toBeGreaterThan(0.9);
  });

  it('puts back numbers and their scales: targets that turn to garbage of another size', () => {
    const run = (rollback: boolean): number => {
      const stream = createStream({ ...regression, monitor: { ...monitor, rollback } });
      const random = new Random(6);
      let total = 0;
      for (let i = 0; i < 2400; i++) {
        const x = 2 * random.uniform() - 1;
        const isTrue = i < 1500 || i >= 2000;
        stream.row.set([x, 0, isTrue ? x : 30 * random.uniform()]);
        if ((stream.accept() & SCORED) !== 0 && i >= 2000 && i < 2050) {
          total += Math.abs(stream.scoredPrediction[0] - stream.truth[0]);
        }
      }
      return total;
    };
    expect(run(true)).toBeLessThan(0.5 * run(false));
  });

  it('is silent where what changes is only that more is to be known', () => {
    const stream = createStream({ ...classification, memory: { rows: 40 }, monitor });
    const random = new Random(7);
    let said = 0;
    for (let i = 0; i < 4000; i++) {
      if (feedCloud(stream, random, i < 2000 ? i % 2 : i % 4) & FORGOTTEN) said++;
    }
    expect(said).toBe(0);
    expect(stream.report().monitor?.skill).toBeGreaterThan(0.9);
  });

  it('holds every k-th labelled row out: scored, never learned from, never remembered', () => {
    const stream = createStream({ ...classification, memory: { rows: 500, policy: 'ring' }, monitor });
    const random = new Random(8);
    let held = 0;
    for (let i = 0; i < 501; i++) {
      const outcome = feedCloud(stream, random, i % 4);
      if (outcome & HELD_OUT) {
        held++;
        expect(outcome & LEARNED).toBe(0);
        if (i > 200) expect(outcome & SCORED).toBe(SCORED);
      }
    }
    const report = stream.report();
    expect([held, report.learned, report.memory?.rows, report.monitor?.heldOut]).toEqual([100, 400, 400, 100]);
    expect(report.monitor?.rows).toBe(60);
  });

  it('a look leaves the learner as it was, a race and whatever optimizer', () => {
    for (const kind of ['sgd', 'adam', 'nesterov', 'race'] as const) {
      const network = kind === 'race' ? undefined : { optimizer: { kind, rate: 0.01 } };
      // The same rows held out, but never looked at.
      const [looked, unseen] = [100, 1e9].map((interval) => {
        const stream = createStream({ ...classification, network, monitor: { ...monitor, interval } });
        const random = new Random(9);
        for (let i = 0; i < 1000; i++) feedCloud(stream, random, i % 4);
        return stream;
      });
      expect(looked.report().monitor?.looks).toBeGreaterThan(5);
      const learned = (stream: Stream) => [
        stream.learner.hash(),
        ...stream.learner.arrays().map(({ name, data }) => [name, [...data]]),
      ];
      expect(learned(looked)).toEqual(learned(unseen));
    }
  });

  it('goes on from a checkpoint in the middle of it all, bit for bit, roll-backs included', () => {
    const options = { memory: { rows: 30 }, monitor: { ...monitor, rollback: true } };
    for (const network of [classification.network, undefined]) {
      let stream = createStream({ ...classification, ...options, network });
      const whole = createStream({ ...classification, ...options, network, executor: 'reference' });
      const [a, b] = [new Random(5), new Random(5)];
      for (let i = 0; i < 2000; i++) {
        if (i % 333 === 0) stream = loadStream(saveStream(stream));
        const label = i % CLASSES;
        const shown = i < 1200 ? label : (label + 1) % CLASSES;
        expect(feedCloud(stream, a, label, shown)).toBe(feedCloud(whole, b, label, shown));
      }
      expect(stream.hash()).toBe(whole.hash());
      expect(stream.report()).toEqual(whole.report());
      if (network !== undefined) expect(stream.report().monitor?.rolledBack).toBeGreaterThan(0);
    }
  });
});

describe('every kind of task', () => {
  const waves = { columns: [{ name: 'a' }, { name: 'b' }] };
  it.each([
    ['forecast', { kind: 'forecast', features: ['a'], targets: ['b'], horizons: [1, 4] }],
    ['anomaly by residual', { kind: 'anomaly', features: ['a', 'b'] }],
    ['anomaly by autoencoder', { kind: 'anomaly', features: ['a', 'b'], method: 'autoencoder' }],
  ])('%s: rows are remembered, learned again and held out, and the outcome says so', (_, task) => {
    for (const network of [{ optimizer: { kind: 'sgd', rate: 0.05 } }, undefined]) {
      const options = { ...waves, task, network, memory: { rows: 20 }, monitor: { every: 5, interval: 50 } };
      const stream = createStream(options as StreamOptions);
      let held = 0;
      for (let i = 0; i < 500; i++) {
        stream.row.set([((i * 37) % 101) / 50, ((i * 17) % 53) / 25]);
        if ((stream.accept() & HELD_OUT) !== 0) held++;
      }
      const { memory, monitor } = stream.report();
      expect(held).toBeGreaterThanOrEqual(monitor!.heldOut);
      expect(monitor!.heldOut).toBeGreaterThan(90);
      expect(monitor!.looks).toBeGreaterThan(5);
      expect(memory!.rows).toBe(20);
      expect(memory!.replayed).toBeGreaterThan(1000);
      expect(loadStream(saveStream(stream)).hash()).toBe(stream.hash());
    }
  });
});

describe('checkpoints of streams that remember', () => {
  it.each([
    ['another capacity', { memory: { rows: 31 } }, 'memory.rows'],
    ['no memory', { memory: undefined }, 'memory'],
    ['another interval', { monitor: { every: 5, interval: 7 } }, 'monitor.interval'],
  ])('%s is refused, and nothing has changed', (_, change, where) => {
    const options = { ...classification, memory: { rows: 30 }, monitor: { every: 5 } };
    const bytes = saveStream(createStream(options));
    const other = createStream({ ...options, ...change } as StreamOptions);
    const before = other.hash();
    const restore = () => restoreStream(other, bytes);
    expect(restore).toThrow(CheckpointError);
    expect(restore).toThrow(where);
    expect(other.hash()).toBe(before);
  });

  it('the number of replayed rows a budget came to is kept, and goes before one measured later', () => {
    const budgetUs = 50;
    const fast = createStream({ ...classification, memory: { replay: 7, budgetUs } });
    const slow = createStream({ ...classification, memory: { replay: 2, budgetUs } });
    expect(fast.hash()).not.toBe(slow.hash());
    restoreStream(slow, saveStream(fast));
    expect(slow.report().memory?.replay).toBe(7);
    expect(slow.hash()).toBe(fast.hash());
    expect(loadStream(saveStream(fast)).report().memory?.replay).toBe(7);
  });
});
