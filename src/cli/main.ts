#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { isJournal, withPriority } from '../daemon/journal.js';
import { checkConfigCommand } from './check-config.js';
import { checkGradientsCommand } from './check-gradients.js';
import { convertCommand, repairCommand } from './convert.js';
import { doctorCommand } from './doctor/command.js';
import { exitCodeOf, messageOf } from './errors.js';
import { initCommand } from './init/command.js';
import { inspectCommand } from './inspect.js';
import { portsCommand } from './ports.js';
import { recordCommand } from './record.js';
import { replayCommand } from './replay.js';
import { runCommand } from './run.js';
import { serviceCommand } from './service.js';
import { sweepCommand } from './sweep.js';
import { verifyCommand } from './verify.js';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const program = new Command('edgegrad')
  .description('Learns on the device: predicts from every sensor row, and learns from every row.')
  .version(version)
  .configureHelp({ showGlobalOptions: true })
  .exitOverride()
  .configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, 'edgegrad: ')) });
const commands = [
  runCommand(),
  recordCommand(),
  replayCommand(),
  verifyCommand(),
  sweepCommand(),
  convertCommand(),
  repairCommand(),
  inspectCommand(),
  checkGradientsCommand(),
  portsCommand(),
  initCommand(),
  checkConfigCommand(),
  doctorCommand(),
  serviceCommand(),
];
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
