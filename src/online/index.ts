export * from './metrics.js';
export * from './mixture.js';
export * from './random-features.js';
export * from './scaler.js';
export * from './state.js';
export * from './tracker.js';
export * from './window.js';
