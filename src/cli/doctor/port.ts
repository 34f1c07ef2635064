import { accessSync, constants, realpathSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { type Holder, holdersOf, listPorts, resolvePort } from '../../ingest/index.js';
import { EdgegradError } from '../../spec/index.js';
import { type Finding, ok, problem, warning } from './finding.js';
import { textOf } from './machine.js';

/** A serial port that was looked at, and whether it may be listened to. */
export interface LookedAt {
  /** The device node; undefined where there is none. */
  path: string | undefined;
  findings: Finding[];
  /** Whether this user may open it and nobody else has it. */
  isFree: boolean;
}

/** The ports there are, where none is configured. */
export function checkPorts(): Finding {
  const ports = listPorts();
  if (ports.length === 0) return warning('ports', 'no serial port is there', 'plug the board in');
  const names = ports.map(({ path, byId }) => byId[0] ?? path).join(', ');
  return ok('ports', `${ports.length === 1 ? 'one is' : `${ports.length} are`} there: ${names}`);
}

/** Whether the port of that name is there, may be opened, is free, and is named so that it stays. */
export function checkPort(name: string): LookedAt {
  let path: string;
  try {
    path = realpathSync(resolvePort(name));
  } catch (error) {
    const text = error instanceof EdgegradError ? error.problem.found : 'no such device';
    const remedy = 'plug the board in; edgegrad ports lists what is there';
    return { path: undefined, findings: [problem('port', `${name}: ${text}`, remedy)], isFree: false };
  }
  const findings = [checkAccess(path), checkName(name, path), ...checkConsole(path)];
  const holders = holdersOf(path);
  if (holders.length > 0) findings.push(...holders.map(described));
  else if (process.geteuid?.() === 0) findings.push(ok('holder', 'no program has the port open'));
  else findings.push(ok('holder', "no program of this user has the port open; others' can be seen with sudo"));
  return { path, findings, isFree: findings[0].level === 'ok' && holders.length === 0 };
}

function checkAccess(path: string): Finding {
  const status = statSync(path);
  if (!status.isCharacterDevice()) {
    return problem('port', `${path} is no device`, 'name a serial port; to learn from a file, replay it');
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
    return ok('port', `${path} may be opened by this user`);
  } catch {
    const { group, isMember } = groupOf(status.gid);
    return problem(
      'port',
      `${path} may not be opened by this user; it belongs to the group ${group}`,
      isMember
        ? 'log out and in again, as this user has joined the group since'
        : `sudo usermod -aG ${group} $USER, then log out and in again`,
    );
  }
}

/** A group's name, and whether the user has been made a member of it, perhaps after this session began. */
function groupOf(id: number): { group: string; isMember: boolean } {
  const line = (textOf('/etc/group') ?? '').split('\n').find((entry) => entry.split(':')[2] === String(id));
  const [group = String(id), , , members = ''] = line?.split(':') ?? [];
  return { group, isMember: members.split(',').includes(process.env.USER ?? '?') };
}

function checkName(name: string, path: string): Finding {
  const stays = listPorts().find((port) => port.path === path)?.byId[0];
  if (/^\/dev\/tty(USB|ACM)\d+$/.test(name) && stays !== undefined) {
    return warning('name', `${name} may be another board's after a restart`, `use ${stays}`);
  }
  return ok('name', name === path ? `${name}, the only name it has` : `${name} is ${path} now`);
}

/** A port the kernel or a login prompt talks on. */
function checkConsole(path: string): Finding[] {
  const consoles = [...(textOf('/proc/cmdline') ?? '').matchAll(/console=([A-Za-z]+\d+)/g)].map(([, name]) => name);
  if (!consoles.includes(basename(path))) return [];
  return [
    problem(
      'console',
      `the system prints its messages on ${path}`,
      'take console=… out of the kernel command line (Raspberry Pi: sudo raspi-config, Interface, Serial port)',
    ),
  ];
}

function described({ pid, command, isEdgegrad }: Holder): Finding {
  if (isEdgegrad) return ok('holder', `edgegrad itself learns from it, process ${pid}`);
  return problem('holder', `${command}, process ${pid}, has the port open`, `close it, or: kill ${pid}`);
}
