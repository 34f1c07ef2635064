export * from './checkpoints.js';
export * from './config.js';
export { demoConfigPath, type RunOptions, run } from './run.js';
export { scoreOf, summary, unitOf } from './status.js';
