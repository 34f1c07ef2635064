#!/usr/bin/env node
import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { checkGradientsCommand } from './check-gradients.js';
import { convertCommand, repairCommand } from './convert.js';
import { exitCodeOf, messageOf } from './errors.js';
import { inspectCommand } from './inspect.js';
import { portsCommand } from './ports.js';
import { recordCommand } from './record.js';
import { replayCommand } from './replay.js';
import { runCommand } from './run.js';
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
];
for (const command of commands) {
  program.addCommand(command.exitOverride().copyInheritedSettings(program));
}

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else {
    process.stderr.write(`edgegrad: ${messageOf(error)}\n`);
    process.exitCode = exitCodeOf(error);
  }
}
