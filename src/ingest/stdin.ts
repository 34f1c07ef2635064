import { fstatSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty, ReadStream } from 'node:tty';
import { FileSource } from './file.js';
import type { ByteSink, ByteSource } from './source.js';

const CHUNK_BYTES = 65536;
const STDIN = 0;

/** What both kinds of stream take besides what the types of one say. */
type WithOnRead = new (options: {
  fd: number;
  readable: boolean;
  writable: boolean;
  onread: { buffer: Uint8Array; callback(length: number, buffer: Uint8Array): boolean };
}) => Socket;

/** Standard input from here to its end: a pipe or terminal as its bytes come, a file at full speed. */
export function standardInput(): ByteSource {
  const status = fstatSync(STDIN);
  const isStream = status.isFIFO() || status.isSocket() || isatty(STDIN);
  // A read of a pipe by a thread could not be taken back, and would keep the process until its next byte.
  return isStream ? new PipeSource() : new FileSource('-');
}

/** A pipe or terminal on standard input. Every chunk is read into the same buffer. */
class PipeSource implements ByteSource {
  readonly name = 'stdin';
  private readonly buffer = new Uint8Array(CHUNK_BYTES);
  private stream: Socket | null = null;
  private sink: ByteSink | null = null;
  private rxBytes = 0;
  private rxChunks = 0;

  async start(sink: ByteSink): Promise<void> {
    this.sink = sink;
    sink.opened(this.name);
    const onread = {
      buffer: this.buffer,
      callback: (length: number, buffer: Uint8Array) => {
        this.rxBytes += length;
        this.rxChunks++;
        this.sink?.bytes(buffer, length);
        return true;
      },
    };
    const options = { fd: STDIN, readable: true, writable: false, onread };
    this.stream = isatty(STDIN)
      ? new (ReadStream as unknown as new (fd: number, options: object) => Socket)(STDIN, options)
      : new (Socket as unknown as WithOnRead)(options);
    this.stream.on('end', () => this.closed('end of file'));
    this.stream.on('error', (error) => this.closed(`cannot be read: ${error.message}`));
    this.stream.resume();
  }

  async stop(): Promise<void> {
    this.closed('stopped');
  }

  hold(isHeld: boolean): void {
    if (isHeld) this.stream?.pause();
    else this.stream?.resume();
  }

  /** Nobody listens. */
  send(): boolean {
    return false;
  }

  counters(): Record<string, number> {
    return { rxBytes: this.rxBytes, rxChunks: this.rxChunks };
  }

  private closed(reason: string): void {
    const { sink } = this;
    if (sink === null) return;
    this.sink = null;
    this.stream?.destroy();
    sink.closed(reason);
  }
}
