export * from './checkpoints.js';
export * from './config.js';
export { Daemon, type DaemonOptions } from './daemon.js';
export { demoConfigPath } from './demo.js';
export { reasonsIn, refusedLines, wordsOf } from './refusals.js';
export { replayWithin } from './replay-budget.js';
export { measureRowUs } from './row-time.js';
export { scoreOf, summary, unitOf } from './status.js';
export { checkTogether } from './together.js';
