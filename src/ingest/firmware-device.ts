import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from './errors.js';
import { packageFile } from './package-file.js';

const PATH = /^\/dev\/\S+/;
const START_TIMEOUT_MS = 5000;

export interface FirmwareDeviceOptions {
  /** A CSV log with a header. */
  log: string;
  /** Times as fast as the log, or as fast as the host reads. Default 1. */
  speed?: number | 'max';
  /** The column with seconds; it is the device's clock and no column of its rows. */
  timeColumn?: string | undefined;
  /** Seconds between rows without it. Default 1. */
  periodS?: number;
  /** Columns that are not sent, or sent as labels. */
  omit?: readonly string[];
  labels?: readonly string[];
  /** Further words for the command line: faults, types. */
  args?: readonly string[];
}

/**
 * The C library for devices, built for this machine, playing a log over a pseudo-terminal of its own: what a board with
 * that library sends, byte for byte.
 */
export class FirmwareDevice {
  /** Resolves when the log has ended and was read to its end; rejects where the device was cut off. */
  readonly finished: Promise<void>;
  private said = '';

  private constructor(
    private readonly child: ChildProcess,
    /** The pseudo-terminal the host opens. */
    readonly path: string,
  ) {
    child.stderr!.on('data', (bytes: Uint8Array) => {
      this.said = (this.said + Buffer.from(bytes).toString('utf8')).slice(-4096);
    });
    this.finished = new Promise((resolve, reject) => {
      child.once('close', (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`the simulated device ended with ${signal ?? code}`));
      });
    });
    this.finished.catch(() => {}); // also where nobody waits for it
  }

  /** Makes a device that waits to be switched on. Where this machine cannot, says why. */
  static async open(
    options: FirmwareDeviceOptions,
  ): Promise<{ device: FirmwareDevice; reason: null } | { device: null; reason: string }> {
    try {
      const program = await buildProgram();
      const child = spawn(program, ['--starts-with-stdin', '--ends-with-stdin', ...argumentsOf(options)], {
        stdio: ['pipe', 'pipe', 'pipe'],
      });
      child.stdin!.on('error', () => {}); // a device that has gone is told of by `finished`
      return { device: new FirmwareDevice(child, await pathSaidBy(child)), reason: null };
    } catch (error) {
      return { device: null, reason: messageOf(error).split('\n', 1)[0] };
    }
  }

  /** What it has counted: one JSON object, once it has ended. */
  get report(): string {
    return this.said.trimEnd().split('\n').at(-1) ?? '';
  }

  /** Switches the device on. */
  start(): void {
    this.child.stdin!.write('\n');
  }

  /** Pulls its plug. */
  stop(): void {
    this.child.kill('SIGKILL');
  }
}

function argumentsOf({
  log,
  speed = 1,
  timeColumn,
  periodS = 1,
  omit = [],
  labels = [],
  args = [],
}: FirmwareDeviceOptions) {
  const time =
    timeColumn === undefined
      ? ['--period-us', String(Math.max(1, Math.round(1e6 * periodS)))]
      : ['--time', timeColumn, '--omit', timeColumn];
  return [
    ...['--speed', String(speed)],
    ...time,
    ...omit.flatMap((name) => ['--omit', name]),
    ...labels.flatMap((name) => ['--label', name]),
    ...args,
    log,
  ];
}

/** Resolves with the path of the terminal; rejects with what the program said instead. */
function pathSaidBy(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = '';
    let err = '';
    const timer = setTimeout(() => fail(`said nothing for ${START_TIMEOUT_MS / 1000} s`), START_TIMEOUT_MS);
    const fail = (why: string) => {
      clearTimeout(timer);
      child.kill('SIGKILL');
      reject(new Error(`edgegrad-device ${why}`));
    };
    const onError = (bytes: Uint8Array) => {
      err += Buffer.from(bytes).toString('utf8');
    };
    child.stderr!.on('data', onError);
    child.once('error', (error) => fail(messageOf(error)));
    child.once('close', (code) => fail(`ended with ${code}: ${err.trim().split('\n', 1)[0]}`));
    child.stdout!.on('data', (bytes: Uint8Array) => {
      out += Buffer.from(bytes).toString('utf8');
      const path = out.includes('\n') ? PATH.exec(out)?.[0] : undefined;
      if (path === undefined) return;
      clearTimeout(timer);
      child.stderr!.off('data', onError);
      resolve(path);
    });
  });
}

/** Builds the program with this machine's C compiler, once for every version of its sources. */
async function buildProgram(): Promise<string> {
  const root = packageFile('firmware-bridge');
  const sources = ['simulator', 'src'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .filter((file) => file.endsWith('.c'))
      .sort()
      .map((file) => join(root, folder, file)),
  );
  const hash = createHash('sha256').update(`${process.platform} ${process.arch}`);
  for (const folder of ['include', 'simulator', 'src']) {
    for (const file of readdirSync(join(root, folder)).sort()) hash.update(readFileSync(join(root, folder, file)));
  }
  const cache = join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'edgegrad');
  const program = join(cache, `device-${hash.digest('hex').slice(0, 16)}`);
  if (existsSync(program)) return program;
  mkdirSync(cache, { recursive: true });
  const temporary = `${program}.${process.pid}`;
  const compiler = process.env.CC ?? 'cc';
  try {
    await promisify(execFile)(compiler, ['-O2', '-o', temporary, ...sources]);
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    throw new Error(
      code === 'ENOENT' ? `no C compiler (${compiler})` : `${compiler}: ${stderr?.split('\n', 1)[0] ?? error}`,
    );
  }
  renameSync(temporary, program);
  return program;
}
