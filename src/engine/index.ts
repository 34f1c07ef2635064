export { EngineError, type ExecutorKind } from './executor.js';
export * from './network.js';
export { Random } from './random.js';
