import { describe, expect, test } from 'vitest';
import { resolveColumns, resolveNetwork, resolveTask } from '../../src/spec/index.js';
import { createStream, QUARANTINED } from '../../src/stream/index.js';

const network = {
  inputs: 3,
  layers: [{ kind: 'dense', units: 4, activation: 'tanh' }],
  loss: 'squaredError',
  optimizer: { kind: 'sgd', rate: 0.1 },
};

describe('a network', () => {
  test('gets its defaults, and none of them twice', () => {
    const resolved = resolveNetwork(network);
    expect(resolved.layers).toEqual([
      { kind: 'dense', units: 4, activation: 'tanh', bias: true, initialiser: 'xavier', frozen: false },
    ]);
    expect(resolved.loss).toEqual({ kind: 'squaredError' });
    expect(resolved.optimizer).toMatchObject({ biasRate: 0.1, decay: 0, accumulate: 1 });
    expect(JSON.stringify(resolveNetwork(resolved))).toBe(JSON.stringify(resolved));
  });

  test.each<[unknown, string]>([
    [{ ...network, foo: 1 }, 'network.foo: found unknown key "foo", expected one of inputs, layers, loss, optimizer'],
    [
      { ...network, layers: [{ kind: 'dense', unts: 4 }] },
      'layers[0].unts: found unknown key "unts", expected one of kind, units',
    ],
    [{ ...network, layers: [{ kind: 'dense' }] }, 'layers[0].units: found nothing, expected a number; add units'],
    [{ ...network, layers: [{ kind: 'dense', units: 4, activation: 'tahn' }] }, 'did you mean "tanh"?'],
    [{ ...network, layers: [{ kind: 'dens', units: 4 }] }, 'layers[0].kind: found "dens"'],
    [{ ...network, layers: [] }, 'network.layers: found an empty list, expected at least one layer'],
    [{ ...network, inputs: 'x' }, 'network.inputs: found "x", expected a number'],
    [{ ...network, inputs: 0 }, 'network.inputs: found 0, expected a whole number from 1 to 65536'],
    [
      { ...network, optimizer: { kind: 'sgd', rate: -1 } },
      'network.optimizer.rate: found -1, expected a finite number ≥ 0',
    ],
    [
      { ...network, optimizer: { kind: 'adam', rate: 0.1, momentum: 0.9 } },
      'network.optimizer.momentum: found unknown key',
    ],
    [{ ...network, loss: 'huberr' }, 'did you mean "huber"?'],
    [
      { ...network, loss: { kind: 'huber', kapa: 1 } },
      'network.loss.kapa: found unknown key "kapa", expected one of kind, kappa',
    ],
    [{ ...network, loss: 'crossEntropy' }, 'found "tanh" under loss "crossEntropy", expected "softmax"'],
    [{ ...network, loss: { kind: 'quantile', quantiles: [0.1, 0.5, 0.9] } }, 'found 4 units under 3 quantiles'],
    [{ ...network, layers: [{ kind: 'dropout', rate: 0.5 }] }, 'found "dropout" as the output layer, expected "dense"'],
    [null, 'network: found null, expected a table of keys'],
  ])('%j is refused', (spec, message) => {
    expect(() => resolveNetwork(spec)).toThrow(message);
  });
});

describe('columns', () => {
  test.each<[unknown, string]>([
    [[{ name: 'b', kind: 'class' }], 'expected a class column with "classes"'],
    [[{ name: 'a', range: [3, 1] }], 'columns[0].range: found a list of 2, expected two numbers, the smaller first'],
    [[{ name: 'a' }, { name: 'a' }], 'expected every column name once'],
    [[{ name: 't', kind: 'time', range: [0, 1] }], '"range" only on a column of kind'],
    [[{ name: 'c', kind: 'class', classes: 2, maxStep: 1 }], '"maxStep" only on a column of kind'],
    [[{ name: 'a', maxGap: 1 }], '"maxGap" only on a column of kind "time"'],
  ])('%j are refused', (columns, message) => {
    expect(() => resolveColumns(columns)).toThrow(message);
  });

  test('a range holds for every column that declares one, used by the task or not', () => {
    const stream = createStream({
      columns: [{ name: 'x' }, { name: 'y' }, { name: 'battery', range: [3, 5] }],
      task: { kind: 'regress', features: ['x'], targets: ['y'] },
    });
    stream.row.set([1, 2, 4]);
    expect(stream.accept() & QUARANTINED).toBe(0);
    stream.row.set([1, 2, 99]);
    expect(stream.accept() & QUARANTINED).toBe(QUARANTINED);
  });
});

describe('a task', () => {
  const columns = resolveColumns([
    { name: 'a' },
    { name: 'b', kind: 'class', classes: 2 },
    { name: 't', kind: 'time' },
  ]);

  test('a truth that is late by itself needs no further delay', () => {
    const task = { kind: 'classify', features: ['a'], targets: ['b'] };
    expect(resolveTask(task, columns).delay).toBe(1);
    expect(resolveTask({ ...task, labelAge: 5 }, columns).delay).toBe(0);
  });

  test('an anomaly task has defaults of its own, and resolves to itself', () => {
    const resolved = resolveTask({ kind: 'anomaly', features: ['a', 'b'] }, columns);
    expect(resolved).toMatchObject({
      targets: [],
      warmup: 500,
      method: 'residual',
      alarmRate: 0.01,
      hold: 1,
      release: 3,
    });
    expect(resolved.lags.map(({ rows }) => rows)).toEqual([1, 2]);
    expect(resolveTask(resolved, columns)).toEqual(resolved);
    expect(resolveTask({ kind: 'anomaly', features: ['a'], lags: [] }, columns).lags).toEqual([]);
    expect(resolveTask({ kind: 'classify', features: ['a'], targets: ['b'] }, columns)).not.toHaveProperty('method');
  });

  test('lags and windows are of all number and angle features where none are named, and resolve to themselves', () => {
    const task = {
      kind: 'regress',
      features: ['b', 'a'],
      targets: ['c'],
      lags: [1, { rows: 2 }],
      windows: [{ rows: 3, of: ['max'] }],
    };
    const withC = [...columns, ...resolveColumns([{ name: 'c' }])];
    const resolved = resolveTask(task, withC);
    expect(resolved.lags).toEqual([
      { rows: 1, columns: ['a'] },
      { rows: 2, columns: ['a'] },
    ]);
    expect(resolved.windows).toEqual([{ rows: 3, of: ['max'], columns: ['a'] }]);
    expect(resolveTask(resolved, withC)).toEqual(resolved);
  });

  test.each<[unknown, string]>([
    [
      { kind: 'classify', features: ['aa'], targets: ['b'] },
      'task.features[0]: found "aa", expected one of the columns a, b, t; did you mean "a"?',
    ],
    [
      { kind: 'regress', features: ['a'], targets: ['b'] },
      'found "b", a column of kind "class", expected a column of kind "number" or "angle"',
    ],
    [
      { kind: 'classify', features: ['a'], targets: ['b'], lags: [{ rows: 1, columns: ['b'] }] },
      'task.lags[0].columns[0]: found "b", expected one of a; only features of kind "number" or "angle"',
    ],
    [
      { kind: 'classify', features: ['a'], targets: ['b'], lags: [2, { rows: 2, columns: ['a'] }] },
      'task.lags[1]: found lag 2 of "a" twice, expected each once',
    ],
    [
      { kind: 'classify', features: ['a'], targets: ['b'], lags: [0] },
      'task.lags[0].rows: found 0, expected a whole number from 1 to 10000',
    ],
    [
      { kind: 'classify', features: ['a'], targets: ['b'], windows: [{ rows: 5, of: ['median'] }] },
      'task.windows[0].of[0]: found "median", expected "mean" or "deviation" or "slope" or "min" or "max"',
    ],
    [
      { kind: 'classify', features: ['a'], targets: ['b'], windows: [{ row: 5, of: ['mean'] }] },
      'task.windows[0].row: found unknown key "row", expected one of rows, of, columns; did you mean "rows"?',
    ],
    [
      { kind: 'classify', features: ['a'], targets: ['b'], windows: [{ rows: 5 }] },
      'task.windows[0].of: found nothing, expected a list; add of',
    ],
    [
      { kind: 'regress', features: ['a'] },
      'task.targets: found nothing, expected at least one column name for a task of kind "regress"; add targets',
    ],
    [
      { kind: 'anomaly', features: ['a'], targets: ['a'] },
      'task.targets: found "a", expected nothing for a task of kind "anomaly": every feature is judged',
    ],
    [
      { kind: 'anomaly', features: ['a'], delay: 3 },
      'task.delay: found 3, expected nothing for a task of kind "anomaly": its truth comes with the rows',
    ],
    [{ kind: 'anomaly', features: ['b'] }, 'found no feature of kind "number" or "angle", expected one'],
    [{ kind: 'anomaly', features: ['a'], alarmRate: 1 }, 'task.alarmRate: found 1, expected a number > 0 and ≤ 0.5'],
    [
      { kind: 'classify', features: ['a'], targets: ['b'], hold: 2 },
      'task.hold: found a task of kind "classify", expected "hold" only for kind "anomaly"',
    ],
    [
      { kind: 'forecast', features: ['a'], targets: ['a'] },
      'task.horizons: found nothing, expected how many rows ahead, for a task of kind "forecast"; add horizons = [1]',
    ],
    [
      { kind: 'forecast', features: ['a'], targets: ['a'], horizons: [1], labelAge: 2 },
      'task.labelAge: found 2, expected nothing for a task of kind "forecast": its truth comes with the rows',
    ],
    [
      { kind: 'forecast', features: ['a'], targets: ['a'], horizons: [1, 1] },
      'task.horizons: found a list of 2, expected at most 32 numbers, each once',
    ],
    [
      { kind: 'forecast', features: ['a'], targets: ['b'], horizons: [1] },
      'found "b", a column of kind "class", expected a column of kind "number" or "angle"',
    ],
    [
      { kind: 'classify', features: ['a'], targets: ['b'], horizons: [1] },
      'task.horizons: found a task of kind "classify", expected "horizons" only for kind "forecast"',
    ],
    [{ kind: 'regress', features: ['t'], targets: ['a'] }, 'found "t", a column of kind "time"'],
    [{ kind: 'regress', features: ['a'], targets: ['a'] }, 'which is among the features too'],
    [
      { kind: 'classify', features: ['a'], targets: ['b'], delay: 0 },
      'so that a row would be predicted after its truth was learned',
    ],
  ])('%j is refused', (task, message) => {
    expect(() => resolveTask(task, columns)).toThrow(message);
  });
});
