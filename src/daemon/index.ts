export * from './checkpoints.js';
export * from './config.js';
export { Daemon, type DaemonOptions } from './daemon.js';
export { demoConfigPath } from './demo.js';
export { scoreOf, summary, unitOf } from './status.js';
export { checkTogether } from './together.js';
