export * from './checkpoints.js';
export * from './config.js';
export { demoConfigPath } from './demo.js';
export { scoreOf, summary, unitOf } from './status.js';
export { type RunOptions, TaskRun } from './task-run.js';
