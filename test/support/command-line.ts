import { spawn } from 'node:child_process';
import { join } from 'node:path';

const cli = join(import.meta.dirname, '../../dist/cli.js');

export interface Ended {
  code: number | null;
  out: string;
  err: string;
}

export interface Around {
  cwd: string;
  env?: NodeJS.ProcessEnv;
  /** The user to run as. */
  uid?: number;
  /** Called with everything said on standard error so far, whenever more has been said. */
  during?(child: ReturnType<typeof spawn>, err: string): void;
}

/** Runs the bundle as a user does, to its end. */
export async function edgegrad(args: string[], { cwd, env, uid, during }: Around): Promise<Ended> {
  const child = spawn(process.execPath, [cli, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
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
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, out, err };
}
