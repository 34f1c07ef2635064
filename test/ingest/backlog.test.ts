import { expect, test, vi } from 'vitest';
import { Backlog } from '../../src/ingest/index.js';

/** A sink that takes `msPerByte` for each byte, and writes down what it hears. */
function slowBacklog({ capacityBytes = 4096, msPerByte = 0.01, isHeld = false } = {}) {
  const heard: string[] = [];
  const taken: number[] = [];
  const holds: boolean[] = [];
  const pieces: Uint8Array[] = [];
  const backlog = new Backlog({
    capacityBytes,
    hold: isHeld ? (held) => holds.push(held) : undefined,
    sink: {
      bytes(buffer, length) {
        pieces.push(buffer);
        for (let i = 0; i < length; i++) taken.push(buffer[i]);
        const untilMs = performance.now() + length * msPerByte;
        while (performance.now() < untilMs);
      },
      opened: (what) => heard.push(`opened ${what} at ${taken.length}`),
      closed: (reason) => heard.push(`closed ${reason} at ${taken.length}`),
      dropped: () => heard.push(`dropped at ${taken.length}`),
      overflowing: (is) => heard.push(is ? 'overflowing' : 'keeps up'),
    },
  });
  const isEmpty = () => vi.waitFor(() => expect(backlog.counters().rxQueuedBytes).toBe(0), 10_000);
  return { backlog, heard, taken, holds, pieces, isEmpty };
}

test('what can be dealt with at once goes straight through, in the buffer it came in', () => {
  const { backlog, taken, pieces } = slowBacklog({ msPerByte: 0 });
  const chunk = Uint8Array.from({ length: 200 }, (_, i) => i);
  for (let i = 0; i < 200; i++) backlog.bytes(chunk, 200);
  expect(taken).toHaveLength(40_000);
  expect(new Set(pieces)).toEqual(new Set([chunk]));
  const long = new Uint8Array(65536); // it has been seen by then that a byte takes next to nothing
  backlog.bytes(long, 65536);
  expect(pieces.at(-1) === long).toBe(true);
});

test('chunks of any length arrive whole and in order, with what happened between them, while others get their turns', async () => {
  const { backlog, heard, taken, isEmpty } = slowBacklog({ capacityBytes: 1 << 20, msPerByte: 0.005 });
  let seed = 1;
  const draw = () => {
    seed = (seed * 16807) % 2147483647;
    return seed / 2147483647;
  };
  const sent: number[] = [];
  let turns = 0;
  let changedAt = 0;
  const ticking = setInterval(() => turns++, 1);
  backlog.opened('a');
  for (let i = 0; i < 40; i++) {
    const chunk = Uint8Array.from({ length: 1 + Math.floor(3000 * draw()) }, () => 256 * draw());
    sent.push(...chunk);
    backlog.bytes(chunk, chunk.length);
    chunk.fill(0); // the buffer is the source's
    if (i !== 20) continue;
    changedAt = sent.length;
    backlog.closed('unplugged');
    for (let k = 0; k < 100; k++) {
      backlog.opened('flickers');
      backlog.closed('flickers');
    }
    backlog.opened('c');
  }
  await isEmpty();
  clearInterval(ticking);
  expect(Buffer.from(taken).equals(Buffer.from(sent))).toBe(true);
  expect(turns).toBeGreaterThan(5);
  expect(heard).toEqual(['opened a at 0', `closed unplugged at ${changedAt}`, `opened c at ${changedAt}`]);
});

test('what finds no room is dropped whole and counted; it is said where, and when it begins and is over', async () => {
  const { backlog, heard, taken, isEmpty } = slowBacklog();
  const chunk = new Uint8Array(1000);
  for (let i = 0; i < 10; i++) backlog.bytes(chunk.fill(i), 1000); // a slice takes about 800 bytes of the first
  const { rxOverflowBytes } = backlog.counters();
  expect(rxOverflowBytes % 1000).toBe(0);
  expect(rxOverflowBytes).toBeGreaterThan(4000);
  await isEmpty();
  expect(taken).toHaveLength(10_000 - rxOverflowBytes);
  expect(heard).toEqual(['overflowing', `dropped at ${taken.length}`, 'keeps up']);
  backlog.bytes(chunk, 100);
  expect(taken).toHaveLength(10_100 - rxOverflowBytes);
});

test('a source that can wait is held while anything waits', async () => {
  const { backlog, holds, isEmpty } = slowBacklog({ isHeld: true });
  backlog.bytes(new Uint8Array(4000), 4000);
  expect(holds).toEqual([true]);
  await isEmpty();
  expect(holds).toEqual([true, false]);
  expect(backlog.counters().rxOverflowBytes).toBe(0);
});

test('its room can be changed while bytes wait, which stay in order', async () => {
  const { backlog, taken, isEmpty } = slowBacklog({ msPerByte: 0.005 });
  const sent = Uint8Array.from({ length: 20_000 }, (_, i) => i % 251);
  let from = 0;
  for (const [size, room] of [
    [3000, 4096],
    [3000, 16384],
    [9000, 1000],
  ]) {
    backlog.bytes(sent.subarray(from, from + size), size);
    from += size;
    await new Promise((resolve) => setTimeout(resolve, 3));
    backlog.resize(room);
  }
  await isEmpty();
  const { rxOverflowBytes } = backlog.counters();
  expect(rxOverflowBytes % 3000).toBe(0);
  // On a busy machine a piece may have found no room; what came through is in order, without it.
  expect(taken.length).toBe(15_000 - rxOverflowBytes);
  if (rxOverflowBytes === 0) expect(Buffer.from(taken).equals(Buffer.from(sent.subarray(0, 15_000)))).toBe(true);
  backlog.bytes(new Uint8Array(15_000), 15_000); // more than what there is room for now
  expect(backlog.counters().rxOverflowBytes).toBeGreaterThan(rxOverflowBytes);
});

test('once stopped what waits is handed on in order, until there has been enough of it', async () => {
  const { backlog, heard, taken } = slowBacklog({ isHeld: true });
  backlog.bytes(new Uint8Array(3000), 3000);
  backlog.closed('stopped');
  await backlog.finish(new Promise(() => {}));
  expect(taken).toHaveLength(3000);
  expect(heard).toEqual(['closed stopped at 3000']);
});

test('what is left then waits to be taken piece by piece, or is dropped and counted', async () => {
  for (const isTaken of [true, false]) {
    const { backlog, heard, taken } = slowBacklog();
    backlog.bytes(new Uint8Array(3000), 3000);
    backlog.closed('unplugged');
    backlog.opened('again');
    backlog.bytes(new Uint8Array(1000), 1000);
    backlog.closed('stopped');
    await backlog.finish(Promise.resolve());
    const { length } = taken;
    expect(length).toBeLessThan(3000);
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(taken).toHaveLength(length);
    expect(backlog.counters()).toEqual({ rxQueuedBytes: 4000 - length, rxOverflowBytes: 0 });
    if (isTaken) while (backlog.next());
    else backlog.discard();
    expect(backlog.counters()).toEqual({ rxQueuedBytes: 0, rxOverflowBytes: isTaken ? 0 : 4000 - length });
    expect(backlog.next()).toBe(false);
    expect(taken).toHaveLength(isTaken ? 4000 : length);
    expect(heard).toEqual(
      isTaken ? ['closed unplugged at 3000', 'opened again at 3000', 'closed stopped at 4000'] : [],
    );
  }
});
