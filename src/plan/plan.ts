import type { Activation, Loss, ResolvedNetwork } from '../spec/index.js';
import { SpecError } from '../spec/index.js';
import * as L from './layout.js';

/**
 * A named span of the arena.
 *
 * `vector`: `shape[0]` values in order ·
 * `columns`: `shape[1]` columns of `shape[0]` values, each column padded to a multiple of 4 ·
 * `panels`: a matrix `[out, in]` in row panels, see `panelIndex` ·
 * `dense`: `shape` row-major without padding · `words`: 32-bit integers
 */
export interface Region {
  readonly name: string;
  readonly layout: 'vector' | 'columns' | 'panels' | 'dense' | 'words';
  readonly shape: readonly number[];
  /** First element, counted in 32-bit elements from the start of the arena; a multiple of 4. */
  readonly offset: number;
  /** Elements, padding included; a multiple of 4. */
  readonly floats: number;
}

/** One op record in words; the meaning of each is in `layout.ts`. */
export interface Op {
  /** As the table prints it: `dense 8→16 tanh`. */
  readonly title: string;
  readonly words: readonly number[];
}

/** A parameter under the name and shape other libraries know it by. */
export interface Parameter {
  /** `layers.0.weight` `[out, in]`, `layers.0.bias` `[out]`. */
  readonly name: string;
  readonly shape: readonly number[];
  readonly region: Region;
  /** ∂J/∂parameter, where the plan keeps gradients whole. */
  readonly gradient: Region | undefined;
}

/** What a plan may be asked for beside the network. */
export interface PlanOptions {
  /** m, columns worked on together; 1 … 4096. Default 1. */
  examples?: number;
  /** Keep whole gradients at m = 1 too, for inspection. Default false; always so at m > 1. */
  gradients?: boolean;
  /** Regions of the caller's own in the same arena: name → number of float32 elements. */
  reserve?: Readonly<Record<string, number>>;
  /** Elements left free between regions, for tests that look for stray writes; a multiple of 4. Default 0. */
  guardFloats?: number;
}

/**
 * The frozen layout of a network: which regions the arena has and which ops a step runs over them.
 * The mutable state is the engine's; a plan never changes.
 */
export interface Plan {
  readonly network: ResolvedNetwork;
  readonly examples: number;
  readonly keepsGradients: boolean;
  readonly regions: readonly Region[];
  readonly ops: readonly Op[];
  readonly parameters: readonly Parameter[];
  /** Header and op records as they lie in region `plan`. */
  readonly words: readonly number[];
  /** Elements and bytes of the whole arena. */
  readonly floats: number;
  readonly bytes: number;
  /** The region of that name. @throws SpecError where there is none */
  region(name: string): Region;
  /** A table of ops and one of regions, with sizes. */
  toString(): string;
}

export const pad4 = (n: number): number => (n + 3) & ~3;

/**
 * Where element (row, column) of a matrix in row panels lies, from the start of its region.
 * Four rows make a panel; within it, blocks of four columns follow each other, each block row by row, so that
 * forward, ∂ℓ/∂a and the rank-1 update all walk the same bytes in the same order.
 */
export function panelIndex(row: number, column: number, columnStride: number): number {
  return (row >> 2) * 4 * columnStride + (column >> 2) * 16 + (row & 3) * 4 + (column & 3);
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

const LOSS_CODES: Record<Loss, number> = {
  squaredError: L.LOSS_SQUARED_ERROR,
  crossEntropy: L.LOSS_CROSS_ENTROPY,
  binaryCrossEntropy: L.LOSS_BINARY_CROSS_ENTROPY,
};

/** The activation under which a loss leaves δ = a − y (B1), so that g' must not be applied again. */
const FUSED_ACTIVATION: Record<Loss, Activation> = {
  squaredError: 'identity',
  crossEntropy: 'softmax',
  binaryCrossEntropy: 'sigmoid',
};

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
  const keepsGradients = examples > 1 || options.gradients === true;
  const { inputs, layers } = network;
  const outputs = layers[layers.length - 1].units;
  const opCount = layers.length + (examples > 1 && pad4(outputs) !== outputs ? 3 : 2);

  const space = new Space(options.guardFloats ?? 0);
  space.take('constants', 'vector', [L.CONSTANT_FLOATS]);
  const plan = space.take('plan', 'words', [L.HEADER_WORDS + opCount * L.OP_WORDS]);
  const state = space.take('state', 'words', [L.STATE_WORDS]);

  // ---- parameters, one contiguous span, and their gradients in the same order
  const parameters: Parameter[] = [];
  const matrices = takeAll(space, network, '');
  const gradients = keepsGradients ? takeAll(space, network, 'gradient of ') : [];
  layers.forEach((layer, i) => {
    const nIn = i === 0 ? inputs : layers[i - 1].units;
    const weight = { name: `layers.${i}.weight`, shape: [layer.units, nIn] };
    parameters.push({ ...weight, region: matrices[i].w, gradient: gradients[i]?.w });
    const b = matrices[i].b;
    if (b) parameters.push({ name: `layers.${i}.bias`, shape: [layer.units], region: b, gradient: gradients[i]?.b });
  });

  // ---- rows in and out. One example lies in its padded column; several lie dense, and OP_INPUT spreads them.
  const spreads = (n: number) => examples > 1 && pad4(n) !== n;
  const x = space.take('x', 'columns', [inputs, examples]);
  const input = spreads(inputs) ? space.take('input', 'dense', [examples, inputs]) : x;
  const y = space.take('y', 'columns', [outputs, examples]);
  const target = spreads(outputs) ? space.take('target', 'dense', [examples, outputs]) : y;

  // ---- activations and deltas
  const a = layers.map((layer, i) => space.take(`a${i + 1}`, 'columns', [layer.units, examples]));
  const delta = layers.map((layer, i) => space.take(`delta${i + 1}`, 'columns', [layer.units, examples]));
  const z = layers.map((layer, i) => {
    const isNeeded = NEEDS_Z.includes(layer.activation) || (i === layers.length - 1 && network.loss !== 'squaredError');
    return isNeeded ? space.take(`z${i + 1}`, 'columns', [layer.units, examples]) : undefined;
  });
  const output = spreads(outputs) ? space.take('output', 'dense', [examples, outputs]) : a[a.length - 1];

  const capacity = Math.floor(RESIDENT_BYTES / (4 * (inputs + outputs)));
  const resident = examples === 1 && capacity >= 2;
  const rows = resident ? space.take('rows', 'dense', [capacity, inputs]) : undefined;
  const rowTargets = resident ? space.take('row targets', 'dense', [capacity, outputs]) : undefined;

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
  const ops: Op[] = [];
  ops.push(
    op(`input ${inputs}`, L.OP_INPUT, {
      [L.IO_N]: inputs,
      [L.IO_STRIDE]: pad4(inputs),
      [L.IO_FROM]: input === x ? 0 : input.offset,
      [L.IO_TO]: x.offset,
    }),
  );
  layers.forEach((layer, i) => {
    const nIn = i === 0 ? inputs : layers[i - 1].units;
    const isLast = i === layers.length - 1;
    ops.push(
      op(`dense ${nIn}→${layer.units} ${layer.activation}${layer.bias ? '' : ' no bias'}`, L.OP_DENSE, {
        [L.D_IN]: nIn,
        [L.D_OUT]: layer.units,
        [L.D_IN_STRIDE]: pad4(nIn),
        [L.D_OUT_STRIDE]: pad4(layer.units),
        [L.D_W]: matrices[i].w.offset,
        [L.D_B]: matrices[i].b?.offset ?? 0,
        [L.D_A_IN]: i === 0 ? x.offset : a[i - 1].offset,
        [L.D_A_OUT]: a[i].offset,
        [L.D_DA_IN]: i === 0 ? 0 : delta[i - 1].offset,
        [L.D_DELTA]: delta[i].offset,
        [L.D_GW]: gradients[i]?.w.offset ?? 0,
        [L.D_GB]: gradients[i]?.b?.offset ?? 0,
        [L.D_ACTIVATION]: ACTIVATION_CODES[layer.activation],
        [L.D_Z]: z[i]?.offset ?? 0,
        [L.D_DELTA_READY]: isLast && layer.activation === FUSED_ACTIVATION[network.loss] ? 1 : 0,
      }),
    );
  });
  if (output !== a[a.length - 1]) {
    ops.push(
      op(`output ${outputs}`, L.OP_OUTPUT, {
        [L.IO_N]: outputs,
        [L.IO_STRIDE]: pad4(outputs),
        [L.IO_FROM]: a[a.length - 1].offset,
        [L.IO_TO]: output.offset,
      }),
    );
  }
  ops.push(
    op(`loss ${network.loss}`, L.OP_LOSS, {
      [L.L_KIND]: LOSS_CODES[network.loss],
      [L.L_N]: outputs,
      [L.L_STRIDE]: pad4(outputs),
      [L.L_A]: a[a.length - 1].offset,
      [L.L_Y]: y.offset,
      [L.L_DA]: delta[delta.length - 1].offset,
      [L.L_Z]: z[layers.length - 1]?.offset ?? 0,
      [L.L_FROM]: target === y ? 0 : target.offset,
    }),
  );

  // ---- header
  const growing = layers.slice(1);
  const header = new Array<number>(L.HEADER_WORDS).fill(0);
  header[L.H_MAGIC] = L.PLAN_MAGIC;
  header[L.H_VERSION] = L.PLAN_VERSION;
  header[L.H_EXAMPLES] = examples;
  header[L.H_OPS] = plan.offset + L.HEADER_WORDS;
  header[L.H_OP_COUNT] = ops.length;
  header[L.H_STATE] = state.offset;
  header[L.H_KEEPS_GRADIENTS] = keepsGradients ? 1 : 0;
  header[L.H_GROWTH_LAYERS] = growing.length;
  header[L.H_GROWTH_BITS] = growing.reduce((bits, layer) => bits + Math.ceil(Math.log2(2 * layer.units)), 0);
  header[L.H_ROWS] = rows?.offset ?? 0;
  header[L.H_ROW_TARGETS] = rowTargets?.offset ?? 0;
  header[L.H_ROW_CAPACITY] = resident ? capacity : 0;
  header[L.H_INPUT] = x.offset;
  header[L.H_INPUTS] = inputs;
  header[L.H_TARGET] = y.offset;
  header[L.H_TARGETS] = outputs;

  // Names by which the engine finds the views, whichever region they share.
  const views: Record<string, Region> = { input, target, output };
  const regions = Object.freeze(space.regions.map((region) => Object.freeze(region)));
  const floats = space.floats;
  return Object.freeze({
    network,
    examples,
    keepsGradients,
    regions,
    ops: Object.freeze(ops),
    parameters: Object.freeze(parameters.map((parameter) => Object.freeze(parameter))),
    words: Object.freeze([...header, ...ops.flatMap((one) => one.words)]),
    floats,
    bytes: 4 * floats,
    region(name: string): Region {
      const region = views[name] ?? regions.find((candidate) => candidate.name === name);
      if (region) return region;
      const known = regions.map((candidate) => candidate.name).join(', ');
      throw new SpecError('PLAN_NO_REGION', { where: 'region', found: `"${name}"`, expected: `one of ${known}` });
    },
    toString: () => printPlan(network, examples, ops, regions, floats),
  });
}

/** Regions one behind the other, each on a 16-byte border. */
class Space {
  readonly regions: Region[] = [];
  floats = 0;

  constructor(private readonly guardFloats: number) {}

  take(name: string, layout: Region['layout'], shape: readonly number[]): Region {
    const [rows, columns = 1] = shape as [number, number?];
    const floats = {
      vector: () => pad4(rows),
      words: () => pad4(rows),
      dense: () => pad4(rows * columns),
      columns: () => pad4(rows) * columns,
      panels: () => pad4(rows) * pad4(columns),
    }[layout]();
    const region: Region = { name, layout, shape, offset: this.floats, floats };
    this.regions.push(region);
    this.floats += floats + this.guardFloats;
    return region;
  }
}

function takeAll(space: Space, network: ResolvedNetwork, prefix: string): { w: Region; b: Region | undefined }[] {
  return network.layers.map((layer, i) => {
    const nIn = i === 0 ? network.inputs : network.layers[i - 1].units;
    const w = space.take(`${prefix}layers.${i}.weight`, 'panels', [layer.units, nIn]);
    const b = layer.bias ? space.take(`${prefix}layers.${i}.bias`, 'vector', [layer.units]) : undefined;
    return { w, b };
  });
}

function op(title: string, code: number, fields: Record<number, number>): Op {
  const words = new Array<number>(L.OP_WORDS).fill(0);
  words[L.OP_CODE] = code;
  for (const [word, value] of Object.entries(fields)) words[Number(word)] = value;
  return Object.freeze({ title, words: Object.freeze(words) });
}

function printPlan(
  network: ResolvedNetwork,
  examples: number,
  ops: readonly Op[],
  regions: readonly Region[],
  floats: number,
): string {
  const widths = [network.inputs, ...network.layers.map((layer) => layer.units)].join('-');
  const opRows = ops.map((one, i) => [String(i), one.title]);
  const regionRows = regions.map((region) => [
    region.name,
    region.shape.join(' × '),
    region.layout,
    String(4 * region.offset),
    String(4 * region.floats),
  ]);
  return [
    `plan ${widths}, ${examples === 1 ? '1 example' : `${examples} examples`} a step, ${4 * floats} bytes`,
    '',
    ...table(['op', ''], opRows),
    '',
    ...table(['region', 'shape', 'layout', 'at byte', 'bytes'], regionRows),
  ].join('\n');
}

/** Columns padded to their widest cell; numbers to the right. */
function table(head: string[], rows: string[][]): string[] {
  const widths = head.map((title, j) => Math.max(title.length, ...rows.map((row) => row[j].length)));
  const line = (row: string[]) =>
    row
      .map((cell, j) => (/^\d+$/.test(rows[0]?.[j] ?? '') ? cell.padStart(widths[j]) : cell.padEnd(widths[j])))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}
