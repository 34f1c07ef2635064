import {
  layout as L,
  type MixtureSpec,
  type Plan,
  pad4,
  planMixture,
  planNetwork,
  planTrackerBank,
  type TrackerBankSpec,
} from '../plan/index.js';
import { type NetworkSpec, resolveNetwork } from '../spec/index.js';
import { wrongArgument } from './errors.js';
import { type Arena, createArena } from './executor.js';
import { Mixture } from './mixture.js';
import { Network, type NetworkOptions } from './network.js';
import { TrackerBank } from './tracker-bank.js';

/** What lies side by side in one arena. */
export interface SideBySideSpec {
  /** Networks of as many inputs and outputs each, with m = 1. */
  readonly networks: readonly NetworkSpec[];
  /** Seeds of their weights, one for each. */
  readonly seeds: readonly number[];
  /** Trackers, and the seed of their features. */
  readonly bank?: TrackerBankSpec;
  readonly bankSeed?: number;
  /** How what they say is mixed. */
  readonly mixture?: MixtureSpec;
}

/**
 * Learners in one arena, whose `input` is one and the same row; so is the `target` of the networks. One call predicts with all
 * of them, one trains them; each can be worked with on its own too.
 */
export class SideBySide {
  readonly #arena: Arena;
  readonly #group: number;

  constructor(
    readonly networks: readonly Network[],
    readonly bank: TrackerBank | undefined,
    readonly mixture: Mixture | undefined,
    arena: Arena,
    group: number,
  ) {
    this.#arena = arena;
    this.#group = group;
    const headers = networks.map(({ plan }) => plan.region('plan').offset);
    arena.words.set([networks.length, bank?.plan.bank.offset ?? 0, ...headers], group);
  }

  /** `forward` of every network and `predict` of the bank. @hot */
  predict(): void {
    this.#arena.executor.predictGroup(this.#group);
  }

  /**
   * `step` of every network and `learn` of the bank, on `input` and their targets.
   *
   * @param isForwarded whether `predict` was called on this row last, input, parameters and state being the same since: the
   * same then, with less to do
   * @returns how many steps were refused
   * @hot
   */
  learn(isForwarded: boolean): number {
    return this.#arena.executor.learnGroup(this.#group, isForwarded ? 1 : 0);
  }
}

/**
 * Makes several learners of one row in one arena.
 *
 * @param options `reserve` is of the first network
 * @throws EngineError for a network with a schedule of rates
 */
export function createSideBySide(
  { networks: specs, seeds, bank, bankSeed = 1, mixture }: SideBySideSpec,
  { executor = 'auto', reserve }: Pick<NetworkOptions, 'executor' | 'reserve'> = {},
): SideBySide {
  const plans: Plan[] = [];
  specs.forEach((spec, k) => {
    const network = resolveNetwork(spec);
    if (network.optimizer.schedule !== undefined) throw wrongArgument(`networks[${k}]`, 'a schedule of rates', 'none');
    plans.push(planNetwork(network, k === 0 ? { reserve } : { after: plans[k - 1] }));
  });
  const last = plans[plans.length - 1];
  const bankPlan = bank && planTrackerBank(bank, { floats: last.floats, input: plans[0].region('x') });
  const group = bankPlan?.floats ?? last.floats;
  const groupEnd = group + pad4(L.G_HEADERS + plans.length);
  const experts = plans.length + (bank?.trackers.length ?? 0) + 1;
  const mixturePlan = mixture && planMixture(mixture, experts, group, groupEnd);
  const arena = createArena(plans, executor, 4 * (mixturePlan?.floats ?? groupEnd));
  return new SideBySide(
    plans.map((plan, k) => new Network(plan.network, { seed: seeds[k], executor }, { plan, arena })),
    bankPlan && new TrackerBank(bankPlan, bankSeed, arena),
    mixturePlan && new Mixture(mixturePlan, arena),
    arena,
    group,
  );
}
