// npm run bench: nanoseconds of CPU time a training step and a prediction take, rows copied in, on five topologies.
// Every contestant runs in turn, several rounds; the fastest round counts, and the spread over rounds is shown.
// Then the rows a second the decoders of the wire take in.
import { cpus } from 'node:os';
import { createNetwork } from '../../dist/index.js';
import { createPlain } from './plain.js';
import { wireTable } from './wire.js';

const TOPOLOGIES = ['8-16-4', '32-64-32-8', '128-256-128-10', '784-256-10', '6-64-64-6'];
const RATE = 0.001;
const ROUNDS = 9;
const ROUND_MS = 60;
const ROWS = 64;

/** CPU nanoseconds of this process. */
const cpuNs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

/** Calls of `work` that take about a round. */
function calibrate(work) {
  for (let count = 16; ; count *= 2) {
    const start = process.hrtime.bigint();
    work(count);
    const ms = Number(process.hrtime.bigint() - start) / 1e6;
    if (ms > ROUND_MS / 4) return Math.max(16, Math.round((count * ROUND_MS) / ms));
  }
}

function contestants(widths) {
  const spec = {
    inputs: widths[0],
    layers: widths.slice(1).map((units, i) => ({
      kind: 'dense',
      units,
      activation: i < widths.length - 2 ? 'tanh' : 'identity',
    })),
    loss: 'squaredError',
    optimizer: { kind: 'sgd', rate: RATE },
  };
  return [
    ['simd', createNetwork(spec, { executor: 'simd' })],
    ['reference', createNetwork(spec, { executor: 'reference' })],
    ['plain loop', createPlain(widths, RATE)],
  ];
}

/** A loop of its own for each contestant, so that none pays for the shapes of another. */
const loopOf = (body) =>
  new Function('net', 'rows', 'targets', `return (count) => { for (let i = 0; i < count; i++) ${body}; }`);
const BODIES = {
  step: `net.learn(rows[i & ${ROWS - 1}], targets[i & ${ROWS - 1}])`,
  predict: `net.predict(rows[i & ${ROWS - 1}])`,
};

const wave = (n, k) => Float32Array.from({ length: n }, (_, i) => Math.sin(1 + i * 0.7 + k * 1.3));
const header = ['topology', '', 'simd ns', 'reference ns', 'plain loop ns', 'plain / simd', 'spread'];
const lines = [header];
for (const topology of TOPOLOGIES) {
  const widths = topology.split('-').map(Number);
  const rows = Array.from({ length: ROWS }, (_, k) => wave(widths[0], k));
  const targets = Array.from({ length: ROWS }, (_, k) => wave(widths[widths.length - 1], k + 7));
  const nets = contestants(widths);
  for (const [what, body] of Object.entries(BODIES)) {
    const runs = nets.map(([, net]) => {
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
    const spread = Math.max(...runs.map(({ ns }) => [...ns].sort((a, b) => a - b)[ROUNDS >> 1] / Math.min(...ns)));
    lines.push([
      topology,
      what,
      ...best.map((ns) => (ns < 1000 ? ns.toFixed(0) : ns.toFixed(0).replace(/\B(?=(\d{3})+$)/g, ' '))),
      `${(best[2] / best[0]).toFixed(1)}×`,
      `${((spread - 1) * 100).toFixed(0)} %`,
    ]);
  }
}
const columnWidths = header.map((_, j) => Math.max(...lines.map((line) => line[j].length)));
process.stdout.write(
  `${process.version} ${process.arch}, ${cpus()[0]?.model ?? 'unknown CPU'}; CPU time, best of ${ROUNDS} rounds\n`,
);
for (const line of lines) {
  process.stdout.write(
    `${line.map((cell, j) => (j < 2 ? cell.padEnd(columnWidths[j]) : cell.padStart(columnWidths[j]))).join('  ')}\n`,
  );
}
process.stdout.write(`\n${wireTable()}`);
