// npm run every-node [-- --cache folder]: runs the command line and the library on every supported Node, each end to end with
// the shipped log. Prints a line per Node; exit code 1 unless all hashes are equal. Uses `npm run build`'s output.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { openTerminal } from './soak/support.js';
import { fetchNode, X64_NODES } from './support/node-package.js';

const root = join(import.meta.dirname, '..');
const cli = join(root, 'dist/cli.js');
const LOG = join(root, 'models/sailing-wind/sailing_wind.csv');
const CONFIG = join(root, 'models/sailing-wind/edgegrad.toml');
const TIMEOUT_MS = 120_000;
const execute = promisify(execFile);

const { values } = parseArgs({ options: { cache: { type: 'string', default: join(root, 'build/nodes') } } });

/** Runs a program to its end. @returns everything it printed @throws Error unless its exit code is 0 */
function run(command, args, { cwd, input }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, stdio: ['pipe', 'pipe', 'pipe'], timeout: TIMEOUT_MS });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (text += bytes));
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      if (code === 0) resolve(text);
      else reject(new Error(`${args.join(' ')}: ${signal ?? `exit ${code}`}\n${text.slice(-2000)}`));
    });
  });
}

const hashIn = (text) => /hash"?:?\s*"?([0-9a-f]{16})/.exec(text)?.[1] ?? `no hash in: ${text.slice(-500)}`;

/** What is run on each Node. Each returns the hash it ends with, or nothing if the exit code is all that it shows. */
const CHECKS = {
  'run, standard input': async (node, cwd) =>
    hashIn(await run(node, [cli, 'run', '--port', '-', '--fresh', '--state', cwd], { cwd, input: readFileSync(LOG) })),
  'run, pseudo-terminal': async (node, cwd) =>
    hashIn(await run(node, [cli, 'run', '--speed', 'max', '--fresh', '--state', cwd], { cwd })),
  'run as the service does': async (node, cwd) => {
    const unit = await run(node, [cli, 'service', 'install', CONFIG, '--dry-run', '--user', 'root'], { cwd });
    const [, ...args] = /^ExecStart=(.*)$/m.exec(unit)[1].split(' ');
    const flags = args.slice(0, args.indexOf(cli));
    if (flags.length === 0) throw new Error(`no flags of Node in the unit:\n${unit}`);
    return hashIn(
      await run(node, [...flags, cli, 'run', CONFIG, '--state', cwd, '--fresh', '--port', '-'], {
        cwd,
        input: readFileSync(LOG),
      }),
    );
  },
  record: async (node, cwd) => {
    const link = join(cwd, 'ttyBOARD');
    const terminal = await openTerminal(link, 'socat');
    const file = join(cwd, 'wire.mcap');
    const recorder = spawn(node, [cli, 'record', '--port', link, '--out', file, '--config', CONFIG], { cwd });
    let text = '';
    for (const stream of [recorder.stdout, recorder.stderr]) stream.on('data', (bytes) => (text += bytes));
    const ended = new Promise((resolve) => recorder.once('close', resolve));
    try {
      await until(
        () => /recording|recorded/i.test(text),
        () => text,
      );
      terminal.write(readFileSync(LOG));
      await until(
        () => bytesIn(file) >= 100_000,
        () => text,
      );
    } finally {
      recorder.kill('SIGINT');
      await ended;
      await terminal.unplug();
    }
    await run(node, [cli, 'inspect', file], { cwd });
  },
  'replay, and verify of a recording': async (node, cwd) => {
    const config = join(cwd, 'recorded.toml');
    writeFileSync(config, `${readFileSync(CONFIG, 'utf8')}\n[record]\ndirectory = "${cwd}/recordings"\n`);
    const live = await run(node, [cli, 'run', config, '--port', '-', '--fresh', '--state', cwd], {
      cwd,
      input: readFileSync(LOG),
    });
    const verified = await run(node, [cli, 'verify', join(cwd, 'recordings')], { cwd });
    if (!/the same bits/.test(verified)) throw new Error(verified);
    const replayed = hashIn(await run(node, [cli, 'replay', join(cwd, 'recordings'), '--json'], { cwd }));
    return replayed === hashIn(live) ? replayed : `live ${hashIn(live)}, replayed ${replayed}`;
  },
  replay: async (node, cwd) => hashIn(await run(node, [cli, 'replay', LOG, '--config', CONFIG, '--json'], { cwd })),
  library: async (node, cwd) => {
    const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8'))[1];
    const file = join(cwd, 'example.mjs');
    writeFileSync(file, example.replace("'edgegrad'", JSON.stringify(join(root, 'dist/index.js'))));
    const printed = await run(node, [file], { cwd });
    if (!printed.startsWith('1.00 0.00\n')) throw new Error(printed);
    libraryHashes.add(printed.split('\n')[1]);
  },
};
const libraryHashes = new Set();

async function until(isSo, said) {
  for (let i = 0; i < TIMEOUT_MS / 20; i++) {
    if (isSo()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`it did not happen: ${said()}`);
}

function bytesIn(file) {
  try {
    return readFileSync(file).length;
  } catch {
    return 0;
  }
}

const hashes = new Set();
let isWell = true;
for (const npm of X64_NODES) {
  const node = await fetchNode(npm, values.cache);
  const { stdout: version } = await execute(node, ['--version']);
  const own = new Set();
  const failed = [];
  for (const [name, check] of Object.entries(CHECKS)) {
    const cwd = mkdtempSync(join(tmpdir(), 'edgegrad-node-'));
    try {
      const hash = await check(node, cwd);
      if (hash !== undefined) own.add(hash);
    } catch (error) {
      failed.push(`  ${name}: ${error.message}`);
    } finally {
      rmSync(cwd, { recursive: true, force: true });
    }
  }
  for (const hash of own) hashes.add(hash);
  isWell &&= failed.length === 0;
  console.log(
    `${version.trim().padEnd(10)} ${[...own].join(', ')}  ${Object.keys(CHECKS).length - failed.length} of ${Object.keys(CHECKS).length} checks passed`,
  );
  for (const text of failed) console.log(text);
}
if (hashes.size !== 1 || libraryHashes.size !== 1) {
  console.log(`hashes differ: ${[...hashes].join(', ')}; library: ${[...libraryHashes].join(', ')}`);
  isWell = false;
}
process.exitCode = isWell ? 0 : 1;
