import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { SerialPort } from 'serialport';
import { IngestError, messageOf, serialError } from './errors.js';
import { directoryOf, isPortPattern, resolvePort } from './ports.js';
import { Retry } from './retry.js';
import type { ByteSink, ByteSource } from './source.js';
import { readTty, type TtyReader } from './tty-reader.js';

const BUFFER_BYTES = 65536;
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
  /** Numbers from 0 to 1, for the waits between attempts. Default Math.random. */
  random?: () => number;
}

/** One time the port was open. */
interface Connection {
  port: SerialPort;
  reader: TtyReader | null;
}

/**
 * A serial port that comes back for ever.
 *
 * On Linux bytes are read through a second descriptor into one buffer (see `tty-reader.ts`); `serialport` configures,
 * locks and closes. Elsewhere bytes come through `serialport`'s own `data` events: more garbage, and an unplug may go
 * unseen until the next write. After the first success a lost port is opened again as soon as it is there; the sink
 * hears one `closed` and one `opened` a change, whatever the number of attempts.
 */
export class SerialSource implements ByteSource {
  readonly name: string;
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

  constructor(options: SerialOptions) {
    this.options = {
      baudRate: 115200,
      resetOnOpen: true,
      lowLatency: true,
      wait: false,
      random: Math.random,
      ...options,
    };
    this.name = `serial:${options.path}`;
    const { path, random } = this.options;
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
        throw serialError(this.options.path, error);
      }
      this.failedAttempts++;
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
    await disconnect(connection);
    sink?.closed('stopped');
  }

  send(bytes: Uint8Array): boolean {
    const port = this.connection?.port;
    if (port === undefined || !port.isOpen || port.writableLength > MAX_UNSENT_BYTES) {
      this.txDroppedBytes += bytes.length;
      return false;
    }
    this.txBytes += bytes.length;
    port.write(Buffer.from(bytes)); // an error is the port's, and ends the connection
    return true;
  }

  /** rxBytes, rxChunks: received · txBytes, txDroppedBytes: handed over, and not · opens, disconnects: changes of state · failedAttempts: openings that did not work. */
  counters(): Record<string, number> {
    const { rxBytes, rxChunks, txBytes, txDroppedBytes, opens, disconnects, failedAttempts } = this;
    return { rxBytes, rxChunks, txBytes, txDroppedBytes, opens, disconnects, failedAttempts };
  }

  private tryAgain(): void {
    this.busy = this.open().catch(() => {
      this.failedAttempts++;
      if (this.sink !== null) this.retry.schedule();
    });
  }

  private async open(): Promise<void> {
    const { lowLatency } = this.options;
    const path = resolvePort(this.options.path);
    await checkDevice(path);
    const connection: Connection = { port: await this.makePort(path), reader: null };
    const { port } = connection;
    const gone = (reason: string) => this.lost(connection, reason);
    // Always with a listener: an error nobody hears ends the process. A failed write destroys the port.
    port.on('error', (error) => gone(messageOf(error)));
    await new Promise<void>((resolve, reject) => {
      port.open((error) => (error === null ? resolve() : reject(error)));
    });
    try {
      if (lowLatency) await askForLowLatency(port);
      const onBytes = (buffer: Uint8Array, length: number) => this.received(buffer, length);
      // `opened` comes before the first byte: neither way of reading calls back before this function has returned.
      if (process.platform === 'linux') connection.reader = readTty(path, this.buffer, onBytes, gone);
      else port.on('data', (chunk: Uint8Array) => onBytes(chunk, chunk.length));
    } catch (error) {
      await disconnect(connection);
      throw error;
    }
    if (this.sink === null) {
      await disconnect(connection);
      return;
    }
    port.on('close', () => gone('closed by the system'));
    this.connection = connection;
    this.opens++;
    this.retry.succeeded();
    this.sink.opened(path);
    this.firstOpen?.();
  }

  private async makePort(path: string): Promise<SerialPort> {
    const { baudRate, resetOnOpen } = this.options;
    let library: typeof import('serialport');
    try {
      library = await import('serialport');
    } catch (error) {
      throw new IngestError('INGEST_NO_SERIALPORT', {
        where: `serial port ${path}`,
        found: `the package serialport does not load: ${messageOf(error).split('\n', 1)[0]}`,
        expected: 'its part for this system',
        remedy: 'install it again: npm install serialport',
      });
    }
    return new library.SerialPort({ path, baudRate, autoOpen: false, lock: true, hupcl: resetOnOpen });
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
    this.busy = disconnect(connection).then(() => {
      if (this.sink !== null) this.retry.schedule();
    });
    this.sink?.closed(reason);
  }
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

/** The library sets every line with each call, so the usual ones are named; pseudo-terminals and some drivers refuse. */
async function askForLowLatency(port: SerialPort): Promise<void> {
  const binding = port.port as unknown as { set?(options: Record<string, boolean>): Promise<void> } | undefined;
  try {
    await binding?.set?.({ brk: false, cts: false, dsr: false, dtr: true, rts: true, lowLatency: true });
  } catch {
    // Then bytes come a little later.
  }
}

/** Closes both descriptors; resolves when they are free. */
async function disconnect({ port, reader }: Connection): Promise<void> {
  reader?.close();
  if (!port.isOpen) return;
  await new Promise<void>((resolve) => {
    port.close(() => resolve());
  });
}
