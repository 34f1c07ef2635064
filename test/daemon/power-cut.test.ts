// @slow a disk is copied and mounted a hundred times; needs root and loop devices

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, type TestContext, test } from 'vitest';
import { CheckpointStore } from '../../src/daemon/index.js';
import { Random } from '../../src/engine/index.js';
import { decodeSafetensors } from '../../src/models/index.js';

// A power cut as the file system sees one: the disk is copied at a moment the writer does not choose, with whatever had
// reached it by then, and the copy is mounted as after a restart.

const CUTS = Number(process.env.POWER_CUTS ?? 100);
const SEED = 20;

/** Runs a command; what it wrote to stderr where it fails. */
function problemOf(command: string, ...args: string[]): string | undefined {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? undefined : `${command}: ${error?.message ?? stderr.trim()}`;
}

function must(command: string, ...args: string[]): void {
  const problem = problemOf(command, ...args);
  if (problem !== undefined) throw new Error(problem);
}

/** A mounted file system of its own in one file; skipped where this user cannot have one. */
function needDisk(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-power-'));
  const image = join(folder, 'disk');
  const mounted = join(folder, 'mounted');
  const after = join(folder, 'after');
  mkdirSync(mounted);
  mkdirSync(after);
  onTestFinished(() => {
    for (const place of [mounted, after]) problemOf('umount', place);
    rmSync(folder, { recursive: true, force: true });
  });
  const problem =
    problemOf('truncate', '-s', '16M', image) ??
    problemOf('mkfs.ext4', '-q', '-F', image) ??
    problemOf('mount', '-o', 'loop,commit=1', image, mounted);
  if (problem !== undefined) {
    // Loop devices belong to the machine: a container in CI may be without them.
    console.log(`not tried, as it needs root, mkfs.ext4 and a loop device: ${problem}`);
    context.skip(problem);
  }
  return { image, mounted, after, copy: join(folder, 'copy') };
}

test('the power is cut at any moment: no torn checkpoint, none lost that was acknowledged', {
  timeout: 600_000,
}, async (context) => {
  const { image, mounted, after, copy } = needDisk(context);
  const writer: ChildProcess = spawn(
    process.execPath,
    [join(import.meta.dirname, '../support/checkpoint-writer.js'), mounted],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  onTestFinished(async () => {
    const closed = new Promise((resolve) => writer.once('close', resolve));
    writer.kill('SIGKILL');
    await closed;
  });
  let acknowledged = 0;
  let text = '';
  writer.stdout?.on('data', (bytes: Buffer) => {
    text = (text + bytes).slice(-64);
    acknowledged = Number(text.trimEnd().split('\n').at(-1));
  });
  await new Promise((resolve) => writer.stdout?.once('data', resolve));

  const random = new Random(SEED);
  const seen = new Set<number>();
  for (let cut = 0; cut < CUTS; cut++) {
    await new Promise((resolve) => setTimeout(resolve, 10 + (random.next() % 80)));
    // What is acknowledged here was acknowledged before the copy begins.
    const promised = acknowledged;
    writer.kill('SIGSTOP');
    copyFileSync(image, copy);
    writer.kill('SIGCONT');
    must('mount', '-o', 'loop', copy, after);
    try {
      let found = Number.NaN;
      const { refused } = await new CheckpointStore(after, 'writer').load((bytes, file) => {
        const { data } = decodeSafetensors(bytes, file).tensors.get('n')!;
        found = data.every((value) => value === data[0]) ? data[0] : Number.NaN;
      });
      expect(refused).toEqual([]);
      expect(found, `cut ${cut}`).toBeGreaterThanOrEqual(promised);
      seen.add(found);
    } finally {
      must('umount', after);
    }
  }
  expect(seen.size).toBeGreaterThan(CUTS / 2); // the writer went on between cuts
});
