import { createHash } from 'node:crypto';
import {
  CheckpointError,
  decodeSafetensors,
  encodeSafetensors,
  type Tensor,
  type TensorFile,
} from '../models/index.js';
import { layout as L, type Parameter, type Plan, type PlanOptions, panelIndex, planNetwork } from '../plan/index.js';
import { type NetworkSpec, type ResolvedNetwork, resolveNetwork, widthsOf } from '../spec/index.js';
import { type Arena, createArena, EngineError, type Executor, type ExecutorKind } from './executor.js';
import { Random } from './random.js';
import { scheduleFactor } from './schedule.js';

/** How a network is made, beside what it is. */
export interface NetworkOptions extends Pick<PlanOptions, 'examples' | 'reserve' | 'guardFloats'> {
  /** Seed of the weights, 0 … 2³² − 1. Default 1. */
  seed?: number;
  /** Default `auto`: simd, or the reference where there is none. */
  executor?: ExecutorKind | 'auto';
}

/** A parameter of a network: a matrix or a bias, in logical row-major order whatever the arena's layout. */
export interface ParameterView {
  /** `layers.0.weight`, `layers.0.bias`. */
  readonly name: string;
  /** `[out, in]` of a weight, `[out]` of a bias. */
  readonly shape: readonly number[];
  /** Copies the values out, into `into` where given. */
  read(into?: Float32Array): Float32Array;
  /** Copies the values in. @throws EngineError for a wrong count or a value that is not finite */
  write(values: ArrayLike<number>): void;
}

/** ∂J/∂parameter, row-major under the parameter's name and shape. */
export interface Gradient {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Steps refused because something was not finite; nothing was changed by any of them. */
export interface Refusals {
  /** An input was NaN or infinite. */
  readonly input: number;
  /** The loss was, or a target. */
  readonly loss: number;
  /** A delta was. */
  readonly delta: number;
  /** The update might have overflowed a parameter. */
  readonly update: number;
}

/** What must be kept of a network to go on from it. */
export interface NetworkState {
  readonly tensors: Tensor[];
  readonly metadata: Record<string, string>;
}

const FORMAT = 'edgegrad.network';
const FORMAT_VERSION = '1';

/**
 * A network over its arena: set-up happens in the constructor, after which a step allocates nothing.
 *
 * With m > 1 examples, `input`, `target` and `output` hold one example after the other, and so do rows and targets.
 */
export class Network {
  readonly plan: Plan;
  readonly executor: ExecutorKind;
  /**
   * Views into the arena: `[m, inputs]`, `[m, outputs]`, `[m, outputs]`, row-major (under the quantile loss a target has
   * one value for all of its quantiles). They stay valid for ever.
   */
  readonly input: Float32Array;
  readonly target: Float32Array;
  readonly output: Float32Array;
  /** `[m]`, how much each example counts in the loss of the steps to come; 1 at the start, ≥ 0. */
  readonly rowWeights: Float32Array;

  readonly #arena: Arena;
  readonly #run: Executor;
  readonly #header: number;
  readonly #state: number;
  readonly #rows: Float32Array;
  readonly #rowTargets: Float32Array;
  readonly #hasSchedule: boolean;
  #rate: number;
  #biasRate: number;
  #seed: number;
  #inspection: Network | undefined;

  /** @throws SpecError for a wrong network, EngineError where `simd` is asked for and there is none */
  constructor(spec: NetworkSpec, options: NetworkOptions = {}, gradients = false) {
    const network = resolveNetwork(spec);
    this.plan = planNetwork(network, { ...options, gradients });
    this.#arena = createArena(this.plan, options.executor ?? 'auto');
    this.executor = this.#arena.kind;
    this.#run = this.#arena.executor;
    this.#header = this.plan.region('plan').offset;
    this.#state = this.plan.region('state').offset;
    this.input = this.region('input');
    this.target = this.region('target');
    this.output = this.region('output');
    const resident = this.plan.words[L.H_ROW_CAPACITY] > 0;
    this.#rows = resident ? this.region('rows') : new Float32Array(0);
    this.#rowTargets = resident ? this.region('row targets') : new Float32Array(0);
    this.rowWeights = this.region('row weights');
    this.#hasSchedule = network.optimizer.schedule !== undefined;
    this.#rate = network.optimizer.rate;
    this.#biasRate = network.optimizer.biasRate;
    this.#seed = options.seed ?? 1;
    this.#initialise(network);
  }

  /** Predicts from `input` into `output`; learns nothing. @hot */
  forward(): void {
    this.#run.forward(this.#header);
  }

  /**
   * Forward, loss, backward and update on `input` and `target`.                      (F1) … (B6)
   *
   * @returns J, the mean loss of the m examples before the update; NaN where something was not finite, in which case
   * nothing has changed and `refusals` counts why
   * @hot
   */
  step(): number {
    if (this.#hasSchedule) this.#setRates();
    return this.#run.step(this.#header);
  }

  /** Copies `row` `[m, inputs]` in and predicts. @returns `output`, valid until the next call @hot */
  predict(row: ArrayLike<number>): Float32Array {
    copyRow(this.input, row, 'row');
    this.#run.forward(this.#header);
    return this.output;
  }

  /** Copies `row` `[m, inputs]` and `target` `[m, outputs]` in and makes one step. @returns as `step` @hot */
  learn(row: ArrayLike<number>, target: ArrayLike<number>): number {
    copyRow(this.input, row, 'row');
    copyRow(this.target, target, 'target');
    return this.step();
  }

  /**
   * One step a row (m rows a step at m > 1) over many rows, in order: the same as `learn` on each, with fewer calls.
   *
   * @param rows `[count, inputs]` row-major
   * @param targets `[count, outputs]` row-major
   * @param count rows, a multiple of m
   * @returns the mean loss, NaN if any step was refused
   */
  stepMany(rows: Float32Array, targets: Float32Array, count: number): number {
    const m = this.plan.examples;
    const nIn = this.input.length / m;
    const nOut = this.target.length / m;
    if (!Number.isInteger(count) || count < 0 || count % m !== 0) {
      throw wrongCount('count', String(count), m === 1 ? 'a whole number ≥ 0' : `a multiple of ${m} ≥ 0`);
    }
    if (rows.length < count * nIn) throw wrongCount('rows', `${rows.length} values`, `${count} × ${nIn}`);
    if (targets.length < count * nOut) throw wrongCount('targets', `${targets.length} values`, `${count} × ${nOut}`);
    if (count === 0) return Number.NaN;
    const capacity = this.#rows.length / nIn;
    const chunk = capacity > 0 ? capacity : m;
    let total = 0;
    for (let i = 0; i < count; i += chunk) {
      const n = Math.min(chunk, count - i);
      if (capacity > 0) {
        this.#rows.set(rows.subarray(i * nIn, (i + n) * nIn));
        this.#rowTargets.set(targets.subarray(i * nOut, (i + n) * nOut));
        total += this.#run.stepRows(this.#header, n);
      } else {
        this.input.set(rows.subarray(i * nIn, (i + n) * nIn));
        this.target.set(targets.subarray(i * nOut, (i + n) * nOut));
        total += this.step() * m;
      }
    }
    return total / count;
  }

  /** η of weights before any schedule; may be set while running. @throws EngineError unless finite and ≥ 0 */
  get rate(): number {
    return this.#rate;
  }

  set rate(rate: number) {
    this.#rate = checkedRate('rate', rate);
    this.#setRates();
  }

  /** The same of biases and of layerNorm's parameters. */
  get biasRate(): number {
    return this.#biasRate;
  }

  set biasRate(rate: number) {
    this.#biasRate = checkedRate('biasRate', rate);
    this.#setRates();
  }

  /**
   * Stops a layer from changing, or lets it change again; gradients go on through it.
   *
   * @param layer `layers.0`, … or `shortcut`
   * @throws EngineError for a name that is none
   */
  freeze(layer: string, isFrozen = true): void {
    this.#run.settle(this.#header);
    this.#arena.words[this.#opOf(layer) + L.D_FROZEN] = isFrozen ? 1 : 0;
  }

  /** Names of the layers that do not change. */
  frozen(): string[] {
    const { words } = this.#arena;
    return this.#layersWithParameters().filter((layer) => words[this.#opOf(layer) + L.D_FROZEN] === 1);
  }

  /** A network of its own with the same parameters, state and declaration. */
  clone(options: Omit<NetworkOptions, 'seed'> = {}): Network {
    const copy = new Network(this.plan.network, { executor: this.executor, ...options });
    const { tensors, metadata } = this.state();
    copy.restore({ tensors: new Map(tensors.map((tensor) => [tensor.name, tensor])), metadata });
    return copy;
  }

  /**
   * Makes every parameter the weighted average over this network and others of the same shapes, as federated averaging
   * does. Optimizer states stay this network's own.
   *
   * @param weights of this network first, then of each other; ≥ 0, not all 0. Default equal
   */
  merge(others: readonly Network[], weights: readonly number[] = [1, ...others.map(() => 1)]): void {
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    if (weights.length !== others.length + 1 || !weights.every((weight) => weight >= 0) || !(total > 0)) {
      throw wrongCount('weights', `[${weights}]`, `${others.length + 1} numbers ≥ 0, one of them above 0`);
    }
    for (const other of others) {
      const difference = firstDifference(shapesOf(other), shapesOf(this), 'network');
      if (difference) throw wrongCount(`merge: ${difference.path}`, difference.a, difference.b);
    }
    const all = [this, ...others].map((network) => network.parameters());
    this.parameters().forEach((parameter, p) => {
      const sum = new Float64Array(sizeOf(parameter));
      all.forEach((parameters, k) => {
        parameters[p].read().forEach((value, i) => {
          sum[i] += (weights[k] / total) * value;
        });
      });
      parameter.write(sum);
    });
  }

  /** Steps that learned, since the network was made. */
  get steps(): number {
    const { counts } = this.#arena;
    return counts[this.#state + L.S_STEPS] + counts[this.#state + L.S_STEPS_HIGH] * 2 ** 32;
  }

  get refusals(): Refusals {
    const { counts } = this.#arena;
    return {
      input: counts[this.#state + L.S_REFUSED_INPUT],
      loss: counts[this.#state + L.S_REFUSED_LOSS],
      delta: counts[this.#state + L.S_REFUSED_DELTA],
      update: counts[this.#state + L.S_REFUSED_UPDATE],
    };
  }

  /**
   * A view of a region of the arena: the caller's own (`reserve`), or any of `plan.regions`, padding left out at the end.
   * Read parameters through `parameters()`: a step may put the first layer's update off until its weights are next read.
   */
  region(name: string): Float32Array {
    this.#run.settle(this.#header);
    const { offset, layout, shape, floats } = this.plan.region(name);
    const [rows = 1, columns = 1] = shape;
    const used = layout === 'panels' || (layout === 'columns' && columns > 1) ? floats : rows * columns;
    return this.#arena.floats.subarray(offset, offset + used);
  }

  /** Every weight and bias, in order. */
  parameters(): ParameterView[] {
    return this.plan.parameters.map((parameter) => ({
      name: parameter.name,
      shape: parameter.shape,
      read: (into = new Float32Array(sizeOf(parameter))) => this.#read(parameter, parameter.region.offset, into),
      write: (values) => this.#write(parameter, values),
    }));
  }

  /**
   * ∂J/∂parameter for one row (m rows at m > 1), without an update; the network is left as it was.
   *
   * @throws EngineError where the loss or a delta is not finite
   */
  gradients(row: ArrayLike<number>, target: ArrayLike<number>): Gradient[] {
    const inspection = this.#inspectionNetwork();
    copyRow(inspection.input, row, 'row');
    copyRow(inspection.target, target, 'target');
    const loss = inspection.#run.gradient(inspection.#header);
    if (Number.isNaN(loss)) {
      throw new EngineError('ENGINE_NOT_FINITE', {
        where: 'gradients',
        found: 'an input, loss or delta that is not finite',
        expected: 'finite ones',
      });
    }
    const toGradient = inspection.plan.words[L.H_TO_GRADIENT];
    return inspection.plan.parameters.map((parameter) => ({
      name: parameter.name,
      shape: parameter.shape,
      values: inspection.#read(parameter, parameter.region.offset + toGradient, new Float32Array(sizeOf(parameter))),
    }));
  }

  /** 16 hex digits over parameters and state: equal for equal networks, whatever the executor, machine or m. */
  hash(): string {
    const hash = createHash('sha256');
    const { tensors, metadata } = this.state();
    // All of it is finite, so there is no NaN whose bits could differ.
    for (const { name, shape, data } of tensors) {
      hash.update(`${name}[${shape}]`).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    const { network, ...rest } = metadata;
    return hash.update(JSON.stringify(rest)).digest('hex').slice(0, 16);
  }

  /** Everything needed to go on bit for bit, as arrays under PyTorch's names and short texts. */
  state(): NetworkState {
    const { words, optimizerStates, parameters, network } = this.plan;
    const tensors: Tensor[] = [];
    const add = (prefix: string, shift: number) => {
      for (const parameter of parameters) {
        const { name, shape, region } = parameter;
        const data = this.#read(parameter, region.offset + shift, new Float32Array(sizeOf(parameter)));
        tensors.push({ name: prefix + name, shape, dtype: 'F32', data });
      }
    };
    add('', 0);
    optimizerStates.forEach((name, i) => {
      add(`optimizer.${name}.`, words[i === 0 ? L.H_TO_STATE1 : L.H_TO_STATE2]);
    });
    if (optimizerStates.length === 2) {
      tensors.push({ name: 'optimizer.powers', shape: [2], dtype: 'F64', data: this.#powers().slice() });
    }
    const accumulated = this.#arena.counts[this.#state + L.S_ACCUMULATED];
    if (accumulated > 0) add('gradient.', words[L.H_TO_GRADIENT]);
    return {
      tensors,
      metadata: {
        network: JSON.stringify(network),
        steps: String(this.steps),
        rate: String(this.#rate),
        biasRate: String(this.#biasRate),
        frozen: this.frozen().join(' '),
        accumulated: String(accumulated),
        ...(network.layers.some((layer) => layer.kind === 'dropout') ? { seed: String(this.#seed) } : {}),
      },
    };
  }

  /**
   * Goes on from a kept state.
   *
   * @throws CheckpointError where it is of another network or lacks something; nothing has changed then
   */
  restore(state: TensorFile, what = 'checkpoint'): void {
    const refuse = (found: string, expected: string) =>
      new CheckpointError('CHECKPOINT_MISMATCH', { where: what, found, expected });
    const kept = specOf(state, what);
    const { words, optimizerStates, parameters, network } = this.plan;
    const difference = firstDifference(kept, network, 'network');
    if (difference) throw refuse(`${difference.path} ${difference.a}`, `${difference.b}`);
    const { metadata } = state;
    const number = (key: string, isRight: (value: number) => boolean): number => {
      const value = Number(metadata[key]);
      if (metadata[key] === undefined || !isRight(value))
        throw refuse(`${key} "${metadata[key]}"`, 'a number it can be');
      return value;
    };
    const isCount = (value: number) => Number.isSafeInteger(value) && value >= 0;
    const steps = number('steps', isCount);
    const accumulated = number('accumulated', (n) => isCount(n) && n < network.optimizer.accumulate);
    const rate = number('rate', isRate);
    const biasRate = number('biasRate', isRate);
    const hasDropout = network.layers.some((layer) => layer.kind === 'dropout');
    const seed = hasDropout ? number('seed', (n) => isCount(n) && n < 2 ** 32) : this.#seed;
    const frozen = (metadata.frozen ?? '').split(' ').filter((name) => name !== '');
    const known = this.#layersWithParameters();
    for (const name of frozen) if (!known.includes(name)) throw refuse(`frozen "${name}"`, known.join(', '));

    const writes: (() => void)[] = [];
    const check = (prefix: string, shift: number) => {
      for (const parameter of parameters) {
        const name = prefix + parameter.name;
        const tensor = state.tensors.get(name);
        const { shape } = parameter;
        if (tensor?.dtype !== 'F32' || String(tensor.shape) !== String(shape)) {
          throw refuse(tensor ? `${name} ${tensor.dtype} [${tensor.shape}]` : `no ${name}`, `${name} F32 [${shape}]`);
        }
        if (!tensor.data.every(Number.isFinite)) throw refuse(`a value in ${name} that is not finite`, 'finite ones');
        writes.push(() => this.#write(parameter, tensor.data, shift));
      }
    };
    check('', 0);
    optimizerStates.forEach((name, i) => {
      check(`optimizer.${name}.`, words[i === 0 ? L.H_TO_STATE1 : L.H_TO_STATE2]);
    });
    if (accumulated > 0) check('gradient.', words[L.H_TO_GRADIENT]);
    const powers = state.tensors.get('optimizer.powers');
    if (optimizerStates.length === 2 && (powers?.dtype !== 'F64' || powers.data.length !== 2)) {
      throw refuse('no optimizer.powers', 'optimizer.powers F64 [2]');
    }

    for (const write of writes) write();
    if (powers && optimizerStates.length === 2) this.#powers().set(powers.data);
    const { counts, floats } = this.#arena;
    counts[this.#state + L.S_STEPS] = steps % 2 ** 32;
    counts[this.#state + L.S_STEPS_HIGH] = Math.floor(steps / 2 ** 32);
    counts[this.#state + L.S_ACCUMULATED] = accumulated;
    floats[this.#state + L.S_STATE_BOUND] = this.#peak(words[L.H_TO_STATE1]);
    floats[this.#state + L.S_GRADIENT_BOUND] = accumulated > 0 ? this.#peak(words[L.H_TO_GRADIENT]) : 0;
    this.#rate = rate;
    this.#biasRate = biasRate;
    this.#setRates();
    for (const name of known) this.freeze(name, frozen.includes(name));
    this.#seed = seed;
    this.#saltDropout();
  }

  /** A checkpoint in memory: a safetensors file with `layers.0.weight` `[out, in]` and the declaration beside it. */
  save(): Uint8Array {
    const { tensors, metadata } = this.state();
    return encodeSafetensors(tensors, { format: FORMAT, version: FORMAT_VERSION, ...metadata, hash: this.hash() });
  }

  #initialise(network: ResolvedNetwork): void {
    if (!Number.isInteger(this.#seed) || this.#seed < 0 || this.#seed >= 2 ** 32) {
      throw wrongCount('seed', String(this.#seed), 'a whole number from 0 to 4294967295');
    }
    const random = new Random(this.#seed);
    const widths = widthsOf(network);
    network.layers.forEach((layer, i) => {
      if (layer.kind === 'dropout') return;
      const weight = this.plan.parameters.find(({ name }) => name === `layers.${i}.weight`) as Parameter;
      const values = new Float32Array(sizeOf(weight));
      if (layer.kind === 'layerNorm') {
        values.fill(1);
      } else {
        const [nOut, nIn] = [layer.units, widths[i]];
        const limit = { xavier: Math.sqrt(6 / (nIn + nOut)), he: Math.sqrt(6 / nIn), zeros: 0 }[layer.initialiser];
        if (limit > 0) for (let k = 0; k < values.length; k++) values[k] = (2 * random.uniform() - 1) * limit;
      }
      this.#write(weight, values);
    });
    this.#saltDropout();
  }

  /** Gives every dropout layer draws of its own, from the seed. */
  #saltDropout(): void {
    this.plan.ops.forEach(({ words }, i) => {
      if (words[L.OP_CODE] !== L.OP_DROPOUT) return;
      this.#arena.words[this.#opAt(i) + L.D_SALT] = Math.imul(this.#seed ^ 0x5bd1e995, 0x2c1b3c6d) + words[L.D_SALT];
    });
  }

  #setRates(): void {
    const { schedule, accumulate } = this.plan.network.optimizer;
    const factor = schedule === undefined ? 1 : scheduleFactor(schedule, Math.floor(this.steps / accumulate));
    this.#arena.floats[this.#state + L.S_RATE] = this.#rate * factor;
    this.#arena.floats[this.#state + L.S_BIAS_RATE] = this.#biasRate * factor;
  }

  /** β₁ᵗ and β₂ᵗ. */
  #powers(): Float64Array {
    return new Float64Array(this.#arena.floats.buffer, 4 * (this.#state + L.S_BETA1_POWER), 2);
  }

  /** Largest magnitude among the parameters, or among what lies `shift` behind each. */
  #peak(shift: number): number {
    if (shift === 0) return 0;
    let peak = 0;
    for (const { region } of this.plan.parameters) {
      for (let i = 0; i < region.floats; i++) {
        peak = Math.max(peak, Math.abs(this.#arena.floats[region.offset + shift + i]));
      }
    }
    return peak;
  }

  /** Element offset of op record `i` in the arena. */
  #opAt(i: number): number {
    return this.plan.words[L.H_OPS] + i * L.OP_WORDS;
  }

  #layersWithParameters(): string[] {
    return this.plan.ops
      .filter(({ layer, words }) => layer !== '' && words[L.OP_CODE] !== L.OP_DROPOUT)
      .map(({ layer }) => layer);
  }

  #opOf(layer: string): number {
    const known = this.#layersWithParameters();
    if (!known.includes(layer)) throw wrongCount('layer', `"${layer}"`, `one of ${known.join(', ')}`);
    return this.#opAt(this.plan.ops.findIndex((op) => op.layer === layer));
  }

  #inspectionNetwork(): Network {
    const { examples, network } = this.plan;
    this.#inspection ??= new Network(network, { examples, executor: this.executor }, true);
    const inspection = this.#inspection;
    const theirs = inspection.parameters();
    this.parameters().forEach((parameter, i) => {
      theirs[i].write(parameter.read());
    });
    inspection.rowWeights.set(this.rowWeights);
    inspection.#seed = this.#seed;
    inspection.#saltDropout();
    inspection.#arena.counts[inspection.#state + L.S_STEPS] = this.steps % 2 ** 32;
    return inspection;
  }

  #read({ name, shape, region }: Parameter, offset: number, into: Float32Array): Float32Array {
    const [rows = 1, columns = 1] = shape;
    if (into.length !== rows * columns)
      throw wrongCount(`read of ${name}`, `${into.length} values`, `${rows * columns}`);
    this.#run.settle(this.#header);
    const { floats } = this.#arena;
    const stride = columns + (-columns & 3);
    for (let i = 0, k = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, k++) {
        into[k] = floats[offset + (region.layout === 'panels' ? panelIndex(i, j, stride) : i)];
      }
    }
    return into;
  }

  #write({ name, shape, region }: Parameter, values: ArrayLike<number>, shift = 0): void {
    const [rows = 1, columns = 1] = shape;
    if (values.length !== rows * columns) {
      throw wrongCount(`write of ${name}`, `${values.length} values`, `${rows * columns}`);
    }
    for (let k = 0; k < values.length; k++) {
      if (!Number.isFinite(Math.fround(values[k]))) {
        throw wrongCount(`write of ${name}`, String(values[k]), 'values finite in float32');
      }
    }
    this.#run.settle(this.#header);
    const { floats } = this.#arena;
    const stride = columns + (-columns & 3);
    for (let i = 0, k = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, k++) {
        floats[region.offset + shift + (region.layout === 'panels' ? panelIndex(i, j, stride) : i)] = values[k];
      }
    }
    floats[this.#state + L.S_PARAMETER_BOUND] = Number.POSITIVE_INFINITY;
  }
}

/** `TypedArray.set` costs more than it moves for a short row, so that one is copied four elements at a time. @hot */
function copyRow(to: Float32Array, from: ArrayLike<number>, what: string): void {
  const n = to.length;
  if (from.length !== n) throw wrongCount(what, `${from.length} values`, `${n}`);
  if (n > 16) {
    to.set(from);
    return;
  }
  let i = 0;
  for (; i + 3 < n; i += 4) {
    to[i] = from[i];
    to[i + 1] = from[i + 1];
    to[i + 2] = from[i + 2];
    to[i + 3] = from[i + 3];
  }
  for (; i < n; i++) to[i] = from[i];
}

function sizeOf(parameter: { readonly shape: readonly number[] }): number {
  return parameter.shape.reduce((n, side) => n * side, 1);
}

function wrongCount(where: string, found: string, expected: string): EngineError {
  return new EngineError('ENGINE_ARGUMENT', { where, found, expected });
}

function isRate(rate: number): boolean {
  return Number.isFinite(Math.fround(rate)) && rate >= 0;
}

function checkedRate(where: string, rate: number): number {
  if (!isRate(rate)) throw wrongCount(where, String(rate), 'a finite number ≥ 0');
  return rate;
}

/** Names and shapes of a network's parameters. */
function shapesOf(network: Network): Record<string, readonly number[]> {
  return Object.fromEntries(network.plan.parameters.map(({ name, shape }) => [name, shape]));
}

function specOf(file: TensorFile, what: string): ResolvedNetwork {
  try {
    return resolveNetwork(JSON.parse(file.metadata.network ?? 'null'));
  } catch (error) {
    throw new CheckpointError('CHECKPOINT_MISMATCH', {
      where: what,
      found: file.metadata.network === undefined ? 'no network declaration' : (error as Error).message,
      expected: 'a checkpoint with its network declaration in the metadata',
    });
  }
}

/** The first place where two plain values differ, for messages. */
export function firstDifference(
  a: unknown,
  b: unknown,
  path: string,
): { path: string; a: string; b: string } | undefined {
  if (Object.is(a, b)) return undefined;
  const isTable = (v: unknown): v is Record<string, unknown> => v !== null && typeof v === 'object';
  if (!isTable(a) || !isTable(b)) return { path, a: JSON.stringify(a) ?? 'absent', b: JSON.stringify(b) ?? 'absent' };
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const place = Array.isArray(a) ? `${path}[${key}]` : `${path}.${key}`;
    const difference = firstDifference(a[key], b[key], place);
    if (difference) return difference;
  }
  return undefined;
}

/**
 * Makes a network with seeded weights.
 *
 * @throws SpecError for a wrong declaration, naming the key; EngineError where `simd` is asked for and there is none
 */
export function createNetwork(spec: NetworkSpec, options: NetworkOptions = {}): Network {
  return new Network(spec, options);
}

/**
 * Makes a network from a checkpoint of `save`.
 *
 * @throws CheckpointError where the bytes are damaged or foreign
 */
export function loadNetwork(bytes: Uint8Array, options: Omit<NetworkOptions, 'seed'> = {}): Network {
  const file = decodeSafetensors(bytes);
  const network = new Network(specOf(file, 'checkpoint'), options);
  network.restore(file);
  return network;
}
