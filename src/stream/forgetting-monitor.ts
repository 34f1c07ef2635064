import type { ReplayMemory, RunningScaler, StateArray } from '../online/index.js';
import type { Monitor } from '../spec/index.js';
import { Snapshot } from './knowledge.js';
import type { Learner } from './learner.js';
import { FORGOTTEN, ROLLED_BACK } from './outcome.js';
import type { HeadKind, TaskHead } from './task-head.js';

/** What the probe shows. Skills are 1 − loss / loss of who knows only the labels of the probe: 1 is perfect, 0 knows nothing. */
export interface MonitorReport {
  /** Rows held out so far, and rows the probe holds of them. */
  heldOut: number;
  rows: number;
  /** Times the probe was looked at. */
  looks: number;
  /** Of the last look: of the learner, and of the best state known on the same rows; null before the first. */
  skill: number | null;
  bestSkill: number | null;
  /** Whether the learner has forgotten more than may be, at the last look. */
  isForgetting: boolean;
  /** How often that began, and how often the best state was put back. */
  forgotten: number;
  rolledBack: number;
  /** Of probe and snapshots. */
  bytes: number;
}

/** Looks that are not worth it: fewer rows than this, or a best state of less skill. */
const FEWEST_ROWS = 10;
const LEAST_SKILL = 0.1;
/** One wild row of the probe counts at most this much, in standard deviations of the target. */
const LOSS_LIMIT = 10;

// `counts`
const LABELLED = 0;
const SINCE_LOOK = 1;
const LOOKS = 2;
const EVENTS = 3;
const ROLLBACKS = 4;
const IS_FORGETTING = 5;
const HAS_BEST = 6;
const SKILL = 7;
const BEST_SKILL = 8;

/**
 * Holds labelled rows out of learning, as a probe of everything the stream has shown (a reservoir), and looks every so often how well
 * they are predicted: by the learner as it is, and by the best state known. Both are judged on the same rows, so that a probe that
 * has become harder is no forgetting. Where the learner is no worse, it becomes the best state; where it has lost more than `drop`
 * of the best one's skill, it has forgotten, and with `rollback` the best state is put back, scalers included.
 *
 * A look costs twice the prediction of every row of the probe, and three copies of what is known.
 */
export class ForgettingMonitor {
  private readonly counts = new Float64Array(9);
  private readonly best: Snapshot;
  private readonly present: Snapshot;
  private readonly values: Float64Array;
  private readonly label: Float64Array;
  /** [rows of the probe, 3, outputs]: what the learner says, the best state, and who knows only the labels. */
  private readonly said: Float64Array;
  /** [outputs]: the mean of the labels, or the shares of the classes. */
  private readonly mean: Float64Array;
  /** [3], of one row, and summed. */
  private readonly losses = new Float64Array(3);
  private readonly sums = new Float64Array(3);

  /**
   * @param probe a reservoir
   * @param scalers what, beside the learner, knowledge is relative to
   * @param refresh works out again what follows from the scalers
   */
  constructor(
    private readonly monitor: Monitor,
    private readonly kind: HeadKind,
    private readonly probe: ReplayMemory,
    private readonly learner: Learner,
    private readonly scaler: RunningScaler,
    private readonly head: TaskHead,
    scalers: readonly StateArray[],
    private readonly refresh: () => void,
  ) {
    const learned = learner.knowledge();
    const knowledge = { ...learned, arrays: [...learned.arrays, ...scalers] };
    this.best = new Snapshot(knowledge);
    this.present = new Snapshot(knowledge);
    this.values = new Float64Array(probe.inputs);
    this.label = new Float64Array(probe.width);
    this.said = new Float64Array(probe.capacity * 3 * head.outputs);
    this.mean = new Float64Array(head.outputs);
  }

  /**
   * Counts a labelled row, and takes it if it is its turn: then it must not be learned from.
   *
   * @returns whether it took it
   * @hot
   */
  hold(raw: Float32Array, rawOff: number, labels: Float64Array, labelOff: number): boolean {
    const { counts, monitor, probe } = this;
    counts[SINCE_LOOK] = counts[SINCE_LOOK] + 1;
    counts[LABELLED] = counts[LABELLED] + 1;
    if (counts[LABELLED] < monitor.every) return false;
    counts[LABELLED] = 0;
    probe.offer(raw, rawOff, labels, labelOff);
    return true;
  }

  /**
   * After a labelled row: looks at the probe if it is time.
   *
   * @returns 0, or FORGOTTEN where forgetting has just been found, with ROLLED_BACK where the best state was put back
   * @hot
   */
  afterRow(): number {
    const { counts, monitor, probe } = this;
    if (counts[SINCE_LOOK] < monitor.interval || probe.size < FEWEST_ROWS) return 0;
    counts[SINCE_LOOK] = 0;
    return this.look();
  }

  private look(): number {
    const { counts, monitor, best, present, sums } = this;
    counts[LOOKS] = counts[LOOKS] + 1;
    this.ask(0);
    if (counts[HAS_BEST] === 1) {
      present.take();
      best.putBack();
      this.refresh();
      this.ask(1);
      present.putBack();
      this.refresh();
    }
    this.judge();
    const skill = sums[2] > 0 ? 1 - sums[0] / sums[2] : 0;
    const bestSkill = counts[HAS_BEST] === 1 && sums[2] > 0 ? 1 - sums[1] / sums[2] : skill;
    counts[SKILL] = skill;
    counts[BEST_SKILL] = bestSkill;
    if (skill >= bestSkill) {
      counts[HAS_BEST] = 1;
      counts[IS_FORGETTING] = 0;
      best.take();
      return 0;
    }
    if (bestSkill < LEAST_SKILL || skill >= (1 - monitor.drop) * bestSkill) {
      counts[IS_FORGETTING] = 0;
      return 0;
    }
    const hasBegun = counts[IS_FORGETTING] === 0;
    counts[IS_FORGETTING] = 1;
    if (hasBegun) counts[EVENTS] = counts[EVENTS] + 1;
    if (!monitor.rollback) return hasBegun ? FORGOTTEN : 0;
    best.putBack();
    this.refresh();
    counts[ROLLBACKS] = counts[ROLLBACKS] + 1;
    counts[IS_FORGETTING] = 0;
    return FORGOTTEN | ROLLED_BACK;
  }

  /** Writes predictions of the whole probe to `said`, as those of `who`. @hot */
  private ask(who: number): void {
    const { probe, learner, scaler, head, values, label, said } = this;
    const { input } = learner.network;
    for (let place = 0; place < probe.size; place++) {
      probe.read(place, values, label);
      scaler.standardise(input, values, 0);
      learner.probe(said, (place * 3 + who) * head.outputs);
    }
  }

  /** Sums the losses of the learner, the best state and the mean over the probe, on today's scale. @hot */
  private judge(): void {
    const { probe, head, kind, values, label, said, mean, losses, sums } = this;
    const { outputs } = head;
    mean.fill(0);
    for (let place = 0; place < probe.size; place++) {
      probe.read(place, values, label);
      if (kind === 'classify') mean[label[0]] = mean[label[0]] + 1;
      else for (let c = 0; c < outputs; c++) mean[c] = mean[c] + label[c];
    }
    for (let c = 0; c < outputs; c++) mean[c] = mean[c] / probe.size;
    sums.fill(0);
    for (let place = 0; place < probe.size; place++) {
      const off = place * 3 * outputs;
      for (let c = 0; c < outputs; c++) said[off + 2 * outputs + c] = mean[c];
      probe.read(place, values, label);
      head.writeLosses(losses, said, off, label, 0, LOSS_LIMIT);
      for (let k = 0; k < 3; k++) sums[k] = sums[k] + losses[k];
    }
  }

  report(): MonitorReport {
    const { counts, probe } = this;
    const hasLooked = counts[LOOKS] > 0;
    return {
      heldOut: probe.seen,
      rows: probe.size,
      looks: counts[LOOKS],
      skill: hasLooked ? counts[SKILL] : null,
      bestSkill: hasLooked ? counts[BEST_SKILL] : null,
      isForgetting: counts[IS_FORGETTING] === 1,
      forgotten: counts[EVENTS],
      rolledBack: counts[ROLLBACKS],
      bytes:
        4 * probe.capacity * (probe.inputs + probe.width) + this.said.byteLength + this.best.bytes + this.present.bytes,
    };
  }

  /** Everything it goes by; with `rollback` it decides about later predictions. */
  state(prefix: string): StateArray[] {
    return [
      { name: `${prefix}.counts`, shape: [this.counts.length], data: this.counts },
      ...this.probe.state(`${prefix}.probe`),
      ...this.best.state(`${prefix}.best`),
    ];
  }
}
