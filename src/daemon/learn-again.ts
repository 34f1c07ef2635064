import { catchUp } from '../recording/index.js';
import type { Stream } from '../stream/index.js';
import type { Config } from './config.js';
import type { Priority } from './journal.js';

/** Between lines about rows that are learned again. */
const SAY_MS = 5000;

export interface AgainOptions {
  /** There is no checkpoint. */
  isFresh: boolean;
  /** The configuration as it is recorded. */
  resolved: Config;
  say(text: string, priority?: Priority): void;
  /** Told where it takes long: a service manager waits for a start, but not for ever. */
  isReady(what: string): Promise<void>;
  /** The run is to end: it is broken off. */
  isEnded(): boolean;
}

/**
 * Learns what was received after the checkpoint a stream stands at, where it was recorded.
 *
 * @returns whether the stream is of rows from before, not of none. Never rejects
 */
export async function learnAgain(
  stream: Stream,
  { name, record }: Config,
  { isFresh, resolved, say, isReady, isEnded }: AgainOptions,
): Promise<boolean> {
  const { directory } = record;
  if (directory === undefined) return false;
  const what = 'learns again what was recorded since the checkpoint';
  let saidMs = performance.now();
  let isSaid = false;
  try {
    const { outcome, rows, isDifferent } = await catchUp(stream, {
      directory,
      name,
      config: resolved,
      isFresh,
      onProgress: (share) => {
        const now = performance.now();
        if (now - saidMs > SAY_MS) {
          saidMs = now;
          say(`${what}: ${Math.floor(100 * share)} %, row ${stream.rows}`);
          if (!isSaid) void isReady(what);
          isSaid = true;
        }
        return !isEnded();
      },
    });
    if (outcome === 'unknown' && !isFresh) {
      say('the recording does not reach back to the checkpoint: nothing is learned again from it', 'notice');
    }
    if (isDifferent) say('what was recorded since the checkpoint was learned from another state', 'warning');
    if (rows > 0 && outcome === 'caughtUp') {
      say(`learned ${rows} rows again from the recording: row ${stream.rows}, hash ${stream.hash()}`);
    }
    return rows > 0;
  } catch (error) {
    // Of the rows up to there nothing is lost, and learning goes on from here.
    say(`the recording cannot be learned from again: ${(error as Error).message}`, 'warning');
    return stream.rows > 0;
  }
}
