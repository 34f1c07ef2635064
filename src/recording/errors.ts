import { EdgegradError } from '../spec/index.js';

/** A log cannot be replayed, read or written. */
export class RecordingError extends EdgegradError {}
