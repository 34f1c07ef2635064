import { connect, type Socket } from 'node:net';
import { IngestError, messageOf, systemCode } from './errors.js';
import { Retry } from './retry.js';
import type { ByteSink, ByteSource } from './source.js';

const BUFFER_BYTES = 65536;
/** A peer that does not read is not written to: what it would read later is no longer true. */
const MAX_UNSENT_BYTES = 1024;
const CONNECT_TIMEOUT_MS = 10_000;
/** The peer of a silent connection is asked from then on whether it is still there. */
const KEEP_ALIVE_MS = 10_000;

export interface TcpOptions {
  host: string;
  port: number;
  /** A peer that is not there is waited for, instead of an error from `start()`. Default false. */
  wait?: boolean;
  /** Numbers from 0 to 1, for the waits between attempts. Default Math.random. */
  random?: () => number;
}

/**
 * A device behind a TCP connection, as ser2net, an ESP or a serial server offers it: raw bytes. Comes back for ever, as
 * a serial port does.
 */
export class TcpSource implements ByteSource {
  readonly name: string;
  private readonly options: Required<TcpOptions>;
  private readonly buffer = new Uint8Array(BUFFER_BYTES);
  private readonly retry: Retry;
  private sink: ByteSink | null = null;
  private socket: Socket | null = null;
  private isOpen = false;
  private isHeld = false;
  private firstOpen: { resolve(): void; reject(error: Error): void } | null = null;
  private rxBytes = 0;
  private rxChunks = 0;
  private txBytes = 0;
  private txDroppedBytes = 0;
  private opens = 0;
  private disconnects = 0;
  private failedAttempts = 0;

  constructor(options: TcpOptions) {
    this.options = { wait: false, random: Math.random, ...options };
    this.name = `tcp://${options.host}:${options.port}`;
    this.retry = new Retry(null, false, () => this.open(), this.options.random);
  }

  /**
   * Resolves when the connection stands for the first time, or when `stop()` ends the wait for it.
   *
   * @throws IngestError when it cannot be made now, unless `wait`
   */
  async start(sink: ByteSink): Promise<void> {
    this.sink = sink;
    const opened = new Promise<void>((resolve, reject) => {
      this.firstOpen = { resolve, reject };
    });
    this.open();
    await opened;
  }

  async stop(): Promise<void> {
    const { sink, socket } = this;
    this.sink = null;
    this.retry.cancel();
    this.firstOpen?.resolve();
    if (socket !== null) {
      const closed = new Promise((resolve) => socket.once('close', resolve));
      socket.destroy();
      await closed;
    }
    if (this.isOpen) sink?.closed('stopped');
    this.isOpen = false;
  }

  hold(isHeld: boolean): void {
    this.isHeld = isHeld;
    if (!this.isOpen) return;
    if (isHeld) this.socket?.pause();
    else this.socket?.resume();
  }

  send(bytes: Uint8Array): boolean {
    if (!this.isOpen || this.socket === null || this.socket.writableLength > MAX_UNSENT_BYTES) {
      this.txDroppedBytes += bytes.length;
      return false;
    }
    this.txBytes += bytes.length;
    this.socket.write(Uint8Array.from(bytes));
    return true;
  }

  /** As those of a serial port. */
  counters(): Record<string, number> {
    const { rxBytes, rxChunks, txBytes, txDroppedBytes, opens, disconnects, failedAttempts } = this;
    return { rxBytes, rxChunks, txBytes, txDroppedBytes, opens, disconnects, failedAttempts };
  }

  private open(): void {
    const { host, port } = this.options;
    const socket = connect({
      host,
      port,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_MS,
      timeout: CONNECT_TIMEOUT_MS,
      onread: {
        buffer: this.buffer,
        callback: (length, buffer) => {
          this.received(buffer, length);
          return true;
        },
      },
    });
    this.socket = socket;
    let reason = 'closed by the other side';
    let problem: Error | null = null;
    socket.on('connect', () => {
      socket.setTimeout(0);
      this.isOpen = true;
      if (this.isHeld) socket.pause();
      this.opens++;
      this.retry.succeeded();
      this.sink?.opened(this.name);
      this.firstOpen?.resolve();
      this.firstOpen = null;
    });
    socket.on('timeout', () => socket.destroy(new Error('no answer')));
    socket.on('error', (error) => {
      problem = error;
      reason = messageOf(error);
    });
    socket.on('end', () => socket.end());
    socket.on('close', () => {
      if (this.socket === socket) this.gone(reason, problem);
    });
  }

  private received(buffer: Uint8Array, length: number): void {
    if (this.sink === null) return;
    this.rxBytes += length;
    this.rxChunks++;
    this.sink.bytes(buffer, length);
  }

  private gone(reason: string, problem: Error | null): void {
    this.socket = null;
    if (this.sink === null) return;
    if (this.isOpen) {
      this.isOpen = false;
      this.disconnects++;
      this.sink.closed(reason);
    } else {
      this.failedAttempts++;
      if (this.firstOpen !== null && !this.options.wait) {
        this.sink = null;
        this.firstOpen.reject(tcpError(this.name, problem));
        return;
      }
    }
    this.retry.schedule();
  }
}

function tcpError(where: string, error: Error | null): IngestError {
  const reasons: Record<string, string> = {
    ECONNREFUSED: 'nobody who listens there',
    ENOTFOUND: 'no host of that name',
    EHOSTUNREACH: 'no way to that host',
    ENETUNREACH: 'no way to that network',
  };
  return new IngestError('INGEST_TCP', {
    where,
    found: reasons[systemCode(error)] ?? messageOf(error),
    expected: 'a server that sends what a device sends',
    remedy: 'start it, or set source.wait = true',
  });
}
