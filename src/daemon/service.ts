import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { SpecError } from '../spec/index.js';
import type { Config } from './config.js';
import { isLoopback } from './http-config.js';
import type { Credential } from './secrets.js';

/** What a systemd unit is made of. */
export interface UnitOptions {
  /** Names the service, its state directory and its checkpoint. */
  name: string;
  /** The program and its arguments, unquoted; the program's path is absolute. */
  command: readonly string[];
  /** An existing user to run as; undefined: one that systemd makes up for the service and that owns nothing else. */
  user: string | undefined;
  /** The group serial ports belong to. */
  serialGroup: string;
  /** Kinds of serial device, as /proc/devices names them: `ttyUSB`. */
  serialDrivers: readonly string[];
  /** Whether it has to reach other machines. */
  needsNetwork: boolean;
  /** Whether it talks to this machine itself: a page or metrics at 127.0.0.1, a broker there. */
  isLocal?: boolean;
  /** Files with secrets, which systemd reads for a user who may not; absolute. */
  secrets?: readonly { credential: Credential; file: string }[];
  /** Whether something it reads lies in a home directory. */
  readsHome: boolean;
  /** Most memory it may use, as systemd writes it: `256M`. */
  memoryMax: string;
}

/** Serial ports of boards and adapters: USB CDC and USB serial, the ARM UARTs of a Raspberry Pi, and the PC's 16550. */
const SERIAL_DRIVERS = ['ttyACM', 'ttyUSB', 'ttyAMA', 'ttyS'];

export const unitNameOf = (name: string) => `edgegrad-${name}.service`;
export const stateDirectoryOf = (name: string) => `/var/lib/edgegrad-${name}`;

/**
 * The text of a systemd unit that runs configurations for ever: started at boot, started anew whenever it ends, hangs
 * or crashes, and allowed next to nothing but its serial port and its state directory.
 */
export function unitText(options: UnitOptions): string {
  const { name, command, user, serialGroup, serialDrivers, needsNetwork, readsHome, memoryMax } = options;
  const { isLocal = false, secrets = [] } = options;
  const state = `edgegrad-${name}`;
  const families = needsNetwork || isLocal ? 'AF_UNIX AF_INET AF_INET6' : 'AF_UNIX';
  // A network of its own would be one that nobody reaches, and that reaches nobody.
  const local = isLocal ? 'IPAddressAllow=localhost' : 'PrivateNetwork=yes';
  const network = needsNetwork ? [] : [local, 'IPAddressDeny=any'];
  // A driver's devices can be allowed once it is loaded, which may be long before a board is plugged in.
  const modules = ['usbserial', 'cdc_acm'].map((module) => `modprobe@${module}.service`).join(' ');
  return `# Made by \`edgegrad service install\`, which writes it anew; own settings belong in \`systemctl edit ${unitNameOf(name)}\`.

[Unit]
Description=edgegrad ${name}: learns from a device
Wants=${modules}
After=${needsNetwork ? 'network-online.target ' : ''}${modules}
${needsNetwork ? 'Wants=network-online.target\n' : ''}StartLimitIntervalSec=0

[Service]
Type=notify
NotifyAccess=all
ExecStart=${command.map(quotedWord).join(' ')}
ExecReload=/bin/kill -HUP $MAINPID
Restart=always
RestartSec=2
# Exit code 2: wrong usage or configuration, which another start would not mend.
RestartPreventExitStatus=2
WatchdogSec=60
TimeoutAbortSec=5
# A disk may take its time for the last checkpoint.
TimeoutStopSec=90
# Helpers are left alone until the process has saved what was learned and told systemd that it stops.
KillMode=mixed

${user === undefined ? 'DynamicUser=yes' : `User=${user}`}
SupplementaryGroups=${serialGroup}
StateDirectory=${state}
StateDirectoryMode=0750
WorkingDirectory=${stateDirectoryOf(name)}
UMask=0027
${secrets.map(({ credential, file }) => `LoadCredential=${credential}:${file.replaceAll('%', '%%')}\n`).join('')}
MemoryMax=${memoryMax}
TasksMax=64
LimitCORE=0

DevicePolicy=closed
${serialDrivers.map((driver) => `DeviceAllow=char-${driver} rw`).join('\n')}
${[...network, `RestrictAddressFamilies=${families}`].join('\n')}

# MemoryDenyWriteExecute= is not set: the just-in-time compiler needs it off.
CapabilityBoundingSet=
AmbientCapabilities=
LockPersonality=yes
NoNewPrivileges=yes
PrivateMounts=yes
PrivateTmp=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHome=${readsHome ? 'read-only' : 'yes'}
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
ProtectProc=invisible
ProtectSystem=strict
RemoveIPC=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
`;
}

/** What configurations need of their unit. */
export function needsOf(
  configs: readonly Config[],
): Pick<UnitOptions, 'needsNetwork' | 'isLocal' | 'secrets' | 'serialDrivers'> {
  const pages = configs.flatMap(({ http }) => http ?? []);
  const brokers = configs.flatMap(({ mqtt }) => (mqtt.url === undefined ? [] : mqtt));
  const ports = configs.map(({ source }) => source.port ?? '');
  const hosts = [...pages.map(({ host }) => host), ...brokers.map(({ url = '' }) => new URL(url).hostname)];
  const drivers = ports.flatMap((port) => /^\/dev\/(tty[A-Za-z]+)\d+$/.exec(port)?.[1] ?? []);
  return {
    needsNetwork: ports.some((port) => port.startsWith('tcp:')) || hosts.some((host) => !isLoopback(host)),
    isLocal: hosts.some(isLoopback),
    secrets: [
      ...secretIn(
        'http-token',
        pages.map(({ tokenFile }) => tokenFile),
      ),
      ...secretIn(
        'mqtt-password',
        brokers.map(({ passwordFile }) => passwordFile),
      ),
    ],
    serialDrivers: [...new Set([...SERIAL_DRIVERS, ...drivers])],
  };
}

/** A process has one page and one broker, whichever of its configurations names them. */
function secretIn(credential: Credential, files: readonly (string | undefined)[]) {
  const file = files.find((each) => each !== undefined);
  return file === undefined ? [] : [{ credential, file: resolve(file) }];
}

/** The group this system gives serial ports to: `dialout` on Debian and its relatives, `uucp` on Arch. */
export function serialGroup(groupFile = '/etc/group'): string {
  const groups = readFileSync(groupFile, 'utf8')
    .split('\n')
    .map((line) => line.split(':')[0]);
  return ['dialout', 'uucp'].find((name) => groups.includes(name)) ?? 'dialout';
}

/** Whether a path is in a home directory, which a service sees only if it is let. */
export const isInHome = (path: string) => /^\/(home|root|run\/user)\//.test(resolve(path));

/**
 * Looks whether a service can read a file: the directories for temporary files are its own, and a user made up by systemd
 * reads only what everybody may.
 *
 * @param user as in UnitOptions; of an existing user only the place is checked
 * @throws SpecError where it cannot
 */
export function checkReadable(file: string, what: 'node' | 'program' | 'configuration' | 'log', user?: string): void {
  const move =
    what === 'node' || what === 'program'
      ? 'install it for all users: sudo npm install --global edgegrad'
      : 'move it to /etc/edgegrad';
  const wrong = (found: string, remedy: string) =>
    new SpecError('SERVICE_FILE', { where: `${what} ${file}`, found, expected: 'a file the service can read', remedy });
  if (/^\/(var\/)?tmp\//.test(resolve(file))) throw wrong('a file in a directory for temporary files', move);
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw wrong((error as NodeJS.ErrnoException).code ?? 'an error', 'check the path');
  }
  if (user !== undefined) return;
  let isOpen = (statSync(file).mode & 0o004) !== 0;
  for (let folder = resolve(file); isOpen && folder !== dirname(folder); ) {
    folder = dirname(folder);
    isOpen = (statSync(folder).mode & 0o001) !== 0;
  }
  if (!isOpen) throw wrong('one that not every user may read', `${move}; or give --user, the user it belongs to`);
}

/** One word of a command as a unit file has it. */
export function quotedWord(word: string): string {
  const escaped = word.replace(/[\\"]/g, '\\$&').replace(/\n/g, '\\n').replace(/%/g, '%%').replace(/\$/g, '$$$$');
  return /^[\w./:@%+=,-]+$/.test(word) ? escaped : `"${escaped}"`;
}
