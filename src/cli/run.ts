import { isatty } from 'node:tty';
import { Command, Option } from 'commander';
import { type Config, type ConfigChange, Daemon, demoConfigPath, loadConfig } from '../daemon/index.js';
import { parseBaud, parsePort, parseSpeed } from './options.js';

/** Standard input, which `process.stdin` would open a second time where it is the source, and standard error. */
const TERMINALS = [0, 2];

interface RunFlags {
  port?: string;
  baud?: number;
  speed?: number | 'max';
  state?: string;
  wait?: boolean;
  fresh?: boolean;
  ndjson?: boolean;
  http?: number;
  executor?: 'auto' | 'simd' | 'reference';
}

export function runCommand(): Command {
  return new Command('run')
    .description('learn from devices until told to stop; without a configuration, from the shipped log played as one')
    .argument(
      '[config...]',
      'configuration files, a task each (default: models/sailing-wind/edgegrad.toml of this package)',
    )
    .option('-p, --port <path>', 'serial device, tcp://host:port or -, instead of the one in the configuration')
    .option('-b, --baud <rate>', 'bits per second, instead of those in the configuration', parseBaud)
    .option('-s, --speed <times>', 'how fast a log is played: times real time, or "max"', parseSpeed)
    .option('--state <directory>', 'where checkpoints are kept, instead of the directory in the configuration')
    .option('--wait', 'wait for a port that is not there yet, as source.wait does')
    .option('--ndjson', 'write every row and event to standard output, one JSON object a line')
    .option('--http <port>', 'show the page, metrics and health at this TCP port; 0: any free one', parsePort)
    .option('--fresh', 'start anew, leaving out the checkpoint that is there')
    .addOption(new Option('--executor <kind>', 'what runs the network').choices(['auto', 'simd', 'reference']))
    .action(async (given: string[], flags: RunFlags) => {
      const files = given.length === 0 ? [demoConfigPath()] : given;
      const load = files.map((file) => () => withFlags(loadConfig(file, changesOf(flags)), flags));
      const configs = load.map((read) => read());
      const daemon = new Daemon(configs, { fresh: flags.fresh === true, out: process.stderr });
      const handlers: [NodeJS.Signals, () => void][] = [
        ['SIGINT', () => daemon.stop()],
        ['SIGTERM', () => daemon.stop()],
        ['SIGUSR1', () => daemon.saveAndSay()],
        // Without its terminal it has to go; under systemd there is none, and the signal asks for a reload.
        ['SIGHUP', () => (TERMINALS.some(isatty) ? daemon.stop() : void daemon.reload(load))],
      ];
      for (const [signal, handler] of handlers) process.on(signal, handler);
      try {
        await daemon.run();
      } finally {
        for (const [signal, handler] of handlers) process.off(signal, handler);
      }
    });
}

/** What is checked together with the file. */
function changesOf({ http }: RunFlags): ConfigChange[] {
  return http === undefined ? [] : [{ key: 'http.port', value: http }];
}

function withFlags(config: Config, { port, baud, speed, state, wait, executor, ndjson }: RunFlags): Config {
  if (port !== undefined) config.source.port = port;
  if (baud !== undefined) config.source.baudRate = baud;
  if (speed !== undefined) config.source.speed = speed;
  if (ndjson) config.output.ndjson = true;
  if (wait) config.source.wait = true;
  if (state !== undefined) config.checkpoint.directory = state;
  if (executor !== undefined) config.network.executor = executor;
  return config;
}
