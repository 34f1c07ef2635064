import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Recorder, RecordingReader, recordingContents } from '../../src/recording/index.js';
import { temporaryDirectory } from '../support/pty.js';

test('a recording with bytes changed, cut out and put in anywhere is read to its end, and only what was written comes out', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory, 'whole.mcap');
  const recorder = new Recorder({ destination: { file }, chunkBytes: 512 });
  for (let i = 0; i < 300; i++) {
    const bytes = Buffer.from(`<${i}>`);
    recorder.bytes(bytes, bytes.length, 1000 * i, 1.7e18 + 1000 * i);
  }
  await recorder.close();
  const whole = readFileSync(file);
  const place = fc.nat(whole.length - 1);
  const change = fc.oneof(
    fc.record({ at: place, cut: fc.constant(1), put: fc.uint8Array({ minLength: 1, maxLength: 1 }) }),
    fc.record({ at: place, cut: fc.nat(3000), put: fc.uint8Array({ maxLength: 40 }) }),
    // A piece of the file itself again, somewhere else.
    fc.record({
      at: place,
      cut: fc.nat(10),
      put: fc.tuple(place, fc.nat(2000)).map(([from, length]) => whole.subarray(from, from + length)),
    }),
  );
  const damaged = join(directory, 'damaged.mcap');
  const property = fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 8 }), async (changes) => {
    let bytes: Uint8Array = whole;
    for (const { at, cut, put } of changes)
      bytes = Buffer.concat([bytes.subarray(0, at), put, bytes.subarray(at + cut)]);
    writeFileSync(damaged, bytes);
    const reader = await RecordingReader.open([damaged]);
    for await (const messages of reader.chunks()) {
      while (messages.next()) {
        if (messages.topic !== 'wire') continue;
        expect(Buffer.from(messages.copy()).toString()).toBe(`<${messages.sequence}>`);
      }
    }
    const { files } = await recordingContents([damaged]);
    for (const { from, to } of files[0].damage) expect(from < to && to <= bytes.length).toBe(true);
  });
  await fc.assert(property, { numRuns: 300 });
});

test('bytes that are no recording give no messages and no error', async () => {
  const file = join(await temporaryDirectory(), 'noise.mcap');
  const property = fc.asyncProperty(fc.uint8Array({ maxLength: 5000 }), fc.boolean(), async (bytes, hasMagic) => {
    writeFileSync(
      file,
      hasMagic ? Buffer.concat([Buffer.from([0x89, 0x4d, 0x43, 0x41, 0x50, 0x30, 0x0d, 0x0a]), bytes]) : bytes,
    );
    const { files, wireMessages } = await recordingContents([file]);
    expect([wireMessages, files[0].isClosed]).toEqual([0, false]);
  });
  await fc.assert(property, { numRuns: 200 });
});
