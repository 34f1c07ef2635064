import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

// With `node --import`: a disk that takes what it is given, and answers a flush only once the file SLOW_DISK is gone, and
// the writing of a recording only once SLOW_RECORDING is.

const handle = await open(process.execPath);
const files = Object.getPrototypeOf(handle);
await handle.close();
for (const [call, flag] of [
  ['sync', process.env.SLOW_DISK ?? ''],
  ['writev', process.env.SLOW_RECORDING ?? ''],
]) {
  const answer = files[call];
  files[call] = async function (...given) {
    while (existsSync(flag)) await sleep(10);
    return answer.apply(this, given);
  };
}
