import { createNetwork, createSideBySide, type Network, type NetworkState, type SideBySide } from '../engine/index.js';
import type { TensorFile } from '../models/index.js';
import { Mixture, type StateArray } from '../online/index.js';
import type { NetworkSpec } from '../spec/index.js';
import type { Knowledge } from './knowledge.js';
import { LabelAge } from './label-age.js';
import type { ExpertReport, Learner, LearnerOptions, LearnerReport } from './learner.js';
import { joined, partOf, restoreAll, toFile, withPrefix } from './state-parts.js';
import { CURVATURE, setRates } from './step-limit.js';
import type { HeadKind, TaskHead } from './task-head.js';

/**
 * Step sizes of the networks. Steps are softened, so that the last one is as fast as a row can be learned at all. Two
 * start as linear models, which is the better guess where there is much noise or there are many inputs; the one that does
 * not bends sooner.
 */
const NETWORKS = [
  { rate: 0.01, initialiser: 'zeros' },
  { rate: 0.1, initialiser: 'xavier' },
  { rate: 1, initialiser: 'zeros' },
] as const;
/** Hidden tanh units of each network, and random features of the trackers. */
const UNITS = 16;
/** Joins where rows are remembered: it learns those too, after every row. Whether that helps, the race shows. */
const REPLAYER = { rate: 0.1, initialiser: 'xavier' } as const;
/** A loss is cut here, in standard deviations of the target: one row never decides who is believed. */
const LOSS_LIMIT = 3;
/** Errors of a network are cut here before they are learned from, in the same. */
const ERROR_LIMIT = 3;
/** A step of a tracker costs the square of its features: with more inputs there is none. */
const MOST_TRACKED = 32;
/** A law that stays, one that drifts, and one that changes within a hundred rows. Linear ones see the inputs, curved ones random features too. */
const TRACKERS = [
  { isCurved: false, prior: 1, drift: 1e-4, shrinks: true },
  { isCurved: true, prior: 10, drift: 1e-3, shrinks: true },
  { isCurved: true, prior: 10, drift: 1e-2, shrinks: false },
] as const;
/** Of the mixture: strength, and what is left of a loss after a row. */
const MIXING_RATE = 0.5;
const MEMORY = 0.998;
/** What is left of a loss at least, however the race is hastened. */
const LEAST_MEMORY = 0.9;
/** No slot. */
const NONE = -1;

/** A network of the race, for a task of so many inputs and outputs. */
export function raceNetwork(
  kind: HeadKind,
  inputs: number,
  outputs: number,
  { rate, initialiser }: (typeof NETWORKS)[number] | typeof REPLAYER,
): NetworkSpec {
  return {
    inputs,
    layers: [
      { kind: 'dense', units: UNITS, activation: 'tanh' },
      {
        kind: 'dense',
        units: outputs,
        activation: kind === 'regress' ? 'identity' : 'softmax',
        initialiser,
      },
    ],
    loss: kind === 'regress' ? { kind: 'huber', kappa: ERROR_LIMIT } : 'crossEntropy',
    optimizer: { kind: 'sgd', rate },
    shortcut: true,
  };
}

/**
 * Several learners and the naive predictor on every row, their predictions mixed by how well each has lately done. Which of
 * them suits a stream need not be known beforehand.
 *
 * Networks of one shape and different step sizes; trackers for few inputs; the last known value or class. Every one is
 * judged by what it predicted when the row came, before any later label was known.
 */
export class Race implements Learner {
  readonly network: Network;
  readonly loss = new Float64Array(1).fill(Number.NaN);
  private readonly learners: SideBySide;
  private readonly mixture: Mixture;
  private readonly labelAge = new LabelAge();
  private readonly experts: number;
  /** Of the networks. */
  private readonly rates: readonly number[];
  /** Index of the network that learns remembered rows too, −1 for none. */
  private readonly replayer: number;
  /** [networks]: rate · curvature, as declared and as it is now. */
  private readonly declaredFactors: Float64Array;
  private readonly factors: Float64Array;
  /** What rates are multiplied by. */
  private pace = 1;
  /** [experts, outputs]: of a row of the probe. */
  private readonly probed: Float64Array;
  /** [slots, experts, outputs] */
  private readonly kept: Float64Array;
  /** [slots]: whether there was a label to go by when the row was predicted. */
  private readonly isKept: Int32Array;
  /** [0]: the slot of the row whose forward passes stand in the arena as a step would make them, or NONE. */
  private readonly forwarded = Int32Array.of(NONE);

  constructor(
    private readonly head: TaskHead,
    { kind, inputs, slots, seed, executor, replays, reserve }: LearnerOptions,
  ) {
    const { outputs } = head;
    const specs = replays ? [...NETWORKS, REPLAYER] : NETWORKS;
    this.rates = specs.map(({ rate }) => rate);
    this.replayer = replays ? NETWORKS.length : -1;
    this.learners = createSideBySide(
      {
        networks: specs.map((network) => raceNetwork(kind, inputs, outputs, network)),
        seeds: specs.map((_, k) => (seed + k * 0x9e3779b9) % 2 ** 32),
        bank: inputs <= MOST_TRACKED ? { inputs, outputs, units: UNITS, trackers: TRACKERS } : undefined,
        bankSeed: seed,
      },
      { executor, reserve },
    );
    const { networks, bank } = this.learners;
    this.network = networks[0];
    this.experts = networks.length + (bank?.outputs.length ?? 0) + 1;
    this.mixture = new Mixture(this.experts, MIXING_RATE, MEMORY);
    this.declaredFactors = Float64Array.from(this.rates, (rate) => rate * CURVATURE[kind]);
    this.factors = this.declaredFactors.slice();
    this.probed = new Float64Array(this.experts * outputs);
    this.kept = new Float64Array(slots * this.experts * outputs);
    this.isKept = new Int32Array(slots);
  }

  /** @hot */
  predict(slot: number): void {
    const { head, experts, kept, isKept, labelAge } = this;
    labelAge.pass();
    const off = slot * experts * head.outputs;
    this.ask(kept, off);
    this.forwarded[0] = slot;
    isKept[slot] = head.knowsLabel() ? 1 : 0;
    this.mix(kept, off, head.prediction, 0);
  }

  /** @hot */
  probe(to: Float64Array, off: number): void {
    this.forwarded[0] = NONE;
    this.ask(this.probed, 0);
    this.mix(this.probed, 0, to, off);
  }

  /** Writes what every contestant says of the row in `network.input` to to[off … off + experts · outputs). @hot */
  private ask(to: Float64Array, off: number): void {
    const { head, learners } = this;
    const { networks, bank } = learners;
    const { outputs } = head;
    learners.predict();
    let at = off;
    for (let k = 0; k < networks.length; k++, at += outputs) head.unscale(to, at, networks[k].output);
    if (bank !== undefined) {
      for (let k = 0; k < bank.outputs.length; k++, at += outputs) head.unscaleLinear(to, at, bank.outputs[k]);
    }
    head.writeNaive(to, at);
  }

  /** Writes the weighted mean of said[saidOff …] to to[off … off + outputs). @hot */
  private mix(said: Float64Array, saidOff: number, to: Float64Array, off: number): void {
    const { head, experts, mixture } = this;
    const { outputs } = head;
    const { weights } = mixture;
    const naive = experts - 1;
    const others = 1 - weights[naive];
    // A naive predictor without labels to go by is left out, unless nobody else is believed at all.
    const isOut = this.labelAge.isStale() && others > 0;
    const count = isOut ? naive : experts;
    const scale = isOut ? 1 / others : 1;
    for (let c = 0; c < outputs; c++) {
      let sum = 0;
      for (let k = 0, i = saidOff + c; k < count; k++, i += outputs) {
        if (!Number.isFinite(said[i])) said[i] = 0;
        sum += weights[k] * scale * said[i];
      }
      to[off + c] = sum;
    }
  }

  /** @hot */
  judge(slot: number, labels: Float64Array, off: number): void {
    const { head, experts, kept, isKept, mixture, forwarded } = this;
    if (forwarded[0] !== slot) forwarded[0] = NONE;
    this.labelAge.receive();
    if (isKept[slot] !== 1) return;
    head.writeLosses(mixture.losses, kept, slot * experts * head.outputs, labels, off, LOSS_LIMIT);
    mixture.update();
  }

  /** @hot */
  learn(): boolean {
    const { head, learners, factors, forwarded } = this;
    const { networks, bank } = learners;
    const { input, target } = this.network;
    let length = UNITS + 1;
    for (let i = 0; i < input.length; i++) length += input[i] * input[i];
    // Safe by the size of the row: whatever the rate, a step cannot overshoot, and a small rate is hardly touched.
    for (let k = 0; k < networks.length; k++) networks[k].rowWeights[0] = 1 / (1 + factors[k] * length);
    if (bank !== undefined) head.centre(bank.target, target);
    // A label that comes before the next row finds the forward passes of its own row still there.
    const isForwarded = forwarded[0] !== NONE;
    forwarded[0] = NONE;
    return learners.learn(isForwarded) === 0;
  }

  /** Networks take longer steps, trackers expect more drift, and losses are forgotten faster, all by one factor. */
  hasten(factor: number): void {
    const { factors, declaredFactors, mixture } = this;
    const { networks, bank } = this.learners;
    this.pace = factor;
    networks.forEach((network, k) => {
      setRates(network, factor);
      factors[k] = declaredFactors[k] * factor;
    });
    bank?.hasten(factor);
    mixture.memory = Math.max(1 - (1 - MEMORY) * factor, LEAST_MEMORY);
  }

  /** Until labels of rows it has predicted itself come, it is judged by what the naive predictor said of them. */
  renew(seed: number): void {
    const { mixture, experts, kept, isKept } = this;
    const { networks } = this.learners;
    this.forwarded[0] = NONE;
    const { outputs } = this.head;
    let worst = 0;
    for (let k = 1; k < networks.length; k++) if (mixture.sums[k] > mixture.sums[worst]) worst = k;
    const network = networks[worst];
    const { tensors, metadata } = createNetwork(network.plan.network, { seed, executor: 'reference' }).state();
    network.restore(toFile({ tensors, metadata: { ...metadata, steps: String(network.steps) } }));
    setRates(network, this.pace);
    for (let row = 0; row < isKept.length * experts; row += experts) {
      for (let c = 0; c < outputs; c++) {
        kept[(row + worst) * outputs + c] = kept[(row + experts - 1) * outputs + c];
      }
    }
    mixture.demote(worst);
  }

  /** @hot */
  replay(): boolean {
    const { replayer, factors } = this;
    if (replayer < 0) return true;
    const { networks } = this.learners;
    this.forwarded[0] = NONE;
    const { input } = this.network;
    let length = UNITS + 1;
    for (let i = 0; i < input.length; i++) length += input[i] * input[i];
    networks[replayer].rowWeights[0] = 1 / (1 + factors[replayer] * length);
    return networks[replayer].tryStep();
  }

  knowledge(): Knowledge {
    const { networks, bank } = this.learners;
    return {
      spans: networks.map((network) => network.weightSpan()),
      arrays: bank?.state('') ?? [],
      settle: () => {
        this.forwarded[0] = NONE;
        bank?.settle();
      },
    };
  }

  hash(): string {
    return this.learners.networks.map((network) => network.hash()).join(' ');
  }

  arrays(): StateArray[] {
    const { kept, isKept, experts, mixture } = this;
    return [
      ...mixture.state('stream.race.mixture'),
      ...this.labelAge.state('stream.race.label'),
      ...this.head.naiveState('stream.race.naive'),
      { name: 'stream.race.kept', shape: [isKept.length, experts, this.head.outputs], data: kept },
      { name: 'stream.race.isKept', shape: [isKept.length], data: isKept },
      ...(this.learners.bank?.state('stream.race.trackers') ?? []),
    ];
  }

  scores(): StateArray[] {
    return [];
  }

  /** The networks' own states, each under `networks.k.`. */
  state(): NetworkState {
    return joined(this.learners.networks.map((network, k) => withPrefix(network.state(), prefixOf(k))));
  }

  restore(state: TensorFile): void {
    this.forwarded[0] = NONE;
    restoreAll(
      this.learners.networks,
      (network) => network.state(),
      (network, k) => network.restore(partOf(state, prefixOf(k))),
      (network, before) => network.restore(before),
    );
  }

  report(): LearnerReport {
    const { mixture, rates, replayer } = this;
    const { networks } = this.learners;
    const { weights } = mixture;
    const experts = Array.from(weights, (weight, k): ExpertReport => {
      const tracker = TRACKERS[k - networks.length];
      const isNaive = k === weights.length - 1;
      return {
        kind:
          k === replayer
            ? 'replay'
            : k < networks.length
              ? 'network'
              : isNaive
                ? 'naive'
                : tracker.isCurved
                  ? 'tracker'
                  : 'linear',
        rate: k < networks.length ? rates[k] : isNaive ? null : tracker.drift,
        weight,
        loss: mixture.meanLoss(k),
      };
    });
    return { kind: 'race', leader: mixture.leader(), experts };
  }
}

const prefixOf = (k: number): string => `networks.${k}.`;
