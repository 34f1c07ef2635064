import * as v from 'valibot';

// The one place where keys, types, ranges and defaults are written down: validation, and the tables of
// docs/configuration.md, are made from it. A description reads: what it is, its unit, what a special value means.

const integer = (min: number, max: number) =>
  v.pipe(
    v.number(),
    v.check((n) => Number.isInteger(n) && n >= min && n <= max, `a whole number from ${min} to ${max}`),
  );

const finite = (min: number, expected: string) =>
  v.pipe(
    v.number(),
    v.check((n) => Number.isFinite(n) && n >= min, expected),
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

export const denseSchema = v.strictObject({
  kind: v.pipe(v.literal('dense'), v.description('Fully connected layer: a = g(W·x + b).')),
  units: v.pipe(units, v.description('Number of units, 1 … 65536.')),
  activation: v.pipe(
    v.optional(activationSchema, 'identity'),
    v.description(
      'g, applied to every unit; softmax mixes them. leakyRelu has slope 0.01, elu α = 1, gelu is the exact one.',
    ),
  ),
  bias: v.pipe(v.optional(v.boolean(), true), v.description('Whether the layer has a bias b.')),
  initialiser: v.pipe(
    v.optional(v.picklist(['xavier', 'he', 'zeros'])),
    v.description('How weights start, seeded. When absent: he before relu, xavier otherwise.'),
  ),
});

export const layersSchema = v.pipe(
  v.array(v.variant('kind', [denseSchema])),
  v.check((layers) => layers.length <= 64, 'at most 64 layers'),
);

const sgdSchema = v.strictObject({
  kind: v.pipe(v.literal('sgd'), v.description('Stochastic gradient descent: w ← w − rate · gradient.')),
  rate: v.pipe(finite(0, 'a finite number ≥ 0'), v.description('Step size η; 0 learns nothing.')),
});

export const optimizerSchemas = [sgdSchema] as const;

export const optimizerSchema = v.variant('kind', [...optimizerSchemas]);

export const networkSchema = v.strictObject({
  inputs: v.pipe(units, v.description('Number of inputs, 1 … 65536.')),
  layers: v.pipe(
    layersSchema,
    v.check((layers) => layers.length > 0, 'at least one layer'),
    v.description('From the inputs up; the last is the output layer.'),
  ),
  loss: v.pipe(
    v.picklist(['squaredError', 'crossEntropy', 'binaryCrossEntropy']),
    v.description('ℓ of one row. crossEntropy wants a softmax output layer, binaryCrossEntropy a sigmoid one.'),
  ),
  optimizer: v.pipe(optimizerSchema, v.description('How a gradient becomes an update.')),
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

export const taskSchema = v.strictObject({
  kind: v.pipe(
    v.picklist(['regress', 'classify']),
    v.description('regress predicts numbers, classify one class column.'),
  ),
  features: v.pipe(
    v.array(name),
    v.check((list) => list.length > 0, 'at least one column name'),
    v.description('Columns the network sees.'),
  ),
  targets: v.pipe(
    v.array(name),
    v.check((list) => list.length > 0, 'at least one column name'),
    v.description('Columns it predicts; exactly one, of kind class, for classify.'),
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
  warmup: v.pipe(v.optional(integer(0, 1e9), 100), v.description('First rows that are learned from but not scored.')),
  window: v.pipe(v.optional(integer(1, 100000), 200), v.description('Rows of the windowed error.')),
});

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
    v.optional(v.picklist(['xavier', 'he', 'zeros']), 'xavier'),
    v.description("How the output layer's weights start."),
  ),
};
