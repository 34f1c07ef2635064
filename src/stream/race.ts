import {
  createNetwork,
  createSideBySide,
  type Mixture,
  type Network,
  type NetworkState,
  type SideBySide,
  type WeightSpan,
} from '../engine/index.js';
import type { TensorFile } from '../models/index.js';
import type { StateArray } from '../online/index.js';
import type { NetworkSpec } from '../spec/index.js';
import type { Knowledge } from './knowledge.js';
import { LabelAge } from './label-age.js';
import type { ExpertReport, Learner, LearnerOptions, LearnerReport } from './learner.js';
import { RateGrid } from './rate-grid.js';
import { joined, partOf, restoreAll, toFile, withPrefix } from './state-parts.js';
import { CURVATURE } from './step-limit.js';
import type { HeadKind, TaskHead } from './task-head.js';

/**
 * Step sizes the networks begin with. Steps are softened, so that the last one is as fast as a row can be learned at all. Two
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
/** A loss is cut here, in standard deviations of the target, or Brier's score: one row never decides who is believed. */
const LOSS_LIMIT = { regress: 3, classify: 2 };
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
  private readonly rates: RateGrid;
  /** Of the networks. */
  private readonly spans: readonly WeightSpan[];
  private readonly curvature: number;
  /** Index of the network that learns remembered rows too, −1 for none. */
  private readonly replayer: number;
  /** What rates are multiplied by. */
  private pace = 1;
  /** [outputs]: what was predicted before a probe. */
  private readonly predicted: Float64Array;
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
    this.rates = new RateGrid(specs.map(({ rate }) => rate));
    this.curvature = CURVATURE[kind];
    this.replayer = replays ? NETWORKS.length : -1;
    this.learners = createSideBySide(
      {
        networks: specs.map((network) => raceNetwork(kind, inputs, outputs, network)),
        seeds: specs.map((_, k) => (seed + k * 0x9e3779b9) % 2 ** 32),
        bank: inputs <= MOST_TRACKED ? { inputs, outputs, units: UNITS, trackers: TRACKERS } : undefined,
        bankSeed: seed,
        mixture: {
          outputs,
          isClasses: kind === 'classify',
          slots,
          rate: MIXING_RATE,
          memory: MEMORY,
          limit: LOSS_LIMIT[kind],
          // Safe by the size of the row: whatever the rate, a step cannot overshoot, and a small rate is hardly touched.
          factors: specs.map(({ rate }) => rate * CURVATURE[kind]),
          others: UNITS + 1,
        },
      },
      { executor, reserve },
    );
    this.network = this.learners.networks[0];
    this.spans = this.learners.networks.map((network) => network.weightSpan());
    this.mixture = this.learners.mixture!;
    head.moveTo(this.mixture);
    this.predicted = new Float64Array(outputs);
    this.isKept = new Int32Array(slots);
  }

  /** @hot */
  predict(slot: number): void {
    const { head, isKept } = this;
    this.labelAge.pass();
    this.ask(slot);
    this.forwarded[0] = slot;
    isKept[slot] = head.knowsLabel() ? 1 : 0;
  }

  /** @hot */
  probe(to: Float64Array, off: number): void {
    const { predicted } = this;
    const { prediction } = this.head;
    this.forwarded[0] = NONE;
    for (let c = 0; c < predicted.length; c++) predicted[c] = prediction[c];
    this.ask(this.isKept.length);
    for (let c = 0; c < predicted.length; c++) {
      to[off + c] = prediction[c];
      prediction[c] = predicted[c];
    }
  }

  /** What all say of the row in `network.input`, weighted, to the head's prediction. @hot */
  private ask(slot: number): void {
    const { head, mixture } = this;
    head.tellNaive(mixture);
    // A naive predictor without labels to go by is left out, unless nobody else is believed at all.
    mixture.predict(slot, this.labelAge.isStale());
  }

  /** @hot */
  judge(slot: number, labels: Float64Array, off: number): void {
    const { head, isKept, mixture, forwarded } = this;
    if (forwarded[0] !== slot) forwarded[0] = NONE;
    this.labelAge.receive();
    if (isKept[slot] !== 1) return;
    head.writeLabel(mixture.label, labels, off);
    mixture.judge(slot);
    if (this.rates.judge(mixture.sums)) this.follow();
  }

  /** The network that has lost goes on from the weights of the one that has won, at a rate of its own. */
  private follow(): void {
    const { spans, mixture } = this;
    const { winner, loser } = this.rates;
    spans[winner].settle();
    spans[loser].settle();
    spans[loser].values.set(spans[winner].values);
    spans[loser].replaced();
    this.setRate(loser);
    mixture.follow(loser, winner);
    this.forwarded[0] = NONE;
  }

  private setRate(k: number): void {
    const network = this.learners.networks[k];
    const rate = this.rates.rateOf(k);
    network.rate = rate * this.pace;
    network.biasRate = rate * this.pace;
    this.mixture.factors[k] = rate * this.curvature * this.pace;
  }

  /** @hot */
  learn(): boolean {
    const { mixture, forwarded } = this;
    // A label that comes before the next row finds the forward passes of its own row still there.
    const isForwarded = forwarded[0] !== NONE;
    forwarded[0] = NONE;
    return mixture.learn(isForwarded) === 0;
  }

  /** Networks take longer steps, trackers expect more drift, and losses are forgotten faster, all by one factor. */
  hasten(factor: number): void {
    const { networks, bank } = this.learners;
    this.pace = factor;
    for (let k = 0; k < networks.length; k++) this.setRate(k);
    bank?.hasten(factor);
    this.mixture.remember(Math.max(1 - (1 - MEMORY) * factor, LEAST_MEMORY));
  }

  /** Until labels of rows it has predicted itself come, it is judged by what the naive predictor said of them. */
  renew(seed: number): void {
    const { mixture } = this;
    const { networks } = this.learners;
    this.forwarded[0] = NONE;
    let worst = 0;
    for (let k = 1; k < networks.length; k++) if (mixture.sums[k] > mixture.sums[worst]) worst = k;
    const network = networks[worst];
    const { tensors, metadata } = createNetwork(network.plan.network, { seed, executor: 'reference' }).state();
    network.restore(toFile({ tensors, metadata: { ...metadata, steps: String(network.steps) } }));
    this.rates.reset(worst);
    this.setRate(worst);
    mixture.demote(worst);
  }

  /** @hot */
  replay(): boolean {
    const { replayer } = this;
    if (replayer < 0) return true;
    this.forwarded[0] = NONE;
    this.mixture.soften();
    return this.learners.networks[replayer].tryStep();
  }

  knowledge(): Knowledge {
    const { bank } = this.learners;
    return {
      spans: this.spans,
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
    const { isKept, mixture } = this;
    return [
      ...mixture.state('stream.race.mixture'),
      ...this.rates.state('stream.race.rates'),
      ...this.labelAge.state('stream.race.label'),
      ...this.head.naiveState('stream.race.naive'),
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
        rate: k < networks.length ? rates.rateOf(k) : isNaive ? null : tracker.drift,
        weight,
        loss: mixture.meanLoss(k),
      };
    });
    return { kind: 'race', leader: mixture.leader(), experts };
  }
}

const prefixOf = (k: number): string => `networks.${k}.`;
