import { afterEach, expect, test, vi } from 'vitest';
import { Backlog } from '../../src/ingest/index.js';

const CAPACITY = 1000;

afterEach(() => {
  vi.restoreAllMocks();
});

test('backlog: once bytes were dropped, none are taken until half of the room is free', async () => {
  // Every piece takes a second, so that the queue hands on one piece of 256 bytes a turn.
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  const heard: string[] = [];
  let taken = 0;
  const backlog = new Backlog({
    capacityBytes: CAPACITY,
    sink: {
      bytes(_, length) {
        taken += length;
        nowMs += 1000;
      },
      opened: () => {},
      closed: () => {},
      dropped: () => heard.push(`dropped at ${taken}`),
      overflowing: (is) => heard.push(is ? 'overflowing' : 'keeps up'),
    },
  });
  const send = (length: number) => backlog.bytes(new Uint8Array(length), length);
  send(600); // one piece is handed on at once
  send(600);
  expect(backlog.counters()).toEqual({ rxQueuedBytes: 944, rxOverflowBytes: 0 });
  send(100);
  expect(backlog.counters()).toEqual({ rxQueuedBytes: 944, rxOverflowBytes: 100 });
  send(20); // there would be room for it
  expect(backlog.counters()).toEqual({ rxQueuedBytes: 944, rxOverflowBytes: 120 });
  await vi.waitUntil(() => backlog.counters().rxQueuedBytes <= CAPACITY / 2 - 20);
  send(20);
  expect(backlog.counters().rxOverflowBytes).toBe(120);
  await vi.waitUntil(() => backlog.counters().rxQueuedBytes === 0);
  expect(heard).toEqual(['overflowing', 'dropped at 1200', 'keeps up']);
  expect(taken).toBe(1220);
});
