import * as v from 'valibot';
import { between, finite, integer } from './schema-kinds.js';

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
