import * as v from 'valibot';

// The one place where keys, types, ranges and defaults are written down: validation, and the tables of
// docs/configuration.md, are made from it. A description reads: what it is, its unit, what a special value means.

export const integer = (min: number, max: number) =>
  v.pipe(
    v.number(),
    v.check((n) => Number.isInteger(n) && n >= min && n <= max, `a whole number from ${min} to ${max}`),
  );

export const finite = (min: number, expected: string) =>
  v.pipe(
    v.number(),
    v.check((n) => Number.isFinite(n) && n >= min, expected),
  );

const between = (min: number, max: number) =>
  v.pipe(
    v.number(),
    v.check((n) => n >= min && n < max, `a number ≥ ${min} and < ${max}`),
  );

const name = v.pipe(
  v.string(),
  v.check((text) => text.trim() === text && text.length > 0 && text.length <= 64, 'a name of 1 to 64 characters'),
);

const units = integer(1, 65536);

export const activationSchema = v.picklist([
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
]);

const frozen = v.pipe(
  v.optional(v.boolean(), false),
  v.description('A frozen layer hands gradients down but does not change.'),
);

const activation = v.pipe(
  v.optional(activationSchema, 'identity'),
  v.description(
    'g, applied to every unit; softmax mixes them. leakyRelu has slope 0.01, elu α = 1, gelu is the exact one.',
  ),
);

export const denseSchema = v.strictObject({
  kind: v.pipe(v.literal('dense'), v.description('Fully connected layer: a = g(W·x + b).')),
  units: v.pipe(units, v.description('Number of units, 1 … 65536.')),
  activation,
  bias: v.pipe(v.optional(v.boolean(), true), v.description('Whether the layer has a bias b.')),
  initialiser: v.pipe(
    v.optional(v.picklist(['xavier', 'he', 'zeros'])),
    v.description(
      'How weights start, seeded. When absent: he before relu, leakyRelu, elu, silu and gelu, xavier otherwise.',
    ),
  ),
  frozen,
});

export const layerNormSchema = v.strictObject({
  kind: v.pipe(
    v.literal('layerNorm'),
    v.description('Standardises the units of each row, then scales and shifts them.'),
  ),
  activation,
  frozen,
});

export const dropoutSchema = v.strictObject({
  kind: v.pipe(
    v.literal('dropout'),
    v.description('While learning, sets units to 0 at random (seeded); predictions pass through.'),
  ),
  rate: v.pipe(between(0, 1), v.description('Probability that a unit is 0, 0 ≤ rate < 1.')),
});

export const layersSchema = v.pipe(
  v.array(v.variant('kind', [denseSchema, layerNormSchema, dropoutSchema])),
  v.check((layers) => layers.length <= 64, 'at most 64 layers'),
);

const scheduleSteps = v.pipe(integer(1, 1e9), v.description('Updates.'));
const factor = v.pipe(
  finite(0, 'a number from 0 to 1'),
  v.check((n) => n <= 1, 'a number from 0 to 1'),
);

export const scheduleSchema = v.variant('kind', [
  v.strictObject({ kind: v.literal('step'), every: scheduleSteps, factor }),
  v.strictObject({ kind: v.literal('exponential'), factor }),
  v.strictObject({ kind: v.literal('cosine'), steps: scheduleSteps, floor: v.optional(factor, 0) }),
  v.strictObject({ kind: v.literal('inverseSquareRoot'), steps: scheduleSteps }),
]);

const positive = finite(Number.MIN_VALUE, 'a finite number > 0');

const optimizerEntries = {
  rate: v.pipe(finite(0, 'a finite number ≥ 0'), v.description('Step size η; 0 learns nothing.')),
  biasRate: v.pipe(
    v.optional(finite(0, 'a finite number ≥ 0')),
    v.description("η of biases and of layerNorm's parameters. When absent: rate."),
  ),
  decay: v.pipe(
    v.optional(finite(0, 'a finite number ≥ 0'), 0),
    v.description('λ: weights, not biases, are drawn towards 0.'),
  ),
  clipValue: v.pipe(
    v.optional(positive),
    v.description('Every element of the gradient is cut to ± this. Absent: none.'),
  ),
  clipNorm: v.pipe(
    v.optional(positive),
    v.description('The whole gradient is scaled down to this norm. Absent: none.'),
  ),
  accumulate: v.pipe(
    v.optional(integer(1, 65536), 1),
    v.description('Steps whose gradients are averaged into one update.'),
  ),
  schedule: v.pipe(
    v.optional(scheduleSchema),
    v.description(
      'How the rate changes with t, the updates made: { kind = "step", every, factor }, { kind = "exponential", factor }, { kind = "cosine", steps, floor }, { kind = "inverseSquareRoot", steps }. Absent: constant.',
    ),
  ),
};

const epsilon = v.pipe(v.optional(positive, 1e-8), v.description('ε, keeps the quotient finite.'));
const momentum = v.pipe(v.optional(between(0, 1), 0.9), v.description('µ, 0 ≤ µ < 1.'));
const betas = {
  beta1: v.pipe(v.optional(between(0, 1), 0.9), v.description('β₁, 0 ≤ β₁ < 1: memory of the gradient.')),
  beta2: v.pipe(v.optional(between(0, 1), 0.999), v.description('β₂, 0 ≤ β₂ < 1: memory of its square.')),
  epsilon,
};

export const optimizerSchemas = [
  v.strictObject({
    kind: v.pipe(v.literal('sgd'), v.description('Stochastic gradient descent: w ← w − rate · gradient.')),
    ...optimizerEntries,
  }),
  v.strictObject({
    kind: v.pipe(v.literal('momentum'), v.description('b ← µ·b + g, w ← w − η·b.')),
    ...optimizerEntries,
    momentum,
  }),
  v.strictObject({
    kind: v.pipe(v.literal('nesterov'), v.description('b ← µ·b + g, w ← w − η·(g + µ·b).')),
    ...optimizerEntries,
    momentum,
  }),
  v.strictObject({
    kind: v.pipe(v.literal('rmsprop'), v.description('v ← ρ·v + (1 − ρ)·g², w ← w − η·g / (√v + ε).')),
    ...optimizerEntries,
    rho: v.pipe(v.optional(between(0, 1), 0.99), v.description('ρ, 0 ≤ ρ < 1.')),
    epsilon,
  }),
  v.strictObject({
    kind: v.pipe(v.literal('adam'), v.description('Adam with bias correction.')),
    ...optimizerEntries,
    ...betas,
  }),
  v.strictObject({
    kind: v.pipe(v.literal('adamw'), v.description('Adam whose weight decay is apart from the gradient.')),
    ...optimizerEntries,
    ...betas,
  }),
] as const;

export const optimizerSchema = v.variant('kind', [...optimizerSchemas]);

const classWeights = v.optional(
  v.pipe(
    v.array(finite(0, 'a finite number ≥ 0')),
    v.check((list) => list.some((weight) => weight > 0), 'at least one weight above 0'),
  ),
);

const lossVariants = v.variant('kind', [
  v.strictObject({ kind: v.literal('squaredError') }),
  v.strictObject({ kind: v.literal('absoluteError') }),
  v.strictObject({ kind: v.literal('huber'), kappa: v.optional(positive, 1) }),
  v.strictObject({
    kind: v.literal('quantile'),
    quantiles: v.pipe(
      v.array(
        v.pipe(
          v.number(),
          v.check((q) => q > 0 && q < 1, 'a number between 0 and 1'),
        ),
      ),
      v.check((list) => list.length > 0 && list.length <= 64, '1 to 64 quantiles'),
    ),
  }),
  v.strictObject({ kind: v.literal('crossEntropy'), classWeights }),
  v.strictObject({ kind: v.literal('binaryCrossEntropy'), classWeights }),
]);

/** A name stands for the loss of that kind with its defaults. */
export const lossSchema = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === 'string' ? { kind: value } : value)),
  lossVariants,
);

export const networkSchema = v.strictObject({
  inputs: v.pipe(units, v.description('Number of inputs, 1 … 65536.')),
  layers: v.pipe(
    layersSchema,
    v.check((layers) => layers.length > 0, 'at least one layer'),
    v.description('From the inputs up; the last is the output layer.'),
  ),
  loss: v.pipe(
    lossSchema,
    v.description('ℓ of one row. crossEntropy wants a softmax output layer, binaryCrossEntropy a sigmoid one.'),
  ),
  optimizer: v.pipe(optimizerSchema, v.description('How a gradient becomes an update.')),
  shortcut: v.pipe(
    v.optional(v.boolean(), false),
    v.description("Adds a linear path from the inputs to the output layer's z."),
  ),
});

export const columnSchema = v.pipe(
  v.strictObject({
    name: v.pipe(name, v.description('As in the header line or the label.')),
    kind: v.pipe(
      v.optional(v.picklist(['number', 'angle', 'class', 'time', 'ignore']), 'number'),
      v.description(
        'number: a measurement · angle: degrees, becomes cosine and sine · class: an integer from 0 · time: seconds, never an input · ignore: read and forgotten.',
      ),
    ),
    unit: v.pipe(v.optional(v.string(), ''), v.description('For people: kn, degC.')),
    range: v.pipe(
      v.optional(v.tuple([v.number(), v.number()])),
      v.check((pair) => pair === undefined || pair[0] < pair[1], 'two numbers, the smaller first'),
      v.description(
        "Valid values, both ends included, in the column's unit; a row outside is quarantined. Absent: any.",
      ),
    ),
    maxStep: v.pipe(
      v.optional(finite(Number.MIN_VALUE, 'a finite number > 0')),
      v.description("Largest believable change from one row to the next, in the column's unit. Absent: any."),
    ),
    classes: v.pipe(v.optional(integer(2, 256)), v.description('class only: how many classes, 2 … 256.')),
    maxGap: v.pipe(
      v.optional(finite(Number.MIN_VALUE, 'a finite number > 0')),
      v.description('time only: a jump of more seconds than this, or backwards, is a gap. Absent: only backwards.'),
    ),
  }),
  v.check(
    (column) => column.kind !== 'class' || column.classes !== undefined,
    'a class column with "classes", its number of classes',
  ),
  v.check(
    (column) => column.kind === 'class' || column.classes === undefined,
    '"classes" only on a column of kind "class"',
  ),
  v.check(
    (column) => column.kind === 'time' || column.maxGap === undefined,
    '"maxGap" only on a column of kind "time"',
  ),
  v.check(
    (column) => column.range === undefined || (column.kind !== 'time' && column.kind !== 'ignore'),
    '"range" only on a column of kind "number", "angle" or "class"',
  ),
  v.check(
    (column) => column.maxStep === undefined || column.kind === 'number' || column.kind === 'angle',
    '"maxStep" only on a column of kind "number" or "angle"',
  ),
);

export const columnsSchema = v.pipe(
  v.array(columnSchema),
  v.check((columns) => columns.length > 0 && columns.length <= 1024, '1 to 1024 columns'),
  v.check((columns) => new Set(columns.map((column) => column.name)).size === columns.length, 'every column name once'),
  v.check(
    (columns) => columns.filter((column) => column.kind === 'time').length <= 1,
    'at most one column of kind "time"',
  ),
);

export const STATISTICS = ['mean', 'deviation', 'slope', 'min', 'max'] as const;

const someColumns = v.optional(
  v.pipe(
    v.array(name),
    v.check((list) => list.length > 0, 'at least one column name'),
  ),
);

/** A number stands for a lag of so many rows, of all columns. */
const lagSchema = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === 'number' ? { rows: value } : value)),
  v.strictObject({ rows: integer(1, 10000), columns: someColumns }),
);

const windowSchema = v.strictObject({
  rows: integer(2, 10000),
  of: v.pipe(
    v.array(v.picklist(STATISTICS)),
    v.check((list) => list.length > 0 && new Set(list).size === list.length, 'at least one, each once'),
  ),
  columns: someColumns,
});

export const taskSchema = v.strictObject({
  kind: v.pipe(
    v.picklist(['regress', 'classify', 'forecast', 'anomaly']),
    v.description(
      'regress predicts numbers of the same row, classify one class column, forecast numbers some rows ahead, anomaly tells rows that are not as expected.',
    ),
  ),
  features: v.pipe(
    v.array(name),
    v.check((list) => list.length > 0, 'at least one column name'),
    v.description('Columns the network sees.'),
  ),
  lags: v.pipe(
    v.optional(
      v.pipe(
        v.array(lagSchema),
        v.check((list) => list.length <= 256, 'at most 256 lags'),
      ),
    ),
    v.description(
      'Values of earlier rows as further inputs: [1, 2, 5], or { rows = 1, columns = ["temp"] } of some columns; absent: of all number and angle features. 1 … 10000 rows. Where that row was lost or the value missing, it is the last one before; at the start and after a gap, the oldest known. When absent: none; for anomaly [1, 2], with an autoencoder [1, 2, 3].',
    ),
  ),
  windows: v.pipe(
    v.optional(
      v.pipe(
        v.array(windowSchema),
        v.check((list) => list.length <= 64, 'at most 64 windows'),
      ),
      [],
    ),
    v.description(
      'Statistics of the last rows, the current one included, as further inputs: { rows = 20, of = ["mean", "deviation", "slope", "min", "max"] }, with columns = ["temp"] of some. 2 … 10000 rows; slope: change per row. At the start and after a gap, of the rows there are.',
    ),
  ),
  targets: v.pipe(
    v.optional(v.array(name), []),
    v.description(
      'Columns it predicts; exactly one, of kind class, for classify; may be features too for forecast, not otherwise; none for anomaly, at least one for the others.',
    ),
  ),
  horizons: v.pipe(
    v.optional(
      v.pipe(
        v.array(integer(1, 10000)),
        v.check((list) => list.length <= 32 && new Set(list).size === list.length, 'at most 32 numbers, each once'),
      ),
      [],
    ),
    v.description(
      'forecast only, and required there: how many rows ahead, [1, 12], 1 … 10000. Each is predicted as change from now and learned when that row has come.',
    ),
  ),
  delay: v.pipe(
    v.optional(integer(0, 100000)),
    v.description(
      'Rows between a prediction and the use of its truth: the label printed in row i is used when row i + delay arrives. When absent: 1 (test, then train), or 0 with labelAge.',
    ),
  ),
  labelAge: v.pipe(
    v.optional(integer(0, 100000), 0),
    v.description('The label printed in row i is the truth of row i − labelAge: a device that measures late.'),
  ),
  labelWait: v.pipe(
    v.optional(integer(0, 100000), 0),
    v.description(
      'Rows that are kept waiting for a label from outside the rows: a message of the device, a person. 0: labels come in rows only; otherwise rows need not carry the targets.',
    ),
  ),
  warmup: v.pipe(
    v.optional(integer(0, 1e9)),
    v.description(
      'First rows that are learned from but not scored, or raise no alarm. When absent: 100; 500 for anomaly.',
    ),
  ),
  method: v.pipe(
    v.optional(v.picklist(['residual', 'autoencoder'])),
    v.description(
      'anomaly only: residual goes by how far every number and angle feature is from its forecast of one row before, autoencoder by what a narrow network cannot give back of all inputs. When absent: residual.',
    ),
  ),
  alarmRate: v.pipe(
    v.optional(
      v.pipe(
        v.number(),
        v.check((n) => n > 0 && n <= 0.5, 'a number > 0 and ≤ 0.5'),
      ),
    ),
    v.description(
      'anomaly only: the share of rows that is to be in alarm; the threshold moves to keep it. When absent: 0.01.',
    ),
  ),
  hold: v.pipe(
    v.optional(integer(1, 10000)),
    v.description('anomaly only: rows above the threshold, one after the other, that raise an alarm. When absent: 1.'),
  ),
  release: v.pipe(
    v.optional(integer(1, 10000)),
    v.description('anomaly only: rows not above it, one after the other, that end the alarm. When absent: 3.'),
  ),
  window: v.pipe(
    v.optional(integer(1, 100000), 200),
    v.description('Rows of the windowed scores, and about as many of the fading ones.'),
  ),
  quantiles: v.pipe(
    v.optional(
      v.pipe(
        v.array(v.number()),
        v.check(
          (list) => list.length <= 16 && list.every((q, i) => q > (list[i - 1] ?? 0) && q < 1),
          'at most 16 numbers between 0 and 1, ascending',
        ),
      ),
      [],
    ),
    v.description(
      'regress with a declared network: quantiles of every target that are predicted, ascending; the prediction is the one nearest 0.5.',
    ),
  ),
  interval: v.pipe(
    v.optional(between(0, 1), 0.9),
    v.description(
      'Of predicted numbers: part of the truths that is to lie inside the interval around a prediction; 0: no intervals.',
    ),
  ),
});

/** What is remembered of a stream, to be learned from again. */
export const memorySchema = v.strictObject({
  policy: v.pipe(
    v.optional(v.picklist(['reservoir', 'balanced', 'ring'])),
    v.description(
      'Who stays: reservoir, every row with equal chances · balanced, as many rows of each class (classify only) · ring, the last rows. When absent: balanced for classify, reservoir otherwise.',
    ),
  ),
  rows: v.pipe(v.optional(integer(1, 1_000_000), 200), v.description('Rows there is room for, 1 … 1000000.')),
  replay: v.pipe(
    v.optional(v.union([integer(0, 1000), v.literal('auto')]), 'auto'),
    v.description('Remembered rows learned from after every row, 0 … 1000. auto: 3.'),
  ),
  budgetUs: v.pipe(
    v.optional(finite(Number.MIN_VALUE, 'a finite number > 0')),
    v.description(
      'Microseconds a row may take on this machine with its replayed ones: `edgegrad run` measures once, at a fresh start, how many of `replay` fit, and keeps to that number in checkpoint and recording. Absent: all of them.',
    ),
  ),
});

/** A held-out probe, which shows what has been forgotten. */
export const monitorSchema = v.strictObject({
  every: v.pipe(
    v.optional(integer(2, 1e6), 20),
    v.description('One labelled row in this many is never learned from, and kept as the probe.'),
  ),
  rows: v.pipe(
    v.optional(integer(1, 100_000), 100),
    v.description('Rows of the probe; of all held out, every one with equal chances.'),
  ),
  interval: v.pipe(v.optional(integer(1, 1e9), 500), v.description('Labelled rows between two looks at the probe.')),
  drop: v.pipe(
    v.optional(
      v.pipe(
        v.number(),
        v.check((n) => n > 0 && n <= 1, 'a number above 0, at most 1'),
      ),
      0.3,
    ),
    v.description(
      'Part of the skill on the probe that may be lost, against the best state known, before it counts as forgetting.',
    ),
  ),
  rollback: v.pipe(
    v.optional(v.boolean(), false),
    v.description(
      'Whether the best state is put back then. For laws that stay: one that has changed cannot be learned.',
    ),
  ),
});

const consolidationEntries = {
  strength: v.pipe(finite(0, 'a finite number ≥ 0'), v.description('λ of ewc, c of si; 0 does nothing.')),
  interval: v.pipe(
    v.optional(integer(1, 1e9), 500),
    v.description('Steps after which what was learned is consolidated, as at the end of a task.'),
  ),
};

export const consolidationSchemas = [
  v.strictObject({
    kind: v.pipe(
      v.literal('ewc'),
      v.description('Online elastic weight consolidation: importance is the Fisher information of an interval.'),
    ),
    ...consolidationEntries,
    keep: v.pipe(
      v.optional(
        v.pipe(
          v.number(),
          v.check((n) => n >= 0 && n <= 1, 'a number from 0 to 1'),
        ),
        0.9,
      ),
      v.description('γ: what is left of older importances after an interval.'),
    ),
  }),
  v.strictObject({
    kind: v.pipe(
      v.literal('si'),
      v.description('Synaptic intelligence: importance is what a weight has contributed to the fall of the loss.'),
    ),
    ...consolidationEntries,
    damping: v.pipe(
      v.optional(finite(Number.MIN_VALUE, 'a finite number > 0'), 0.1),
      v.description('ξ: keeps the importance of weights that hardly moved finite.'),
    ),
  }),
] as const;

export const consolidationSchema = v.variant('kind', [...consolidationSchemas]);

/** The part of a network a user chooses for a task; inputs, output layer and loss follow from the task. */
export const taskNetworkEntries = {
  layers: v.pipe(
    v.optional(layersSchema),
    v.description(
      'Hidden layers, from the inputs up; an empty list is a linear model. When absent: one dense layer of 16 tanh units.',
    ),
  ),
  optimizer: v.pipe(
    v.optional(optimizerSchema),
    v.description('When absent: sgd, rate 0.02 for regress, 0.05 for classify.'),
  ),
  outputInitialiser: v.pipe(
    v.optional(v.picklist(['xavier', 'he', 'zeros'])),
    v.description("How the output layer's weights start. When absent: xavier."),
  ),
  shortcut: v.pipe(
    v.optional(v.boolean()),
    v.description('Adds a linear path from the inputs to the outputs. When absent: false.'),
  ),
  safety: v.pipe(
    v.optional(v.boolean()),
    v.description(
      'Shortens steps that would overshoot, and gives the naive prediction while the network is more than twice as wrong; both are counted. When absent: true.',
    ),
  ),
  consolidation: v.pipe(
    v.optional(consolidationSchema),
    v.description(
      'Holds weights that were important for what was learned before: { kind = "ewc", strength, interval, keep } or { kind = "si", strength, interval, damping }. Absent: none.',
    ),
  ),
};
