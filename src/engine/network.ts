import { createHash } from 'node:crypto';
import {
  CheckpointError,
  decodeSafetensors,
  encodeSafetensors,
  type Tensor,
  type TensorFile,
} from '../models/index.js';
import { layout as L, type Parameter, type Plan, type PlanOptions, panelIndex, planNetwork } from '../plan/index.js';
import { type NetworkSpec, type ResolvedNetwork, resolveNetwork } from '../spec/index.js';
import { type Arena, createArena, EngineError, type Executor, type ExecutorKind } from './executor.js';
import { Random } from './random.js';

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
  /** Views into the arena: `[m, inputs]`, `[m, outputs]`, `[m, outputs]`, row-major. They stay valid for ever. */
  readonly input: Float32Array;
  readonly target: Float32Array;
  readonly output: Float32Array;

  readonly #arena: Arena;
  readonly #run: Executor;
  readonly #header: number;
  readonly #state: number;
  readonly #rows: Float32Array;
  readonly #rowTargets: Float32Array;
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
    this.#initialise(network, options.seed ?? 1);
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
    return this.#run.step(this.#header);
  }

  /** Copies `row` `[m, inputs]` in and predicts. @returns `output`, valid until the next call @hot */
  predict(row: ArrayLike<number>): Float32Array {
    this.input.set(row);
    this.#run.forward(this.#header);
    return this.output;
  }

  /** Copies `row` `[m, inputs]` and `target` `[m, outputs]` in and makes one step. @returns as `step` @hot */
  learn(row: ArrayLike<number>, target: ArrayLike<number>): number {
    this.input.set(row);
    this.target.set(target);
    return this.#run.step(this.#header);
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
        total += this.#run.step(this.#header) * m;
      }
    }
    return total / count;
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

  /** A view of a region of the arena: the caller's own (`reserve`), or any of `plan.regions`, padding left out at the end. */
  region(name: string): Float32Array {
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
    inspection.input.set(row);
    inspection.target.set(target);
    const loss = inspection.#run.gradient(inspection.#header);
    if (Number.isNaN(loss)) {
      throw new EngineError('ENGINE_NOT_FINITE', {
        where: 'gradients',
        found: 'an input, loss or delta that is not finite',
        expected: 'finite ones',
      });
    }
    return inspection.plan.parameters.map((parameter) => {
      const values = new Float32Array(sizeOf(parameter));
      return {
        name: parameter.name,
        shape: parameter.shape,
        values: inspection.#read(parameter, parameter.gradient!.offset, values),
      };
    });
  }

  /** 16 hex digits over parameters and state: equal for equal networks, whatever the executor, machine or m. */
  hash(): string {
    const hash = createHash('sha256');
    const { tensors, metadata } = this.state();
    for (const { name, shape, data } of tensors) {
      const bits = new Uint32Array(data.length);
      const view = new DataView(bits.buffer);
      for (let i = 0; i < data.length; i++) {
        view.setFloat32(4 * i, data[i], true);
        if (Number.isNaN(data[i])) view.setUint32(4 * i, 0x7fc00000, true);
      }
      hash.update(`${name}[${shape}]`).update(bits);
    }
    return hash.update(metadata.steps!).digest('hex').slice(0, 16);
  }

  /** Everything needed to go on bit for bit, as arrays under PyTorch's names and short texts. */
  state(): NetworkState {
    return {
      tensors: this.parameters().map(({ name, shape, read }) => ({ name, shape, dtype: 'F32' as const, data: read() })),
      metadata: { network: JSON.stringify(this.plan.network), steps: String(this.steps) },
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
    const difference = firstDifference(kept, this.plan.network, 'network');
    if (difference) throw refuse(`${difference.path} ${difference.a}`, `${difference.b}`);
    const steps = Number(state.metadata.steps);
    if (!Number.isSafeInteger(steps) || steps < 0) throw refuse(`steps "${state.metadata.steps}"`, 'a whole number');
    for (const { name, shape } of this.plan.parameters) {
      const tensor = state.tensors.get(name);
      if (tensor?.dtype !== 'F32' || String(tensor.shape) !== String(shape)) {
        throw refuse(tensor ? `${name} ${tensor.dtype} [${tensor.shape}]` : `no ${name}`, `${name} F32 [${shape}]`);
      }
      if (!tensor.data.every(Number.isFinite)) throw refuse(`a value in ${name} that is not finite`, 'finite ones');
    }
    for (const parameter of this.plan.parameters) this.#write(parameter, state.tensors.get(parameter.name)!.data);
    this.#arena.counts[this.#state + L.S_STEPS] = steps % 2 ** 32;
    this.#arena.counts[this.#state + L.S_STEPS_HIGH] = Math.floor(steps / 2 ** 32);
  }

  /** A checkpoint in memory: a safetensors file with `layers.0.weight` `[out, in]` and the declaration beside it. */
  save(): Uint8Array {
    const { tensors, metadata } = this.state();
    return encodeSafetensors(tensors, { format: FORMAT, version: FORMAT_VERSION, ...metadata, hash: this.hash() });
  }

  #initialise({ layers, inputs }: ResolvedNetwork, seed: number): void {
    if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
      throw wrongCount('seed', String(seed), 'a whole number from 0 to 4294967295');
    }
    const random = new Random(seed);
    const weights = this.plan.parameters.filter((parameter) => parameter.shape.length === 2);
    layers.forEach((layer, i) => {
      const nIn = i === 0 ? inputs : layers[i - 1].units;
      const limit = { xavier: Math.sqrt(6 / (nIn + layer.units)), he: Math.sqrt(6 / nIn), zeros: 0 }[layer.initialiser];
      const values = new Float32Array(layer.units * nIn);
      if (limit > 0) for (let k = 0; k < values.length; k++) values[k] = (2 * random.uniform() - 1) * limit;
      this.#write(weights[i], values);
    });
  }

  #inspectionNetwork(): Network {
    const { examples, network } = this.plan;
    this.#inspection ??= new Network(network, { examples, executor: this.executor }, true);
    const theirs = this.#inspection.parameters();
    this.parameters().forEach((parameter, i) => {
      theirs[i].write(parameter.read());
    });
    return this.#inspection;
  }

  #read({ name, shape, region }: Parameter, offset: number, into: Float32Array): Float32Array {
    const [rows = 1, columns = 1] = shape;
    if (into.length !== rows * columns)
      throw wrongCount(`read of ${name}`, `${into.length} values`, `${rows * columns}`);
    const { floats } = this.#arena;
    const stride = columns + (-columns & 3);
    for (let i = 0, k = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, k++) {
        into[k] = floats[offset + (region.layout === 'panels' ? panelIndex(i, j, stride) : i)];
      }
    }
    return into;
  }

  #write({ name, shape, region }: Parameter, values: ArrayLike<number>): void {
    const [rows = 1, columns = 1] = shape;
    if (values.length !== rows * columns) {
      throw wrongCount(`write of ${name}`, `${values.length} values`, `${rows * columns}`);
    }
    for (let k = 0; k < values.length; k++) {
      if (!Number.isFinite(Math.fround(values[k]))) {
        throw wrongCount(`write of ${name}`, String(values[k]), 'values finite in float32');
      }
    }
    const { floats } = this.#arena;
    const stride = columns + (-columns & 3);
    for (let i = 0, k = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++, k++) {
        floats[region.offset + (region.layout === 'panels' ? panelIndex(i, j, stride) : i)] = values[k];
      }
    }
    floats[this.#state + L.S_PARAMETER_BOUND] = Number.POSITIVE_INFINITY;
  }
}

function sizeOf(parameter: Parameter): number {
  return parameter.shape.reduce((n, side) => n * side, 1);
}

function wrongCount(where: string, found: string, expected: string): EngineError {
  return new EngineError('ENGINE_ARGUMENT', { where, found, expected });
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
