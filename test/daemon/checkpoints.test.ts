import { spawn } from 'node:child_process';
import { chmodSync, linkSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CheckpointStore } from '../../src/daemon/index.js';
import { CheckpointError, decodeSafetensors, encodeSafetensors } from '../../src/models/index.js';
import { edgegrad, otherUser } from '../support/cli.js';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgegrad-store-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const checkpoint = (n: number) =>
  encodeSafetensors([{ name: 'n', dtype: 'F64', shape: [1], data: new Float64Array([n]) }], {});

async function newest(store: CheckpointStore): Promise<{ n: number; refused: number; used: string | undefined }> {
  let n = Number.NaN;
  const { used, refused } = await store.load((bytes, file) => {
    n = decodeSafetensors(bytes, file).tensors.get('n')?.data[0] ?? Number.NaN;
  });
  return { n, refused: refused.length, used };
}

test('keeps the last checkpoint and the one before it, and leaves nothing else', async () => {
  const store = new CheckpointStore(join(folder, 'deep/er'), 'boat');
  await store.prepare();
  for (const n of [1, 2, 3]) await store.save(checkpoint(n));
  expect(await newest(store)).toEqual({ n: 3, refused: 0, used: store.file });
  expect(readdirSync(join(folder, 'deep/er')).sort()).toEqual(['boat.previous.safetensors', 'boat.safetensors']);
});

test('a damaged last checkpoint is refused with its reason, and the one before it is used', async () => {
  const store = new CheckpointStore(folder, 'boat');
  await store.save(checkpoint(1));
  await store.save(checkpoint(2));
  const bytes = readFileSync(store.file);
  writeFileSync(store.file, bytes.subarray(0, bytes.length - 1));
  expect(await newest(store)).toEqual({ n: 1, refused: 1, used: store.previous });
});

test('an error that is no refusal is not hidden', async () => {
  const store = new CheckpointStore(folder, 'boat');
  await store.save(checkpoint(1));
  await expect(
    store.load(() => {
      throw new TypeError('a defect');
    }),
  ).rejects.toThrow('a defect');
  await expect(
    store.load(() => {
      throw new CheckpointError('CHECKPOINT_X', { where: 'w', found: 'f', expected: 'e' });
    }),
  ).resolves.toMatchObject({ used: undefined });
});

test('a directory that cannot be written to is known before anything is learned', async (context) => {
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await expect(new CheckpointStore(join(file, 'below'), 'x').prepare()).rejects.toThrow(
    /CONFIG_STATE: checkpoint\.directory .*file\/below/,
  );
  await expect(new CheckpointStore('/proc/nothing/here', 'x').prepare()).rejects.toThrow(/CONFIG_STATE/);
  // As a user who is not root, who may write everywhere.
  chmodSync(folder, 0o500);
  const { code, err } = await edgegrad(['run', '--port', '-', '--state', folder], {
    cwd: '/',
    uid: otherUser(context),
  });
  expect([code, err]).toEqual([2, expect.stringContaining('CONFIG_STATE: checkpoint.directory')]);
  chmodSync(folder, 0o700);
});

test('a process killed at any moment leaves a whole checkpoint, and none it had acknowledged is lost', async () => {
  const writer = join(import.meta.dirname, '../support/checkpoint-writer.js');
  for (let kill = 0; kill < 12; kill++) {
    const child = spawn(process.execPath, [writer, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let acknowledged = 0;
    let text = '';
    child.stdout.on('data', (bytes: Buffer) => {
      text += bytes;
      acknowledged = Number(text.trimEnd().split('\n').at(-1));
    });
    await new Promise((resolve) => child.stdout.once('data', resolve));
    await new Promise((resolve) => setTimeout(resolve, 5 + 13 * kill));
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    const { n, refused } = await newest(new CheckpointStore(folder, 'writer'));
    expect(n).toBeGreaterThanOrEqual(acknowledged);
    expect(refused).toBe(0);
  }
});

test('a kill between the two names of a checkpoint costs none, and the next save leaves nothing else', async () => {
  const store = new CheckpointStore(folder, 'boat');
  await store.save(checkpoint(1));
  // What such a kill leaves: one file of both names, and the next one without its name.
  linkSync(store.file, store.previous);
  writeFileSync(`${store.file}.new`, checkpoint(2));
  expect(await newest(store)).toEqual({ n: 1, refused: 0, used: store.file });
  await store.save(checkpoint(3));
  expect(await newest(store)).toEqual({ n: 3, refused: 0, used: store.file });
  expect(readdirSync(folder).sort()).toEqual(['boat.previous.safetensors', 'boat.safetensors']);
});
