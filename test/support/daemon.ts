import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, vi } from 'vitest';

const cli = join(import.meta.dirname, '../../dist/cli.js');

/** y = 3x + 1 from `x;y` lines: two columns, a linear model. */
export const LINE_CONFIG = (name: string, more = '') => `name = "${name}"
columns = [{ name = "x", range = [-10, 10] }, { name = "y" }]
task = { kind = "regress", features = ["x"], targets = ["y"], warmup = 10 }
network = { layers = [], optimizer = { kind = "sgd", rate = 0.05 } }
${more}
`;

/** `count` rows of it from row `from` on. */
export const lineRows = (from: number, count: number) =>
  Buffer.from(
    Array.from({ length: count }, (_, i) => (((from + i) * 7) % 40) / 4 - 5)
      .map((x) => `${x};${3 * x + 1}\n`)
      .join(''),
  );

/** A folder that goes with the test. */
export function folderOfTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-daemon-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** `edgegrad run` as a user runs it, until the test ends. */
export function runDaemon(
  folder: string,
  args: string[],
  { env, node = [] }: { env?: NodeJS.ProcessEnv; node?: string[] } = {},
) {
  const child = spawn(process.execPath, [...node, cli, 'run', ...args], {
    cwd: folder,
    stdio: ['pipe', 'ignore', 'pipe'],
    ...(env === undefined ? {} : { env: { ...process.env, ...env } }),
  });
  let said = '';
  child.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const closed = new Promise<number | null>((resolve) => child.once('close', resolve));
  onTestFinished(async () => {
    child.kill('SIGKILL');
    await closed;
  });
  return {
    child,
    closed,
    said: () => said,
    hears: (text: string | RegExp) => vi.waitFor(() => expect(said).toMatch(text), { timeout: 20_000, interval: 5 }),
  };
}

/** Writes a configuration and returns its path. */
export function configure(folder: string, file: string, text: string): string {
  writeFileSync(join(folder, file), text);
  return join(folder, file);
}
