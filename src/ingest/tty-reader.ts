import { closeSync, constants, openSync } from 'node:fs';
import { ReadStream } from 'node:tty';

/** A terminal being read. */
export interface TtyReader {
  /** Stops reading, or goes on. */
  hold(isHeld: boolean): void;
  close(): void;
}

/** What `tty.ReadStream` takes besides what its types say: the options of `net.Socket`. */
type WithOnRead = new (
  fd: number,
  options: { onread: { buffer: Uint8Array; callback(length: number, buffer: Uint8Array): boolean } },
) => ReadStream;

/**
 * Reads a terminal through a descriptor of its own, every chunk into the same buffer: about 150 bytes of garbage a chunk,
 * where the stream of a serial library makes 8000, and a hang-up is always seen. Linux.
 *
 * @param onBytes `buffer[0, length)` has been filled
 * @param onGone  called once, when the device has hung up; not after `close()`
 */
export function readTty(
  path: string,
  buffer: Uint8Array,
  onBytes: (buffer: Uint8Array, length: number) => void,
  onGone: (reason: string) => void,
): TtyReader {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOCTTY | constants.O_NONBLOCK);
  let isOpen = true;
  let stream: ReadStream;
  try {
    stream = new (ReadStream as unknown as WithOnRead)(fd, {
      onread: {
        buffer,
        callback(length, filled) {
          if (isOpen) onBytes(filled, length);
          return true;
        },
      },
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const handle = (stream as unknown as { _handle?: { fd: number } })._handle;
  // libuv opens the slave end of a pseudo-terminal once more and leaves ours open; a real port's descriptor it owns.
  if (handle !== undefined && handle.fd !== fd) closeSync(fd);

  const close = () => {
    if (!isOpen) return false;
    isOpen = false;
    stream.destroy();
    return true;
  };
  const gone = (reason: string) => {
    if (close()) onGone(reason);
  };
  stream.on('end', () => gone('unplugged'));
  stream.on('close', () => gone('unplugged'));
  stream.on('error', (error) => gone(`unplugged (${error.message})`));
  stream.resume();
  const hold = (isHeld: boolean) => {
    if (!isOpen) return;
    if (isHeld) stream.pause();
    else stream.resume();
  };
  return { close, hold };
}
