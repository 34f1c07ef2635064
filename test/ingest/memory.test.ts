import { expect, test } from 'vitest';
import { MemorySource } from '../../src/ingest/index.js';
import { Listener } from '../support/pty.js';

test('a wire in memory says what a port says: opened, bytes, closed, opened, stopped', async () => {
  const wire = new MemorySource('sim');
  const listener = new Listener();
  wire.write(Buffer.from('before anybody listens'));
  await wire.start(listener);
  wire.write(Buffer.from('a'));
  wire.unplug();
  wire.unplug();
  wire.write(Buffer.from('b'));
  wire.plug();
  wire.write(Buffer.from('c'));
  await wire.stop();
  wire.write(Buffer.from('d'));
  expect(listener.events).toEqual(['opened', 'closed: unplugged', 'opened', 'closed: stopped']);
  expect(listener.received().toString()).toBe('ac');
  expect(wire.counters()).toEqual({ rxBytes: 2, opens: 2, disconnects: 1 });
});

test('a wire in memory that is not plugged in at the start opens when it is', async () => {
  const wire = new MemorySource();
  const listener = new Listener();
  wire.unplug();
  await wire.start(listener);
  expect(listener.events).toEqual([]);
  wire.plug();
  expect(listener.events).toEqual(['opened']);
});
