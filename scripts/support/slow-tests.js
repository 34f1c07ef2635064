// Test files that are not of the core, by the line `// @slow <why>` at their beginning.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const TAG = /^\/\/ @slow (.+)$/m;
const HEAD_CHARACTERS = 1000;

/** @returns path below the root and reason of each, in order */
export function slowTests(root) {
  return readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .map((file) => ({
      file: `test/${file}`,
      head: readFileSync(join(root, 'test', file), 'utf8').slice(0, HEAD_CHARACTERS),
    }))
    .flatMap(({ file, head }) => (TAG.test(head) ? [{ file, why: TAG.exec(head)[1] }] : []));
}
