import { Command, InvalidArgumentError, Option } from 'commander';
import { demoConfigPath, loadConfig, run } from '../daemon/index.js';
import { parseSpeed } from './options.js';

interface RunFlags {
  port?: string;
  baud?: number;
  speed?: number | 'max';
  state?: string;
  fresh?: boolean;
  executor?: 'auto' | 'simd' | 'reference';
}

export function runCommand(): Command {
  return new Command('run')
    .description('learn from a device until told to stop; without a configuration, from the shipped log played as one')
    .argument('[config]', 'configuration file (default: models/sailing-wind/edgegrad.toml of this package)')
    .option('-p, --port <path>', 'serial device, instead of the one in the configuration')
    .option('-b, --baud <rate>', 'bits per second, instead of those in the configuration', parseBaud)
    .option('-s, --speed <times>', 'how fast a log is played: times real time, or "max"', parseSpeed)
    .option('--state <directory>', 'where checkpoints are kept, instead of the directory in the configuration')
    .option('--fresh', 'start anew, leaving out the checkpoint that is there')
    .addOption(new Option('--executor <kind>', 'what runs the network').choices(['auto', 'simd', 'reference']))
    .action(async (file: string | undefined, flags: RunFlags) => {
      const config = loadConfig(file ?? demoConfigPath());
      if (flags.port !== undefined) config.source.port = flags.port;
      if (flags.baud !== undefined) config.source.baudRate = flags.baud;
      if (flags.speed !== undefined) config.source.speed = flags.speed;
      if (flags.state !== undefined) config.checkpoint.directory = flags.state;
      if (flags.executor !== undefined) config.network.executor = flags.executor;

      const stop = new AbortController();
      const onSignal = () => stop.abort();
      process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
      try {
        await run(config, { fresh: flags.fresh === true, out: process.stderr, stop: stop.signal });
      } finally {
        process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
      }
    });
}

function parseBaud(text: string): number {
  const rate = Number(text);
  if (!Number.isInteger(rate) || rate < 50 || rate > 12_000_000) {
    throw new InvalidArgumentError('expected a whole number from 50 to 12000000.');
  }
  return rate;
}
