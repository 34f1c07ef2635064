import { expect, test } from 'vitest';
import { type Clock, MemorySource, SerialSource, SimulatedDevice } from '../../src/ingest/index.js';
import { Listener, needPty } from '../support/pty.js';

/** A clock that stands still until it is told to go on. */
class FakeClock implements Clock {
  private time = 5000;
  private timers: { at: number; callback: () => void }[] = [];

  nowMs = () => this.time;

  setTimeout(callback: () => void, delayMs: number): unknown {
    const timer = { at: this.time + delayMs, callback };
    this.timers.push(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.timers = this.timers.filter((other) => other !== timer);
  }

  async advance(ms: number, lateMs = 0): Promise<void> {
    const end = this.time + ms;
    for (;;) {
      const next = this.timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.clearTimeout(next);
      this.time = Math.max(this.time, next.at + lateMs);
      next.callback();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.time = Math.max(this.time, end);
  }
}

const text = 't,a\n0,1\n1,2\n2,3\n3,4\n';
const times = [Number.NaN, 0, 1, 2, 3];

async function play(options: Partial<ConstructorParameters<typeof SimulatedDevice>[0]>) {
  const clock = new FakeClock();
  const wire = new MemorySource();
  const listener = new Listener();
  await wire.start(listener);
  const device = new SimulatedDevice({ bytes: Buffer.from(text), wire, clock, ...options });
  device.start();
  return { clock, wire, listener, device };
}

test('a simulated device prints each line at its time, the header at once', async () => {
  const { clock, listener, device } = await play({ rowTimeS: (line) => times[line] });
  expect(listener.received().toString()).toBe('t,a\n0,1\n');
  await clock.advance(999);
  expect(listener.received().toString()).toBe('t,a\n0,1\n');
  await clock.advance(1);
  expect(listener.received().toString()).toBe('t,a\n0,1\n1,2\n');
  await clock.advance(2000);
  await device.finished;
  expect(listener.received().toString()).toBe(text);
  expect(device.txBytes).toBe(device.totalBytes);
});

test('a simulated device can run faster than its log, and at a fixed period', async () => {
  const faster = await play({ rowTimeS: (line) => times[line], speed: 10 });
  await faster.clock.advance(200);
  expect(faster.listener.received().toString()).toBe('t,a\n0,1\n1,2\n2,3\n');
  const periodic = await play({ periodS: 0.5 });
  await periodic.clock.advance(500);
  expect(periodic.listener.received().toString()).toBe('t,a\n0,1\n1,2\n');
});

test('a simulated device does not drift when its timers are late', async () => {
  const lines = Array.from({ length: 1001 }, (_, i) => `${i}\n`).join('');
  const { clock, listener } = await play({ bytes: Buffer.from(lines), periodS: 0.01, headerLines: 0 });
  await clock.advance(10_000, 3);
  await clock.advance(10);
  expect(listener.received().toString()).toBe(lines);
});

test('a simulated device sends lines due in the same millisecond together', async () => {
  const lines = '1\n'.repeat(1000);
  const { clock, listener } = await play({ bytes: Buffer.from(lines), periodS: 0.0001 });
  await clock.advance(100);
  expect(listener.rxBytes).toBe(lines.length);
  expect(listener.chunks.length).toBeLessThanOrEqual(101);
});

test('times that go backwards are sent at once, and a last line needs no line feed', async () => {
  const { clock, listener, device } = await play({
    bytes: Buffer.from('1\n2\n3\n4'),
    rowTimeS: (line) => [0, 5, 2, 6][line],
  });
  await clock.advance(5000);
  expect(listener.received().toString()).toBe('1\n2\n3\n');
  await clock.advance(1000);
  await device.finished;
  expect(listener.received().toString()).toBe('1\n2\n3\n4');
});

test('a stopped simulated device sends no more', async () => {
  const { clock, listener, device } = await play({ periodS: 1 });
  device.stop();
  await clock.advance(10_000);
  await device.finished;
  expect(listener.received().toString()).toBe('t,a\n0,1\n');
});

test('an empty log is finished at once', async () => {
  const { device } = await play({ bytes: new Uint8Array(0) });
  await device.finished;
  expect(device.totalBytes).toBe(0);
});

test('over a pseudo-terminal, at full speed, every byte arrives before the plug is pulled', async (context) => {
  const pty = await needPty(context);
  const listener = new Listener();
  const source = new SerialSource({ path: pty.path });
  await source.start(listener);
  const bytes = Buffer.from(Array.from({ length: 50_000 }, (_, i) => `${i},${i * 0.5},${-i}\n`).join(''));
  const device = new SimulatedDevice({ bytes, wire: pty, speed: 'max' });
  device.start();
  await device.finished;
  await listener.until(() => listener.rxBytes === bytes.length);
  expect(listener.received().equals(bytes)).toBe(true);
  await pty.unplug();
  await listener.until(() => listener.events.length === 2);
  await source.stop();
});

test('over a pseudo-terminal, in real time, rows come at the pace of the log', async (context) => {
  const pty = await needPty(context);
  const listener = new Listener();
  const source = new SerialSource({ path: pty.path });
  await source.start(listener);
  const bytes = Buffer.from('0\n'.repeat(51));
  const started = performance.now();
  const device = new SimulatedDevice({ bytes, wire: pty, periodS: 0.01 });
  device.start();
  await listener.until(() => listener.rxBytes === bytes.length);
  const seconds = (performance.now() - started) / 1000;
  expect(seconds).toBeGreaterThan(0.48);
  await source.stop();
});

test('a simulated device whose plug is pulled says that it was cut off', async (context) => {
  const pty = await needPty(context);
  const device = new SimulatedDevice({ bytes: Buffer.alloc(10_000_000, '1\n'), wire: pty, speed: 'max' });
  device.start();
  await pty.unplug();
  await expect(device.finished).rejects.toThrow(/cut off/);
});
