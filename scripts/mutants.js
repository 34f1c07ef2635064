// npm run mutants [-- <part of a name> …]: puts each fault of test/mutants/*.json into a copy of the sources and runs the one test
// file that must go red. Exit code 1 if a fault is not noticed, or its code is not found exactly once.
// A fault: { name, find, replace, test, build? }. `find` is looked for in all of src, so that moved code stays covered; `build` is
// "bundle" where the test runs dist, "kernels" where it runs the compiled kernels.
import { spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const LISTS = join(root, 'test/mutants');
const LEAST_FAULTS = 36;
const TIMEOUT_MS = 300_000;
const COPIED = ['src', 'test', 'scripts', 'docs', 'models', 'firmware-bridge', 'dist', 'build'];
/** Binaries of other versions of Node, which no test needs. */
const NODES = join(root, 'build/nodes');
const COPY = { recursive: true, preserveTimestamps: true, force: true };
const LINKED = ['node_modules'];

const wanted = process.argv.slice(2);
const faults = readdirSync(LISTS)
  .sort()
  .flatMap((file) => JSON.parse(readFileSync(join(LISTS, file), 'utf8')));
const chosen = faults.filter(({ name }) => wanted.length === 0 || wanted.some((part) => name.includes(part)));
if (chosen.length === 0) throw new Error(`mutants: no fault is named ${wanted.join(' or ')}`);

/** Everything a test needs, in a folder of its own. */
function copyProject() {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-mutants-'));
  chmodSync(folder, 0o755); // tests run programs as other users
  const files = readdirSync(root, { withFileTypes: true }).filter((each) => each.isFile());
  for (const name of [...COPIED, ...files.map((each) => each.name)]) {
    const filter = (path) => path !== NODES;
    cpSync(join(root, name), join(folder, name), { ...COPY, filter });
  }
  for (const name of LINKED) symlinkSync(join(root, name), join(folder, name));
  return folder;
}

function sourcesOf(folder) {
  return readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.generated.ts'))
    .map((file) => join(folder, 'src', file));
}

/** @returns the file and text in which `find` stands, and what else they are with the fault @throws Error unless it is found once */
function place({ name, find, replace }, sources) {
  const found = sources.flatMap((file) => {
    const text = readFileSync(file, 'utf8');
    return text.split(find).length === 1 ? [] : [{ file, text, times: text.split(find).length - 1 }];
  });
  const times = found.reduce((sum, each) => sum + each.times, 0);
  if (times !== 1) {
    const where = found.map((each) => each.file.replace(/^.*\/src\//, 'src/')).join(', ');
    throw new Error(
      `${name}: its code is found ${times} times${where && ` (${where})`}, expected once; mend test/mutants: ${find}`,
    );
  }
  const [{ file, text }] = found;
  return { file, text, faulty: text.replace(find, () => replace) };
}

function run(folder, ...args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      cwd: folder,
      env: { ...process.env, EDGEGRAD_BUILT: '1' },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (text += bytes));
    child.on('close', (code) => resolve({ code, text }));
  });
}

/** Runs test files in a copy. @returns how many tests failed and passed; what was printed, where it did not come to tests */
async function test(folder, files) {
  const report = join(folder, 'build/report.json');
  rmSync(report, { force: true });
  const options = ['--reporter=json', `--outputFile=${report}`, '--bail=1', '--no-color'];
  const { text } = await run(folder, join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...options, ...files);
  try {
    const { numFailedTests: failed, numPassedTests: passed, testResults } = JSON.parse(readFileSync(report, 'utf8'));
    const reds = testResults.flatMap(({ name, message, assertionResults }) => [
      ...(message ? [`${name}: ${message}`] : []),
      ...assertionResults
        .filter(({ status }) => status === 'failed')
        .map((each) => `${name}: ${each.fullName}\n${each.failureMessages}`),
    ]);
    return { failed, passed, text: `${reds.join('\n')}\n${text}` };
  } catch {
    return { failed: 0, passed: 0, text };
  }
}

/** Builds with the fault in it. @returns what puts the output of before back */
async function build(folder, kind) {
  if (kind === undefined) return () => {};
  const outputs = ['dist', 'build', 'src/kernels'];
  for (const output of outputs) cpSync(join(folder, output), join(folder, 'kept', output), COPY);
  const args = kind === 'kernels' ? ['scripts/build-kernels.js'] : ['scripts/build.js', '--force'];
  const { code, text } = await run(folder, ...args);
  if (code !== 0) throw new Error(`it does not build\n${text}`);
  return () => {
    for (const output of outputs) cpSync(join(folder, 'kept', output), join(folder, output), COPY);
  };
}

/** @returns why the fault counts as not noticed; undefined where its test has gone red */
async function problemOf(fault, folder) {
  const { file, text, faulty } = place(fault, sourcesOf(folder));
  let restore = () => {};
  try {
    writeFileSync(file, faulty);
    restore = await build(folder, fault.build);
    const { failed, passed, text: printed } = await test(folder, [fault.test]);
    if (failed > 0) return undefined;
    return passed > 0 ? `${fault.test} stays green` : `${fault.test} runs no test\n${printed.slice(-2000)}`;
  } catch (error) {
    return error.message;
  } finally {
    restore();
    writeFileSync(file, text);
  }
}

let isWell = wanted.length > 0 || faults.length >= LEAST_FAULTS;
if (!isWell) console.log(`there are ${faults.length} faults, expected ${LEAST_FAULTS} or more`);
const folders = Array.from({ length: Math.min(2, availableParallelism(), chosen.length) }, copyProject);
try {
  // A test that fails anyway notices nothing.
  const files = [...new Set(chosen.map((fault) => fault.test))];
  const { failed, passed, text } = await test(folders[0], files);
  if (failed > 0 || passed === 0) throw new Error(`the tests fail without a fault\n${text.slice(0, 4000)}`);
  const queue = [...chosen];
  await Promise.all(
    folders.map(async (folder) => {
      for (let fault = queue.shift(); fault !== undefined; fault = queue.shift()) {
        const startedMs = Date.now();
        const problem = await problemOf(fault, folder).catch((error) => error.message);
        isWell &&= problem === undefined;
        const seconds = ((Date.now() - startedMs) / 1000).toFixed(1);
        console.log(
          `${problem === undefined ? 'noticed' : 'NOT NOTICED'}  ${fault.name}  ${seconds} s${problem === undefined ? '' : `: ${problem}`}`,
        );
      }
    }),
  );
} catch (error) {
  console.log(error.message);
  isWell = false;
} finally {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}
console.log(`${chosen.length} faults: ${isWell ? 'all noticed' : 'FAILED'}`);
process.exitCode = isWell ? 0 : 1;
