import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { serialError } from '../../src/ingest/errors.js';
import { IngestError, SerialSource } from '../../src/ingest/index.js';
import { Listener, needPty, temporaryDirectory } from '../support/pty.js';

const md5 = (bytes: Uint8Array) => createHash('md5').update(bytes).digest('hex');
const openDescriptors = () => readdirSync('/proc/self/fd').length;

async function listening(options: ConstructorParameters<typeof SerialSource>[0]) {
  const source = new SerialSource(options);
  const listener = new Listener();
  onTestFinished(() => source.stop());
  await source.start(listener);
  return { source, listener };
}

describe('a serial port', () => {
  test.for(['script', 'socat', 'python3'])(
    'made by %s: 200 KB of random bytes arrive as they were',
    async (provider, context) => {
      const { openPty } = await import('../../src/ingest/pty.js');
      const { pty, reason } = await openPty({ providers: [provider] });
      if (pty === null) return context.skip(reason);
      onTestFinished(() => pty.unplug());
      const { listener, source } = await listening({ path: pty.path });
      const bytes = randomBytes(200_000);
      pty.write(bytes);
      await listener.until(() => listener.rxBytes >= bytes.length);
      expect(md5(listener.received())).toBe(md5(bytes));
      expect(source.counters()).toMatchObject({ rxBytes: 200_000, opens: 1, disconnects: 0 });
    },
  );

  test('unplugged says so once, and the source goes on waiting', async (context) => {
    // A name of its own: the number of a terminal that has gone is soon another's.
    const pty = await needPty(context, { link: join(await temporaryDirectory(), 'ttyDEVICE') });
    const { listener, source } = await listening({ path: pty.path });
    await pty.unplug();
    await listener.until(() => listener.events.length === 2);
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(listener.events).toEqual(['opened', expect.stringMatching(/^closed: unplugged/)]);
    expect(source.counters()).toMatchObject({ opens: 1, disconnects: 1 });
    expect(source.counters().failedAttempts).toBeGreaterThan(0);
  });

  test('hands bytes to the device, and counts those nobody takes', async (context) => {
    const heard: Uint8Array[] = [];
    const pty = await needPty(context, { onReceive: (bytes) => heard.push(Uint8Array.from(bytes)) });
    const { source, listener } = await listening({ path: pty.path });
    const message = Uint8Array.of(0, 1, 13, 10, 255, 3, 4, 17, 19);
    expect(source.send(message)).toBe(true);
    message.fill(7); // it was copied
    await vi.waitFor(() => expect(Buffer.concat(heard)).toHaveLength(9), 5000);
    expect([...Buffer.concat(heard)]).toEqual([0, 1, 13, 10, 255, 3, 4, 17, 19]);
    await pty.unplug();
    await listener.until(() => listener.events.length === 2);
    expect(source.send(message)).toBe(false);
    expect(source.counters()).toMatchObject({ txBytes: 9, txDroppedBytes: 9 });
  });

  test('plugged in again under the same name is open within a moment, and its bytes arrive', async (context) => {
    const link = join(await temporaryDirectory(), 'ttyDEVICE');
    const first = await needPty(context, { link });
    const { listener } = await listening({ path: link });
    await first.unplug();
    await listener.until(() => listener.events.length === 2);
    const second = await needPty(context, { link });
    await listener.until(() => listener.events.length === 3);
    second.write(Buffer.from('back\n'));
    await listener.until(() => listener.rxBytes > 0);
    expect(listener.received().toString()).toBe('back\n');
  });

  test('twenty reconnects leave no descriptor behind', async (context) => {
    const link = join(await temporaryDirectory(), 'ttyDEVICE');
    const { listener, source } = { listener: new Listener(), source: new SerialSource({ path: link, wait: true }) };
    onTestFinished(() => source.stop());
    const started = source.start(listener);
    const counts: number[] = [];
    for (let i = 1; i <= 20; i++) {
      const pty = await needPty(context, { link });
      await listener.until(() => listener.events.length === 2 * i - 1);
      pty.write(Buffer.from(`${i}\n`));
      await listener.until(() => listener.received().toString().endsWith(`${i}\n`));
      await pty.unplug();
      await listener.until(() => listener.events.length === 2 * i);
      await new Promise((resolve) => setTimeout(resolve, 50));
      counts.push(openDescriptors());
    }
    await started;
    expect(source.counters()).toMatchObject({ opens: 20, disconnects: 20 });
    expect(Math.max(...counts.slice(5))).toBeLessThanOrEqual(Math.max(...counts.slice(0, 5)));
  }, 30_000);

  test('that is stopped says nothing more, frees its descriptors and can be opened by the next', async (context) => {
    const pty = await needPty(context);
    const before = openDescriptors();
    const { listener, source } = await listening({ path: pty.path });
    await source.stop();
    expect(openDescriptors()).toBe(before);
    pty.write(Buffer.from('late\n'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(listener.events).toEqual(['opened', 'closed: stopped']);
    expect(listener.rxBytes).toBe(0);
    const next = await listening({ path: pty.path });
    expect(next.listener.events).toEqual(['opened']);
  });

  test('that is not there is an error that says so, unless it is waited for', async (context) => {
    const link = join(await temporaryDirectory(), 'by-id', 'ttyDEVICE');
    await expect(new SerialSource({ path: link }).start(new Listener())).rejects.toThrow(
      `INGEST_NOT_FOUND: serial port ${link}: found no such device, expected a path that exists; ` +
        'plug the device in; edgegrad ports lists what is there',
    );
    const listener = new Listener();
    const source = new SerialSource({ path: link, wait: true });
    onTestFinished(() => source.stop());
    const started = source.start(listener);
    await new Promise((resolve) => setTimeout(resolve, 50));
    mkdirSync(join(link, '..'));
    await needPty(context, { link });
    await started;
    expect(listener.events).toEqual(['opened']);
  });

  test('that is waited for in vain can be stopped', async () => {
    const source = new SerialSource({ path: join(await temporaryDirectory(), 'never'), wait: true });
    const listener = new Listener();
    const started = source.start(listener);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await source.stop();
    await started;
    expect(listener.events).toEqual([]);
  });

  test('that another process has locked is an error that says so', async (context) => {
    const pty = await needPty(context);
    await listening({ path: pty.path });
    await expect(new SerialSource({ path: pty.path }).start(new Listener())).rejects.toThrow(
      `INGEST_LOCKED: serial port ${pty.path}: found a port that another process has locked, expected a port that is free; ` +
        `close the other program (a serial monitor?); fuser ${pty.path} names it`,
    );
  });

  test('that is no serial port is an error that says so', async () => {
    const directory = await temporaryDirectory();
    const file = join(directory, 'log.csv');
    writeFileSync(file, '1,2\n');
    await expect(new SerialSource({ path: file }).start(new Listener())).rejects.toThrow(
      /INGEST_NOT_A_PORT: .*: found a file/,
    );
    await expect(new SerialSource({ path: directory }).start(new Listener())).rejects.toThrow(/found a directory/);
    await expect(new SerialSource({ path: '/dev/null' }).start(new Listener())).rejects.toThrow(IngestError);
  });
});

test.each([
  ['ENOENT: no such file or directory', 'INGEST_NOT_FOUND'],
  ['Error: Permission denied, cannot open /dev/ttyUSB0', 'INGEST_PERMISSION'],
  ['Error Resource temporarily unavailable Cannot lock port', 'INGEST_LOCKED'],
  ['Error: Input/output error', 'INGEST_OPEN'],
])('serial errors without a code are told apart by their words: %s', (message, code) => {
  expect(serialError('/dev/ttyUSB0', new Error(message))).toMatchObject({
    code,
    message: expect.not.stringContaining('\n'),
  });
});

test('a serial port without permission names the group', () => {
  expect(serialError('/dev/ttyUSB0', Object.assign(new Error('x'), { code: 'EACCES' })).message).toContain('dialout');
});
