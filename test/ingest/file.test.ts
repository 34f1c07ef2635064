import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FileSource } from '../../src/ingest/index.js';
import { Listener, temporaryDirectory } from '../support/pty.js';
import { withoutRights } from '../support/tools.js';

test.each([0, 1, 65536, 65537, 1_000_000])('a file of %i bytes arrives whole, then its end', async (length) => {
  const path = join(await temporaryDirectory(), 'log.csv');
  const bytes = randomBytes(length);
  writeFileSync(path, bytes);
  const listener = new Listener();
  const source = new FileSource(path);
  await source.start(listener);
  await listener.until(() => listener.events.length === 2);
  expect(listener.events).toEqual(['opened', 'closed: end of file']);
  expect(createHash('md5').update(listener.received()).digest('hex')).toBe(
    createHash('md5').update(bytes).digest('hex'),
  );
  expect(source.counters().rxBytes).toBe(length);
});

test('every chunk comes in the same buffer, and the event loop runs between them', async () => {
  const path = join(await temporaryDirectory(), 'log.csv');
  writeFileSync(path, randomBytes(1_000_000));
  const buffers = new Set<ArrayBufferLike>();
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  await new Promise<void>((resolve) => {
    void new FileSource(path).start({
      bytes(buffer) {
        buffers.add(buffer.buffer);
        for (const end = performance.now() + 3; performance.now() < end; );
      },
      opened() {},
      closed: () => resolve(),
    });
  });
  clearInterval(timer);
  expect(buffers.size).toBe(1);
  expect(turns).toBeGreaterThan(5);
});

test('a file that is stopped says so and nothing after', async () => {
  const path = join(await temporaryDirectory(), 'log.csv');
  writeFileSync(path, randomBytes(1_000_000));
  const listener = new Listener();
  const source = new FileSource(path);
  await source.start(listener);
  await listener.until(() => listener.rxBytes > 0);
  await source.stop();
  expect(listener.events).toEqual(['opened', 'closed: stopped']);
  expect(listener.rxBytes).toBeLessThan(1_000_000);
});

test('a file that is not there, or is a directory, is an error of one line', async () => {
  const directory = await temporaryDirectory();
  await expect(new FileSource(join(directory, 'no.csv')).start(new Listener())).rejects.toThrow(
    /^INGEST_NOT_FOUND: file .*no\.csv: found no such file, expected a file of rows, or - for standard input; check the path.*$/,
  );
  await expect(new FileSource(directory).start(new Listener())).rejects.toThrow(
    /^INGEST_NOT_A_FILE: .*found a directory.*; name a file in it$/,
  );
});

test('a file without permission is an error of one line', async () => {
  const path = join(await temporaryDirectory(), 'log.csv');
  writeFileSync(path, '');
  chmodSync(path, 0);
  await withoutRights(() =>
    expect(new FileSource(path).start(new Listener())).rejects.toThrow(/^INGEST_PERMISSION: .*; let its owner run: /),
  );
});

test.skipIf(process.platform === 'win32')('a pipe that pauses arrives whole, then its end', async () => {
  const path = join(await temporaryDirectory(), 'pipe');
  expect(spawnSync('mkfifo', [path]).status).toBe(0);
  spawn('sh', ['-c', 'exec > "$0"; printf 1,; sleep 0.05; printf "2\\n"', path], { stdio: 'ignore' });
  const listener = new Listener();
  await new FileSource(path).start(listener);
  await listener.until(() => listener.events.length === 2);
  expect(listener.received().toString()).toBe('1,2\n');
});
