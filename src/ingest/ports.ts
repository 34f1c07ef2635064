import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { IngestError } from './errors.js';

/** A serial port of this machine. */
export interface PortInfo {
  /** The device node, which may be another one after the next plugging in: `/dev/ttyACM0`. */
  path: string;
  /** Names that stay: by what is plugged in, and by where. */
  byId: string[];
  byPath: string[];
  /** `VID:PID` in lower-case hex, where it is a USB device. */
  usb?: string;
  serialNumber?: string;
  manufacturer?: string;
  product?: string;
  driver?: string;
}

const PORT_PATTERN = /^(.*\/)([^/]*[*?[][^/]*)$/;
const USB_PATTERN = /^usb:([0-9a-f]{4}):([0-9a-f]{4})(?::(.+))?$/i;

/** Whether a port is named by a pattern or by its USB ids rather than by a path. */
export function isPortPattern(name: string): boolean {
  return PORT_PATTERN.test(name) || name.startsWith('usb:');
}

/** The directory in which a port of that name appears. */
export function directoryOf(name: string, root = '/'): string {
  if (name.startsWith('usb:')) return join(root, 'dev');
  return dirname(name);
}

/**
 * Every serial port with hardware behind it, by name. Reads `/sys` and `/dev/serial`; starts no process.
 *
 * @param root of the file system, for tests
 */
export function listPorts(root = '/'): PortInfo[] {
  const byId = linksIn(join(root, 'dev/serial/by-id'));
  const byPath = linksIn(join(root, 'dev/serial/by-path'));
  const ports: PortInfo[] = [];
  for (const name of namesIn(join(root, 'sys/class/tty'))) {
    const device = join(root, 'sys/class/tty', name, 'device');
    const driver = driverOf(device);
    // Virtual terminals have no device; the PC's driver lists ports that are not there, of type 0.
    if (driver === undefined || textOf(join(root, 'sys/class/tty', name, 'type')) === '0') continue;
    ports.push({
      path: join(root, 'dev', name),
      byId: byId.filter((link) => link.target === name).map((link) => link.path),
      byPath: byPath.filter((link) => link.target === name).map((link) => link.path),
      driver,
      ...usbOf(device),
    });
  }
  return ports.sort((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true }));
}

/**
 * The device node a name stands for now: a path as it is, the one port a pattern (`/dev/serial/by-id/usb-Arduino*`)
 * or `usb:VID:PID[:serial]` fits.
 *
 * @throws IngestError where none fits, or more than one
 */
export function resolvePort(name: string, root = '/'): string {
  const usb = USB_PATTERN.exec(name);
  const glob = PORT_PATTERN.exec(name);
  if (usb === null && name.startsWith('usb:')) {
    throw new IngestError('INGEST_PORT_NAME', {
      where: `serial port ${name}`,
      found: 'no USB ids',
      expected: 'usb:VID:PID or usb:VID:PID:serial, the ids as four hex digits each',
      remedy: 'edgegrad ports lists them',
    });
  }
  let found: string[];
  if (usb !== null) {
    const [, vendor, product, serial] = usb;
    const wanted = `${vendor}:${product}`.toLowerCase();
    found = listPorts(root)
      .filter((port) => port.usb === wanted && (serial === undefined || port.serialNumber === serial))
      .map((port) => port.byId[0] ?? port.path);
  } else if (glob !== null) {
    const [, directory, pattern] = glob;
    const matches = matcher(pattern);
    found = namesIn(directory)
      .filter((entry) => matches.test(entry))
      .map((entry) => join(directory, entry));
  } else {
    return name;
  }
  if (found.length === 1) return found[0];
  throw new IngestError(found.length === 0 ? 'INGEST_NOT_FOUND' : 'INGEST_AMBIGUOUS', {
    where: `serial port ${name}`,
    found: found.length === 0 ? 'no port that fits' : found.join(', '),
    expected: 'one port',
    remedy: found.length === 0 ? 'plug the device in; edgegrad ports lists what is there' : 'name one of them',
  });
}

/** `*`, `?` and `[…]` as in a shell. */
function matcher(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
    .replace(/\[!/g, '[^');
  try {
    return new RegExp(`^${source}$`);
  } catch {
    return /^\b$/; // an open bracket fits nothing
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** Links of a directory with the base name of what they lead to. */
function linksIn(directory: string): { path: string; target: string }[] {
  return namesIn(directory).flatMap((name) => {
    try {
      return [{ path: join(directory, name), target: basename(realpathSync(join(directory, name))) }];
    } catch {
      return [];
    }
  });
}

function driverOf(device: string): string | undefined {
  try {
    return basename(realpathSync(join(device, 'driver')));
  } catch {
    return undefined;
  }
}

/** The ids of the USB device above a port: the nearest folder upwards that has some. */
function usbOf(device: string): Partial<PortInfo> {
  let folder: string;
  try {
    folder = realpathSync(device);
  } catch {
    return {};
  }
  for (; folder !== dirname(folder); folder = dirname(folder)) {
    const vendor = textOf(join(folder, 'idVendor'));
    const product = textOf(join(folder, 'idProduct'));
    if (vendor === undefined || product === undefined) continue;
    const info: Partial<PortInfo> = { usb: `${vendor}:${product}`.toLowerCase() };
    const serialNumber = textOf(join(folder, 'serial'));
    const manufacturer = textOf(join(folder, 'manufacturer'));
    const name = textOf(join(folder, 'product'));
    if (serialNumber !== undefined) info.serialNumber = serialNumber;
    if (manufacturer !== undefined) info.manufacturer = manufacturer;
    if (name !== undefined) info.product = name;
    return info;
  }
  return {};
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8').trim() || undefined;
  } catch {
    return undefined;
  }
}
