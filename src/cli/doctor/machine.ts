import { spawnSync } from 'node:child_process';
import { constants, existsSync, readdirSync, readFileSync } from 'node:fs';
import { access, open, rm, statfs } from 'node:fs/promises';
import { arch, cpus, freemem, platform } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { loadBinding } from '../../ingest/index.js';
import type { Stream } from '../../stream/index.js';
import { size } from '../format.js';
import { type Finding, ok, problem, warning } from './finding.js';

const MIB = 2 ** 20;
/** What Node and a stream take beside the arena, seen over days; and what is comfortable. */
const NEEDED_BYTES = 80 * MIB;
const COMFORTABLE_BYTES = 160 * MIB;
/** Checkpoints that should fit beside what is there. */
const NEEDED_CHECKPOINTS = 100;
/** A flush that takes longer than this is that of a card about to fail, or of a network drive. */
const SLOW_FLUSH_MS = 500;
const FLUSHES = 5;
const TMPFS = 0x01021994;
/** No clock that has been set says an earlier year. */
const EARLIEST_YEAR = 2025;
const LATEST_YEAR = 2100;

export function checkNode(): Finding {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const text = `Node ${process.versions.node} on ${platform()} ${arch()}, ${cpus().length} cores`;
  return major > 20 || (major === 20 && minor >= 19)
    ? ok('node', text)
    : problem('node', text, 'install Node 20.19 or newer');
}

export async function checkSerialLibrary(): Promise<Finding> {
  try {
    if (platform() === 'linux') loadBinding();
    else await import('serialport');
    return ok('serialport', 'its part for this system loads');
  } catch (error) {
    const text = `does not load: ${(error as Error).message.split('\n')[0]}`;
    return problem('serialport', text, 'install it again: npm install serialport');
  }
}

export function checkMemory(arenaBytes: number, freeBytes = freemem()): Finding {
  const needed = NEEDED_BYTES + arenaBytes;
  const text = `${size(freeBytes)} free, about ${size(needed)} needed`;
  if (freeBytes < needed) return problem('memory', text, 'end other programs, or use a smaller network');
  if (freeBytes < COMFORTABLE_BYTES + arenaBytes) return warning('memory', text, 'end what is not needed here');
  return ok('memory', text);
}

/** @param rowsPerSecond as many as can come; undefined where that is not known */
export function checkSpeed(stream: Stream, rowUs: number, rowsPerSecond: number | undefined): Finding[] {
  const { executor } = stream.network;
  const simd =
    executor === 'simd'
      ? ok('simd', 'the network runs on SIMD kernels')
      : warning('simd', 'the network runs on the reference executor, many times slower', 'use a 64-bit system');
  const step = `a row takes ${Number(rowUs.toPrecision(3))} µs`;
  if (rowsPerSecond === undefined) return [simd, ok('step', step)];
  const share = (rowUs * rowsPerSecond) / 1e6;
  const text = `${step}: ${Number((100 * share).toPrecision(2))} % of a core if all of ${Math.floor(rowsPerSecond)} rows/s come`;
  if (share > 1) return [simd, problem('step', text, 'use a smaller network, or let the device send less')];
  if (share > 0.5) return [simd, warning('step', text, 'use a smaller network, or let the device send less')];
  return [simd, ok('step', text)];
}

/** @param root of the file system, for tests */
export function checkClock(now = new Date(), root = '/'): Finding {
  const text = now.toISOString().slice(0, 19).replace('T', ' ');
  const remedy = 'connect to the network once, or set it: sudo timedatectl set-time …; a clock module keeps it';
  if (now.getUTCFullYear() < EARLIEST_YEAR || now.getUTCFullYear() >= LATEST_YEAR) {
    return problem('clock', `${text} UTC cannot be`, remedy);
  }
  if (existsSync(join(root, 'run/systemd/timesync/synchronized')))
    return ok('clock', `${text} UTC, set over the network`);
  const { status, stdout } = spawnSync('timedatectl', ['show', '-p', 'NTPSynchronized', '--value'], {
    encoding: 'utf8',
    timeout: 5000,
  });
  if (status === 0 && stdout.trim() === 'yes') return ok('clock', `${text} UTC, set over the network`);
  const why = status === 0 ? 'not set over the network' : 'and nobody here says whether it is set over the network';
  return warning('clock', `${text} UTC, ${why}`, 'sudo timedatectl set-ntp true');
}

/** A Raspberry Pi says when it was short of power or too hot. */
export function checkPower(root = '/'): Finding[] {
  const file = join(root, 'sys/devices/platform/soc/soc:firmware/get_throttled');
  const bits = Number.parseInt(textOf(file) ?? '', 16);
  if (Number.isNaN(bits)) return [];
  const found: Finding[] = [];
  if (bits & 0x50005) {
    const when = bits & 0x5 ? 'now' : 'since it was switched on';
    found.push(problem('power', `too low a voltage ${when}`, 'use a stronger power supply and a shorter cable'));
  }
  if (bits & 0xa000a) found.push(warning('heat', 'slowed down because it was hot', 'give it a heat sink, or air'));
  return found.length > 0 ? found : [ok('power', 'enough, and cool')];
}

/** Programs that open serial ports to see what is there, and so disturb a device. */
export function checkIntruders(root = '/'): Finding[] {
  const running = new Set(
    namesIn(join(root, 'proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((pid) => textOf(join(root, 'proc', pid, 'comm'))),
  );
  const found: Finding[] = [];
  if (running.has('ModemManager')) {
    found.push(
      warning(
        'ModemManager',
        'runs, and talks to every new serial port',
        'sudo systemctl disable --now ModemManager, or the udev rule of docs/service.md',
      ),
    );
  }
  if (running.has('brltty')) {
    found.push(warning('brltty', 'runs, and takes CH340 and CP210x adapters for itself', 'sudo apt remove brltty'));
  }
  return found.length > 0 ? found : [ok('intruders', 'neither ModemManager nor brltty runs')];
}

/**
 * Looks whether checkpoints can be kept, and how long one takes, with a file of its own that it removes.
 *
 * @param bytes of one checkpoint
 */
export async function checkDisk(directory: string, bytes: number): Promise<Finding[]> {
  let folder = resolve(directory);
  while (!existsSync(folder) && folder !== dirname(folder)) folder = dirname(folder);
  const elsewhere = 'set checkpoint.directory to a place this user can write to';
  try {
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    return [problem('disk', `${folder}: ${(error as Error).message}`, elsewhere)];
  }
  const found: Finding[] = [];
  const { bavail, bsize, type } = await statfs(folder);
  const free = bavail * bsize;
  const room = `${size(free)} free in ${folder}, a checkpoint takes ${size(bytes)}`;
  if (free < NEEDED_CHECKPOINTS * bytes) found.push(problem('disk', room, 'make room, or set checkpoint.directory'));
  else if (type === TMPFS) {
    found.push(warning('disk', `${room}; it is memory: gone when the power is`, 'set checkpoint.directory to a disk'));
  } else found.push(ok('disk', room));
  try {
    const ms = await flushMs(folder, bytes);
    const text = `a checkpoint is written and flushed in ${Number(ms.toPrecision(2))} ms`;
    const remedy = 'the disk is slow: try another card, or set a longer checkpoint.intervalS';
    found.push(ms > SLOW_FLUSH_MS ? warning('flush', text, remedy) : ok('flush', text));
  } catch (error) {
    found.push(problem('flush', `${folder}: ${(error as Error).message}`, elsewhere));
  }
  return found;
}

/** The median of a few. */
async function flushMs(folder: string, bytes: number): Promise<number> {
  const file = join(folder, `.edgegrad-doctor-${process.pid}`);
  const content = new Uint8Array(bytes).fill(0xa5);
  const times: number[] = [];
  try {
    for (let i = 0; i < FLUSHES; i++) {
      const start = performance.now();
      const handle = await open(file, 'w');
      try {
        await handle.writeFile(content);
        await handle.sync();
      } finally {
        await handle.close();
      }
      times.push(performance.now() - start);
    }
  } finally {
    await rm(file, { force: true });
  }
  return times.sort((a, b) => a - b)[FLUSHES >> 1];
}

export function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return undefined;
  }
}

export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
