import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli } from '../support/cli.js';
import { needTool } from '../support/tools.js';

let folder: string;
const scripts: Record<string, string> = {};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edgegrad-completion-'));
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await runCli(folder, ['completion', shell]);
    expect(code).toBe(0);
    scripts[shell] = join(folder, `edgegrad.${shell}`);
    writeFileSync(scripts[shell], out);
  }
  writeFileSync(join(folder, 'board.toml'), '');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a shell prints for a program of its own. */
function shell(command: string, args: readonly string[]): string {
  const { stdout, stderr, status } = spawnSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(`${stderr}exit ${status}`).toBe('exit 0');
  return stdout;
}

describe('completion', () => {
  const bash = (...words: string[]) =>
    shell('bash', [
      '-c',
      'source "$0"; COMP_WORDS=(edgegrad "$@"); COMP_CWORD=$#; _edgegrad; declare -p COMPREPLY',
      scripts.bash,
      ...words,
    ])
      .match(/(?<=\]=")[^"]*/g)
      ?.join(' ');

  it('bash completes commands, options, listed values and files', (context) => {
    needTool(context, 'bash');
    expect(bash('rec')).toBe('record');
    expect(bash('service', 'inst')).toBe('install');
    expect(bash('replay', '--exec')).toBe('--executor');
    expect(bash('replay', '--executor', '')).toBe('auto simd reference');
    expect(bash('replay', 'log.csv', '--config', 'boa')).toBe('board.toml');
    expect(bash('run', 'boa')).toBe('board.toml');
  });

  const fish = (line: string) =>
    shell('fish', ['-c', 'source $argv[1]; complete -C $argv[2]', scripts.fish, line])
      .split('\n')
      .flatMap((each) => (each === '' ? [] : [each.split('\t')[0]]));

  it('fish completes commands, options, listed values and files', (context) => {
    needTool(context, 'fish');
    expect(fish('edgegrad rec')).toEqual(['record']);
    expect(fish('edgegrad service inst')).toEqual(['install']);
    expect(fish('edgegrad replay --exec')).toEqual(['--executor']);
    expect(fish('edgegrad replay --executor ')).toEqual(expect.arrayContaining(['auto', 'simd', 'reference']));
    expect(fish('edgegrad run boa')).toEqual(['board.toml']);
  });

  it('zsh completes commands, options and listed values at a prompt', (context) => {
    needTool(context, 'zsh');
    // A prompt on a pseudo-terminal of zsh's own; the line is printed back by the shell when Enter is pressed.
    const asked = ['replay --executor s', 'service inst', 'rec', 'run boa'];
    const program = `
      zmodload zsh/zpty
      zpty prompt zsh -f -i
      zpty -w prompt 'PROMPT=; autoload -U compinit; compinit -u -D; zstyle ":completion:*" insert-tab false; source ${scripts.zsh}; edgegrad() { print -r -- "<$*>" }; print star""ted'
      zpty -r prompt out '*started*'
      for line in "$@"; do
        zpty -n -w prompt "edgegrad $line"$'\\t'
        zpty -n -w prompt $'\\r'
        zpty -r prompt out '*<*>*'
        print -r -- "$out"
      done
      zpty -d prompt`;
    const answered = [...shell('zsh', ['-f', '-c', program, 'zsh', ...asked]).matchAll(/^<(.*)>/gm)].map(
      (each) => each[1],
    );
    expect(answered).toEqual(['replay --executor simd', 'service install', 'record', 'run board.toml']);
  });

  it('an unknown shell is refused by name', async () => {
    const { code, err } = await runCli(folder, ['completion', 'csh']);
    expect(code).toBe(2);
    expect(err).toContain("'csh'");
    expect(err).toContain('bash, zsh, fish');
  });
});

describe('manual page', () => {
  it('is accepted by man without a warning and lists every command and option', async (context) => {
    needTool(context, 'man');
    const { code, out } = await runCli(folder, ['manual']);
    expect(code).toBe(0);
    const file = join(folder, 'edgegrad.1');
    writeFileSync(file, out);
    const { stdout, stderr } = spawnSync('man', ['--warnings', '-P', 'cat', '-l', file], {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '80', LC_ALL: 'C.UTF-8' },
    });
    expect(stderr).toBe('');
    for (const words of ['run [config...]', 'service install', '--executor', '(one of auto, simd, reference)']) {
      expect(stdout).toContain(words);
    }
  });
});
