import * as v from 'valibot';
import type { ResolvedConsolidation } from '../online/index.js';
import {
  type Initialiser,
  type LayerSpec,
  type NetworkSpec,
  type OptimizerSpec,
  type ResolvedNetwork,
  resolveNetwork,
  SpecError,
} from '../spec/index.js';
import { parse } from '../spec/parse.js';
import { taskNetworkEntries } from '../spec/task-network-schemas.js';
import type { HeadKind } from './task-head.js';

/** The part of a network a user chooses for a task; the task adds inputs, output layer and loss. */
export interface TaskNetwork {
  /** Hidden layers, from the inputs up; an empty list is a linear model. Default: one dense layer of 16 tanh units. */
  layers?: LayerSpec[];
  /** Default: sgd, rate 0.02 for `regress`, 0.05 for `classify`. */
  optimizer?: OptimizerSpec;
  /** How the output layer's weights start. Default `xavier`. */
  outputInitialiser?: Initialiser;
  /** Adds a linear path from the inputs to the outputs. Default false. */
  shortcut?: boolean;
  /**
   * Shortens steps that would overshoot, and gives the naive predictor's prediction while the network is more than twice
   * as wrong; both are counted. Default true.
   */
  safety?: boolean;
  /** Holds weights that were important for what was learned before. Default none. */
  consolidation?: ConsolidationSpec;
}

/** `strength` is λ of ewc, c of si; `interval` (default 500) counts steps; `keep` is γ (default 0.9), `damping` ξ (default 0.1). */
export type ConsolidationSpec =
  | { kind: 'ewc'; strength: number; interval?: number; keep?: number }
  | { kind: 'si'; strength: number; interval?: number; damping?: number };

/** The same with every default filled in. */
export interface ResolvedTaskNetwork {
  layers: ResolvedNetwork['layers'];
  optimizer: ResolvedNetwork['optimizer'];
  outputInitialiser: Initialiser;
  shortcut: boolean;
  safety: boolean;
  consolidation?: ResolvedConsolidation;
}

/** Whether a task names a network: any key of it. Without one it gets a race. */
export function isNamed(network: TaskNetwork | undefined): network is TaskNetwork {
  return network !== undefined && Object.values(network).some((value) => value !== undefined);
}

const taskNetworkSchema = v.strictObject(taskNetworkEntries);

/** Default step size η of a task. */
const RATE = { regress: 0.02, classify: 0.05 };

/**
 * Checks the network of a task, fills in its defaults and puts the task's output layer and loss on top.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function resolveTaskNetwork(
  value: unknown,
  kind: HeadKind,
  inputs: number,
  outputs: number,
  quantiles: readonly number[] = [],
): { taskNetwork: ResolvedTaskNetwork; network: ResolvedNetwork } {
  const chosen = parse(taskNetworkSchema, value, 'network');
  const { consolidation } = chosen;
  const outputInitialiser = chosen.outputInitialiser ?? 'xavier';
  const network = resolveNetwork({
    inputs,
    layers: [
      ...((chosen.layers as LayerSpec[] | undefined) ?? [{ kind: 'dense', units: 16, activation: 'tanh' }]),
      {
        kind: 'dense',
        units: outputs,
        activation: kind === 'regress' ? 'identity' : 'softmax',
        initialiser: outputInitialiser,
      },
    ],
    loss:
      quantiles.length > 0
        ? { kind: 'quantile', quantiles: [...quantiles] }
        : kind === 'regress'
          ? 'squaredError'
          : 'crossEntropy',
    optimizer: chosen.optimizer ?? { kind: 'sgd', rate: RATE[kind] },
    shortcut: chosen.shortcut,
  } satisfies NetworkSpec);
  if (consolidation !== undefined && network.optimizer.accumulate > 1) {
    throw new SpecError('SPEC_CONSOLIDATION', {
      where: 'network.consolidation',
      found: `it beside optimizer.accumulate ${network.optimizer.accumulate}`,
      expected: 'accumulate 1: importances are those of single rows',
    });
  }
  return {
    taskNetwork: {
      layers: network.layers.slice(0, -1),
      optimizer: network.optimizer,
      outputInitialiser,
      shortcut: network.shortcut,
      safety: chosen.safety ?? true,
      ...(consolidation === undefined ? {} : { consolidation }),
    },
    network,
  };
}
