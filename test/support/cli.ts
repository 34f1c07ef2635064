import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const cli = join(import.meta.dirname, '../../dist/cli.js');

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

/** Runs the bundle as a user does, to its end; `during` may act on it once it has said something. */
export async function runCli(
  cwd: string,
  args: string[],
  during?: (child: ChildProcess, err: string) => void,
  input?: string | Uint8Array,
): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...args], { cwd, stdio: ['pipe', 'pipe', 'pipe'] });
  let out = '';
  let err = '';
  child.stdout.on('data', (bytes) => {
    out += bytes;
  });
  child.stderr.on('data', (bytes) => {
    err += bytes;
    during?.(child, err);
  });
  child.stdin.end(input);
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}
