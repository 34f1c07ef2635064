import type { CommandWords, OptionWords } from './words.js';

/** The manual page in section 1, as troff source for `man`. */
export function manualPage(program: CommandWords, version: string): string {
  const { name, description } = program;
  return `${[
    `.TH ${name.toUpperCase()} 1 "" "${name} ${version}" "User Commands"`,
    '.SH NAME',
    `${name} \\- ${firstLower(text(description)).replace(/\.$/, '')}`,
    '.SH SYNOPSIS',
    `.B ${name}`,
    '.I command',
    '[options]',
    '.SH COMMANDS',
    ...program.commands.flatMap((command) => section(command, [])),
    '.SH OPTIONS',
    ...program.options.flatMap(option),
    '.SH EXIT STATUS',
    '.TP',
    '.B 0',
    'success',
    '.TP',
    '.B 1',
    'failure while running, or an input of which nothing could be read',
    '.TP',
    '.B 2',
    'wrong usage, or a wrong configuration',
    '.SH FILES',
    'The documentation is in the folder',
    '.I docs',
    'of the package.',
  ].join('\n')}\n`;
}

function section(command: CommandWords, parents: readonly string[]): string[] {
  const path = [...parents, command.name];
  const operands = command.operands.map(({ term }) => term).join(' ');
  return [
    `.SS ${text(path.join(' '))} ${text(operands)}`.trimEnd(),
    text(command.description),
    ...command.operands
      .filter((each) => each.description !== '')
      .flatMap(({ term, description }) => ['.TP', `.I ${text(term)}`, text(description)]),
    ...command.options.flatMap(option),
    ...command.commands.flatMap((each) => section(each, path)),
  ];
}

function option({ short, long, value, description, choices }: OptionWords): string[] {
  const flags = [short, long].filter((flag) => flag !== undefined).join(', ');
  const listed = choices.length === 0 ? '' : ` (one of ${choices.join(', ')})`;
  return ['.TP', `.B ${text(`${flags} ${value}`.trimEnd())}`, text(description + listed)];
}

/** Text as troff reads it: no line begins a request, hyphens and backslashes stay what they are. */
function text(plain: string): string {
  const escaped = plain.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('\n', ' ');
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

function firstLower(sentence: string): string {
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
}
