import { createServer, type Server, type Socket } from 'node:net';
import { expect, onTestFinished, test, vi } from 'vitest';
import { TcpSource } from '../../src/ingest/index.js';
import { Listener } from '../support/pty.js';

/** A server on this machine, with those who have connected. */
async function serve(port = 0): Promise<{ server: Server; port: number; peers: Socket[]; close(): Promise<void> }> {
  const peers: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    peers.push(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const close = async () => {
    for (const peer of peers) peer.destroy();
    await new Promise((resolve) => server.close(resolve));
  };
  onTestFinished(async () => {
    if (server.listening) await close();
  });
  return { server, port: (server.address() as { port: number }).port, peers, close };
}

async function listening(port: number, wait = false) {
  const source = new TcpSource({ host: '127.0.0.1', port, wait });
  const listener = new Listener();
  onTestFinished(() => source.stop());
  await source.start(listener);
  return { source, listener };
}

test('bytes go both ways', async () => {
  const { port, peers } = await serve();
  const { source, listener } = await listening(port);
  await vi.waitFor(() => expect(peers).toHaveLength(1));
  const heard: Buffer[] = [];
  peers[0].on('data', (bytes) => heard.push(bytes));
  const sent = Buffer.alloc(200_000, 'row ');
  peers[0].write(sent);
  await listener.until(() => listener.rxBytes >= sent.length);
  expect(listener.received().equals(sent)).toBe(true);
  expect(source.send(Uint8Array.of(0, 255, 10))).toBe(true);
  await vi.waitFor(() => expect([...Buffer.concat(heard)]).toEqual([0, 255, 10]));
  expect(source.counters()).toMatchObject({ rxBytes: 200_000, txBytes: 3, opens: 1, disconnects: 0 });
});

test('a server that goes away is waited for, and is back when it is', async () => {
  const first = await serve();
  const { source, listener } = await listening(first.port);
  await vi.waitFor(() => expect(first.peers).toHaveLength(1));
  await first.close();
  await vi.waitFor(() => expect(listener.events).toHaveLength(2));
  expect(source.send(Uint8Array.of(1))).toBe(false);
  const second = await serve(first.port);
  await vi.waitFor(() => expect(listener.events).toHaveLength(3), 10_000);
  expect(listener.events.map((event) => event.split(':')[0])).toEqual(['opened', 'closed', 'opened']);
  await vi.waitFor(() => expect(second.peers).toHaveLength(1));
  second.peers[0].write('on');
  await listener.until(() => listener.rxBytes === 2);
  expect(source.counters()).toMatchObject({ opens: 2, disconnects: 1, txDroppedBytes: 1 });
});

test('nobody there is an error that says so, unless it is waited for', async () => {
  const { port, close } = await serve();
  await close();
  await expect(listening(port)).rejects.toThrow(/INGEST_TCP: tcp:\/\/127\.0\.0\.1:\d+: found nobody who listens there/);
  const waiting = listening(port, true);
  await new Promise((resolve) => setTimeout(resolve, 150));
  await serve(port);
  const { listener } = await waiting;
  expect(listener.events).toEqual(['opened']);
});

test('a wait is ended by stop', async () => {
  const { port, close } = await serve();
  await close();
  const source = new TcpSource({ host: '127.0.0.1', port, wait: true });
  const listener = new Listener();
  const started = source.start(listener);
  await new Promise((resolve) => setTimeout(resolve, 50));
  await source.stop();
  await started;
  expect(listener.events).toEqual([]);
});
