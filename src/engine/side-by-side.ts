import { type Plan, planNetwork, planTrackerBank, type TrackerBankSpec } from '../plan/index.js';
import { type NetworkSpec, resolveNetwork } from '../spec/index.js';
import { createArena } from './executor.js';
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
}

/** Learners in one arena, whose `input` is one and the same row; so is the `target` of the networks. */
export interface SideBySide {
  readonly networks: readonly Network[];
  readonly bank: TrackerBank | undefined;
}

/**
 * Makes several learners of one row in one arena, each on its own otherwise. One executor runs them all, so that a call
 * site that steps any of them stays one V8 can inline.
 *
 * @param options `reserve` is of the first network
 */
export function createSideBySide(
  { networks: specs, seeds, bank, bankSeed = 1 }: SideBySideSpec,
  { executor = 'auto', reserve }: Pick<NetworkOptions, 'executor' | 'reserve'> = {},
): SideBySide {
  const plans: Plan[] = [];
  specs.forEach((spec, k) => {
    plans.push(planNetwork(resolveNetwork(spec), k === 0 ? { reserve } : { after: plans[k - 1] }));
  });
  const last = plans[plans.length - 1];
  const bankPlan = bank && planTrackerBank(bank, { floats: last.floats, input: plans[0].region('x') });
  const arena = createArena(plans, executor, bankPlan?.bytes ?? last.bytes);
  return {
    networks: plans.map((plan, k) => new Network(plan.network, { seed: seeds[k], executor }, { plan, arena })),
    bank: bankPlan && new TrackerBank(bankPlan, bankSeed, arena),
  };
}
