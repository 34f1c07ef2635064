export * from './constants.js';
export * as layout from './layout.js';
export * from './mixture.js';
export * from './plan.js';
export * from './space.js';
export * from './tracker-bank.js';
