import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { EventStream } from '../../src/daemon/http/event-stream.js';

/** A client whose connection takes nothing until it is told to. */
class SlowClient extends EventEmitter {
  readonly socket = { setNoDelay: () => {} };
  writableLength = 0;
  isDestroyed = false;
  writeHead(): void {}
  write(text: string): void {
    this.writableLength += text.length;
  }
  takeAll(): void {
    this.writableLength = 0;
  }
  destroy(): void {
    this.isDestroyed = true;
    this.emit('close');
  }
}

const KB = 1024;

function listening(firstBytes: number) {
  const client = new SlowClient();
  const stream = new EventStream(() => {});
  stream.add(client as unknown as ServerResponse, {}, 'x'.repeat(firstBytes));
  return { client, stream };
}

test('a page that is slow to take a long beginning is not dropped for it, and loses rows meanwhile', () => {
  const { client, stream } = listening(3000 * KB);
  for (let i = 0; i < 500; i++) stream.send('x'.repeat(10 * KB), true);
  expect(client.writableLength).toBe(3000 * KB);
  for (let i = 0; i < 100; i++) stream.send('x'.repeat(10 * KB), false);
  expect([client.isDestroyed, stream.count, stream.dropped]).toEqual([false, 1, 0]);
  client.takeAll();
  stream.send('row', true);
  expect(client.writableLength).toBe(3);
});

test('one that takes nothing at all is dropped once a megabyte more waits for it', () => {
  const { client, stream } = listening(100 * KB);
  for (let i = 0; i < 104; i++) stream.send('x'.repeat(10 * KB), false);
  expect(client.isDestroyed).toBe(true);
  expect([stream.count, stream.dropped]).toEqual([0, 1]);
  expect(client.writableLength).toBeLessThan(1200 * KB);
});
