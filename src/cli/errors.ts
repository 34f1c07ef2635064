import { DaemonError } from '../daemon/index.js';
import { NothingRead } from '../recording/index.js';
import { EdgegradError } from '../spec/index.js';

/** What was to be checked is not as it should be. */
export class CheckFailed extends EdgegradError {}

/** Wrong usage or configuration. */
export const EXIT_USAGE = 2;
/** Failed while running. */
export const EXIT_FAILED = 1;

export function exitCodeOf(error: unknown): number {
  const isFailure = error instanceof DaemonError || error instanceof CheckFailed || error instanceof NothingRead;
  return error instanceof EdgegradError && !isFailure ? EXIT_USAGE : EXIT_FAILED;
}

/** One line for a person; a stack only where the error is none of ours and so a defect. */
export function messageOf(error: unknown): string {
  if (error instanceof EdgegradError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
