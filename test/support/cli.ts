import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import type { TestContext } from 'vitest';

const cli = join(import.meta.dirname, '../../dist/cli.js');

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface Around {
  cwd: string;
  env?: NodeJS.ProcessEnv | undefined;
  /** The user to run as. */
  uid?: number | undefined;
  /** Standard input; empty where there is none. */
  input?: string | Uint8Array | undefined;
  /** Called with everything said on standard error so far, whenever more has been said. */
  during?: ((child: ChildProcess, err: string) => void) | undefined;
}

/** Runs the bundle as a user does, to its end. */
export async function edgegrad(args: string[], { cwd, env, uid, input, during }: Around): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
    ...(env === undefined ? {} : { env }),
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
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

/** The same, in a folder. */
export const runCli = (
  cwd: string,
  args: string[],
  during?: Around['during'],
  input?: Around['input'],
  env?: NodeJS.ProcessEnv,
): Promise<Ended> => edgegrad(args, { cwd, during, input, env });

const NOBODY = 65534;

/** A user who is not root, to run as; undefined where this one is none. Skipped where such a user cannot read the program. */
export function otherUser(context: TestContext): number | undefined {
  if (process.geteuid?.() !== 0) return undefined;
  if (spawnSync('cat', [cli], { uid: NOBODY, cwd: '/' }).status !== 0)
    context.skip('only root can read this directory');
  return NOBODY;
}
