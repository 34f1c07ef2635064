import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { listPorts, resolvePort, SerialSource } from '../../src/ingest/index.js';
import { Listener, needPty, temporaryDirectory } from '../support/pty.js';

/** A file system with an Arduino, an FTDI cable without a serial number, a UART, an absent 8250 and a virtual terminal. */
async function machine(): Promise<string> {
  const root = await temporaryDirectory();
  const put = (file: string, text: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    writeFileSync(join(root, file), text);
  };
  const link = (file: string, target: string) => {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    symlinkSync(join(root, target), join(root, file));
  };
  const port = (name: string, device: string, driver: string) => {
    put(`sys/bus/drivers/${driver}/bind`, '');
    put(`dev/${name}`, '');
    link(`sys/class/tty/${name}/device`, device);
    link(`${device}/driver`, `sys/bus/drivers/${driver}`);
  };
  const usb = 'sys/devices/usb1';
  put(`${usb}/1-1/1-1:1.0/uevent`, '');
  put(`${usb}/1-1/idVendor`, '2341\n');
  put(`${usb}/1-1/idProduct`, '0043\n');
  put(`${usb}/1-1/serial`, '7543\n');
  put(`${usb}/1-1/manufacturer`, 'Arduino\n');
  put(`${usb}/1-1/product`, 'Uno\n');
  port('ttyACM0', `${usb}/1-1/1-1:1.0`, 'cdc_acm');
  put(`${usb}/1-2/1-2:1.0/uevent`, '');
  put(`${usb}/1-2/idVendor`, '0403\n');
  put(`${usb}/1-2/idProduct`, '6001\n');
  port('ttyUSB0', `${usb}/1-2/1-2:1.0`, 'ftdi_sio');
  put('sys/devices/platform/soc/uevent', '');
  port('ttyAMA0', 'sys/devices/platform/soc', 'uart-pl011');
  put('sys/devices/platform/serial8250/uevent', '');
  port('ttyS0', 'sys/devices/platform/serial8250', 'serial8250');
  put('sys/class/tty/ttyS0/type', '0\n');
  put('sys/class/tty/tty1/dev', '4:1\n');
  link('dev/serial/by-id/usb-Arduino_Uno_7543-if00', 'dev/ttyACM0');
  link('dev/serial/by-path/platform-usb-0:1:1.0', 'dev/ttyACM0');
  return root;
}

test('ports: those with hardware behind them, with every name they have', async () => {
  const root = await machine();
  const ports = listPorts(root);
  expect(ports.map((port) => port.path.slice(root.length))).toEqual(['/dev/ttyACM0', '/dev/ttyAMA0', '/dev/ttyUSB0']);
  expect(ports[0]).toMatchObject({
    usb: '2341:0043',
    serialNumber: '7543',
    manufacturer: 'Arduino',
    product: 'Uno',
    driver: 'cdc_acm',
    byId: [join(root, 'dev/serial/by-id/usb-Arduino_Uno_7543-if00')],
  });
  expect(ports[2]).toMatchObject({ usb: '0403:6001', byId: [] });
  expect(ports[2]).not.toHaveProperty('serialNumber');
  expect(ports[1]).not.toHaveProperty('usb');
});

test('ports: a machine without /sys has none', () => {
  expect(listPorts('/nowhere')).toEqual([]);
});

test('a port is found by a pattern and by its USB ids', async () => {
  const root = await machine();
  const stable = join(root, 'dev/serial/by-id/usb-Arduino_Uno_7543-if00');
  expect(resolvePort(join(root, 'dev/serial/by-id/usb-Arduino*'), root)).toBe(stable);
  expect(resolvePort(join(root, 'dev/ttyU[RS]B?'), root)).toBe(join(root, 'dev/ttyUSB0'));
  expect(resolvePort('usb:2341:0043', root)).toBe(stable);
  expect(resolvePort('usb:2341:0043:7543', root)).toBe(stable);
  expect(resolvePort('usb:0403:6001', root)).toBe(join(root, 'dev/ttyUSB0'));
  expect(resolvePort('/dev/ttyXYZ', root)).toBe('/dev/ttyXYZ');
});

test('no port that fits, and more than one, are told apart and named', async () => {
  const root = await machine();
  expect(() => resolvePort('usb:2341:0043:other', root)).toThrow(/INGEST_NOT_FOUND.*no port that fits/);
  expect(() => resolvePort(join(root, 'dev/serial/by-id/usb-ESP*'), root)).toThrow(/INGEST_NOT_FOUND/);
  expect(() => resolvePort(join(root, 'dev/ttyA*'), root)).toThrow(/INGEST_AMBIGUOUS.*ttyACM0, .*ttyAMA0/);
  expect(() => resolvePort('usb:arduino', root)).toThrow(/INGEST_PORT_NAME.*usb:VID:PID/);
  expect(() => resolvePort(join(root, 'dev/tty[A'), root)).toThrow(/INGEST_NOT_FOUND/);
});

test('a source named by a pattern opens what appears, and again what appears under another name', async (context) => {
  const folder = await temporaryDirectory();
  const source = new SerialSource({ path: join(folder, 'usb-Board*'), wait: true });
  const listener = new Listener();
  onTestFinished(() => source.stop());
  const started = source.start(listener);
  const first = await needPty(context, { link: join(folder, 'usb-Board_1') });
  await started;
  expect(listener.events).toEqual(['opened']);
  await first.unplug();
  await vi.waitFor(() => expect(listener.events).toHaveLength(2), 5000);
  const second = await needPty(context, { link: join(folder, 'usb-Board_2') });
  await vi.waitFor(() => expect(listener.events).toHaveLength(3), 10_000);
  second.write(Buffer.from('x'));
  await vi.waitFor(() => expect(listener.received().toString()).toBe('x'), 5000);
});
