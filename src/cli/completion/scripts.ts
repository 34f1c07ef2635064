import type { CommandWords, OptionWords } from './words.js';

/** Each shell that a completion script is written for. */
export const SHELLS = ['bash', 'zsh', 'fish'] as const;

export type Shell = (typeof SHELLS)[number];

/** The script that makes `shell` complete the commands, options, and listed values of `program`, and files elsewhere. */
export function completionScript(shell: Shell, program: CommandWords): string {
  return SCRIPTS[shell](program);
}

const SCRIPTS = { bash: bashScript, zsh: zshScript, fish: fishScript } satisfies Record<
  Shell,
  (program: CommandWords) => string
>;

/** What may follow the command words in `path`. */
interface Place {
  /** `service install`; empty for the program itself. */
  path: string;
  commands: readonly CommandWords[];
  options: readonly OptionWords[];
  /** Values of the first operand, if they can be listed. */
  choices: readonly string[];
}

function places(command: CommandWords, path: readonly string[] = []): Place[] {
  const { commands, options, operands } = command;
  const here = { path: path.join(' '), commands, options, choices: operands[0]?.choices ?? [] };
  return [here, ...commands.flatMap((each) => places(each, [...path, each.name]))];
}

/** The spellings of an option: `-p`, `--port`. */
const spellings = ({ short, long }: OptionWords): string[] => (short === undefined ? [long] : [short, long]);

/** Branches of a shell's `case` for the value of an option: the listed values, or files. */
function valueBranches(program: CommandWords, listed: (choices: readonly string[]) => string, files: string): string[] {
  const branches: string[] = [];
  const ofFiles: string[] = [];
  for (const { path, options } of places(program)) {
    for (const option of options) {
      if (option.value === '') continue;
      const patterns = spellings(option).map((spelling) => `'${path} ${spelling}'`);
      if (option.choices.length === 0) ofFiles.push(...patterns);
      else branches.push(`    ${patterns.join(' | ')}) ${listed(option.choices)}; return ;;`);
    }
  }
  return [...branches, `    ${ofFiles.join(' | ')}) ${files}; return ;;`];
}

/** The pattern of a shell's `case` for every sequence of command words. */
function nestedPaths(program: CommandWords): string {
  const paths = places(program).map(({ path }) => path);
  return paths.flatMap((path) => (path === '' ? [] : [`'${path}'`])).join(' | ');
}

function bashScript(program: CommandWords): string {
  const { name } = program;
  const words = places(program).map(({ path, commands, options, choices }) => {
    const candidates = [...commands.map((each) => each.name), ...choices, ...options.map((each) => each.long)];
    return `    '${path}') words='${candidates.join(' ')}' ;;`;
  });
  const values = valueBranches(
    program,
    (choices) => `COMPREPLY=($(compgen -W '${choices.join(' ')}' -- "$current"))`,
    'COMPREPLY=($(compgen -f -- "$current"))',
  );
  return `# bash completion for ${name}; load it with: source <(${name} completion bash)
_${name}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD - 1]}" path='' next words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    next="\${path:+$path }$word"
    case "$next" in
      ${nestedPaths(program)}) path="$next" ;;
    esac
  done
  case "$path $previous" in
${values.join('\n')}
  esac
  case "$path" in
${words.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  [ \${#COMPREPLY[@]} -gt 0 ] || COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _${name} ${name}
`;
}

function zshScript(program: CommandWords): string {
  const { name } = program;
  const quoted = (text: string) => text.replaceAll("'", "'\\''");
  const item = (word: string, description: string) => `'${quoted(word.replaceAll(':', '\\:'))}:${quoted(description)}'`;
  const cases = places(program).map(({ path, commands, options, choices }) => {
    const words = [
      ...commands.map((each) => item(each.name, each.description)),
      ...choices.map((choice) => item(choice, '')),
    ];
    const flags = options.flatMap((each) => spellings(each).map((spelling) => item(spelling, each.description)));
    return `    '${path}') candidates=(${words.join(' ')}); flags=(${flags.join(' ')}) ;;`;
  });
  const values = valueBranches(program, (choices) => `compadd -- ${choices.join(' ')}`, '_files');
  return `#compdef ${name}
# zsh completion for ${name}; load it with: source <(${name} completion zsh)
_${name}() {
  local route='' next word
  local -a candidates flags
  for word in "\${(@)words[2,CURRENT-1]}"; do
    next="\${route:+$route }$word"
    case "$next" in
      ${nestedPaths(program)}) route="$next" ;;
    esac
  done
  case "$route \${words[CURRENT-1]}" in
${values.join('\n')}
  esac
  case "$route" in
${cases.join('\n')}
  esac
  if [[ "\${words[CURRENT]}" == -* ]]; then
    _describe -o option flags
  else
    (( \${#candidates} )) && _describe command candidates
    _files
  fi
}
if [ "\${funcstack[1]}" = "_${name}" ]; then _${name} "$@"; else compdef _${name} ${name}; fi
`;
}

function fishScript(program: CommandWords): string {
  const { name } = program;
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const lines = places(program).flatMap(({ path, commands, options, choices }) => {
    const siblings = commands.map((each) => each.name).join(' ');
    const seen = path
      .split(' ')
      .filter((word) => word !== '')
      .map((word) => `__fish_seen_subcommand_from ${word}`);
    const isNext = commands.length > 0 ? [`not __fish_seen_subcommand_from ${siblings}`] : [];
    const condition = [...seen, ...isNext].join('; and ');
    const start = `complete -c ${name} -n ${quoted(condition || 'true')}`;
    return [
      ...commands.map((each) => `${start} -f -a ${each.name} -d ${quoted(each.description)}`),
      ...(choices.length > 0 ? [`${start} -f -a ${quoted(choices.join(' '))}`] : []),
      ...options.map((option) => {
        const short = option.short === undefined ? '' : ` -s ${option.short.slice(1)}`;
        const value =
          option.value === '' ? '' : option.choices.length > 0 ? ` -x -a ${quoted(option.choices.join(' '))}` : ' -r';
        return `${start}${short} -l ${option.long.slice(2)}${value} -d ${quoted(option.description)}`;
      }),
    ];
  });
  return `# fish completion for ${name}; load it with: ${name} completion fish | source
${lines.join('\n')}
`;
}
