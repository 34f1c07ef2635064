export { EngineError } from './errors.js';
export type { ExecutorKind } from './executor.js';
export type { NetworkState } from './kept-state.js';
export { createNetwork, type Gradient, loadNetwork, Network, type NetworkOptions, type Refusals } from './network.js';
export type { ParameterView } from './parameter-store.js';
export { Random } from './random.js';
export * from './side-by-side.js';
export * from './tracker-bank.js';
export type { WeightSpan } from './weight-span.js';
