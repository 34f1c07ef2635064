import type { ExecutorKind, NetworkState } from '../engine/index.js';
import type { TensorFile } from '../models/index.js';
import type { RunningScaler, StateArray } from '../online/index.js';
import { SpecError, type Task } from '../spec/index.js';
import type { DriftWatch } from './drift-watch.js';
import type { Learner } from './learner.js';
import { NetworkLearner } from './network-learner.js';
import { HELD_OUT, LEARNED, NOT_FINITE, PREDICTED, SCORED, STEP_SKIPPED } from './outcome.js';
import { HAS_FEATURES, HAS_LABEL, HAS_OUTSIDE_LABEL, PendingRows } from './pending.js';
import { Race } from './race.js';
import { SKIPPED_STEPS, STEPS, UNUSED_LABELS } from './report.js';
import { needsRaw, Retention, type RetentionSpec, regionsOf } from './retention.js';
import { partOf, withPrefix } from './state-parts.js';
import type { HeadKind, TaskHead } from './task-head.js';
import { isNamed, type ResolvedTaskNetwork, resolveTaskNetwork, type TaskNetwork } from './task-network.js';

/** When labels come, in rows: as the keys of a task of the same names. */
export type LabelTimes = Pick<Task, 'delay' | 'labelAge' | 'labelWait'>;

/** Rows that can wait for their labels, the current one among them. */
export function slotsFor({ delay, labelAge, labelWait }: LabelTimes): number {
  return Math.max(delay + labelAge, labelWait) + 1;
}

/** What all tracks of a stream have in common. */
export interface TrackOptions {
  kind: HeadKind;
  inputs: number;
  /** What a network predicts of each target; none: the mean. */
  quantiles?: readonly number[];
  /** Without a key: a race. */
  network: TaskNetwork | undefined;
  seed: number;
  executor: ExecutorKind | 'auto';
  /** Counters of the stream. */
  counts: Float64Array;
  /** [0]: 1 while rows are learned from. */
  learning: Int32Array;
  /** Of the features. */
  scaler: RunningScaler;
  /** [inputs]: the current row's, before they are standardised. */
  raw: Float64Array;
  /** Against forgetting. */
  retention: RetentionSpec;
}

/**
 * One thing that is predicted from every row, scored when its truth comes and then learned: a head, a learner, and the rows
 * that wait for labels. A regression has one; a forecast has one for every horizon.
 */
export class Track {
  readonly learner: Learner;
  /** The declared network with its defaults, or `race`. */
  readonly taskNetwork: Readonly<ResolvedTaskNetwork> | 'race';
  readonly pending: PendingRows;
  /** What watches the losses of this track. */
  drift: DriftWatch | null = null;
  private readonly input: Float32Array;
  private readonly target: Float32Array;
  private readonly counts: Float64Array;
  private readonly learning: Int32Array;
  /** Undefined where nothing is remembered or watched. */
  readonly retention: Retention | undefined;

  /**
   * @param reserve regions the stream wants in the arena of this track's network
   * @param name of this track in checkpoints, where there are several
   */
  constructor(
    readonly head: TaskHead,
    private readonly times: LabelTimes,
    trackOptions: TrackOptions,
    reserve: Record<string, number> = {},
    private readonly name = '',
  ) {
    const {
      kind,
      inputs,
      network: declared,
      seed,
      executor,
      counts,
      learning,
      retention,
      quantiles = [],
    } = trackOptions;
    const slots = slotsFor(times);
    const options = {
      kind,
      inputs,
      slots,
      seed,
      executor,
      replays: retention.memory !== undefined,
      reserve: { ...reserve, pending: slots * inputs, ...regionsOf(retention, slots, inputs, head.width) },
    };
    if (isNamed(declared)) {
      const { taskNetwork, network } = resolveTaskNetwork(declared, kind, inputs, head.outputs, quantiles);
      this.taskNetwork = taskNetwork;
      this.learner = new NetworkLearner(head, network, taskNetwork, options);
    } else if (quantiles.length > 0) {
      throw noNetwork();
    } else {
      this.taskNetwork = 'race';
      this.learner = new Race(head, options);
    }
    const { network } = this.learner;
    this.pending = new PendingRows(slots, inputs, head.width, network.region('pending'));
    this.input = network.input;
    this.target = network.target;
    this.counts = counts;
    this.learning = learning;
    this.retention = needsRaw(retention)
      ? new Retention(this.learner, head, slots, name === '', trackOptions)
      : undefined;
  }

  /**
   * Scores and learns from the label that the current row makes known.
   *
   * @returns any of SCORED, LEARNED, STEP_SKIPPED, HELD_OUT, FORGOTTEN, ROLLED_BACK
   * @hot
   */
  join(): number {
    const { pending, head, times } = this;
    const { flags } = pending;
    const labelSlot = pending.slotOf(times.delay);
    if ((flags[labelSlot] & HAS_LABEL) === 0) return 0;
    const truthSlot = pending.slotOf(times.delay + times.labelAge);
    if ((flags[truthSlot] & HAS_OUTSIDE_LABEL) !== 0) return 0;
    return this.useLabel(truthSlot, pending.labels, labelSlot * head.width);
  }

  /**
   * Takes a label [width] from outside the rows for the row `age` rows ago.
   *
   * @returns any of SCORED, LEARNED, STEP_SKIPPED, HELD_OUT, FORGOTTEN, ROLLED_BACK
   * @hot
   */
  label(age: number, label: Float64Array): number {
    const { pending, counts } = this;
    const { flags } = pending;
    const { labelAge } = this.times;
    const isWaitedFor = age >= 0 && age < pending.slots && Number.isInteger(age);
    const slot = isWaitedFor ? pending.slotOf(age) : 0;
    const isFree = isWaitedFor && (flags[slot] & (HAS_FEATURES | HAS_OUTSIDE_LABEL)) === HAS_FEATURES;
    if (!isFree || (age >= labelAge && (flags[pending.slotOf(age - labelAge)] & HAS_LABEL) !== 0)) {
      counts[UNUSED_LABELS] = counts[UNUSED_LABELS] + 1;
      return 0;
    }
    flags[slot] = flags[slot] | HAS_OUTSIDE_LABEL;
    return this.useLabel(slot, label, 0);
  }

  /** Scores what was predicted in a slot, and learns from it. @hot */
  private useLabel(slot: number, labels: Float64Array, labelOff: number): number {
    const { pending, head } = this;
    let outcome = 0;
    if (pending.isScorable[slot] === 1) {
      head.score(pending, slot, labels, labelOff);
      pending.isScorable[slot] = 0;
      outcome = SCORED;
    }
    const hasFeatures = (pending.flags[slot] & HAS_FEATURES) !== 0;
    if (this.drift !== null && hasFeatures) this.drift.judge(head, pending, slot, labels, labelOff);
    if (hasFeatures) head.judge(pending, slot, labels, labelOff);
    head.receive(labels, labelOff);
    if (this.learning[0] === 0) return outcome;
    head.learnScale(labels, labelOff);
    if (!hasFeatures) return outcome;

    const { input } = this;
    const { features, inputs } = pending;
    for (let i = 0, off = slot * inputs; i < inputs; i++, off++) input[i] = features[off];
    head.writeTarget(this.target, labels, labelOff);
    head.judgeNaive(pending, slot, labels, labelOff);
    const { retention, learner } = this;
    learner.judge(slot, labels, labelOff);
    if (retention?.hold(slot, labels, labelOff)) {
      return outcome | HELD_OUT | retention.afterRow();
    }
    const learned = this.learn(slot, labels, labelOff);
    return outcome | learned | (retention === undefined ? 0 : retention.afterRow());
  }

  /** @hot */
  private learn(slot: number, labels: Float64Array, labelOff: number): number {
    const { counts } = this;
    if (!this.learner.learn()) {
      counts[SKIPPED_STEPS] = counts[SKIPPED_STEPS] + 1;
      return STEP_SKIPPED;
    }
    counts[STEPS] = counts[STEPS] + 1;
    if (this.drift !== null) this.drift.learned();
    this.retention?.afterStep(slot, labels, labelOff);
    return LEARNED;
  }

  /**
   * Predicts from the current row.
   *
   * @param values [inputs], standardised
   * @param isWarm whether the prediction is to be scored when its truth comes
   * @returns PREDICTED or NOT_FINITE
   * @hot
   */
  predict(values: Float64Array, isWarm: boolean): number {
    const { pending, input, head } = this;
    const { features, inputs } = pending;
    const slot = pending.slotOf(0);
    for (let i = 0, off = slot * inputs; i < inputs; i++, off++) input[i] = features[off] = values[i];
    this.retention?.keep(slot);
    this.learner.predict(slot);
    const finite = head.publish(pending, slot);
    pending.flags[slot] = pending.flags[slot] | HAS_FEATURES;
    const isScorable = finite && isWarm && head.knowsLabel();
    if (this.drift !== null) this.drift.expect(slot, isScorable);
    if (!finite) return NOT_FINITE;
    if (isScorable) pending.isScorable[slot] = 1;
    return PREDICTED;
  }

  /** Scores the predictions whose truth was printed but was not yet to be used. Nothing is learned. */
  finish(): void {
    const { pending, head, times } = this;
    for (let age = times.delay + times.labelAge - 1; age >= times.labelAge; age--) {
      const truthSlot = pending.slotOf(age);
      const labelSlot = pending.slotOf(age - times.labelAge);
      if (pending.isScorable[truthSlot] !== 1 || (pending.flags[labelSlot] & HAS_LABEL) === 0) continue;
      head.score(pending, truthSlot, pending.labels, labelSlot * head.width);
      pending.isScorable[truthSlot] = 0;
    }
  }

  /** What decides about later predictions, beside what the learner has. */
  state(): StateArray[] {
    return this.named([
      ...this.head.state('stream.targets'),
      ...this.pending.state('stream.pending'),
      ...(this.retention?.state() ?? []),
    ]);
  }

  /** What of the learner decides about later predictions, beside the parameters of networks. */
  learnerState(): StateArray[] {
    return this.named(this.learner.arrays());
  }

  /** What must be kept but decides about no later prediction. */
  scores(): StateArray[] {
    return this.named([
      ...this.head.scores('stream.scores'),
      ...this.learner.scores(),
      ...this.pending.scores('stream.scores.pending'),
      ...(this.retention?.scores() ?? []),
    ]);
  }

  /** Under this track's own name: `stream.pending` becomes `stream.horizon12.pending`. */
  private named(arrays: StateArray[]): StateArray[] {
    if (this.name === '') return arrays;
    return arrays.map((array) => ({ ...array, name: array.name.replace(/^stream\./, `stream.${this.name}.`) }));
  }

  /** Parameters and optimizer states, copied, under this track's own name. */
  networkState(): NetworkState {
    const state = this.learner.state();
    return this.name === '' ? state : withPrefix(state, `${this.name}.`);
  }

  /** @throws CheckpointError, and nothing has changed */
  restoreNetworks(state: TensorFile): void {
    this.learner.restore(this.name === '' ? state : partOf(state, `${this.name}.`));
  }
}

function noNetwork(): SpecError {
  return new SpecError('SPEC_TASK', {
    where: 'task.quantiles',
    found: 'no network',
    expected: 'a declared one: a race predicts no quantiles',
    remedy: 'name any key of it: network = { shortcut = true }',
  });
}
