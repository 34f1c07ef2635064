import { write } from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf, noSerialLibrary, systemCode } from './errors.js';
import type { OpenPort, PortListener, PortOptions } from './open-port.js';
import { readTty, type TtyReader } from './tty-reader.js';

/** Between attempts to hand bytes to a device that takes none. */
const FULL_WAIT_MS = 20;

/** The part of `serialport` that is the system's: no streams, and no poller, of which it keeps one for ever for each opening. */
interface Binding {
  asyncOpen(path: string, options: object): Promise<number>;
  asyncSet(fd: number, lines: object): Promise<void>;
  asyncClose(fd: number): Promise<void>;
}

let binding: Binding | undefined;

/** @throws IngestError where it does not load */
export function loadBinding(): Binding {
  try {
    const require = createRequire(import.meta.url);
    binding ??= createRequire(require.resolve('serialport'))(
      '@serialport/bindings-cpp/dist/load-bindings.js',
    ) as Binding;
    return binding;
  } catch (error) {
    throw noSerialLibrary(error);
  }
}

/**
 * Opens a serial port on Linux: the native part of `serialport` sets its speed and locks it, and bytes are read through a
 * second descriptor into `buffer`, every chunk into its start (see `tty-reader.ts`).
 *
 * @throws what the system or the library says
 */
export async function openLinuxPort(
  path: string,
  { baudRate, resetOnOpen, lowLatency }: PortOptions,
  buffer: Uint8Array,
  listener: PortListener,
): Promise<OpenPort> {
  const { asyncOpen, asyncSet, asyncClose } = loadBinding();
  const fd = await asyncOpen(path, {
    baudRate,
    hupcl: resetOnOpen,
    lock: true,
    dataBits: 8,
    stopBits: 1,
    parity: 'none',
    rtscts: false,
    xon: false,
    xoff: false,
    xany: false,
    vmin: 1,
    vtime: 0,
  });
  try {
    if (lowLatency) {
      // Every line is set with each call, so the usual ones are named; pseudo-terminals and some drivers refuse.
      const lines = { brk: false, cts: false, dsr: false, dtr: true, rts: true, lowLatency: true };
      await asyncSet(fd, lines).catch(() => {}); // then bytes come a little later
    }
    return new LinuxPort(fd, readTty(path, buffer, listener.bytes, listener.gone), listener);
  } catch (error) {
    await asyncClose(fd);
    throw error;
  }
}

class LinuxPort implements OpenPort {
  unsentBytes = 0;
  private readonly queue: Uint8Array[] = [];
  private sending: Promise<void> | null = null;
  private isOpen = true;

  constructor(
    private readonly fd: number,
    private readonly reader: TtyReader,
    private readonly listener: PortListener,
  ) {}

  write(bytes: Uint8Array): void {
    this.queue.push(Uint8Array.from(bytes));
    this.unsentBytes += bytes.length;
    this.sending ??= this.send();
  }

  hold(isHeld: boolean): void {
    this.reader.hold(isHeld);
  }

  async close(): Promise<void> {
    this.isOpen = false;
    this.reader.close();
    await this.sending; // its number may soon be that of another file
    await loadBinding()
      .asyncClose(this.fd)
      .catch(() => {}); // it is free all the same
  }

  private async send(): Promise<void> {
    const { queue } = this;
    try {
      while (this.isOpen && queue.length > 0) {
        const [bytes] = queue;
        const taken = await writeSome(this.fd, bytes);
        this.unsentBytes -= taken;
        if (taken === bytes.length) queue.shift();
        else queue[0] = bytes.subarray(taken);
        if (taken === 0) await sleep(FULL_WAIT_MS);
      }
    } catch (error) {
      if (this.isOpen) this.listener.gone(messageOf(error));
    } finally {
      this.sending = null;
    }
  }
}

/** Returns how many of the bytes were taken; 0 where there is no room now. */
function writeSome(fd: number, bytes: Uint8Array): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, (error, taken) => {
      if (error === null) resolve(taken);
      else if (systemCode(error) === 'EAGAIN') resolve(0);
      else reject(error);
    });
  });
}
