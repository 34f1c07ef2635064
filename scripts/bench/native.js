// npm run bench:native: edgegrad against a hand-vectorised C program of the same arithmetic (native/mlp.c), on five
// topologies: CPU nanoseconds a training step and a prediction take, rows copied in. Both start from the same weights
// and rows and must leave the same bits before anything is timed; then they run in turn, in many short rounds.
//
// With --arm64 the program is built by aarch64-linux-gnu-gcc and run by qemu-aarch64-static: the bits are compared, and
// nothing is timed.
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createNetwork } from '../../dist/index.js';

const TOPOLOGIES = ['8-16-4', '32-64-32-8', '128-256-128-10', '784-256-10', '6-64-64-6'];
const RATE = Math.fround(0.001);
const ROWS = 64; // a power of two
const CHECKED_STEPS = 500;
const ROUNDS = 60;
const ROUND_MS = 8;

const FLAGS = ['-std=c99', '-O3', '-ffp-contract=off', '-Wall', '-Wextra', '-Werror'];
const isEmulated = process.argv.includes('--arm64');
const COMPILER = isEmulated ? 'aarch64-linux-gnu-gcc' : 'cc';
const RUNNER = isEmulated ? ['qemu-aarch64-static'] : [];
const WIDTH_FLAGS = { x64: ['-msse4.1', '-mno-avx'], arm64: [] }; // 128 bits wide, as WebAssembly SIMD is

function giveUp(why) {
  process.stderr.write(`bench:native: ${why}\n`);
  process.exit(2);
}

/** Compiles the C program into `directory`. Returns its path and the compiler's name and version. */
function compile(directory) {
  const widthFlags = isEmulated ? ['-static'] : WIDTH_FLAGS[process.arch];
  if (!widthFlags) giveUp(`no C kernels for ${process.arch}, only for x64 and arm64`);
  const version = spawnSync(COMPILER, ['--version'], { encoding: 'utf8' });
  if (version.error) giveUp(`no C compiler: "${COMPILER}" is not on the path`);
  const sources = ['main.c', 'mlp.c'].map((name) => fileURLToPath(new URL(`native/${name}`, import.meta.url)));
  const program = join(directory, 'mlp');
  const { status, stderr } = spawnSync(COMPILER, [...FLAGS, ...widthFlags, '-o', program, ...sources], {
    encoding: 'utf8',
  });
  if (status !== 0) giveUp(`${COMPILER} could not compile native/mlp.c:\n${stderr}`);
  return { program, compiler: `${version.stdout.split('\n')[0]}, ${[...FLAGS, ...widthFlags].join(' ')}` };
}

/** The C program as a child process that runs on request; see native/main.c for what is said. */
class NativeNetwork {
  #child;
  #received = Buffer.alloc(0);
  #wanted = 0;
  #resolve;
  #parameterCount = 0;

  constructor(program, widths, parameters, rows, targets) {
    const [command, ...args] = [...RUNNER, program, String(RATE), ...widths.map(String)];
    this.#child = spawn(command, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.#child.on('error', (error) => giveUp(`${command} did not start: ${error.message}`));
    this.#child.stdout.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk]);
      this.#deliver();
    });
    this.#child.on('exit', (code) => code !== 0 && giveUp(`the C program ended with ${code}`));
    this.#child.stdin.write(Buffer.from(Uint32Array.of(rows.length).buffer));
    for (const values of [...parameters, ...rows, ...targets]) this.#child.stdin.write(Buffer.from(values.buffer));
    for (const values of parameters) this.#parameterCount += values.length;
  }

  /** CPU nanoseconds of `count` steps or predictions, and the last loss or first output. */
  async run(what, count) {
    this.#child.stdin.write(Buffer.concat([Buffer.from(what), Buffer.from(Uint32Array.of(count).buffer)]));
    const answer = await this.#answer(12);
    return { ns: new Float64Array(answer.slice(0, 8))[0], result: new Float32Array(answer.slice(8))[0] };
  }

  /** All weights and biases, in order. */
  async parameters() {
    this.#child.stdin.write('W');
    return new Float32Array(await this.#answer(4 * this.#parameterCount));
  }

  close() {
    this.#child.stdin.end();
  }

  /** The next `bytes` bytes the program writes, as an ArrayBuffer. */
  #answer(bytes) {
    return new Promise((resolve) => {
      this.#wanted = bytes;
      this.#resolve = resolve;
      this.#deliver();
    });
  }

  #deliver() {
    if (!this.#resolve || this.#received.length < this.#wanted) return;
    const answer = Uint8Array.from(this.#received.subarray(0, this.#wanted)).buffer;
    this.#received = this.#received.subarray(this.#wanted);
    const resolve = this.#resolve;
    this.#resolve = undefined;
    resolve(answer);
  }
}

/** CPU nanoseconds of this process. (Linux tells those of a single thread only to a tick, half a round.) */
function cpuNs() {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
}

/** The same requests answered by edgegrad. */
function edgegrad(net, rows, targets) {
  // A loop of its own for every network and request, so that none pays for the shapes of another.
  const loopOf = (call) =>
    new Function(
      'net, rows, targets',
      `return (count) => {
         let result = 0;
         for (let i = 0; i < count; i++) result = net.${call};
         return result;
       }`,
    )(net, rows, targets);
  const loops = {
    L: loopOf(`learn(rows[i & ${ROWS - 1}], targets[i & ${ROWS - 1}])`),
    P: loopOf(`predict(rows[i & ${ROWS - 1}])[0]`),
  };
  return {
    run(what, count) {
      const start = cpuNs();
      const result = loops[what](count);
      return { ns: cpuNs() - start, result };
    },
    parameters: () => Float32Array.from(net.parameters().flatMap((parameter) => [...parameter.read()])),
  };
}

const wave = (n, k) => Float32Array.from({ length: n }, (_, i) => Math.sin(1 + i * 0.7 + k * 1.3));
const sameBits = (a, b) => Buffer.from(a.buffer).equals(Buffer.from(b.buffer));
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const geometricMean = (values) => Math.exp(values.reduce((sum, v) => sum + Math.log(v), 0) / values.length);

/** Both sides, in turn, round after round. Returns the nanoseconds of each round, per call. */
async function race(native, ours, what) {
  let count = 16;
  for (; ; count *= 2) {
    const { ns } = await native.run(what, count);
    ours.run(what, count);
    if (ns > 1e6 * ROUND_MS) break;
  }
  const rounds = { native: [], ours: [] };
  for (let i = 0; i < ROUNDS; i++) {
    rounds.native.push((await native.run(what, count)).ns / count);
    rounds.ours.push(ours.run(what, count).ns / count);
  }
  return rounds;
}

const inform = (ns) => (ns < 10000 ? `${ns.toFixed(0)} ns` : `${(ns / 1000).toFixed(1)} µs`);

const directory = mkdtempSync(join(tmpdir(), 'edgegrad-bench-'));
process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
const { program, compiler } = compile(directory);

const REQUESTS = { L: 'train', P: 'predict' };
const lines = [['topology', '', 'C min', 'median', 'edgegrad min', 'median', 'of minima', 'of medians', 'weights']];
const ratios = { L: [], P: [] };
for (const topology of TOPOLOGIES) {
  const widths = topology.split('-').map(Number);
  const net = createNetwork({
    inputs: widths[0],
    layers: widths.slice(1).map((units, i) => ({
      kind: 'dense',
      units,
      activation: i < widths.length - 2 ? 'tanh' : 'identity',
    })),
    loss: 'squaredError',
    optimizer: { kind: 'sgd', rate: RATE },
  });
  const rows = Array.from({ length: ROWS }, (_, k) => wave(widths[0], k));
  const targets = Array.from({ length: ROWS }, (_, k) => wave(widths[widths.length - 1], k + 7));
  const start = net.parameters().map((parameter) => parameter.read());
  const native = new NativeNetwork(program, widths, start, rows, targets);
  const ours = edgegrad(net, rows, targets);

  const losses = [(await native.run('L', CHECKED_STEPS)).result, ours.run('L', CHECKED_STEPS).result];
  const outputs = [(await native.run('P', 1)).result, ours.run('P', 1).result];
  const same = sameBits(await native.parameters(), ours.parameters());
  if (!same || losses[0] !== losses[1] || outputs[0] !== outputs[1]) {
    giveUp(`${topology}: C and edgegrad differ after ${CHECKED_STEPS} steps (losses ${losses}, outputs ${outputs})`);
  }
  const hash = net.hash();
  if (isEmulated) {
    process.stdout.write(`${topology.padEnd(14)}  ${hash} both after ${CHECKED_STEPS} steps\n`);
    native.close();
    continue;
  }
  for (const what of Object.keys(REQUESTS)) {
    const rounds = await race(native, ours, what);
    const ofMinima = Math.min(...rounds.ours) / Math.min(...rounds.native);
    const ofMedians = median(rounds.ours.map((ns, i) => ns / rounds.native[i]));
    ratios[what].push([ofMinima, ofMedians]);
    lines.push([
      topology,
      REQUESTS[what],
      ...[rounds.native, rounds.ours].flatMap((ns) => [inform(Math.min(...ns)), inform(median(ns))]),
      `${ofMinima.toFixed(2)}×`,
      `${ofMedians.toFixed(2)}×`,
      what === 'L' ? `${hash} both` : '',
    ]);
  }
  if (!sameBits(await native.parameters(), ours.parameters())) giveUp(`${topology}: C and edgegrad differ at the end`);
  native.close();
}
if (isEmulated) process.exit(0);
for (const what of Object.keys(REQUESTS)) {
  const [minima, medians] = [0, 1].map((i) => `${geometricMean(ratios[what].map((pair) => pair[i])).toFixed(2)}×`);
  lines.push(['geometric mean', REQUESTS[what], '', '', '', '', minima, medians, '']);
}

const columnWidths = lines[0].map((_, j) => Math.max(...lines.map((line) => line[j].length)));
process.stdout.write(`${cpus()[0]?.model ?? 'unknown CPU'}, ${process.arch}; Node ${process.version}; ${compiler}\n`);
process.stdout.write(`CPU time of one call, ${ROUNDS} rounds of about ${ROUND_MS} ms in turn\n\n`);
for (const line of lines) {
  const cells = line.map((cell, j) => (j < 2 || j > 7 ? cell.padEnd(columnWidths[j]) : cell.padStart(columnWidths[j])));
  process.stdout.write(`${cells.join('  ').trimEnd()}\n`);
}
