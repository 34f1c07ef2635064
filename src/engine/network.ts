import { createHash } from 'node:crypto';
import { decodeSafetensors, encodeSafetensors, type TensorFile } from '../models/index.js';
import { layout as L, type Plan, type PlanOptions, planNetwork } from '../plan/index.js';
import { type NetworkSpec, resolveNetwork } from '../spec/index.js';
import { copyRow } from './copy-row.js';
import { EngineError, wrongArgument } from './errors.js';
import { type Arena, createArena, type Executor, type ExecutorKind } from './executor.js';
import { initialise } from './initialise.js';
import { checkState, declaredNetwork, isRate, type NetworkState } from './kept-state.js';
import { mergeParameters } from './merge.js';
import { ParameterStore, type ParameterView } from './parameter-store.js';
import { scheduleFactor } from './schedule.js';
import { WeightSpan } from './weight-span.js';

/** How a network is made, beside what it is. */
export interface NetworkOptions extends Pick<PlanOptions, 'examples' | 'gradients' | 'reserve' | 'guardFloats'> {
  /** Seed of the weights, 0 … 2³² − 1. Default 1. */
  seed?: number;
  /** Default `auto`: simd, or the reference where there is none. */
  executor?: ExecutorKind | 'auto';
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

/** Where a network lies that was laid out beside others. */
export interface Place {
  plan: Plan;
  arena: Arena;
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

  /** `[1]`: what the last `step` or `tryStep` found; NaN before the first and where it was refused. */
  readonly loss: Float32Array;

  readonly #arena: Arena;
  readonly #run: Executor;
  readonly #header: number;
  readonly #state: number;
  readonly #store: ParameterStore;
  readonly #rows: Float32Array;
  readonly #rowTargets: Float32Array;
  readonly #hasSchedule: boolean;
  #rate: number;
  #biasRate: number;
  #seed: number;
  #inspection: Network | undefined;

  /** @throws SpecError for a wrong network, EngineError where `simd` is asked for and there is none */
  constructor(spec: NetworkSpec, options: NetworkOptions = {}, place?: Place) {
    const plan = place?.plan ?? planNetwork(resolveNetwork(spec), options);
    const { network } = plan;
    this.plan = plan;
    this.#arena = place?.arena ?? createArena([plan], options.executor ?? 'auto');
    this.executor = this.#arena.kind;
    this.#run = this.#arena.executor;
    this.#header = this.plan.region('plan').offset;
    this.#state = this.plan.region('state').offset;
    this.#store = new ParameterStore(this.plan, this.#arena);
    this.input = this.region('input');
    this.target = this.region('target');
    this.output = this.region('output');
    const resident = this.plan.words[L.H_ROW_CAPACITY] > 0;
    this.#rows = resident ? this.region('rows') : new Float32Array(0);
    this.#rowTargets = resident ? this.region('row targets') : new Float32Array(0);
    this.rowWeights = this.region('row weights');
    this.loss = this.region('state').subarray(L.S_LOSS, L.S_LOSS + 1);
    this.#hasSchedule = network.optimizer.schedule !== undefined;
    this.#rate = network.optimizer.rate;
    this.#biasRate = network.optimizer.biasRate;
    this.#seed = options.seed ?? 1;
    initialise(this.plan, this.#store, this.#seed);
    this.#saltDropout();
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
    this.tryStep();
    return this.loss[0];
  }

  /**
   * The same as `step`, with the loss left in `loss`: wherever it is called from, nothing is allocated.
   *
   * @returns whether the step was taken
   * @hot
   */
  tryStep(): boolean {
    if (this.#hasSchedule) this.#setRates();
    return this.#run.step(this.#header) === 1;
  }

  /**
   * `tryStep`, with less to do: for the row `forward` has been called with last, neither input nor parameters being another since.
   *
   * @hot
   */
  stepForwarded(): boolean {
    if (this.#hasSchedule) this.#setRates();
    return this.#run.stepForwarded(this.#header) === 1;
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
      throw wrongArgument('count', String(count), m === 1 ? 'a whole number ≥ 0' : `a multiple of ${m} ≥ 0`);
    }
    if (rows.length < count * nIn) throw wrongArgument('rows', `${rows.length} values`, `${count} × ${nIn}`);
    if (targets.length < count * nOut) throw wrongArgument('targets', `${targets.length} values`, `${count} × ${nOut}`);
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
    mergeParameters(this, others, weights);
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

  /** Every parameter as it lies in the arena, for whoever treats all alike. */
  weightSpan(): WeightSpan {
    return new WeightSpan(this.plan, this.#arena);
  }

  /** Every weight and bias, in order. */
  parameters(): ParameterView[] {
    return this.#store.views();
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
      values: inspection.#store.read(parameter, toGradient),
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
    const { words, optimizerStates, network } = this.plan;
    const accumulated = this.#arena.counts[this.#state + L.S_ACCUMULATED];
    const tensors = this.#store.tensors('', 0);
    optimizerStates.forEach((name, i) => {
      tensors.push(...this.#store.tensors(`optimizer.${name}.`, words[L.H_TO_STATE1 + i]));
    });
    if (optimizerStates.length === 2) {
      tensors.push({ name: 'optimizer.powers', shape: [2], dtype: 'F64', data: this.#powers().slice() });
    }
    if (accumulated > 0) tensors.push(...this.#store.tensors('gradient.', words[L.H_TO_GRADIENT]));
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
    const { words } = this.plan;
    const layers = this.#layersWithParameters();
    const kept = checkState(state, this.plan, layers, what);
    for (const { parameter, data, shift } of kept.values) this.#store.write(parameter, data, shift);
    if (kept.powers) this.#powers().set(kept.powers);
    const { counts, floats } = this.#arena;
    counts[this.#state + L.S_STEPS] = kept.steps % 2 ** 32;
    counts[this.#state + L.S_STEPS_HIGH] = Math.floor(kept.steps / 2 ** 32);
    counts[this.#state + L.S_ACCUMULATED] = kept.accumulated;
    floats[this.#state + L.S_STATE_BOUND] = this.#store.peak(words[L.H_TO_STATE1]);
    floats[this.#state + L.S_GRADIENT_BOUND] = kept.accumulated > 0 ? this.#store.peak(words[L.H_TO_GRADIENT]) : 0;
    this.#rate = kept.rate;
    this.#biasRate = kept.biasRate;
    this.#setRates();
    for (const name of layers) this.freeze(name, kept.frozen.includes(name));
    this.#seed = kept.seed ?? this.#seed;
    this.#saltDropout();
  }

  /** A checkpoint in memory: a safetensors file with `layers.0.weight` `[out, in]` and the declaration beside it. */
  save(): Uint8Array {
    const { tensors, metadata } = this.state();
    return encodeSafetensors(tensors, { format: FORMAT, version: FORMAT_VERSION, ...metadata, hash: this.hash() });
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
    if (!known.includes(layer)) throw wrongArgument('layer', `"${layer}"`, `one of ${known.join(', ')}`);
    return this.#opAt(this.plan.ops.findIndex((op) => op.layer === layer));
  }

  #inspectionNetwork(): Network {
    const { examples, network } = this.plan;
    this.#inspection ??= new Network(network, { examples, executor: this.executor, gradients: true });
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
}

function checkedRate(where: string, rate: number): number {
  if (!isRate(rate)) throw wrongArgument(where, String(rate), 'a finite number ≥ 0');
  return rate;
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
  const network = new Network(declaredNetwork(file, 'checkpoint'), options);
  network.restore(file);
  return network;
}
