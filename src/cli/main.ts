#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { isJournal, withPriority } from '../daemon/journal.js';
import { exitCodeOf, messageOf } from './errors.js';
import { keepSmall } from './keep-small.js';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const program = new Command('edgegrad')
  .description('Learns on the device: predicts from every sensor row, and learns from every row.')
  .version(version)
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'edgegrad: ')) });
/** In the order of the help; what a command needs is loaded with it. */
const COMMANDS: Record<string, () => Promise<Command>> = {
  run: async () => (await import('./run.js')).runCommand(),
  record: async () => (await import('./record.js')).recordCommand(),
  replay: async () => (await import('./replay.js')).replayCommand(),
  verify: async () => (await import('./verify.js')).verifyCommand(),
  sweep: async () => (await import('./sweep.js')).sweepCommand(),
  convert: async () => (await import('./convert.js')).convertCommand(),
  repair: async () => (await import('./convert.js')).repairCommand(),
  inspect: async () => (await import('./inspect.js')).inspectCommand(),
  'check-gradients': async () => (await import('./check-gradients.js')).checkGradientsCommand(),
  ports: async () => (await import('./ports.js')).portsCommand(),
  init: async () => (await import('./init/command.js')).initCommand(),
  'check-config': async () => (await import('./check-config.js')).checkConfigCommand(),
  doctor: async () => (await import('./doctor/command.js')).doctorCommand(),
  service: async () => (await import('./service.js')).serviceCommand(),
  completion: async () => (await import('./completion/command.js')).completionCommand(program),
  manual: async () => (await import('./completion/command.js')).manualCommand(program, version),
};
/** Commands that describe all the others. */
const OF_ALL = ['completion', 'manual'];
const asked = process.argv[2] ?? '';
if (asked === 'run') keepSmall();
const isOne = Object.hasOwn(COMMANDS, asked) && !OF_ALL.includes(asked);
const names = isOne ? [asked] : Object.keys(COMMANDS);
const commands = await Promise.all(names.map((name) => COMMANDS[name]()));
for (const command of commands) {
  program.addCommand(command);
  for (const each of [command, ...command.commands]) each.exitOverride().copyInheritedSettings(program);
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    const message = `edgegrad: ${messageOf(error)}\n`;
    process.stderr.write(isJournal(process.stderr.fd) ? withPriority(message, 'error') : message);
    process.exitCode = exitCodeOf(error);
  }
}

// A pipe that nobody reads, or a read that waits for its first byte, would keep the process for ever.
setTimeout(() => process.exit(), 500).unref();
