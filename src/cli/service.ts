import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { readToken } from '../daemon/http-config.js';
import { checkTogether, DaemonError, demoConfigPath, loadConfig } from '../daemon/index.js';
import { secretOf } from '../daemon/secrets.js';
import {
  checkReadable,
  isInHome,
  needsOf,
  quotedWord,
  serialGroup,
  stateDirectoryOf,
  type UnitOptions,
  unitNameOf,
  unitText,
} from '../daemon/service.js';
import { SpecError } from '../spec/index.js';
import { CheckFailed } from './errors.js';
import { duration } from './format.js';

const UNIT_DIRECTORY = '/etc/systemd/system';
const LOG_LINES = 10;
/**
 * One thread beside the one that learns, and none that compiles or collects: each would keep memory of its own, for ever. A
 * row allocates next to nothing, and what runs for years is compiled in its first seconds.
 */
const NODE_FLAGS = ['--single-threaded', '--v8-pool-size=1'];

interface InstallFlags {
  name?: string;
  user?: string;
  memory: string;
  unitDirectory: string;
  now?: boolean;
  dryRun?: boolean;
}

interface NameFlags {
  name?: string;
  unitDirectory: string;
}

export function serviceCommand(): Command {
  const service = new Command('service').description(
    'run configurations as a systemd service, from boot on and for ever',
  );
  service
    .command('install')
    .description('write the unit of one or more configurations and have it started at boot')
    .argument('[config...]', 'configuration files (default: models/sailing-wind/edgegrad.toml of this package)')
    .option('--name <name>', 'what the service is called (default: as the first configuration)', parseName)
    .option('--user <name>', 'existing user to run as (default: one that systemd makes up)')
    .option('--memory <size>', 'most memory it may use', parseMemory, '256M')
    .option('--now', 'start it, or start it anew, at once')
    .option('--dry-run', 'print the unit and change nothing')
    .option('--unit-directory <directory>', 'where units are', UNIT_DIRECTORY)
    .action((files: string[], flags: InstallFlags) => install(files.length === 0 ? [demoConfigPath()] : files, flags));
  const named = (command: Command) =>
    command
      .argument('[config]', 'its configuration file (default: the only service there is)')
      .option('--name <name>', 'its name, where the configuration is gone')
      .option('--unit-directory <directory>', 'where units are', UNIT_DIRECTORY);
  named(service.command('uninstall').description('stop it and remove its unit; what it learned is kept')).action(
    (file: string | undefined, flags: NameFlags) => uninstall(nameOf(file, flags), flags.unitDirectory),
  );
  named(
    service.command('status').description('print how it is, its last log lines and the age of its checkpoint'),
  ).action((file: string | undefined, flags: NameFlags) => status(nameOf(file, flags)));
  return service;
}

/** @throws SpecError where it cannot be installed here, DaemonError where systemd refuses */
function install(files: readonly string[], flags: InstallFlags): void {
  const { user, memory, unitDirectory, now, dryRun } = flags;
  const configs = files.map((file) => loadConfig(file));
  checkTogether(configs);
  const name = flags.name ?? configs[0].name;
  const state = stateDirectoryOf(name);
  const program = realpathSync(process.argv[1]);
  const read: [what: 'node' | 'program' | 'configuration' | 'log', file: string][] = [
    ['node', process.execPath],
    ['program', program],
    ...files.map((file): ['configuration', string] => ['configuration', resolve(file)]),
  ];
  for (const { source } of configs) {
    if (source.port === undefined && source.log !== undefined) read.push(['log', source.log]);
  }
  const options: UnitOptions = {
    name,
    command: [
      process.execPath,
      ...NODE_FLAGS,
      program,
      'run',
      ...files.map((file) => resolve(file)),
      '--state',
      state,
      '--wait',
    ],
    user,
    serialGroup: serialGroup(),
    readsHome: read.some(([, path]) => isInHome(path)),
    memoryMax: memory,
    ...needsOf(configs),
  };
  const check = () => {
    for (const [what, path] of read) checkReadable(path, what, user);
    for (const { http, mqtt } of configs) {
      if (http !== undefined) readToken(http, {});
      if (mqtt.passwordFile !== undefined) secretOf(mqtt.passwordFile, 'mqtt.passwordFile');
    }
  };
  if (dryRun) {
    process.stdout.write(unitText(options));
    try {
      check();
    } catch (error) {
      if (!(error instanceof SpecError)) throw error;
      process.stderr.write(`edgegrad: it would not be installed like this: ${error.message}\n`);
    }
    return;
  }
  needSystemd(`service install ${files.join(' ')}`);
  check();
  const unit = unitNameOf(name);
  const path = join(unitDirectory, unit);
  checkUnused(path, files);
  if (user !== undefined) checkUser(user);
  mkdirSync(unitDirectory, { recursive: true });
  writeFileSync(path, unitText(options), { mode: 0o644 });
  systemctl('daemon-reload');
  systemctl('enable', path);
  if (now) systemctl('restart', unit);
  process.stdout.write(
    [
      `${path} is written and enabled${now ? ', and the service has started' : '; it starts at boot, and with:'}`,
      ...(now ? [] : [`  systemctl start ${unit}`]),
      `checkpoints are kept in ${state}`,
      `how it is: edgegrad service status --name ${name}; its log: journalctl -u ${unit}\n`,
    ].join('\n'),
  );
}

/** Services of one name would share a unit and checkpoints. One that runs a configuration given here is this one. */
function checkUnused(path: string, files: readonly string[]): void {
  if (!existsSync(path)) return;
  const [, words = ''] = /^ExecStart=.*? run (.*) --state /m.exec(readFileSync(path, 'utf8')) ?? [];
  if (files.some((file) => ` ${words} `.includes(` ${quotedWord(resolve(file))} `))) return;
  throw new SpecError('SERVICE_NAME', {
    where: `${files[0]}: name`,
    found: `that of another configuration's service, ${path}`,
    expected: 'a name of its own',
    remedy: 'give another with --name, or uninstall the other service first',
  });
}

function checkUser(user: string): void {
  if (spawnSync('id', ['-u', user]).status === 0) return;
  throw new SpecError('SERVICE_USER', {
    where: '--user',
    found: `"${user}", whom this system does not know`,
    expected: 'an existing user',
    remedy: 'leave it out: systemd makes one up',
  });
}

function uninstall(name: string, unitDirectory: string): void {
  needSystemd(`service uninstall ${name}`);
  const unit = unitNameOf(name);
  const path = join(unitDirectory, unit);
  if (!existsSync(path)) throw notInstalled(path);
  systemctl('disable', '--now', unit);
  rmSync(path);
  rmSync(`${path}.d`, { recursive: true, force: true });
  systemctl('daemon-reload');
  spawnSync('systemctl', ['reset-failed', unit]); // succeeds only where there was something to forget
  process.stdout.write(`${path} is removed; what was learned stays in ${stateDirectoryOf(name)}\n`);
}

/** @throws CheckFailed where it is not running */
function status(name: string): void {
  needRunningSystemd(`service status ${name}`);
  const unit = unitNameOf(name);
  const properties = Object.fromEntries(
    systemctl('show', unit, '-p', 'LoadState,ActiveState,SubState,MainPID,NRestarts,StatusText,Result,MemoryCurrent')
      .split('\n')
      .map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
  );
  if (properties.LoadState !== 'loaded') throw notInstalled(unit);
  const { ActiveState, SubState, MainPID, NRestarts, StatusText, Result, MemoryCurrent } = properties;
  const bytes = Number(MemoryCurrent);
  const lines = [
    `${unit}: ${ActiveState} (${SubState})${MainPID === '0' ? '' : `, process ${MainPID}`}, ${NRestarts} restarts` +
      `${bytes > 0 && bytes < 2 ** 53 ? `, ${Math.round(bytes / 2 ** 20)} MiB` : ''}${Result === 'success' ? '' : `, last result: ${Result}`}`,
    ...(StatusText === '' ? [] : [StatusText]),
    ...checkpointAges(stateDirectoryOf(name)),
    '',
    ...lastLines(unit),
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  if (ActiveState === 'active' || ActiveState === 'reloading') return;
  throw new CheckFailed('SERVICE_NOT_RUNNING', {
    where: unit,
    found: `${ActiveState} (${SubState})`,
    expected: 'active',
    remedy: `systemctl start ${unit}; its log says why it ended`,
  });
}

function checkpointAges(directory: string): string[] {
  try {
    const files = readdirSync(directory).filter((file) => /(?<!\.previous)\.safetensors$/.test(file));
    if (files.length === 0) return [`checkpoint in ${directory}: none yet`];
    return files.sort().map((file) => {
      const { mtimeMs, size } = statSync(join(directory, file));
      return `checkpoint ${join(directory, file)}: ${size} bytes, ${duration((Date.now() - mtimeMs) / 1000)} old`;
    });
  } catch (error) {
    const isHidden = (error as NodeJS.ErrnoException).code === 'EACCES';
    return [`checkpoint in ${directory}: ${isHidden ? 'only root may look at it' : 'none yet'}`];
  }
}

function lastLines(unit: string): string[] {
  const args = ['-u', unit, '-n', String(LOG_LINES), '--no-pager', '-o', 'short-iso'];
  const { status: code, stdout, stderr, error } = spawnSync('journalctl', args, { encoding: 'utf8', timeout: 20_000 });
  if (code === 0) return stdout.trimEnd().split('\n');
  return [`no log lines: ${error?.message ?? stderr.trim()}`];
}

/** The service meant: by its configuration, its name, or because there is no other. */
function nameOf(file: string | undefined, { name, unitDirectory }: NameFlags): string {
  if (name !== undefined) return name;
  if (file !== undefined) return loadConfig(file).name;
  const units = existsSync(unitDirectory) ? readdirSync(unitDirectory) : [];
  const names = units.flatMap((unit) => /^edgegrad-([\w.-]+)\.service$/.exec(unit)?.[1] ?? []);
  if (names.length === 1) return names[0];
  throw new SpecError('SERVICE_NAME', {
    where: unitDirectory,
    found: names.length === 0 ? 'no service of edgegrad' : `the services ${names.join(', ')}`,
    expected: 'one service',
    remedy: names.length === 0 ? 'edgegrad service install my.toml makes one' : 'give --name or the configuration file',
  });
}

function notInstalled(where: string): SpecError {
  return new SpecError('SERVICE_NAME', {
    where,
    found: 'nothing',
    expected: 'an installed service',
    remedy: 'edgegrad service install my.toml makes one',
  });
}

function needSystemd(where: string): void {
  if (process.geteuid?.() !== 0) {
    throw new SpecError('SERVICE_ROOT', {
      where,
      found: `user ${process.geteuid?.() ?? 'unknown'}`,
      expected: 'root, who alone may change services',
      remedy: 'put sudo before it; --dry-run of install needs no root',
    });
  }
  needRunningSystemd(where);
}

function needRunningSystemd(where: string): void {
  if (existsSync('/run/systemd/system')) return;
  throw new SpecError('SERVICE_NO_SYSTEMD', {
    where,
    found: 'a system that systemd did not start',
    expected: 'one that it did',
    remedy: 'let the init system that is here run `edgegrad run`; --dry-run of install prints the unit',
  });
}

/** @throws DaemonError with what systemctl said, where it fails */
function systemctl(...args: string[]): string {
  const { status: code, stdout, stderr, error } = spawnSync('systemctl', args, { encoding: 'utf8', timeout: 120_000 });
  if (code === 0) return stdout.trimEnd();
  throw new DaemonError('SERVICE_SYSTEMCTL', {
    where: `systemctl ${args.join(' ')}`,
    found: error?.message ?? (stderr.trim().split('\n')[0] || `exit code ${code}`),
    expected: 'success',
  });
}

function parseName(text: string): string {
  if (/^[\w.-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('expected letters, digits, ".", "-" and "_", at most 64.');
}

function parseMemory(text: string): string {
  if (/^[1-9]\d*[KMG]?$/.test(text)) return text;
  throw new InvalidArgumentError('expected a size such as 256M or 1G.');
}
