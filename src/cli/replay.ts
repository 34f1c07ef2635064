import { Command, Option } from 'commander';
import { demoConfigPath, loadConfig, scoreOf, summary, unitOf } from '../daemon/index.js';
import { replayLog } from '../recording/index.js';

interface ReplayFlags {
  config?: string;
  json?: boolean;
  executor?: 'auto' | 'simd' | 'reference';
}

export function replayCommand(): Command {
  return new Command('replay')
    .description('play a recorded log through a new network as fast as it goes, and print what came of it')
    .argument('<log>', 'text log (.csv and the like), or - for standard input')
    .option('-c, --config <file>', 'configuration: columns, task and network (default: the one of the shipped log)')
    .option('--json', 'print one JSON object on standard output')
    .addOption(new Option('--executor <kind>', 'what runs the network').choices(['auto', 'simd', 'reference']))
    .action(async (log: string, flags: ReplayFlags) => {
      const config = loadConfig(flags.config ?? demoConfigPath());
      const { seed, executor, ...network } = config.network;
      const { result } = await replayLog(log, {
        columns: config.columns,
        task: config.task,
        network,
        seed,
        executor: flags.executor ?? executor,
      });
      if (flags.json) {
        process.stdout.write(`${JSON.stringify(result)}\n`);
        return;
      }
      const { report, lines } = result;
      const rejected = lines.rxLines - lines.rowsDecoded - lines.headers - lines.comments;
      process.stdout.write(
        `${log}: ${result.rows} rows, ${result.rowsPerSecond} rows/s (${result.executor})\n` +
          `${summary(report, scoreOf(report, unitOf(config)), rejected)}\n  hash ${result.hash}\n`,
      );
    });
}
