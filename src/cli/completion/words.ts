import type { Command, Option } from 'commander';

/** A command line as completion scripts and the manual page need it, read from the declarations of commander. */
export interface CommandWords {
  /** The name, without its parents'. */
  name: string;
  description: string;
  /** Positional arguments as the help shows them, `<log...>`. */
  operands: OperandWords[];
  options: OptionWords[];
  commands: CommandWords[];
}

export interface OperandWords {
  term: string;
  description: string;
  choices: readonly string[];
}

export interface OptionWords {
  /** `-p`; undefined if there is none. */
  short: string | undefined;
  /** `--port`. */
  long: string;
  /** `<path>`; empty for a switch. */
  value: string;
  description: string;
  /** The values it takes, if they can be listed. */
  choices: readonly string[];
}

/** The words of a command and of every command under it. */
export function commandWords(command: Command): CommandWords {
  return {
    name: command.name(),
    description: command.description(),
    operands: command.registeredArguments.map((operand) => ({
      term: bracketed(operand.name(), operand.required, operand.variadic),
      description: operand.description,
      choices: operand.argChoices ?? [],
    })),
    options: [...command.options.map(optionWords), HELP],
    commands: command.commands.map(commandWords),
  };
}

const HELP: OptionWords = { short: '-h', long: '--help', value: '', description: 'display help', choices: [] };

function optionWords({ short, long, flags, description, argChoices }: Option): OptionWords {
  return {
    short,
    long: long ?? '',
    value: /[<[].*$/.exec(flags)?.[0] ?? '',
    description,
    choices: argChoices ?? [],
  };
}

function bracketed(name: string, isRequired: boolean, isVariadic: boolean): string {
  const inner = isVariadic ? `${name}...` : name;
  return isRequired ? `<${inner}>` : `[${inner}]`;
}
