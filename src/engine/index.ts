export { EngineError } from './errors.js';
export type { ExecutorKind } from './executor.js';
export type { NetworkState } from './kept-state.js';
export * from './network.js';
export type { ParameterView } from './parameter-store.js';
export { Random } from './random.js';
