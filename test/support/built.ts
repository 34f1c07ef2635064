import { spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';

/**
 * Before any test: what is stale is built, and said, so that no test runs an old bundle or old kernels; and a random seed is
 * drawn once for all test files, and said.
 */
export default function setUp(): void {
  if (process.env.FUZZ_SEED === 'random') {
    process.env.FUZZ_SEED = String(randomInt(2 ** 31));
    console.log(`FUZZ_SEED=${process.env.FUZZ_SEED} draws these inputs again`);
  }
  if (process.env.EDGEGRAD_BUILT) return; // by scripts/mutants.js, in a copy of its own
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, '../../scripts/build.js')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error('the build failed; its errors are above');
}
