// node recording-process.js <directory> <configuration as JSON> <log>: learns the log over and over as the daemon would,
// recording it, with a checkpoint every few milliseconds; until it is killed.
import { existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pipeline, RecordedSession, Recorder, streamOptionsOf } from '../../dist/recording.js';
import { createStream, restoreStream, saveStream } from '../../dist/stream.js';

const [directory, json, log] = process.argv.slice(2);
const resolved = JSON.parse(json);
const checkpoint = join(directory, 'state.safetensors');
const stream = createStream(streamOptionsOf(resolved));
const isFresh = !existsSync(checkpoint);
if (!isFresh) restoreStream(stream, readFileSync(checkpoint));
const recorder = new Recorder({
  destination: { directory, name: 'killed' },
  segmentMB: 0.2,
  minFreeMB: 0,
  flushS: 0.02,
});
const session = new RecordedSession(recorder, new Pipeline(stream), {
  config: { file: 'x', text: json, resolved },
  edgegrad: '0',
  fresh: isFresh,
});
if (!isFresh) session.gap('restart');
session.opened('/dev/ttyX', { isAgain: false, mayBeMidLine: !isFresh });
const bytes = readFileSync(log);
for (let at = 0, reads = 1; ; at = (at + 997) % bytes.length, reads++) {
  session.bytes(bytes.subarray(at, at + 997), Math.min(997, bytes.length - at));
  if (reads % 7 === 0) {
    const saved = saveStream(stream);
    // The recording first: then no checkpoint is on the disk that the recording does not know.
    await session.checkpoint('saved', checkpoint);
    writeFileSync(`${checkpoint}.new`, saved);
    renameSync(`${checkpoint}.new`, checkpoint);
    process.stdout.write('saved\n');
  }
  if (reads % 3 === 0) await sleep(1);
}
