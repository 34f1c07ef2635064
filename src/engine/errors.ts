import { EdgegradError } from '../spec/index.js';

/** Something about this machine or call keeps a network from being made or used. */
export class EngineError extends EdgegradError {}

/** An argument is not what the network can take. */
export function wrongArgument(where: string, found: string, expected: string): EngineError {
  return new EngineError('ENGINE_ARGUMENT', { where, found, expected });
}
