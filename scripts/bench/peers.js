// npm run bench:peers: edgegrad beside brain.js and TensorFlow.js, one row at a time. They are no dependencies of this
// project: exact versions of them are installed into a temporary folder for the run, without their install scripts.
//
//   node scripts/bench/peers.js [--folder path]   keeps them in a folder and finds them there the next time
//
// Each does what it is best at: the innermost public call that learns from one row (brain.js: trainPattern;
// TensorFlow.js: optimizer.minimize inside tidy, pure JavaScript back end, rows copied in), plain sgd, tanh hidden
// layers. brain.js has one activation for all layers and cannot switch momentum off, so its output is tanh and its
// momentum the default, 0.1.
// Every contestant runs in turn, several rounds; the fastest round counts, in CPU time of the process.

import { execFile } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { createNetwork } from '../../dist/index.js';

const PACKAGES = { 'brain.js': '2.0.0-beta.24', '@tensorflow/tfjs': '4.22.0' };
const TOPOLOGIES = ['8-16-4', '32-64-32-8'];
const RATE = 0.01;
const ROUNDS = 9;
const ROUND_MS = 250;
const WARM_UP_MS = 1500;
const ROWS = 64;

/** One contestant: `learn(row, target)` and `predict(row)` of Float32Arrays; `predict` returns the outputs. */
const CONTESTANTS = {
  edgegrad: (widths) =>
    createNetwork({
      inputs: widths[0],
      layers: widths.slice(1).map((units, i) => ({
        kind: 'dense',
        units,
        activation: i < widths.length - 2 ? 'tanh' : 'identity',
      })),
      loss: 'squaredError',
      optimizer: { kind: 'sgd', rate: RATE },
    }),

  'brain.js': (widths, brain) => {
    const net = new brain.NeuralNetwork({
      inputSize: widths[0],
      hiddenLayers: widths.slice(1, -1),
      outputSize: widths[widths.length - 1],
      activation: 'tanh',
    });
    net.updateTrainingOptions({ learningRate: RATE });
    net.initialize();
    const pattern = { input: undefined, output: undefined };
    return {
      learn(row, target) {
        pattern.input = row;
        pattern.output = target;
        net.trainPattern(pattern);
      },
      predict: (row) => net.run(row),
    };
  },

  '@tensorflow/tfjs': (widths, tf) => {
    const layers = widths.slice(1).map((nOut, i) => {
      const limit = Math.sqrt(6 / (widths[i] + nOut));
      return {
        w: tf.variable(tf.randomUniform([widths[i], nOut], -limit, limit, 'float32', i + 1)),
        b: tf.variable(tf.zeros([nOut])),
      };
    });
    const optimizer = tf.train.sgd(RATE);
    const forward = (x) =>
      layers.reduce((a, { w, b }, i) => {
        const z = tf.add(tf.matMul(a, w), b);
        return i < layers.length - 1 ? tf.tanh(z) : z;
      }, x);
    return {
      learn(row, target) {
        tf.tidy(() => {
          const x = tf.tensor2d(row, [1, row.length]);
          const y = tf.tensor2d(target, [1, target.length]);
          optimizer.minimize(() => tf.mul(0.5, tf.sum(tf.squaredDifference(forward(x), y))));
        });
      },
      predict: (row) => tf.tidy(() => forward(tf.tensor2d(row, [1, row.length])).dataSync()),
    };
  },
};

/** Installs a package unless it is there, and loads it. @throws Error in one line */
async function load(name, folder) {
  const wanted = PACKAGES[name];
  const require = createRequire(join(folder, 'peers.js'));
  const find = () => {
    try {
      return require(join(folder, 'node_modules', name, 'package.json')).version;
    } catch {
      return undefined;
    }
  };
  if (find() !== wanted) {
    const options = ['--loglevel=error', '--no-audit', '--no-fund', '--ignore-scripts', '--prefix', folder];
    await promisify(execFile)('npm', ['install', ...options, `${name}@${wanted}`], { cwd: folder, timeout: 300_000 });
  }
  const warn = console.warn;
  console.warn = () => {};
  try {
    const peer = require(name);
    if (name === '@tensorflow/tfjs') {
      await peer.setBackend('cpu');
      await peer.ready();
      peer.tidy(() => peer.tensor1d([0]).dataSync()); // the first tensor advises another back end
    }
    return peer;
  } finally {
    console.warn = warn;
  }
}

/** CPU nanoseconds of this process. */
const cpuNs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

/** Calls of `work` that take about a round, once it has been compiled and collected for a while. */
function calibrate(work) {
  for (const start = process.hrtime.bigint(); Number(process.hrtime.bigint() - start) / 1e6 < WARM_UP_MS; ) work(16);
  for (let count = 16; ; count *= 2) {
    const start = process.hrtime.bigint();
    work(count);
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    if (ms > ROUND_MS / 4) return Math.max(16, Math.round((count * ROUND_MS) / ms));
  }
}

/** A loop of its own for each contestant, so that none pays for the shapes of another. */
const loopOf = (body) =>
  new Function('net', 'rows', 'targets', `return (count) => { for (let i = 0; i < count; i++) ${body}; }`);
const BODIES = {
  step: `net.learn(rows[i & ${ROWS - 1}], targets[i & ${ROWS - 1}])`,
  predict: `net.predict(rows[i & ${ROWS - 1}])`,
};

/** Mean squared error over the rows: none is compared that does not learn. */
function errorOf(net, rows, targets) {
  let sum = 0;
  rows.forEach((row, i) => {
    const output = net.predict(row);
    for (let j = 0; j < output.length; j++) sum += (output[j] - targets[i][j]) ** 2;
  });
  return sum / rows.length;
}

const wave = (n, k) => Float32Array.from({ length: n }, (_, i) => Math.sin(1 + i * 0.7 + k * 1.3));
const grouped = (ns) => ns.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ' ');

function compare(peers) {
  const names = Object.keys(CONTESTANTS).filter((name) => name === 'edgegrad' || peers[name] !== undefined);
  const lines = [['topology', '', ...names.flatMap((name, i) => (i === 0 ? [`${name} ns`] : [`${name} ns`, 'times']))]];
  for (const topology of TOPOLOGIES) {
    const widths = topology.split('-').map(Number);
    const rows = Array.from({ length: ROWS }, (_, k) => wave(widths[0], k));
    const targets = Array.from({ length: ROWS }, (_, k) => wave(widths[widths.length - 1], k + 7).map((v) => v / 2));
    const nets = names.map((name) => CONTESTANTS[name](widths, peers[name]));
    const before = nets.map((net) => errorOf(net, rows, targets));
    for (const [what, body] of Object.entries(BODIES)) {
      const runs = nets.map((net) => {
        const loop = loopOf(body)(net, rows, targets);
        return { loop, count: calibrate(loop), ns: [] };
      });
      for (let round = 0; round < ROUNDS; round++) {
        for (const run of runs) {
          const start = cpuNs();
          run.loop(run.count);
          run.ns.push((cpuNs() - start) / run.count);
        }
      }
      const best = runs.map(({ ns }) => Math.min(...ns));
      const cells = best.flatMap((ns, i) =>
        i === 0 ? [grouped(ns)] : [grouped(ns), `${grouped(Number((ns / best[0]).toPrecision(2)))}×`],
      );
      lines.push([topology, what, ...cells]);
    }
    nets.forEach((net, i) => {
      const after = errorOf(net, rows, targets);
      if (!(after < before[i] / 2)) throw new Error(`${names[i]} did not learn ${topology}: ${before[i]} to ${after}`);
    });
  }
  return lines;
}

async function main() {
  const { values } = parseArgs({ options: { folder: { type: 'string' } } });
  const folder = values.folder === undefined ? mkdtempSync(join(tmpdir(), 'edgegrad-peers-')) : resolve(values.folder);
  mkdirSync(folder, { recursive: true });
  try {
    const peers = {};
    for (const [name, version] of Object.entries(PACKAGES)) {
      try {
        peers[name] = await load(name, folder);
      } catch (error) {
        const why = (error.stderr || error.message).trim().split('\n')[0];
        console.log(`${name} ${version} cannot be had here and is left out: ${why}`);
      }
    }
    if (Object.keys(peers).length === 0) {
      process.exitCode = 1;
      return;
    }
    const lines = compare(peers);
    const versions = Object.keys(peers).map((name) => `${name} ${PACKAGES[name]}`);
    console.log(`${process.version} ${process.arch}, ${cpus()[0]?.model ?? 'unknown CPU'}; ${versions.join(', ')}`);
    console.log(`nanoseconds of CPU time a row, best of ${ROUNDS} rounds; times: of what edgegrad takes`);
    const columnWidths = lines[0].map((_, j) => Math.max(...lines.map((line) => line[j].length)));
    for (const line of lines) {
      console.log(
        line.map((cell, j) => (j < 2 ? cell.padEnd(columnWidths[j]) : cell.padStart(columnWidths[j]))).join('  '),
      );
    }
  } finally {
    if (values.folder === undefined) rmSync(folder, { recursive: true, force: true });
  }
}

await main();
