export * from './columns.js';
export * from './difference.js';
export * from './drift.js';
export * from './errors.js';
export * from './history.js';
export * from './memory.js';
export * from './network.js';
export * from './task.js';
