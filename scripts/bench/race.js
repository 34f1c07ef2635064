// npm run bench:race: nanoseconds of CPU time a row takes in a stream: with one declared network, with the default race, and
// in the networks of that race alone (a prediction and a step each, rows copied in). Each in turn, several rounds; the
// fastest round counts.
import { cpus } from 'node:os';
import { createNetwork } from '../../dist/index.js';
import { createStream } from '../../dist/stream.js';

const SHAPES = [
  [4, 2],
  [8, 3],
  [30, 1],
  [64, 10],
];
const ROUNDS = 7;
const ROWS = 20000;

const cpuNs = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) * 1000;
};

const waves = (n, k) => Float32Array.from({ length: n }, (_, i) => Math.sin(1 + i * 0.7 + k * 1.3));

function streamOf(inputs, outputs, network) {
  const features = Array.from({ length: inputs }, (_, i) => `x${i}`);
  const targets = Array.from({ length: outputs }, (_, i) => `y${i}`);
  return createStream({
    columns: [...features, ...targets].map((name) => ({ name })),
    task: { kind: 'regress', features, targets },
    network,
  });
}

/** The networks of the race, as src/stream/race.ts declares them. */
function networksOf(inputs, outputs) {
  return [0.01, 0.1, 1].map((rate) =>
    createNetwork({
      inputs,
      layers: [
        { kind: 'dense', units: 16, activation: 'tanh' },
        { kind: 'dense', units: outputs },
      ],
      loss: { kind: 'huber', kappa: 3 },
      optimizer: { kind: 'sgd', rate: rate / 100 },
      shortcut: true,
    }),
  );
}

const lines = [['inputs → outputs', 'one network ns', 'race ns', 'its networks ns', 'race / its networks', 'experts']];
for (const [inputs, outputs] of SHAPES) {
  const rows = Array.from({ length: 64 }, (_, k) => waves(inputs + outputs, k));
  const one = streamOf(inputs, outputs, { shortcut: true });
  const race = streamOf(inputs, outputs);
  const networks = networksOf(inputs, outputs);
  const accept = (stream) => () => {
    for (let i = 0; i < ROWS; i++) {
      stream.row.set(rows[i & 63]);
      stream.accept();
    }
  };
  const work = [
    accept(one),
    accept(race),
    () => {
      for (let i = 0; i < ROWS; i++) {
        const row = rows[i & 63];
        for (const network of networks) {
          for (let k = 0; k < inputs; k++) network.input[k] = row[k];
          network.forward();
          for (let k = 0; k < outputs; k++) network.target[k] = row[inputs + k];
          network.step();
        }
      }
    },
  ];
  const best = work.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round <= ROUNDS; round++) {
    work.forEach((run, i) => {
      const start = cpuNs();
      run();
      if (round > 0) best[i] = Math.min(best[i], (cpuNs() - start) / ROWS);
    });
  }
  const { experts } = race.report().learner;
  const trackers = experts.filter(({ kind }) => kind === 'tracker' || kind === 'linear').length;
  lines.push([
    `${inputs} → ${outputs}`,
    ...best.map((ns) => ns.toFixed(0)),
    (best[1] / best[2]).toFixed(2),
    `3 networks, ${trackers} trackers, naive`,
  ]);
}
const widths = lines[0].map((_, j) => Math.max(...lines.map((line) => line[j].length)));
console.log(
  `${process.version} ${process.arch}, ${cpus()[0]?.model ?? 'unknown CPU'}; CPU time, best of ${ROUNDS} rounds`,
);
for (const line of lines) console.log(line.map((cell, j) => cell.padStart(widths[j])).join('  '));
