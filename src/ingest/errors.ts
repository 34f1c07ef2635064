import { EdgegradError } from '../spec/errors.js';

/** A byte source cannot be opened. One line: the place, what stands there, what could, what to do. */
export class IngestError extends EdgegradError {}

/** The `ENOENT` of a system error; '' where it has none. */
export function systemCode(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

/** The message of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The package for serial ports has no part for this system, or is damaged. */
export function noSerialLibrary(error: unknown): IngestError {
  return new IngestError('INGEST_NO_SERIALPORT', {
    where: 'the package serialport',
    found: `that it does not load: ${messageOf(error).split('\n', 1)[0]}`,
    expected: 'its part for this system',
    remedy: 'install it again: npm install serialport',
  });
}

/** Why the serial port at `path` does not open, from what the system or the serial library says. */
export function serialError(path: string, error: unknown): IngestError {
  if (error instanceof IngestError) return error;
  const where = `serial port ${path}`;
  const expected = 'a serial port this user may open';
  const message = messageOf(error);
  // The serial library's errors carry no code, only these words.
  if (systemCode(error) === 'ENOENT' || /No such (file|device)|ENOENT|ENXIO|File not found/i.test(message)) {
    return new IngestError('INGEST_NOT_FOUND', {
      where,
      found: 'no such device',
      expected: 'a path that exists',
      remedy: 'plug the device in; edgegrad ports lists what is there',
    });
  }
  if (['EACCES', 'EPERM'].includes(systemCode(error)) || /Permission denied|EACCES/i.test(message)) {
    return new IngestError('INGEST_PERMISSION', {
      where,
      found: 'no permission to read and write it',
      expected,
      remedy: 'add this user to the group of the device (sudo usermod -aG dialout $USER), then log in again',
    });
  }
  if (systemCode(error) === 'EBUSY' || /lock port|busy|Access denied/i.test(message)) {
    return new IngestError('INGEST_LOCKED', {
      where,
      found: 'a port that another process has locked',
      expected: 'a port that is free',
      remedy: `close the other program (a serial monitor?); fuser ${path} names it`,
    });
  }
  return new IngestError('INGEST_OPEN', { where, found: message, expected });
}
