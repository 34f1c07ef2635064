export * from './metrics.js';
export * from './scaler.js';
export * from './state.js';
export * from './window.js';
