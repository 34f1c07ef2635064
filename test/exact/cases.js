// What the exactness program runs. Adding a case is one line here; `npm run exact -- --write` then gives it a golden
// hash. A case that is in the table keeps its bits: change one only when the arithmetic is meant to change.

const dense = (units, activation = 'identity', more = {}) => ({ kind: 'dense', units, activation, ...more });
const sgd = (rate, more = {}) => ({ kind: 'sgd', rate, ...more });
const network = (inputs, layers, { loss = 'squaredError', optimizer = sgd(0.05), ...more } = {}) => ({
  inputs,
  layers,
  loss,
  optimizer,
  ...more,
});

/** `8-16-4`: tanh hidden layers, identity on top. */
const widths = (text, optimizer) => {
  const [inputs, ...units] = text.split('-').map(Number);
  return network(
    inputs,
    units.map((n, i) => dense(n, i < units.length - 1 ? 'tanh' : 'identity')),
    { optimizer },
  );
};

/** `cases` by name, made of each entry of an object. */
const each = (entries, cases) => Object.fromEntries(Object.entries(entries).flatMap(([name, one]) => cases(name, one)));

/** Input scales from subnormal to nearly too large: some steps are refused, and refusals are part of the hash. */
const EVERY_SCALE = [1e-45, 1e-40, 1e-38, 1e-30, 1e-10, 1, 1e10, 1e30, 3e37];

const ACTIVATIONS = [
  'identity',
  'relu',
  'leakyRelu',
  'elu',
  'sigmoid',
  'tanh',
  'softsign',
  'softplus',
  'silu',
  'gelu',
  'softmax',
];

/** Each loss, and variants, with an output layer they go with. */
const LOSSES = {
  squaredError: ['squaredError', dense(6)],
  absoluteError: ['absoluteError', dense(5)],
  huber: [{ kind: 'huber', kappa: 0.7 }, dense(5)],
  quantile: [{ kind: 'quantile', quantiles: [0.1, 0.5, 0.8] }, dense(6)],
  crossEntropy: ['crossEntropy', dense(5, 'softmax')],
  'crossEntropy.weighted': [{ kind: 'crossEntropy', classWeights: [1, 0, 0.5, 3] }, dense(4, 'softmax')],
  binaryCrossEntropy: ['binaryCrossEntropy', dense(5, 'sigmoid')],
  'binaryCrossEntropy.weighted': [{ kind: 'binaryCrossEntropy', classWeights: [1, 0.25, 2] }, dense(3, 'sigmoid')],
};

/** Each optimizer, and what can be asked of it. */
const OPTIMIZERS = {
  sgd: sgd(0.02),
  momentum: { kind: 'momentum', rate: 0.01 },
  nesterov: { kind: 'nesterov', rate: 0.01, momentum: 0.8 },
  rmsprop: { kind: 'rmsprop', rate: 0.003 },
  adam: { kind: 'adam', rate: 0.003 },
  adamw: { kind: 'adamw', rate: 0.003, decay: 0.01 },
  'sgd.bias-rate': sgd(0.02, { biasRate: 0.001 }),
  'sgd.decay': sgd(0.02, { decay: 0.01 }),
  'sgd.clip-value': sgd(0.05, { clipValue: 0.1 }),
  'sgd.clip-norm': sgd(0.05, { clipNorm: 0.3 }),
  'sgd.accumulate': sgd(0.05, { accumulate: 4 }),
  'adam.everything': { kind: 'adam', rate: 0.01, decay: 0.001, clipValue: 0.5, clipNorm: 1, accumulate: 3 },
};

const SCHEDULES = {
  step: { kind: 'step', every: 7, factor: 0.7 },
  exponential: { kind: 'exponential', factor: 0.97 },
  cosine: { kind: 'cosine', steps: 40, floor: 0.1 },
  inverseSquareRoot: { kind: 'inverseSquareRoot', steps: 4 },
};

/** Each kind of layer, and variants, in a network. */
const LAYERS = {
  dense: [dense(9, 'tanh'), dense(4, 'sigmoid', { bias: false }), dense(3)],
  'dense.frozen': [dense(9, 'tanh'), dense(5, 'relu', { frozen: true }), dense(3)],
  layerNorm: [dense(9), { kind: 'layerNorm', activation: 'tanh' }, dense(3)],
  'layerNorm.first': [{ kind: 'layerNorm' }, dense(7, 'relu'), { kind: 'layerNorm', frozen: true }, dense(3)],
  dropout: [
    dense(9, 'tanh'),
    { kind: 'dropout', rate: 0.3 },
    dense(6, 'relu'),
    { kind: 'dropout', rate: 0.5 },
    dense(3),
  ],
};

/** What random networks are made of. Fixed: a new kind gets cases of its own, so that these keep their hashes. */
const RANDOM = {
  activations: ACTIVATIONS.slice(0, 11),
  losses: ['squaredError', 'absoluteError', 'huber', 'crossEntropy', 'binaryCrossEntropy'],
  optimizers: ['sgd', 'sgd', 'sgd', 'sgd', 'sgd', 'momentum', 'nesterov', 'rmsprop', 'adam', 'adamw'],
  rates: [0.001, 0.01, 0.1, 0.5],
  scales: [[1], [1], [0.5], [30], [1e18], EVERY_SCALE],
  examples: [1, 1, 1, 2, 3, 5],
};

/** A case of random widths from 1, odd ones included, of any kinds. `random` is the engine's own generator. */
export function randomCase(random, seed) {
  const pick = (list) => list[random.next() % list.length];
  const oneIn = (n) => random.next() % n === 0;
  const units = () => 1 + (random.next() % 19);
  const layers = Array.from({ length: random.next() % 4 }, () => {
    const activation = pick(RANDOM.activations);
    if (oneIn(8)) return { kind: 'layerNorm', activation };
    if (oneIn(8)) return { kind: 'dropout', rate: pick([0, 0.1, 0.5]) };
    return dense(units(), activation, { bias: !oneIn(4), frozen: oneIn(8) });
  });
  const loss = pick(RANDOM.losses);
  const wanted = { crossEntropy: 'softmax', binaryCrossEntropy: 'sigmoid' }[loss];
  layers.push(dense(units(), wanted ?? pick(RANDOM.activations), { bias: !oneIn(4) }));
  const optimizer = { kind: pick(RANDOM.optimizers), rate: pick(RANDOM.rates) };
  if (oneIn(4)) optimizer.biasRate = pick([0, 0.02]);
  if (oneIn(4)) optimizer.decay = pick([0.001, 0.1]);
  if (oneIn(5)) optimizer.clipValue = pick([0.01, 1]);
  if (oneIn(5)) optimizer.clipNorm = pick([0.1, 3]);
  if (oneIn(5)) optimizer.accumulate = 2 + (random.next() % 3);
  const spec = network(units(), layers, { loss, optimizer, shortcut: oneIn(4) });
  return { spec, seed, examples: pick(RANDOM.examples), scales: pick(RANDOM.scales), steps: 20 };
}

/** How many of those. */
export const RANDOM_CASES = 100;

/**
 * name → `spec`, and where it differs from the default: `seed` (1) of weights and rows, `examples` (1), `steps` (60),
 * `scales` of the inputs ([1]), one drawn for each row, `weights`: the scale of random initial parameters, instead of
 * the initialiser's, `rowWeights` of the examples.
 */
export const CASES = {
  ...each(Object.fromEntries(ACTIVATIONS.map((name) => [name, name])), (name) => {
    const spec = network(7, [dense(13, name), dense(6, name), dense(5)]);
    return [
      [`activation.${name}`, { spec }],
      [`activation.${name}.m3`, { spec, examples: 3 }],
      [`activation.${name}.every-scale`, { spec, scales: EVERY_SCALE }],
      [`activation.${name}.output`, { spec: network(6, [dense(9, 'tanh'), dense(7, name)]) }],
    ];
  }),
  ...each(LOSSES, (name, [loss, output]) => {
    const spec = network(6, [dense(10, 'tanh'), output], { loss });
    return [
      [`loss.${name}`, { spec }],
      [`loss.${name}.m4`, { spec, examples: 4 }],
      [`loss.${name}.large`, { spec, scales: [30] }],
    ];
  }),
  ...each(OPTIMIZERS, (name, optimizer) => [
    [`optimizer.${name}`, { spec: widths('8-16-4', optimizer), steps: 200 }],
    [`optimizer.${name}.m3`, { spec: widths('5-9-3', optimizer), examples: 3 }],
    [`optimizer.${name}.no-bias`, { spec: network(5, [dense(9, 'tanh', { bias: false }), dense(3)], { optimizer }) }],
    [`optimizer.${name}.every-scale`, { spec: widths('4-6-3', optimizer), scales: EVERY_SCALE, steps: 100 }],
  ]),
  ...each(SCHEDULES, (name, schedule) => [
    [`schedule.${name}`, { spec: widths('5-9-3', sgd(0.05, { schedule, biasRate: 0.02 })) }],
    [`schedule.${name}.adam`, { spec: widths('5-9-3', { kind: 'adam', rate: 0.01, schedule }) }],
  ]),
  ...each(LAYERS, (name, layers) => {
    const spec = network(6, layers);
    return [
      [`layer.${name}`, { spec }],
      [`layer.${name}.m3`, { spec, examples: 3 }],
      [`layer.${name}.adam`, { spec: network(6, layers, { optimizer: { kind: 'adam', rate: 0.01 } }) }],
      [`layer.${name}.every-scale`, { spec, scales: EVERY_SCALE }],
    ];
  }),
  shortcut: { spec: network(6, [dense(9, 'tanh'), dense(3)], { shortcut: true }) },
  'shortcut.m3': { spec: network(6, [dense(9, 'tanh'), dense(3)], { shortcut: true }), examples: 3 },
  'row-weights': { spec: widths('5-9-3'), rowWeights: [0.3] },
  'row-weights.m3': { spec: widths('5-9-3'), examples: 3, rowWeights: [0, 0.5, 2] },
  ...each(
    ['1-1', '1-1-1', '1-4-1', '2-3-5-7-2', '4-8-4', '5-17-9-3', '15-16-17', '16-16-16-16', '33-31-1'],
    (_, text) => [[`widths.${text}`, { spec: widths(text) }]],
  ),
  'widths.8-16-4': { spec: widths('8-16-4', sgd(0.01)), steps: 1000 },
  'widths.32-64-32-8': { spec: widths('32-64-32-8', sgd(0.01)), steps: 200 },
  'widths.128-256-128-10': { spec: widths('128-256-128-10', sgd(0.01)), steps: 10 },
  'widths.784-32-10': { spec: widths('784-32-10', sgd(0.01)), steps: 10 },
  'widths.32-64-8.m16': { spec: widths('32-64-8', sgd(0.01)), examples: 16, steps: 10 },
  'initialiser.he': { spec: network(6, [dense(9, 'tanh', { initialiser: 'he' }), dense(3)]) },
  'initialiser.zeros': { spec: network(6, [dense(3, 'sigmoid', { initialiser: 'zeros' })]) },
  'rate.0': { spec: widths('4-6-3', sgd(0)) },
  'rate.tiny': { spec: widths('4-6-3', sgd(1e-30)), weights: 1e-30 },
  'rate.diverging': { spec: widths('4-6-3', sgd(3)), scales: [10] },
  'weights.subnormal': { spec: widths('5-9-3', sgd(0.1)), weights: 1e-40, scales: [1e-3, 1, 1e3] },
  'weights.huge': { spec: widths('5-9-3', sgd(1e-3)), weights: 1e30, scales: [1e-30, 1, 1e10] },
  'inputs.subnormal': { spec: widths('5-9-3', sgd(0.1)), scales: [1e-45, 1e-40, 1e-38] },
  'inputs.not-finite': { spec: widths('5-9-3', sgd(0.1)), scales: [1, 1, Number.NaN, Number.POSITIVE_INFINITY] },
  'seed.0': { spec: widths('5-9-3'), seed: 0 },
  'seed.largest': { spec: widths('5-9-3'), seed: 2 ** 32 - 1 },
};
