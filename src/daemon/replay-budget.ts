import { resolveMemory } from '../spec/index.js';
import type { StreamOptions } from '../stream/index.js';
import { measureRowUs } from './row-time.js';

/**
 * Turns a budget of time into a number of replayed rows: as many of those asked for as a row has time for on this machine.
 *
 * It is measured once, before the first row. The stream then goes by the number alone, so that a recording and a checkpoint, which
 * keep it, stay exact; going on from a checkpoint takes the number kept there.
 *
 * @param measureUs microseconds a row takes under some options
 */
export function replayWithin(
  options: StreamOptions,
  measureUs: (options: StreamOptions) => number = measureRowUs,
): StreamOptions {
  if (options.memory?.budgetUs === undefined) return options;
  const memory = resolveMemory(options.memory, options.task.kind);
  const { replay, budgetUs = 0 } = memory;
  if (replay === 0) return options;
  const rowUs = measureUs({ ...options, memory: { ...memory, replay: 0 } });
  const replayedUs = (measureUs({ ...options, memory }) - rowUs) / replay;
  const leftUs = budgetUs - rowUs;
  // On a busy machine replayed rows may have seemed to take no time.
  const fitting = leftUs <= 0 ? 0 : replayedUs > 0 ? Math.floor(leftUs / replayedUs) : replay;
  return { ...options, memory: { ...memory, replay: Math.max(0, Math.min(replay, fitting)) } };
}
