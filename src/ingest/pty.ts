import { type ChildProcess, spawn } from 'node:child_process';
import { rename, rm, symlink } from 'node:fs/promises';
import { messageOf } from './errors.js';
import type { Wire } from './source.js';

/** The device's end of a pseudo-terminal: what is written here is read at `path`, as from a serial port. */
export interface Pty extends Wire {
  /** What the host opens; the link where one was asked for. */
  readonly path: string;
  /** The program that holds the terminal. */
  readonly provider: string;
  /** Cuts the wire, as pulling the plug does. Bytes the host has not read yet are lost. */
  unplug(): Promise<void>;
}

export interface PtyOptions {
  /** A path to make a symbolic link at, for a name that stays when the device is plugged in again. */
  link?: string;
  /** Bytes the host sends to the device. */
  onReceive?: (bytes: Uint8Array) => void;
  /** Only these programs, in this order. Default all. */
  providers?: readonly string[];
}

interface Provider {
  name: string;
  /** @param owner the process with whose end the terminal has to go */
  args(owner: number): string[];
  /** Where it says which terminal it made. */
  saysPathOn: 'stdout' | 'stderr';
}

/**
 * Programs that make a pseudo-terminal whose far end is their standard input and output, best first: `script` is on every
 * Debian, but drops what finds no room, as a UART does. Each ends by itself when this process is gone, however it went.
 */
export const PROVIDERS: readonly Provider[] = [
  {
    name: 'script',
    // `script` goes on when its input ends, so what runs in the terminal looks after the owner.
    args: (owner) => ['-qfc', `stty raw -echo; tty; while kill -0 ${owner} 2>/dev/null; do sleep 2; done`, '/dev/null'],
    saysPathOn: 'stdout',
  },
  { name: 'socat', args: () => ['-d', '-d', 'PTY,rawer', 'STDIO'], saysPathOn: 'stderr' },
  {
    name: 'python3',
    args: () => [
      '-uc',
      `import os,pty,select,tty
m,s=pty.openpty();tty.setraw(s);os.write(1,(os.ttyname(s)+'\\n').encode())
while True:
  for f in select.select([0,m],[],[])[0]:
    b=os.read(f,65536)
    if not b: os._exit(0)
    while b: b=b[os.write(m if f==0 else 1,b):]`,
    ],
    saysPathOn: 'stdout',
  },
];

/** Those of them that wait where the terminal is full. */
export const WAITING_PROVIDERS: readonly string[] = ['socat', 'python3'];

const PATH = /\/dev\/\S+/;
const START_TIMEOUT_MS = 5000;

/** Makes a pseudo-terminal with the first program that can; otherwise says why none could. */
export async function openPty(
  options: PtyOptions = {},
): Promise<{ pty: Pty; reason: null } | { pty: null; reason: string }> {
  const names = options.providers ?? PROVIDERS.map((provider) => provider.name);
  const reasons: string[] = [];
  for (const name of names) {
    const provider = PROVIDERS.find((candidate) => candidate.name === name);
    try {
      if (provider === undefined) throw new Error('not known here');
      return { pty: await openWith(provider, options), reason: null };
    } catch (error) {
      reasons.push(`${name}: ${messageOf(error)}`);
    }
  }
  return { pty: null, reason: `no program here makes a pseudo-terminal (${reasons.join('; ')})` };
}

async function openWith(provider: Provider, options: PtyOptions): Promise<Pty> {
  const child = spawn(provider.name, provider.args(process.pid), { stdio: ['pipe', 'pipe', 'pipe'] });
  const stdin = child.stdin!;
  const kill = () => child.kill('SIGKILL');
  process.on('exit', kill);
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(messageOf(error)));
    child.once('exit', (code, signal) => resolve(`ended with ${signal ?? code}`));
  });
  const isGone = ended.then(() => process.off('exit', kill));
  // Writing to a child that has just been killed fails here; `drained` tells.
  stdin.on('error', () => {});

  let terminal: string;
  try {
    terminal = await saidPath(child, provider.saysPathOn, ended);
    if (options.link !== undefined) await replaceLink(terminal, options.link);
  } catch (error) {
    kill();
    await isGone;
    throw error;
  }
  child.stderr!.resume();
  // Always read, or a host that writes to the device would come to a stop.
  child.stdout!.on('data', (bytes: Uint8Array) => options.onReceive?.(bytes));

  return {
    path: options.link ?? terminal,
    provider: provider.name,
    write: (bytes) => stdin.write(bytes),
    drained: () =>
      new Promise<void>((resolve, reject) => {
        if (stdin.destroyed) reject(new Error('the wire is cut'));
        else stdin.write('', (error) => (error == null ? resolve() : reject(error)));
      }),
    async unplug() {
      // SIGTERM would leave `script` waiting for what runs in it.
      kill();
      await isGone;
      if (options.link !== undefined) await rm(options.link, { force: true });
    },
  };
}

/** The terminal's path, as soon as the program has said it. */
function saidPath(child: ChildProcess, on: 'stdout' | 'stderr', ended: Promise<string>): Promise<string> {
  return new Promise((resolve, reject) => {
    let said = '';
    const stream = child[on]!;
    const timer = setTimeout(() => reject(new Error('said no terminal in time')), START_TIMEOUT_MS);
    const onData = (bytes: Uint8Array) => {
      said += Buffer.from(bytes).toString('latin1');
      const path = said.includes('\n') ? PATH.exec(said)?.[0] : undefined;
      if (path === undefined) return;
      stream.off('data', onData);
      clearTimeout(timer);
      resolve(path);
    };
    stream.on('data', onData);
    void ended.then((how) => {
      clearTimeout(timer);
      reject(new Error(how));
    });
  });
}

/** Points the link at another target in one step. */
async function replaceLink(target: string, link: string): Promise<void> {
  const temporary = `${link}.${process.pid}`;
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  await rename(temporary, link);
}
