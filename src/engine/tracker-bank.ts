import {
  layout as L,
  panelIndex,
  planTrackerBank,
  type Region,
  type TrackerBankPlan,
  type TrackerBankSpec,
} from '../plan/index.js';
import { type Arena, createArena, type ExecutorKind } from './executor.js';
import { Random } from './random.js';

export type { TrackerBankSpec, TrackerSpec } from '../plan/index.js';

/** A law that drifts faster is not hastened to: about ten rows are remembered then. */
const MOST_DRIFT = 0.1;

/** An array of a bank's state, a view into the arena. */
export interface TrackerArray {
  name: string;
  shape: number[];
  data: Float32Array | Float64Array;
}

/**
 * Trackers of one row: linear models whose weights are expected to drift, of the row itself and of fixed random nonlinear
 * features of it (src/reference/tracker.ts has the equations). A linear model over those learns curved laws, and exactly
 * as a linear model does, without back-propagation.
 *
 * Set-up happens in the constructor, after which a step allocates nothing.
 */
export class TrackerBank {
  readonly executor: ExecutorKind;
  /** Views into the arena: the row [inputs], what is to be learned from it [outputs], what each tracker says [outputs]. */
  readonly input: Float32Array;
  readonly target: Float32Array;
  readonly outputs: readonly Float32Array[];
  readonly #arena: Arena;
  readonly #bank: number;

  /** @param seed of the random features, a whole number, 0 … 2³² − 1 */
  constructor(
    readonly plan: TrackerBankPlan,
    seed: number,
    arena: Arena,
  ) {
    const { spec, bank, trackers } = plan;
    this.#arena = arena;
    this.#bank = bank.offset;
    this.executor = arena.kind;
    this.input = this.#floats(plan.input, spec.inputs);
    this.target = this.#floats(plan.target, spec.outputs);
    this.outputs = trackers.map(({ output }) => this.#floats(output, spec.outputs));
    arena.words.set(plan.words, bank.offset);
    this.#drawFeatures(seed);
    trackers.forEach(({ diagonal, numbers }, k) => {
      this.#doubles(numbers)[L.N_SCALE] = 1;
      this.#floats(diagonal).fill(spec.trackers[k].prior);
    });
    this.hasten(1);
  }

  /** From here on the law is expected to drift so many times as fast as declared, at most as fast as MOST_DRIFT. No part of `state`. */
  hasten(factor: number): void {
    const { spec, trackers } = this.plan;
    this.#arena.executor.settleTrackers(this.#bank);
    trackers.forEach(({ numbers }, k) => {
      const { prior, drift: declared, shrinks } = spec.trackers[k];
      const drift = Math.max(declared, Math.min(declared * factor, MOST_DRIFT));
      const values = this.#doubles(numbers);
      values[L.N_KEEP] = 1 - drift;
      values[L.N_BACK] = drift * prior;
      values[L.N_SHRINK] = shrinks ? Math.sqrt(1 - drift) : 1;
    });
  }

  /** What each tracker says of `input`, to `outputs`. @hot */
  predict(): void {
    this.#arena.executor.predictTrackers(this.#bank);
  }

  /** One step of each tracker on `input` and `target`, all finite. Overwrites `outputs`. @hot */
  learn(): void {
    this.#arena.executor.learnTrackers(this.#bank, 0);
  }

  /** `learn`, with less to do: for the row `predict` has been called with last, `input` and state being the same. @hot */
  learnPredicted(): void {
    this.#arena.executor.learnTrackers(this.#bank, 1);
  }

  /** Brings what is put off into the arrays of `state`, which may then be read and written until the next step. @hot */
  settle(): void {
    this.#arena.executor.settleTrackers(this.#bank);
  }

  /** Everything that decides about later outputs, as it stands: valid until the next step. What is written to it is gone on from. */
  state(prefix: string): TrackerArray[] {
    const { spec, matrix, offsets, trackers } = this.plan;
    this.#arena.executor.settleTrackers(this.#bank);
    const array = (name: string, region: Region): TrackerArray => ({
      name: `${prefix}.${name}`,
      shape: [region.floats],
      data: this.#floats(region),
    });
    return [
      array('matrix', matrix),
      array('offsets', offsets),
      ...trackers.flatMap(({ size, weights, covariance, diagonal, numbers }, k): TrackerArray[] => [
        {
          ...array(`${k}.weights`, weights),
          shape: [spec.outputs, size],
          data: this.#floats(weights, spec.outputs * size),
        },
        array(`${k}.covariance`, covariance),
        array(`${k}.diagonal`, diagonal),
        { name: `${prefix}.${k}.scale`, shape: [1], data: this.#doubles(numbers).subarray(L.N_SCALE, L.N_SCALE + 1) },
      ]),
    ];
  }

  /** The covariance P of a tracker's weights, [size][size], for tests and inspection. */
  covariance(k: number): number[][] {
    this.#arena.executor.settleTrackers(this.#bank);
    const { size, covariance, diagonal, numbers } = this.plan.trackers[k];
    const off = this.#floats(covariance);
    const own = this.#floats(diagonal);
    const scale = this.#doubles(numbers)[L.N_SCALE];
    return Array.from({ length: size }, (_, i) =>
      Array.from({ length: size }, (_, j) => scale * (i === j ? own[i] : off[panelIndex(i, j, size)])),
    );
  }

  /** A is uniform of deviation 0.7/√inputs, so that A·x of a standardised row is about 0.7; c is uniform in ±1. */
  #drawFeatures(seed: number): void {
    const { matrix, offsets, spec } = this.plan;
    const random = new Random(seed);
    const limit = 0.7 * Math.sqrt(3 / spec.inputs);
    const a = this.#floats(matrix);
    const stride = matrix.floats / spec.units;
    for (let i = 0; i < spec.units; i++) {
      for (let j = 0; j < spec.inputs; j++) a[panelIndex(i, j, stride)] = (2 * random.uniform() - 1) * limit;
    }
    const c = this.#floats(offsets);
    for (let i = 0; i < spec.units; i++) c[i] = 2 * random.uniform() - 1;
  }

  #floats(region: Region, count = region.floats): Float32Array {
    return this.#arena.floats.subarray(region.offset, region.offset + count);
  }

  #doubles(region: Region): Float64Array {
    return new Float64Array(this.#arena.floats.buffer, 4 * region.offset, L.TRACKER_NUMBERS);
  }
}

/** A bank with an arena of its own. @throws EngineError where `simd` is asked for and there is none */
export function createTrackerBank(
  spec: TrackerBankSpec,
  { seed = 1, executor = 'auto' }: { seed?: number; executor?: ExecutorKind | 'auto' } = {},
): TrackerBank {
  const plan = planTrackerBank(spec);
  return new TrackerBank(plan, seed, createArena([], executor, plan.bytes));
}
