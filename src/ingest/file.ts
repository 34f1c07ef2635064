import { read } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { IngestError, messageOf, systemCode } from './errors.js';
import type { ByteSink, ByteSource } from './source.js';

const CHUNK_BYTES = 65536;
const STDIN = 0;
/** How long to leave a standard input alone that has nothing to say but does not block. */
const EMPTY_WAIT_MS = 10;

/**
 * A file, or standard input for `-`, from its start to its end at full speed.
 *
 * Every chunk is read into the same buffer on a thread of Node's, so the event loop runs between chunks. A read of
 * standard input that waits for bytes cannot be taken back: after `stop()` it ends with the next bytes or the process.
 */
export class FileSource implements ByteSource {
  readonly name: string;
  private readonly buffer = new Uint8Array(CHUNK_BYTES);
  private isStopped = false;
  /** Resolves when it is no longer held; null where it is not. */
  private held: Promise<void> | null = null;
  private release: (() => void) | null = null;
  private reading: Promise<void> | null = null;
  private rxBytes = 0;
  private rxChunks = 0;

  constructor(private readonly path: string) {
    this.name = path === '-' ? 'stdin' : `file:${path}`;
  }

  /** Resolves once the file is open; its bytes follow, and `closed` with 'end of file'. */
  async start(sink: ByteSink): Promise<void> {
    const file = this.path === '-' ? null : await openFile(this.path);
    sink.opened(this.name);
    this.reading = this.readAll(file, sink);
  }

  hold(isHeld: boolean): void {
    if (!isHeld) this.release?.();
    this.release = null;
    this.held = isHeld
      ? new Promise((resolve) => {
          this.release = resolve;
        })
      : null;
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    this.hold(false);
    if (this.path !== '-') await this.reading;
  }

  /** A file does not listen. */
  send(): boolean {
    return false;
  }

  counters(): Record<string, number> {
    return { rxBytes: this.rxBytes, rxChunks: this.rxChunks };
  }

  private async readAll(file: FileHandle | null, sink: ByteSink): Promise<void> {
    let reason = 'end of file';
    try {
      for (;;) {
        while (this.held !== null) await this.held;
        const length = await readChunk(file?.fd ?? STDIN, this.buffer);
        if (this.isStopped) {
          reason = 'stopped';
          break;
        }
        if (length === 0) break;
        if (this.rxBytes === 0 && isGzip(this.buffer, length)) {
          reason = 'cannot be read: packed with gzip; unpack it first: gzip -dc FILE | edgegrad … -';
          break;
        }
        this.rxBytes += length;
        this.rxChunks++;
        sink.bytes(this.buffer, length);
      }
    } catch (error) {
      reason = `cannot be read: ${messageOf(error)}`;
    } finally {
      await file?.close();
    }
    sink.closed(reason);
  }
}

/** Reads on from where the last read ended. Returns how many bytes there were; 0 at the end. */
async function readChunk(fd: number, buffer: Uint8Array): Promise<number> {
  for (;;) {
    try {
      return await new Promise<number>((resolve, reject) => {
        read(fd, buffer, 0, buffer.length, null, (error, length) => (error === null ? resolve(length) : reject(error)));
      });
    } catch (error) {
      if (systemCode(error) !== 'EAGAIN') throw error;
      await new Promise((resolve) => setTimeout(resolve, EMPTY_WAIT_MS));
    }
  }
}

async function openFile(path: string): Promise<FileHandle> {
  const where = `file ${path}`;
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') {
      throw new IngestError('INGEST_NOT_FOUND', {
        where,
        found: 'no such file',
        expected: 'a file of rows, or - for standard input',
        remedy: 'check the path; it is looked for from the working directory',
      });
    }
    if (systemCode(error) === 'EACCES') {
      throw new IngestError('INGEST_PERMISSION', {
        where,
        found: 'no permission to read it',
        expected: 'a file this user may read',
        remedy: `let its owner run: chmod a+r ${path}`,
      });
    }
    throw new IngestError('INGEST_OPEN', { where, found: messageOf(error), expected: 'a file that can be read' });
  }
  if ((await file.stat()).isDirectory()) {
    await file.close();
    throw new IngestError('INGEST_NOT_A_FILE', {
      where,
      found: 'a directory',
      expected: 'a file of rows, or - for standard input',
      remedy: 'name a file in it',
    });
  }
  return file;
}

/** Whether bytes begin as gzip's do. */
function isGzip(bytes: Uint8Array, length: number): boolean {
  return length >= 3 && bytes[0] === 0x1f && bytes[1] === 0x8b && bytes[2] === 0x08;
}
