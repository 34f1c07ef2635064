import type { Activation, LossSpec, OptimizerSpec, ResolvedNetwork } from '../spec/index.js';
import { SpecError, widthsOf } from '../spec/index.js';
import * as L from './layout.js';
import { printPlan } from './print.js';
import { pad4, type Region, Space } from './space.js';

/** One op record in words; the meaning of each is in `layout.ts`. */
export interface Op {
  /** As the table prints it: `dense 8→16 tanh`. */
  readonly title: string;
  /** The layer it is of, where it is of one. */
  readonly layer: string;
  readonly words: readonly number[];
}

/** A parameter under the name and shape other libraries know it by. */
export interface Parameter {
  /** `layers.0.weight` `[out, in]`, `layers.0.bias` `[out]`; of a layerNorm both `[units]`; `shortcut.weight` `[outputs, inputs]`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly region: Region;
}

/** What a plan may be asked for beside the network. */
export interface PlanOptions {
  /** m, columns worked on together; 1 … 4096. Default 1. */
  examples?: number;
  /** Keep whole gradients at m = 1 too, for inspection. Default false; always so where a step needs them whole. */
  gradients?: boolean;
  /** Regions of the caller's own in the same arena: name → number of float32 elements. */
  reserve?: Readonly<Record<string, number>>;
  /** Elements left free between regions, for tests that look for stray writes; a multiple of 4. Default 0. */
  guardFloats?: number;
  /** The plan that lies before this one in the same arena, whose row and target it shares. Default none. */
  after?: Plan;
}

/**
 * The frozen layout of a network: which regions the arena has and which ops a step runs over them.
 * The mutable state is the engine's; a plan never changes.
 */
export interface Plan {
  readonly network: ResolvedNetwork;
  readonly examples: number;
  readonly regions: readonly Region[];
  readonly ops: readonly Op[];
  readonly parameters: readonly Parameter[];
  /** The optimizer's states of every parameter, by their names: `[]`, `['momentum']`, `['average', 'squareAverage']`. */
  readonly optimizerStates: readonly string[];
  /** Header and op records as they lie in region `plan`. */
  readonly words: readonly number[];
  /** What float32 regions hold at the start, where that is not 0. */
  readonly initial: readonly { readonly region: Region; readonly values: readonly number[] }[];
  /** Elements and bytes from the start of the arena to the end of this plan: of the whole arena, if nothing lies behind. */
  readonly floats: number;
  readonly bytes: number;
  /** The region of that name. @throws SpecError where there is none */
  region(name: string): Region;
  /** A table of ops and one of regions, with sizes. */
  toString(): string;
}

const ACTIVATION_CODES: Record<Activation, number> = {
  identity: L.A_IDENTITY,
  relu: L.A_RELU,
  sigmoid: L.A_SIGMOID,
  tanh: L.A_TANH,
  softmax: L.A_SOFTMAX,
  leakyRelu: L.A_LEAKY_RELU,
  elu: L.A_ELU,
  softsign: L.A_SOFTSIGN,
  softplus: L.A_SOFTPLUS,
  silu: L.A_SILU,
  gelu: L.A_GELU,
};

/** Activations whose derivative is taken at z, so that z is kept beside a. */
const NEEDS_Z: readonly Activation[] = ['silu', 'gelu'];

/** Each loss's code, and the activation under which it leaves the delta itself (B1), so that g' must not be applied. */
const LOSSES: Record<LossSpec['kind'], { code: number; fusedWith: Activation }> = {
  squaredError: { code: L.LOSS_SQUARED_ERROR, fusedWith: 'identity' },
  absoluteError: { code: L.LOSS_ABSOLUTE_ERROR, fusedWith: 'identity' },
  huber: { code: L.LOSS_HUBER, fusedWith: 'identity' },
  quantile: { code: L.LOSS_QUANTILE, fusedWith: 'identity' },
  crossEntropy: { code: L.LOSS_CROSS_ENTROPY, fusedWith: 'softmax' },
  binaryCrossEntropy: { code: L.LOSS_BINARY_CROSS_ENTROPY, fusedWith: 'sigmoid' },
};

const OPTIMIZERS: Record<OptimizerSpec['kind'], { code: number; states: readonly string[] }> = {
  sgd: { code: L.OPTIMIZER_SGD, states: [] },
  momentum: { code: L.OPTIMIZER_MOMENTUM, states: ['momentum'] },
  nesterov: { code: L.OPTIMIZER_NESTEROV, states: ['momentum'] },
  rmsprop: { code: L.OPTIMIZER_RMSPROP, states: ['squareAverage'] },
  adam: { code: L.OPTIMIZER_ADAM, states: ['average', 'squareAverage'] },
  adamw: { code: L.OPTIMIZER_ADAMW, states: ['average', 'squareAverage'] },
};

/** No arena is larger: 1 GiB, far beyond what one row a step can train. */
const MOST_BYTES = 2 ** 30;

/** Bytes of rows and targets that `stepMany` hands over in one call. */
const RESIDENT_BYTES = 1024;

/** Lays out a network: spec in, plan out. Nothing is allocated but the plan itself. */
export function planNetwork(network: ResolvedNetwork, options: PlanOptions = {}): Plan {
  const examples = options.examples ?? 1;
  if (!Number.isInteger(examples) || examples < 1 || examples > 4096) {
    throw new SpecError('PLAN_EXAMPLES', {
      where: 'examples',
      found: String(examples),
      expected: 'a whole number from 1 to 4096',
    });
  }
  const { inputs, layers, loss, optimizer, shortcut } = network;
  const widths = widthsOf(network);
  const top = layers.length - 1;
  const outputs = widths[layers.length];
  const keepsGradients =
    examples > 1 ||
    options.gradients === true ||
    optimizer.accumulate > 1 ||
    layers.some((layer) => layer.kind === 'layerNorm');
  const isPlain = optimizer.kind === 'sgd' && optimizer.decay === 0;
  const isClipped = optimizer.clipNorm !== undefined || optimizer.clipValue !== undefined;
  const sweeps = isPlain && !isClipped && !keepsGradients;
  const isSpread = (n: number) => examples > 1 && pad4(n) !== n;
  const opCount = layers.length + 2 + (shortcut ? 1 : 0) + (isSpread(outputs) ? 1 : 0);

  const space = new Space(options.guardFloats ?? 0, options.after?.floats);
  space.take('constants', 'vector', [L.CONSTANT_FLOATS]);
  const plan = space.take('plan', 'words', [L.HEADER_WORDS + opCount * L.OP_WORDS]);
  const state = space.take('state', 'words', [L.STATE_WORDS]);

  // ---- parameters, one contiguous span; gradients and optimizer states are spans of the same form
  const parameters = takeParameters(space, network, widths, '');
  const first = parameters[0].region.offset;
  const spanOf = (prefix: string) => takeParameters(space, network, widths, prefix)[0].region.offset - first;
  const toGradient = keepsGradients ? spanOf('gradient ') : 0;
  const { states } = OPTIMIZERS[optimizer.kind];
  const toStates = states.map((name) => spanOf(`${name} `));
  const offsetOf = (name: string) => parameters.find((parameter) => parameter.name === name)?.region.offset ?? 0;

  // ---- rows in and out. One example lies in its padded column; several lie dense, and OP_INPUT spreads them.
  const x = options.after?.region('x') ?? space.take('x', 'columns', [inputs, examples]);
  const scaled = sweeps && layers[0].kind === 'dense' ? space.take('x scaled', 'vector', [inputs]) : undefined;
  const input = isSpread(inputs) ? space.take('input', 'dense', [examples, inputs]) : x;
  const y = options.after?.region('y') ?? space.take('y', 'columns', [outputs, examples]);
  const targets = loss.kind === 'quantile' ? outputs / loss.quantiles.length : outputs;
  const isTargetDense = isSpread(outputs) || targets !== outputs;
  const target = isTargetDense ? space.take('target', 'dense', [examples, targets]) : y;
  const rowWeights = space.take('row weights', 'vector', [examples]);

  // ---- activations and deltas
  const a = layers.map((_, i) => space.take(`a${i + 1}`, 'columns', [widths[i + 1], examples]));
  const delta = layers.map((_, i) => space.take(`delta${i + 1}`, 'columns', [widths[i + 1], examples]));
  const z = layers.map((layer, i) => {
    const isNeeded = layer.kind !== 'dropout' && NEEDS_Z.includes(layer.activation);
    const isForLoss = i === top && LOSSES[loss.kind].fusedWith !== 'identity';
    return isNeeded || isForLoss ? space.take(`z${i + 1}`, 'columns', [widths[i + 1], examples]) : undefined;
  });
  const side = layers.map((layer, i) => {
    const name = { dense: '', layerNorm: 'normalised', dropout: 'factors' }[layer.kind];
    return name === '' ? undefined : space.take(`${name}${i + 1}`, 'columns', [widths[i + 1], examples]);
  });
  const scale = layers.map((layer, i) =>
    layer.kind === 'layerNorm' ? space.take(`scale${i + 1}`, 'vector', [examples]) : undefined,
  );
  const straight = shortcut ? space.take('shortcut', 'columns', [outputs, examples]) : undefined;
  const output = isSpread(outputs) ? space.take('output', 'dense', [examples, outputs]) : a[top];

  // ---- constants of the loss, and rows that wait for `stepMany`
  const lossValues = lossParameters(loss, outputs);
  const lossRegion = lossValues ? space.take('loss parameters', 'vector', [outputs]) : undefined;
  const capacity = Math.floor(RESIDENT_BYTES / (4 * (inputs + targets)));
  const isResident = examples === 1 && capacity >= 2 && optimizer.schedule === undefined;
  const rows = isResident ? space.take('rows', 'dense', [capacity, inputs]) : undefined;
  const rowTargets = isResident ? space.take('row targets', 'dense', [capacity, targets]) : undefined;

  for (const [name, floats] of Object.entries(options.reserve ?? {})) {
    if (!Number.isInteger(floats) || floats < 1 || space.regions.some((region) => region.name === name)) {
      throw new SpecError('PLAN_RESERVE', {
        where: `reserve.${name}`,
        found: String(floats),
        expected: 'a whole number of float32 elements ≥ 1 under a name no other region has',
      });
    }
    space.take(name, 'vector', [floats]);
  }

  // ---- op records
  const ops: Op[] = [
    op('', `input ${inputs}`, L.OP_INPUT, {
      [L.IO_N]: inputs,
      [L.IO_FROM]: input === x ? 0 : input.offset,
      [L.IO_TO]: x.offset,
    }),
  ];
  layers.forEach((layer, i) => {
    const isLast = i === top;
    if (isLast && straight) {
      ops.push(
        op('shortcut', `shortcut ${inputs}→${outputs}`, L.OP_SHORTCUT, {
          [L.D_IN]: inputs,
          [L.D_OUT]: outputs,
          [L.D_W]: offsetOf('shortcut.weight'),
          [L.D_A_IN]: x.offset,
          [L.D_A_OUT]: straight.offset,
          [L.D_DELTA]: delta[i].offset,
          [L.D_DELTA_READY]: 1,
        }),
      );
    }
    const chain = {
      [L.D_IN]: widths[i],
      [L.D_OUT]: widths[i + 1],
      [L.D_A_IN]: i === 0 ? x.offset : a[i - 1].offset,
      [L.D_A_OUT]: a[i].offset,
      [L.D_DA_IN]: i === 0 ? 0 : delta[i - 1].offset,
      [L.D_DELTA]: delta[i].offset,
      [L.D_SIDE]: side[i]?.offset ?? (isLast ? (straight?.offset ?? 0) : 0),
    };
    const name = `layers.${i}`;
    if (layer.kind === 'dropout') {
      const kept = 1 - layer.rate;
      ops.push(
        op(name, `dropout ${layer.rate}`, L.OP_DROPOUT, {
          ...chain,
          [L.D_W]: Math.min(Math.round(kept * 2 ** 31), 2 ** 31 - 1),
          [L.D_B]: bitsOf(1 / kept),
          [L.D_DELTA_READY]: 1,
          [L.D_SALT]: i + 1,
        }),
      );
      return;
    }
    const title = layer.kind === 'dense' ? `dense ${widths[i]}→${layer.units}` : `layerNorm ${widths[i]}`;
    const notes = [layer.activation, ...(layer.kind === 'dense' && !layer.bias ? ['no bias'] : [])];
    if (layer.frozen) notes.push('frozen');
    ops.push(
      op(name, `${title} ${notes.join(' ')}`, layer.kind === 'dense' ? L.OP_DENSE : L.OP_LAYER_NORM, {
        ...chain,
        [L.D_W]: offsetOf(`${name}.weight`),
        [L.D_B]: offsetOf(`${name}.bias`),
        [L.D_SCALE]: scale[i]?.offset ?? 0,
        [L.D_ACTIVATION]: ACTIVATION_CODES[layer.activation],
        [L.D_Z]: z[i]?.offset ?? 0,
        [L.D_DELTA_READY]: isLast && layer.activation === LOSSES[loss.kind].fusedWith ? 1 : 0,
        [L.D_FROZEN]: layer.frozen ? 1 : 0,
      }),
    );
  });
  if (output !== a[top]) {
    ops.push(
      op('', `output ${outputs}`, L.OP_OUTPUT, {
        [L.IO_N]: outputs,
        [L.IO_FROM]: a[top].offset,
        [L.IO_TO]: output.offset,
      }),
    );
  }
  ops.push(
    op('', `loss ${loss.kind}`, L.OP_LOSS, {
      [L.L_KIND]: LOSSES[loss.kind].code,
      [L.L_N]: outputs,
      [L.L_A]: a[top].offset,
      [L.L_Y]: y.offset,
      [L.L_DA]: delta[top].offset,
      [L.L_Z]: z[top]?.offset ?? 0,
      [L.L_FROM]: isTargetDense ? target.offset : 0,
      [L.L_TARGETS]: targets,
      [L.L_PARAMETERS]: lossRegion?.offset ?? 0,
    }),
  );

  // ---- header
  const header = new Array<number>(L.HEADER_WORDS).fill(0);
  header[L.H_MAGIC] = L.PLAN_MAGIC;
  header[L.H_VERSION] = L.PLAN_VERSION;
  header[L.H_EXAMPLES] = examples;
  header[L.H_OPS] = plan.offset + L.HEADER_WORDS;
  header[L.H_OP_COUNT] = ops.length;
  header[L.H_STATE] = state.offset;
  header[L.H_TO_GRADIENT] = toGradient;
  header[L.H_TO_STATE1] = toStates[0] ?? 0;
  header[L.H_TO_STATE2] = toStates[1] ?? 0;
  const growing = layers.slice(1).filter((layer) => layer.kind !== 'dropout');
  header[L.H_GROWTH_LAYERS] = growing.length;
  header[L.H_GROWTH_BITS] = layers.reduce(
    (bits, layer, i) => bits + (i === 0 ? 1 : growthBits(layer, widths[i + 1])),
    0,
  );
  header[L.H_ROWS] = rows?.offset ?? 0;
  header[L.H_ROW_TARGETS] = rowTargets?.offset ?? 0;
  header[L.H_ROW_CAPACITY] = isResident ? capacity : 0;
  header[L.H_INPUT] = x.offset;
  header[L.H_INPUTS] = inputs;
  header[L.H_TARGET] = target.offset;
  header[L.H_TARGETS] = targets;
  header[L.H_OPTIMIZER] = OPTIMIZERS[optimizer.kind].code;
  header[L.H_ACCUMULATE] = optimizer.accumulate;
  header[L.H_SWEEPS] = sweeps ? 1 : 0;
  header[L.H_PUT_OFF] = scaled?.offset ?? 0;
  header[L.H_ROW_WEIGHTS] = rowWeights.offset;
  header[L.H_CHAIN] = chainOf(network, examples, sweeps);

  const initial = [
    { region: rowWeights, values: new Array<number>(examples).fill(1) },
    ...(lossRegion && lossValues ? [{ region: lossRegion, values: lossValues }] : []),
  ];
  // Names by which the engine finds the views, whichever region they share.
  const views: Record<string, Region> = { x, y, input, target, output };
  const regions = Object.freeze(space.regions);
  const { floats } = space;
  if (4 * floats > MOST_BYTES) {
    throw new SpecError('PLAN_TOO_LARGE', {
      where: 'network',
      found: `${widths.join('-')}, which needs ${4 * floats} bytes`,
      expected: `at most ${MOST_BYTES} bytes`,
      remedy: 'use fewer units',
    });
  }
  const rowsAStep = examples === 1 ? '1 example' : `${examples} examples`;
  return Object.freeze({
    network,
    examples,
    regions,
    ops: Object.freeze(ops),
    parameters,
    optimizerStates: states,
    words: Object.freeze([...header, ...ops.flatMap((one) => one.words)]),
    initial: Object.freeze(initial),
    floats,
    bytes: 4 * floats,
    region(name: string): Region {
      const region = views[name] ?? regions.find((candidate) => candidate.name === name);
      if (region) return region;
      const known = regions.map((candidate) => candidate.name).join(', ');
      throw new SpecError('PLAN_NO_REGION', { where: 'region', found: `"${name}"`, expected: `one of ${known}` });
    },
    toString: () =>
      printPlan(
        `plan ${widths.join('-')}, ${rowsAStep} a step, ${optimizer.kind}, ${4 * floats} bytes`,
        ops.map((one) => one.title),
        regions,
      ),
  });
}

/** Which of the chains a network is, if any. */
function chainOf({ layers, shortcut, loss }: ResolvedNetwork, examples: number, sweeps: boolean): number {
  const widths = layers.map((layer) => (layer.kind === 'dense' ? layer.units : 0));
  if (examples > 1 || widths.includes(0) || (shortcut && widths.length < 2)) return L.NO_CHAIN;
  const [below, top] = layers.slice(-2).map((layer) => (layer.kind === 'dense' ? layer.activation : undefined));
  const isShort = !shortcut && widths[layers.length - 1] <= 4 && top === 'identity' && below === 'tanh';
  return isShort && sweeps && loss.kind === 'squaredError' ? L.CHAIN_WITH_SHORT_TOP : L.CHAIN;
}

/** Regions for every parameter, or for something there is of every parameter. */
function takeParameters(
  space: Space,
  { layers, inputs, shortcut }: ResolvedNetwork,
  widths: readonly number[],
  prefix: string,
): readonly Parameter[] {
  const take = (name: string, shape: number[]): Parameter =>
    Object.freeze({ name, shape, region: space.take(prefix + name, shape.length === 2 ? 'panels' : 'vector', shape) });
  const parameters = layers.flatMap((layer, i) => {
    if (layer.kind === 'dropout') return [];
    const nOut = widths[i + 1];
    const weight = take(`layers.${i}.weight`, layer.kind === 'dense' ? [nOut, widths[i]] : [nOut]);
    return layer.kind === 'dense' && !layer.bias ? [weight] : [weight, take(`layers.${i}.bias`, [nOut])];
  });
  if (shortcut) parameters.push(take('shortcut.weight', [widths[layers.length], inputs]));
  return Object.freeze(parameters);
}

/** By how many binary orders a layer's backward pass can let a delta grow, weights apart. |g'| < 2 for every g. */
function growthBits(layer: ResolvedNetwork['layers'][number], n: number): number {
  // layerNorm: 1/√(variance + ε) ≤ 2⁹, and three terms of at most n times the largest each
  if (layer.kind === 'layerNorm') return 9 + orders(8 * n);
  return layer.kind === 'dropout' ? orders(1 / (1 - layer.rate)) : orders(2 * n);
}

/** The least b with 2^b ≥ x ≥ 1. */
function orders(x: number): number {
  let b = 0;
  while (2 ** b < x) b++;
  return b;
}

/** A number for each output, where the loss has one. */
function lossParameters(loss: LossSpec, outputs: number): number[] | undefined {
  if (loss.kind === 'huber') return new Array<number>(outputs).fill(loss.kappa ?? 1);
  if (loss.kind === 'quantile')
    return Array.from({ length: outputs }, (_, i) => loss.quantiles[i % loss.quantiles.length]);
  return 'classWeights' in loss ? loss.classWeights : undefined;
}

function op(layer: string, title: string, code: number, fields: Record<number, number>): Op {
  const words = new Array<number>(L.OP_WORDS).fill(0);
  words[L.OP_CODE] = code;
  for (const [word, value] of Object.entries(fields)) words[Number(word)] = value;
  return Object.freeze({ title, layer, words: Object.freeze(words) });
}

function bitsOf(value: number): number {
  return new Int32Array(new Float32Array([value]).buffer)[0];
}
