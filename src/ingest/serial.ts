import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { IngestError, serialError } from './errors.js';
import { deviceOf, readersOf } from './holders.js';
import { openLinuxPort } from './linux-port.js';
import type { OpenPort, PortListener } from './open-port.js';
import { directoryOf, isPortPattern, resolvePort } from './ports.js';
import { Retry } from './retry.js';
import type { ByteSink, ByteSource } from './source.js';
import { openStreamPort } from './stream-port.js';

const BUFFER_BYTES = 65536;
/** The code of a port that is waited for. */
const NOT_THERE = 'INGEST_NOT_FOUND';
/** A device that does not read is not written to: what it would read later is no longer true. */
const MAX_UNSENT_BYTES = 1024;

export interface SerialOptions {
  /** The device, best by a name that stays: `/dev/serial/by-id/…`, a pattern of one (`usb-Arduino*`), `usb:VID:PID[:serial]`. */
  path: string;
  /** Bits per second, any the hardware can do. Default 115200. */
  baudRate?: number;
  /** Boards with auto-reset restart when the port opens. False asks the system not to, from the second open on. Default true. */
  resetOnOpen?: boolean;
  /** Asks the driver to hand bytes on at once (FTDI chips wait 16 ms otherwise). Ignored where it cannot. Default true. */
  lowLatency?: boolean;
  /** A device that is not there is waited for, instead of an error from `start()`. Default false. */
  wait?: boolean;
  /** What is at the other end loses nothing by waiting (a log on a pseudo-terminal): it can be held. Default false. */
  waits?: boolean;
  /** Numbers from 0 to 1, for the waits between attempts. Default Math.random. */
  random?: () => number;
}

/** One time the port was open. */
interface Connection {
  port: OpenPort | null;
}

/**
 * A serial port that comes back for ever.
 *
 * On Linux bytes are read into one buffer (`linux-port.ts`); elsewhere through the streams of `serialport`
 * (`stream-port.ts`). After the first success a lost port is opened again as soon as it is there; the sink
 * hears one `closed` and one `opened` a change, whatever the number of attempts.
 */
export class SerialSource implements ByteSource {
  readonly name: string;
  /** Absent for a device, which would go on all the same. */
  readonly hold?: (isHeld: boolean) => void;
  private readonly options: Required<SerialOptions>;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private readonly retry: Retry;
  private sink: ByteSink | null = null;
  private connection: Connection | null = null;
  /** The attempt under way, or the end of the last connection; never rejects. */
  private busy: Promise<void> = Promise.resolve();
  private firstOpen: (() => void) | null = null;
  private rxBytes = 0;
  private rxChunks = 0;
  private txBytes = 0;
  private txDroppedBytes = 0;
  private opens = 0;
  private disconnects = 0;
  private failedAttempts = 0;
  /** Why the last attempt failed; '' after one that did not. */
  private failure = '';
  /** The reason that was passed on last; '' where the port was not there, or was open. */
  private passedOn = '';

  constructor(options: SerialOptions) {
    this.options = {
      baudRate: 115200,
      resetOnOpen: true,
      lowLatency: true,
      wait: false,
      waits: false,
      random: Math.random,
      ...options,
    };
    this.name = `serial:${options.path}`;
    const { path, random, waits } = this.options;
    if (waits) this.hold = (isHeld) => this.connection?.port?.hold(isHeld);
    const watched = isPortPattern(path) ? join(directoryOf(path), '*') : path;
    this.retry = new Retry(watched, isPortPattern(path), () => this.tryAgain(), random);
  }

  /**
   * Resolves when the port has been opened for the first time, or when `stop()` ends the wait for it.
   *
   * @throws IngestError when it cannot be opened now, unless `wait`
   */
  async start(sink: ByteSink): Promise<void> {
    this.sink = sink;
    const opening = this.open();
    this.busy = opening.catch(() => {});
    try {
      await opening;
    } catch (error) {
      if (!this.options.wait) {
        this.sink = null;
        throw withHolders(this.options.path, serialError(this.options.path, error));
      }
      this.failed(error, true);
      if (this.sink === null) return;
      const opened = new Promise<void>((resolve) => {
        this.firstOpen = resolve;
      });
      this.retry.schedule();
      await opened;
    }
  }

  async stop(): Promise<void> {
    const sink = this.sink;
    this.sink = null;
    this.retry.cancel();
    this.firstOpen?.();
    await this.busy;
    const connection = this.connection;
    if (connection === null) return;
    this.connection = null;
    await connection.port?.close();
    sink?.closed('stopped');
  }

  send(bytes: Uint8Array): boolean {
    const port = this.connection?.port ?? null;
    if (port === null || port.unsentBytes > MAX_UNSENT_BYTES) {
      this.txDroppedBytes += bytes.length;
      return false;
    }
    this.txBytes += bytes.length;
    port.write(bytes); // an error ends the connection
    return true;
  }

  /** rxBytes, rxChunks: received · txBytes, txDroppedBytes: handed over, and not · opens, disconnects: changes of state · failedAttempts: openings that did not work. */
  counters(): Record<string, number> {
    const { rxBytes, rxChunks, txBytes, txDroppedBytes, opens, disconnects, failedAttempts } = this;
    return { rxBytes, rxChunks, txBytes, txDroppedBytes, opens, disconnects, failedAttempts };
  }

  private tryAgain(): void {
    this.busy = this.open().catch((error) => {
      this.failed(error, false);
      if (this.sink !== null) this.retry.schedule();
    });
  }

  /**
   * An attempt has failed. A port that is not there is what is waited for; another reason is passed on: at the start at
   * once, later the second time in succession, since a node that has just appeared gets its permissions a moment later.
   */
  private failed(error: unknown, isFirst: boolean): void {
    this.failedAttempts++;
    const { path } = this.options;
    const problem = serialError(path, error);
    const isAgain = problem.code === this.failure || isFirst;
    this.failure = problem.code;
    if (problem.code === this.passedOn || !isAgain) return;
    if (problem.code === NOT_THERE && this.passedOn === '') return;
    this.passedOn = problem.code === NOT_THERE ? '' : problem.code;
    this.sink?.refused?.(withHolders(path, problem));
  }

  private async open(): Promise<void> {
    const { options, buffer } = this;
    const path = resolvePort(options.path);
    await checkDevice(path);
    const connection: Connection = { port: null };
    const listener: PortListener = {
      bytes: (bytes, length) => this.received(bytes, length),
      gone: (reason) => this.lost(connection, reason),
    };
    // `opened` comes before the first byte: neither way of reading calls back before this function has returned.
    connection.port =
      process.platform === 'linux'
        ? await openLinuxPort(path, options, buffer, listener)
        : await openStreamPort(path, options, listener);
    if (this.sink === null) {
      await connection.port.close();
      return;
    }
    this.connection = connection;
    this.opens++;
    this.failure = '';
    this.passedOn = '';
    this.retry.succeeded();
    this.sink.opened(path);
    this.firstOpen?.();
  }

  private received(buffer: Uint8Array, length: number): void {
    if (this.sink === null) return;
    this.rxBytes += length;
    this.rxChunks++;
    this.sink.bytes(buffer, length);
  }

  private lost(connection: Connection, reason: string): void {
    if (this.connection !== connection) return;
    this.connection = null;
    this.disconnects++;
    this.busy = Promise.resolve(connection.port?.close()).then(() => {
      if (this.sink !== null) this.retry.schedule();
    });
    this.sink?.closed(reason);
  }
}

/** Who has a port that is locked, where this user may see it. */
function withHolders(path: string, problem: IngestError): IngestError {
  const device = problem.code === 'INGEST_LOCKED' ? deviceOf(path) : undefined;
  const holders = device === undefined ? [] : readersOf(device);
  if (holders.length === 0) return problem;
  const names = holders.map(({ command, pid }) => `${command}, process ${pid}`).join(', and ');
  return new IngestError(problem.code, {
    ...problem.problem,
    found: `a port that is held by ${names}`,
    remedy: `close it, or: kill ${holders.map(({ pid }) => pid).join(' ')}`,
  });
}

/** Says in words what would otherwise come back from the driver as a number. */
async function checkDevice(path: string): Promise<void> {
  if (process.platform === 'win32') return; // COM3 is no path there
  const status = await stat(path);
  if (status.isCharacterDevice()) return;
  throw new IngestError('INGEST_NOT_A_PORT', {
    where: `serial port ${path}`,
    found: status.isDirectory() ? 'a directory' : 'a file, not a device',
    expected: 'a serial port',
    remedy: 'to learn from a file, replay it instead',
  });
}
