import { Argument, Command } from 'commander';
import { manualPage } from './manual.js';
import { completionScript, SHELLS, type Shell } from './scripts.js';
import { commandWords } from './words.js';

/** @param program with every command added, at the latest when the action runs */
export function completionCommand(program: Command): Command {
  return new Command('completion')
    .description('print the script that makes a shell complete commands, options and values')
    .addArgument(new Argument('<shell>', 'shell that reads the script').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  source <(edgegrad completion bash)       in ~/.bashrc
  source <(edgegrad completion zsh)        in ~/.zshrc, after compinit
  edgegrad completion fish | source        in ~/.config/fish/config.fish`,
    )
    .action((shell: Shell) => {
      process.stdout.write(completionScript(shell, commandWords(program)));
    });
}

/** @param program as for `completionCommand` */
export function manualCommand(program: Command, version: string): Command {
  return new Command('manual')
    .description('print the manual page, for man')
    .addHelpText(
      'after',
      `
Example:
  edgegrad manual > edgegrad.1 && man ./edgegrad.1`,
    )
    .action(() => {
      process.stdout.write(manualPage(commandWords(program), version));
    });
}
