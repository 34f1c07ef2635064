import { createNetwork, type Network, type NetworkState } from '../engine/index.js';
import type { TensorFile } from '../models/index.js';
import { CLIP, Consolidation, type StateArray } from '../online/index.js';
import type { ResolvedNetwork } from '../spec/index.js';
import type { Knowledge } from './knowledge.js';
import { LabelAge } from './label-age.js';
import type { Learner, LearnerOptions, LearnerReport } from './learner.js';
import { StepLimit, setRates } from './step-limit.js';
import type { TaskHead } from './task-head.js';
import type { ResolvedTaskNetwork } from './task-network.js';

/** What is left of a loss after a row, where network and naive predictor are compared: about 50 rows count. */
const MEMORY = 0.98;
/** How many times as wrong as the naive predictor a network may be before it is no longer published. */
const WORST = 2;
/** Standardised outputs beyond ± this are cut: no target of a step was ever larger than half of it. */
const LARGEST = 2 * CLIP;
/** Σ MEMORY^age from which on the comparison counts: 20 rows. */
const ENOUGH = 16;

const NETWORK = 0;
const NAIVE = 1;
const MASS = 2;

const LIMITED_STEPS = 0;
const CLIPPED_ROWS = 1;
const NAIVE_ROWS = 2;

/**
 * One declared network. With safety on, steps too long for their row are shortened, outputs far beyond every target are cut,
 * and while the network has lately been more than twice as wrong as the naive predictor, that one's prediction is given
 * instead. The last two change what is published, never what is learned.
 */
export class NetworkLearner implements Learner {
  readonly network: Network;
  readonly loss: Float32Array;
  private readonly safety: boolean;
  private readonly consolidation: Consolidation | undefined;
  private readonly limit: StepLimit | undefined;
  private readonly labelAge = new LabelAge();
  /** [slots, 2, outputs]: what the network said, and the naive predictor. */
  private readonly kept: Float64Array;
  /** [slots]: whether there was a label to go by when the row was predicted. */
  private readonly isKept: Int32Array;
  /** [2], of one row. */
  private readonly losses = new Float64Array(2);
  /** [3]: Σ MEMORY^age · loss of the network · of the naive predictor · Σ MEMORY^age. */
  private readonly sums = new Float64Array(3);
  private readonly counts = new Float64Array(3);

  constructor(
    private readonly head: TaskHead,
    declared: ResolvedNetwork,
    { safety, consolidation }: Pick<ResolvedTaskNetwork, 'safety' | 'consolidation'>,
    { kind, slots, seed, executor, reserve }: LearnerOptions,
  ) {
    this.safety = safety;
    this.network = createNetwork(declared, { seed, executor, reserve, gradients: consolidation !== undefined });
    this.loss = this.network.loss;
    this.consolidation = consolidation && new Consolidation(this.network.weightSpan(), consolidation);
    this.limit = safety ? new StepLimit(this.network, kind) : undefined;
    this.kept = new Float64Array(safety ? slots * 2 * head.outputs : 0);
    this.isKept = new Int32Array(safety ? slots : 0);
  }

  /** @hot */
  predict(slot: number): void {
    const { head, network, kept, isKept, counts, labelAge } = this;
    const { outputs, prediction } = head;
    network.forward();
    if (!this.safety) {
      head.unscale(prediction, 0, network.output);
      return;
    }
    if (this.clip()) counts[CLIPPED_ROWS] = counts[CLIPPED_ROWS] + 1;
    head.unscale(prediction, 0, network.output);
    labelAge.pass();
    const off = slot * 2 * outputs;
    head.writeNaive(kept, off + outputs);
    for (let c = 0; c < outputs; c++) kept[off + c] = prediction[c];
    isKept[slot] = head.knowsLabel() ? 1 : 0;
    if (isKept[slot] === 1 && this.isLost() && !labelAge.isStale()) {
      for (let c = 0; c < outputs; c++) prediction[c] = kept[off + outputs + c];
      counts[NAIVE_ROWS] = counts[NAIVE_ROWS] + 1;
    }
  }

  /** Outputs are cut, whatever `safety` says. @hot */
  probe(to: Float64Array, off: number): void {
    const { head, network } = this;
    network.forward();
    this.clip();
    head.unscale(to, off, network.output);
  }

  /** Cuts outputs to ±LARGEST. @returns whether one was beyond @hot */
  private clip(): boolean {
    const { output } = this.network;
    let isClipped = false;
    for (let c = 0; c < output.length; c++) {
      const v = output[c];
      if (v >= -LARGEST && v <= LARGEST) continue;
      output[c] = v < 0 ? -LARGEST : LARGEST;
      isClipped = true;
    }
    return isClipped;
  }

  /** @hot */
  private isLost(): boolean {
    const { sums } = this;
    return sums[MASS] > ENOUGH && sums[NETWORK] > WORST * sums[NAIVE];
  }

  /** @hot */
  judge(slot: number, labels: Float64Array, off: number): void {
    const { head, kept, isKept, losses, sums } = this;
    if (!this.safety) return;
    this.labelAge.receive();
    if (isKept[slot] !== 1) return;
    head.writeLosses(losses, kept, slot * 2 * head.outputs, labels, off, 2 * LARGEST);
    for (let k = 0; k < 2; k++) {
      const sum = sums[k] * MEMORY + losses[k];
      sums[k] = sum < 1e-100 ? 0 : sum;
    }
    sums[MASS] = sums[MASS] * MEMORY + 1;
  }

  /** @hot */
  learn(): boolean {
    this.shorten();
    const { network, consolidation } = this;
    consolidation?.beforeStep();
    if (!network.tryStep()) return false;
    consolidation?.afterStep();
    return true;
  }

  /** @hot */
  replay(): boolean {
    const { network, consolidation } = this;
    this.shorten();
    consolidation?.beforeStep();
    if (!network.tryStep()) return false;
    consolidation?.afterStep();
    return true;
  }

  /** @hot */
  private shorten(): void {
    const { limit, counts } = this;
    if (limit?.shorten()) counts[LIMITED_STEPS] = counts[LIMITED_STEPS] + 1;
  }

  knowledge(): Knowledge {
    return { spans: [this.network.weightSpan()], arrays: this.consolidation?.state('') ?? [] };
  }

  hasten(factor: number): void {
    if (this.limit !== undefined) this.limit.hasten(factor);
    else setRates(this.network, factor);
  }

  /** There is no other network to believe meanwhile; `createStream` refuses a policy that would ask for it. */
  renew(): void {}

  hash(): string {
    return this.network.hash();
  }

  /** Of the network alone, and of what holds its weights. */
  arrays(): StateArray[] {
    return this.consolidation?.state('stream.consolidation') ?? [];
  }

  scores(): StateArray[] {
    const { kept, isKept } = this;
    const naive = this.head.naiveState('stream.naive');
    if (!this.safety) return naive;
    return [
      ...naive,
      { name: 'stream.safety.kept', shape: [isKept.length, 2, this.head.outputs], data: kept },
      { name: 'stream.safety.isKept', shape: [isKept.length], data: isKept },
      { name: 'stream.safety.sums', shape: [this.sums.length], data: this.sums },
      { name: 'stream.safety.counts', shape: [this.counts.length], data: this.counts },
      ...this.labelAge.state('stream.safety.label'),
    ];
  }

  state(): NetworkState {
    return this.network.state();
  }

  restore(state: TensorFile): void {
    this.network.restore(state);
  }

  report(): LearnerReport {
    const { safety, counts, consolidation } = this;
    return {
      kind: 'network',
      safety,
      limitedSteps: counts[LIMITED_STEPS],
      clippedRows: counts[CLIPPED_ROWS],
      naiveRows: counts[NAIVE_ROWS],
      ...(consolidation === undefined ? {} : { consolidated: consolidation.consolidated }),
    };
  }
}
