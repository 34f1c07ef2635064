import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TestContext } from 'vitest';

export const FIRMWARE = fileURLToPath(new URL('../../firmware-bridge/', import.meta.url));
export const ARDUINO = '/usr/share/arduino/hardware/arduino/avr';

const MAX_MS = 300_000;

/** Where a program or a path that a test needs is missing, the test is skipped with the reason; in CI it fails. */
export function need(context: TestContext, ...needed: string[]): void {
  const missing = needed.filter((name) =>
    name.startsWith('/') ? !existsSync(name) : spawnSync(name, ['--version']).error !== undefined,
  );
  if (missing.length === 0) return;
  const reason = `not here: ${missing.join(', ')}`;
  if (process.env.CI) throw new Error(reason);
  context.skip(reason);
}

/** Runs a program in firmware-bridge/ and returns what it printed. Throws with all of it where it fails. */
export function run(program: string, args: readonly string[], env: Record<string, string> = {}): string {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd: FIRMWARE,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: MAX_MS,
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? status}\n${stdout}${stderr}`);
  return stdout;
}

/** A folder to build in, and what removes it. */
export async function buildFolder(): Promise<{ folder: string; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'edgegrad-firmware-'));
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
