import { type ConfigChange, loadConfig } from '../daemon/index.js';
import { type ReplayResult, replayLog, streamOptionsOf } from '../recording/index.js';
import { messageOf } from './errors.js';

/** What `edgegrad replay <logs> --config <config> --set … --json` is told. */
export interface SweepCell {
  logs: string[];
  config: string;
  changes: ConfigChange[];
}

/** One replay of a sweep, on a thread of its own: does what that command does. */
export default async function runCell({ logs, config, changes }: SweepCell): Promise<ReplayResult | { error: string }> {
  try {
    return (await replayLog(logs, { stream: streamOptionsOf(loadConfig(config, changes)) })).result;
  } catch (error) {
    return { error: messageOf(error) };
  }
}
