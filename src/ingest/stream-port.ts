import { messageOf, noSerialLibrary } from './errors.js';
import type { OpenPort, PortListener, PortOptions } from './open-port.js';

/**
 * Opens a serial port where this is not Linux: through the stream of `serialport`. More garbage, and an unplug may go
 * unseen until the next write.
 *
 * @throws what the system or the library says
 */
export async function openStreamPort(
  path: string,
  { baudRate, resetOnOpen }: PortOptions,
  listener: PortListener,
): Promise<OpenPort> {
  const { SerialPort } = await import('serialport').catch((error: unknown) => {
    throw noSerialLibrary(error);
  });
  const port = new SerialPort({ path, baudRate, autoOpen: false, lock: true, hupcl: resetOnOpen });
  // Always with a listener: an error nobody hears ends the process. A failed write destroys the port.
  port.on('error', (error) => listener.gone(messageOf(error)));
  await new Promise<void>((resolve, reject) => {
    port.open((error) => (error === null ? resolve() : reject(error)));
  });
  port.on('close', () => listener.gone('closed by the system'));
  port.on('data', (chunk: Uint8Array) => listener.bytes(chunk, chunk.length));
  return {
    get unsentBytes() {
      return port.writableLength;
    },
    write(bytes) {
      port.write(Buffer.from(bytes)); // an error is the port's, and ends the connection
    },
    hold(isHeld) {
      if (isHeld) port.pause();
      else port.resume();
    },
    async close() {
      if (!port.isOpen) return;
      await new Promise<void>((resolve) => {
        port.close(() => resolve());
      });
    },
  };
}
