import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { CheckpointStore } from '../../src/daemon/index.js';

/** Called after each rename and link of a save, where a kill may come; the calls themselves are the real ones. */
const moments = vi.hoisted(() => ({ look: () => {}, linkError: null as Error | null }));

vi.mock('node:fs/promises', async (original) => {
  const real = await original<typeof import('node:fs/promises')>();
  return {
    ...real,
    rename: async (from: string, to: string) => {
      await real.rename(from, to);
      moments.look();
    },
    link: async (from: string, to: string) => {
      if (moments.linkError !== null) throw moments.linkError;
      await real.link(from, to);
      moments.look();
    },
  };
});

test.each([
  ['with hard links', null],
  ['without hard links', Object.assign(new Error('EPERM'), { code: 'EPERM' })],
])('a disk %s: at no moment of a save is the checkpoint without its name', async (_, linkError) => {
  moments.linkError = linkError;
  const store = new CheckpointStore(mkdtempSync(join(tmpdir(), 'edgegrad-names-')), 'boat');
  await store.save(Buffer.from('1'));
  const seen: string[] = [];
  moments.look = () => seen.push(existsSync(store.file) ? readFileSync(store.file, 'utf8') : 'none');
  for (const n of ['2', '3']) await store.save(Buffer.from(n));
  moments.look = () => {};
  expect(new Set(seen)).toEqual(new Set(['1', '2', '3']));
  expect([readFileSync(store.previous, 'utf8'), readFileSync(store.file, 'utf8')]).toEqual(['2', '3']);
});
