export { type LineCounters, REJECT_REASONS } from './counters.js';
export { LineDecoder, type LineDecoderOptions } from './decoder.js';
export { MAX_LINE_BYTES } from './fields.js';
export type { TextFormat } from './format.js';
