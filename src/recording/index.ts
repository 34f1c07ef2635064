export { RecordingError } from './errors.js';
export * from './events.js';
export * from './pipeline.js';
export * from './reader.js';
export * from './recorder.js';
export * from './replay.js';
export { makeDirectory } from './segments.js';
