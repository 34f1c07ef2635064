// npm test · npm run test:all · node scripts/test.js core|all|rest [options of vitest]: builds what is stale, lints and runs the
// tests; prints what ran, what was left out and the CPU time of all processes. A test file belongs to the core unless it says
// otherwise in a line `// @slow <why>` at its beginning; `rest` is those that do.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { slowTests } from './support/slow-tests.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const require = createRequire(import.meta.url);
const packageFile = (name, file) => join(dirname(require.resolve(`${name}/package.json`)), file);
const TICKS_PER_S = 100; // of /proc, on every Linux

const [part, ...options] = process.argv.slice(2);
if (!['core', 'all', 'rest'].includes(part)) {
  console.error(`test: found ${part ?? 'no part'}, expected core, all or rest`);
  process.exit(2);
}

/** CPU time of all processes that have ended, in seconds: theirs, and that of processes they waited for. */
function childrenCpuS() {
  try {
    const fields = readFileSync('/proc/self/stat', 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[13]) + Number(fields[14])) / TICKS_PER_S;
  } catch {
    return undefined;
  }
}

/** Runs a program to its end with what it prints shown. @returns whether its exit code is 0 */
const passes = (...args) =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
    child.on('error', reject);
    child.on('close', (code) => resolve(code === 0));
  });

const startedMs = Date.now();
const seconds = () => ((Date.now() - startedMs) / 1000).toFixed(0);
let isWell = await passes('scripts/build.js');
const slow = slowTests(root);
if (isWell && part !== 'rest') {
  console.log('lint: biome, and the types of sources and tests');
  const results = await Promise.all([
    passes(packageFile('@biomejs/biome', 'bin/biome'), 'check', '.'),
    passes(packageFile('typescript', 'bin/tsc'), '--noEmit', '-p', 'tsconfig.json'),
  ]);
  isWell = results.every(Boolean);
}
if (isWell) {
  const chosen = {
    core: slow.flatMap(({ file }) => ['--exclude', file]),
    rest: slow.map(({ file }) => file),
    all: [],
  };
  isWell = await passes(packageFile('vitest', 'vitest.mjs'), 'run', ...chosen[part], ...options);
}
if (part === 'core') {
  console.log(
    `left out (npm run test:all runs them too):\n${slow.map(({ file, why }) => `  ${file}: ${why}`).join('\n')}`,
  );
}
const cpuS = childrenCpuS();
console.log(
  `${part}: ${isWell ? 'passed' : 'FAILED'} in ${seconds()} s${cpuS === undefined ? '' : `, ${cpuS.toFixed(0)} s of CPU`}`,
);
process.exitCode = isWell ? 0 : 1;
