import { spawnSync } from 'node:child_process';
import type { TestContext } from 'vitest';

/** Skips the test, with the reason printed, where a program is not installed; in CI it fails instead. */
export function needTool(context: TestContext, ...programs: string[]): void {
  for (const program of programs) {
    if (spawnSync('which', [program]).status === 0) continue;
    if (process.env.CI) throw new Error(`${program} is not installed`);
    console.log(`not tried, as ${program} is not installed`);
    context.skip(`${program} is not installed`);
  }
}

const NOBODY = 65534;

/** Does something with the rights of a user who owns nothing: root may read and write everywhere. */
export async function withoutRights(act: () => Promise<unknown>): Promise<void> {
  if (process.geteuid?.() !== 0) {
    await act();
    return;
  }
  process.seteuid?.(NOBODY);
  try {
    await act();
  } finally {
    process.seteuid?.(0);
  }
}
