// node scripts/build.js [--force]: builds what is stale, and says what it does on standard error; says nothing if all is fresh.
// Fresh means: the sources have the content of the last build, and nothing has touched its output since.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const STAMP = join(root, 'build/stamp.json');
const LOCK = join(root, 'build/lock');
const OUTPUTS = ['dist', 'src/kernels/wasm.generated.ts', 'src/kernels/assembly/constants.generated.ts'];
const LOCK_POLL_MS = 100;

const isForced = process.argv.includes('--force');
const say = (text) => process.stderr.write(`${text}\n`);
const filesIn = (folder) =>
  readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)))
    .sort();

/** Hash of everything a build reads. */
function hashSources() {
  const sources = [
    ...filesIn('src').filter((file) => !file.endsWith('.generated.ts')),
    ...readdirSync(root).filter((name) => /^(tsconfig.*\.json|rollup\.config\.js|package(-lock)?\.json)$/.test(name)),
    'scripts/build.js',
    'scripts/build-kernels.js',
  ];
  const hash = createHash('sha256');
  for (const file of sources)
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  return hash.digest('hex');
}

/** Name, length and time of everything a build writes. */
function listOutputs() {
  const files = OUTPUTS.filter((output) => existsSync(join(root, output))).flatMap((output) =>
    statSync(join(root, output)).isDirectory() ? filesIn(output) : [output],
  );
  return files.map((file) => {
    const { size, mtimeMs } = statSync(join(root, file));
    return `${file} ${size} ${mtimeMs}`;
  });
}

function isFresh() {
  if (!existsSync(STAMP)) return false;
  try {
    const { sources, outputs } = JSON.parse(readFileSync(STAMP, 'utf8'));
    return sources === hashSources() && JSON.stringify(outputs) === JSON.stringify(listOutputs());
  } catch {
    return false;
  }
}

/** Runs a program of the build. @throws Error with everything it printed, if it fails */
function run(name, ...args) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (text += bytes));
    child.on('error', reject);
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`build: ${name} failed\n${text}`))));
  });
}

/** A source that is gone leaves neither its compiled form nor its types behind. */
function removeOrphans(startedMs) {
  const isOfSource = (file) => existsSync(join(root, file.replace(/\.d\.ts$|\.js$/, '.ts')));
  for (const folder of ['build/js', 'build/types']) {
    for (const file of filesIn(folder)) {
      if (!isOfSource(file.replace(folder, 'src'))) rmSync(join(root, file));
    }
  }
  for (const file of filesIn('dist')) {
    if (statSync(join(root, file)).mtimeMs < startedMs) rmSync(join(root, file));
  }
}

async function build() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const missing = Object.keys({ ...dependencies, ...devDependencies }).filter(
    (name) => !existsSync(join(root, 'node_modules', name)),
  );
  if (missing.length > 0) throw new Error(`build: node_modules has no ${missing.join(', ')}; run npm ci`);
  const require = createRequire(import.meta.url);
  const tsc = require.resolve('typescript/bin/tsc');
  const rollup = join(dirname(require.resolve('rollup/package.json')), 'dist/bin/rollup');
  const startedMs = Date.now();
  const step = async (name, ...programs) => {
    const stepMs = Date.now();
    await Promise.all(programs.map((args) => run(name, ...args)));
    say(`build: ${name}: ${((Date.now() - stepMs) / 1000).toFixed(1)} s`);
  };
  say('build: the output in dist is older than the sources; about 20 s from nothing, 5 s after a change');
  rmSync(STAMP, { force: true });
  const sources = hashSources();
  await step('kernels', ['scripts/build-kernels.js']);
  for (const [info, ...folders] of [
    ['build/tsbuildinfo', 'build/js', 'build/types'],
    ['build/page.tsbuildinfo', 'build/page'],
  ]) {
    if (!folders.every((folder) => existsSync(join(root, folder)))) rmSync(join(root, info), { force: true });
  }
  await step('types and JavaScript', [tsc, '-p', 'tsconfig.build.json'], [tsc, '-p', 'tsconfig.page.json']);
  await step('bundles', [rollup, '-c', '--silent']);
  removeOrphans(startedMs);
  writeFileSync(STAMP, JSON.stringify({ sources, outputs: listOutputs() }));
}

/** Two builds at once would write the same files: the second one waits for the first. */
async function holdLock() {
  mkdirSync(dirname(LOCK), { recursive: true });
  for (let isSaid = false; ; ) {
    try {
      writeFileSync(LOCK, String(process.pid), { flag: 'wx' });
      process.once('exit', () => rmSync(LOCK, { force: true }));
      for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = readLock();
    if (owner === undefined) continue;
    if (!isAlive(owner)) {
      rmSync(LOCK, { force: true });
      continue;
    }
    if (!isSaid) say('build: another build is under way; waiting for it');
    isSaid = true;
    await new Promise((resolve) => setTimeout(resolve, LOCK_POLL_MS));
  }
}

/** The process that builds: undefined if it has just ended, 0 if it has not written its number yet. */
function readLock() {
  try {
    return Number(readFileSync(LOCK, 'utf8'));
  } catch {
    return undefined;
  }
}

function isAlive(pid) {
  try {
    return pid === 0 || process.kill(pid, 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

if (isForced || !isFresh()) {
  await holdLock();
  try {
    if (isForced || !isFresh()) await build();
  } catch (error) {
    say(error.message);
    process.exitCode = 1;
  }
}
