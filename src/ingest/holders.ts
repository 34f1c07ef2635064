import { readdirSync, readFileSync, readlinkSync, realpathSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { resolvePort } from './ports.js';

/** A process that has a device open. */
export interface Holder {
  pid: number;
  command: string;
  isEdgegrad: boolean;
}

/** Field of /proc/PID/stat, from the one behind the name: the terminal it is controlled by. */
const TTY_FIELD = 4;

/** The processes that have a device open, as far as this user may see them; not this one. Linux; none elsewhere. */
export function holdersOf(path: string): Holder[] {
  const holders: Holder[] = [];
  for (const entry of namesIn('/proc')) {
    const pid = Number(entry);
    if (!Number.isInteger(pid) || pid === process.pid) continue;
    const folder = join('/proc', entry, 'fd');
    if (!namesIn(folder).some((fd) => linkOf(join(folder, fd)) === path)) continue;
    const words = textOf(join('/proc', entry, 'cmdline')).split('\0');
    holders.push({
      pid,
      command: textOf(join('/proc', entry, 'comm')),
      isEdgegrad: words.includes('run') && words.some((word) => /edgegrad|cli\.js$/.test(word)),
    });
  }
  return holders;
}

/**
 * Those of them that may take bytes away. What makes a pseudo-terminal, and the session it is made for, are at its other
 * end.
 */
export function readersOf(path: string): Holder[] {
  const holders = holdersOf(path);
  if (holders.length === 0 || !path.startsWith('/dev/pts/')) return holders;
  // The terminal may be gone since.
  const rdev = statSync(path, { throwIfNoEntry: false })?.rdev;
  if (rdev === undefined) return [];
  return holders.filter(({ pid }) => controllingTerminal(pid) !== rdev && !hasOpen(pid, /^\/dev\/(pts\/)?ptmx$/));
}

function hasOpen(pid: number, file: RegExp): boolean {
  const folder = join('/proc', String(pid), 'fd');
  return namesIn(folder).some((fd) => file.test(linkOf(join(folder, fd)) ?? ''));
}

/** The device node a configured port stands for now; undefined where there is none. */
export function deviceOf(port: string): string | undefined {
  try {
    const path = realpathSync(resolvePort(port));
    return statSync(path).isCharacterDevice() ? path : undefined;
  } catch {
    return undefined;
  }
}

function controllingTerminal(pid: number): number {
  const stat = textOf(join('/proc', String(pid), 'stat'));
  // The name before may hold anything.
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[TTY_FIELD]);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function linkOf(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}
