export * from './pipeline.js';
export * from './replay.js';
