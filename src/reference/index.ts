export * from './executor.js';
export * from './math.js';
