import { Command, Option } from 'commander';
import { rejectedLines } from '../bridge/index.js';
import {
  type Config,
  type ConfigChange,
  configOf,
  demoConfigPath,
  loadConfig,
  refusedLines,
  scoreOf,
  summary,
  unitOf,
} from '../daemon/index.js';
import {
  isRecordingPath,
  type ReplayOptions,
  replayLog,
  streamOptionsOf,
  TraceFile,
  type Until,
} from '../recording/index.js';
import { SpecError } from '../spec/index.js';
import type { Stream } from '../stream/index.js';
import { healthLines } from './health.js';
import { checkTarget, draftText, likelyKind } from './init/draft.js';
import { observeFile } from './init/from-file.js';
import { parseChange, parseSpeed, parseUntil, readCheckpoint } from './options.js';
import { Progress } from './progress.js';

interface ReplayFlags {
  config?: string;
  json?: boolean;
  executor?: 'auto' | 'simd' | 'reference';
  speed: number | 'max';
  from?: string;
  until?: Until;
  trace?: string;
  set?: ConfigChange[];
  target?: string;
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('play a recorded log through a new network, and print what came of it')
    .argument('<log...>', 'recording (.mcap, several, or a folder), text log (.csv, .ndjson), or - for standard input')
    .option('-c, --config <file>', 'columns, task and network (default: what was recorded; for text, the shipped log)')
    .option(
      '-t, --target <column>',
      'of a text log, without --config: the column to predict from the others, as init finds them',
    )
    .option('-s, --speed <times>', 'how fast: times real time, or "max"', parseSpeed, 'max')
    .option('--from <checkpoint>', 'begin with what a checkpoint has learned')
    .option('--until <end>', 'a number of rows, a time after the start (90s, 15m, 2h), or a time', parseUntil)
    .option('--trace <file>', 'write what became of every row, one JSON object a line')
    .option(
      '--set <key=value>',
      'change the configuration: network.optimizer.rate=0.01; may be given again',
      parseChange,
    )
    .option('--json', 'print one JSON object on standard output')
    .addOption(new Option('--executor <kind>', 'what runs the network').choices(['auto', 'simd', 'reference']))
    .action(async (logs: string[], flags: ReplayFlags) => {
      const isRecording = await isRecordingPath(logs);
      if (isRecording && flags.config === undefined && flags.set !== undefined) {
        throw new SpecError('REPLAY_SET', {
          where: '--set',
          found: 'no --config',
          expected: 'the configuration that is to be changed',
        });
      }
      const config =
        flags.target !== undefined
          ? await configFor(logs, isRecording, flags)
          : flags.config !== undefined || !isRecording
            ? loadConfig(flags.config ?? demoConfigPath(), flags.set)
            : undefined;
      const { result, stream } = await play(logs, config, flags);
      if (flags.json) {
        process.stdout.write(`${JSON.stringify(result)}\n`);
        return;
      }
      const { report, lines, recording } = result;
      const rejected = rejectedLines(lines);
      const unit = unitOf({ columns: stream.columns, task: stream.task });
      process.stdout.write(
        `${logs.join(' ')}: ${result.rows} rows, ${result.rowsPerSecond} rows/s (${result.executor})\n` +
          `${summary(report, scoreOf(report, unit), rejected)}\n  hash ${result.hash}\n${refusedLines(result.refused).join('\n')}${result.refused.length > 0 ? '\n' : ''}`,
      );
      if (recording !== undefined) process.stdout.write(healthLines(recording.files, recording.comparison));
    });
}

/** What `init` would write for a text log. @throws SpecError where that cannot be */
async function configFor(
  logs: readonly string[],
  isRecording: boolean,
  { config, target = '', set }: ReplayFlags,
): Promise<Config> {
  const [log = ''] = logs;
  if (isRecording || logs.length > 1 || log === '-' || config !== undefined) {
    throw new SpecError('REPLAY_TARGET', {
      where: '--target',
      found: config !== undefined ? 'a configuration, which names its targets' : logs.join(' '),
      expected: config !== undefined ? 'one of the two' : 'one text log, a file',
      remedy: config !== undefined ? "give --set 'task.targets=[…]' to change it" : 'give --config',
    });
  }
  const observation = await observeFile(log);
  const kind = likelyKind(observation, target);
  checkTarget(observation, target, kind);
  const text = draftText({ name: 'replay', port: '', log, baudRate: 115200, observation, kind, target, file: log });
  return configOf(text, `what was found in ${log}`, set);
}

/** Plays with a progress bar, and the trace where one is wanted. */
async function play(logs: string[], config: Config | undefined, flags: ReplayFlags) {
  const checkpoint = readCheckpoint(flags.from);
  const trace = flags.trace === undefined ? undefined : new TraceFile(flags.trace);
  const progress = new Progress();
  const options: ReplayOptions = {
    ...(config === undefined ? {} : { stream: streamOptionsOf(config) }),
    ...(flags.executor === undefined ? {} : { executor: flags.executor }),
    ...(checkpoint === undefined ? {} : { checkpoint }),
    ...(flags.until === undefined ? {} : { until: flags.until }),
    ...(trace === undefined
      ? {}
      : { onRow: (stream: Stream, outcome: number, wallMs: number) => trace.row(stream, outcome, wallMs) }),
    speed: flags.speed,
    onProgress: (share, rows) => progress.show(share, `${rows} rows`),
  };
  try {
    return await replayLog(logs, options);
  } finally {
    progress.end();
    trace?.close();
  }
}
