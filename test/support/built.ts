import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

/** Before any test: what is stale is built, and said, so that no test runs an old bundle or old kernels. */
export default function build(): void {
  const { status } = spawnSync(process.execPath, [join(import.meta.dirname, '../../scripts/build.js')], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) throw new Error('the build failed; its errors are above');
}
