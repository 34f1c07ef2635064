import { existsSync } from 'node:fs';
import { expect, test } from 'vitest';
import { CheckpointKeeper } from '../../src/daemon/checkpoint-keeper.js';
import type { RecordedSession } from '../../src/recording/index.js';
import { createStream } from '../../src/stream/index.js';
import { folderOfTest } from '../support/daemon.js';

/** A keeper, and the moment its recording has taken the checkpoint. */
function keeper() {
  let recorded!: () => void;
  const recording = new Promise<void>((resolve) => {
    recorded = resolve;
  });
  const asked: string[] = [];
  const session = {
    checkpoint(action: string) {
      asked.push(action);
      return recording;
    },
  } as unknown as RecordedSession;
  const stream = createStream({
    columns: [{ name: 'x' }, { name: 'y' }],
    task: { kind: 'regress', features: ['x'], targets: ['y'] },
  });
  const kept = new CheckpointKeeper(stream, {
    directory: folderOfTest(),
    name: 'a',
    say() {},
    session: () => session,
  });
  return { kept, recorded, asked, file: kept.status().file };
}

/** Time for whatever does not wait. */
const turns = async () => {
  for (let i = 0; i < 50; i++) await new Promise((resolve) => setTimeout(resolve, 1));
};

test('a checkpoint is written once its recording is on the disk, not before', async () => {
  const { kept, recorded, asked, file } = keeper();
  await kept.prepare();
  const saved = kept.save();
  await turns();
  expect([asked, existsSync(file)]).toEqual([['saved'], false]);
  recorded();
  await saved;
  expect(existsSync(file)).toBe(true);
  kept.stop();
});

test('a recording whose disk does not answer holds no checkpoint for ever', async () => {
  const { kept, file } = keeper();
  await kept.prepare();
  await kept.save();
  expect(existsSync(file)).toBe(true);
  kept.stop();
});

test('5,000 requests during a save cost one save after it, and each has its answer', async () => {
  const { kept, recorded, asked } = keeper();
  await kept.prepare();
  let answers = 0;
  const requests = Array.from({ length: 5000 }, () => kept.save().then(() => answers++));
  recorded();
  await Promise.all(requests);
  expect([answers, asked.length, kept.status().written]).toEqual([5000, 2, 2]);
  await kept.save();
  expect(kept.status().written).toBe(3);
  kept.stop();
});

test('a request during a save is answered where the end comes before its own save', async () => {
  const { kept, recorded, asked } = keeper();
  await kept.prepare();
  const requests = [kept.save(), kept.save(), kept.save()];
  recorded();
  await kept.finish();
  await Promise.all(requests);
  expect([asked.length, kept.status().written]).toEqual([1, 2]);
});
