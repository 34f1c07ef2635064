import { EdgegradError } from '../spec/index.js';

/** A log cannot be replayed, read or written. */
export class RecordingError extends EdgegradError {}

/** An input has ended, and nothing in it could be read as a row. The command line exits with 1. */
export class NothingRead extends RecordingError {}
