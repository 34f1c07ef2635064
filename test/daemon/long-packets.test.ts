import fc from 'fast-check';
import { generate, parser } from 'mqtt-packet';
import { expect, test } from 'vitest';
import { isLoopback } from '../../src/daemon/http-config.js';
import { LongPackets, MOST_PACKET_BYTES } from '../../src/daemon/mqtt/long-packets.js';
import '../support/seed.js';

/** Packets that come out of bytes cut at `sizes`, and the most that was handed on for one. */
function passed(bytes: Buffer, sizes: readonly number[]) {
  const through = new LongPackets({ readableHighWaterMark: 1 << 30 });
  const packets: { cmd: string; messageId?: number; bytes: number }[] = [];
  const read = parser();
  read.on('packet', (packet) => {
    const size = packet.cmd === 'publish' ? packet.payload.length : 0;
    packets.push({ cmd: packet.cmd, messageId: packet.messageId, bytes: size });
  });
  let handedOn = 0;
  through.on('data', (some: Buffer) => {
    handedOn += some.length;
    read.parse(some);
  });
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes[i % sizes.length];
    through.write(bytes.subarray(at, at + size));
    at += size;
  }
  return new Promise<{ packets: typeof packets; handedOn: number; cut: number }>((resolve) => {
    through.end(() => setImmediate(() => resolve({ packets, handedOn, cut: through.cut })));
  });
}

const publish = (messageId: number, size: number) =>
  generate({
    cmd: 'publish',
    topic: 'a/set/x',
    payload: Buffer.alloc(size, 1),
    qos: 1,
    messageId,
    dup: false,
    retain: false,
  });

test('packets of any length stay packets in order; what is too long is cut, however the bytes are cut', async () => {
  const size = fc.oneof(
    fc.nat(300),
    fc.integer({ min: MOST_PACKET_BYTES - 20, max: MOST_PACKET_BYTES + 20 }),
    fc.nat(400_000),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(size, { maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 70_000 }), { minLength: 1, maxLength: 5 }),
      async (all, cuts) => {
        const bytes = Buffer.concat([...all.map((each, i) => publish(i + 1, each)), generate({ cmd: 'pingresp' })]);
        const { packets, cut } = await passed(bytes, cuts);
        const most = MOST_PACKET_BYTES - 11; // the topic, its length and the id
        expect(packets).toEqual([
          ...all.map((each, i) => ({ cmd: 'publish', messageId: i + 1, bytes: Math.min(each, most) })),
          { cmd: 'pingresp', messageId: undefined, bytes: 0 },
        ]);
        expect(cut).toBe(all.filter((each) => each > most).length);
      },
    ),
    { numRuns: 60 },
  );
});

test('of 50 MB in one packet 72 kB are handed on', async () => {
  const { handedOn, packets } = await passed(publish(7, 50e6), [65_536]);
  expect(handedOn).toBe(MOST_PACKET_BYTES + 4);
  expect(packets).toHaveLength(1);
});

test('loopback is an address of this machine, and no name that looks like one', () => {
  for (const host of ['127.0.0.1', '127.8.9.255', '::1', '[::1]', '0:0:0:0:0:0:0:1', 'localhost', 'LOCALHOST']) {
    expect(isLoopback(host), host).toBe(true);
  }
  for (const host of [
    '127.999.1.1',
    '127.0.0.256',
    '127.0.0.1.example.org',
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '',
    'local',
    '::2',
  ]) {
    expect(isLoopback(host), host).toBe(false);
  }
});
