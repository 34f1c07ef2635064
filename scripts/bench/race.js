// npm run bench:race: nanoseconds of CPU time a row takes in the networks of the default race alone (a prediction and a step
// each), in all its contestants (networks and trackers), one call each, and in the whole race (scaled back, kept, judged and
// mixed). Both where a row's label comes before the next row, so that a step goes on from where the prediction left off, and where
// it comes later, so that it begins anew. Then the stream around the race, and a stream with one declared network. Everything
// is the race's own, in its own arena. Each in turn, several rounds; the fastest round counts.
import { cpus } from 'node:os';
import { createStream } from '../../dist/stream.js';

const SHAPES = [
  [4, 2],
  [8, 3],
  [30, 1],
  [64, 10],
];
const ROUNDS = 9;
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

const lines = [
  [
    'inputs → outputs',
    'networks',
    'contestants',
    'race',
    'ratio',
    'late: contestants',
    'race',
    'ratio',
    'stream',
    'one network',
  ],
];
for (const [inputs, outputs] of SHAPES) {
  const rows = Array.from({ length: 64 }, (_, k) => waves(inputs + outputs, k));
  const labels = rows.map((row) => Float64Array.from(row.subarray(inputs)));
  const one = streamOf(inputs, outputs, { shortcut: true });
  const stream = streamOf(inputs, outputs);
  const { learner } = stream;
  const { networks, bank } = learner.learners;
  const { input, target } = learner.network;
  const accept = (stream) => () => {
    for (let i = 0; i < ROWS; i++) {
      stream.row.set(rows[i & 63]);
      stream.accept();
    }
  };
  /** A row into the arena, a prediction, its target, a step. */
  const direct = (predict, learn) => () => {
    for (let i = 0; i < ROWS; i++) {
      const row = rows[i & 63];
      for (let k = 0; k < inputs; k++) input[k] = row[k];
      predict();
      for (let k = 0; k < outputs; k++) target[k] = row[inputs + k];
      learn(i & 63);
    }
  };
  const forward = () => {
    for (let k = 0; k < networks.length; k++) networks[k].forward();
  };
  const forwardAll = () => {
    forward();
    bank?.predict();
  };
  const centre = () => {
    for (let k = 0; k < outputs; k++) bank.target[k] = target[k];
  };
  const stepForwarded = () => {
    for (let k = 0; k < networks.length; k++) networks[k].stepForwarded();
  };
  const work = {
    networks: direct(forward, stepForwarded),
    contestants: direct(forwardAll, () => {
      stepForwarded();
      if (bank === undefined) return;
      centre();
      bank.learnPredicted();
    }),
    lateContestants: direct(forwardAll, () => {
      for (let k = 0; k < networks.length; k++) networks[k].step();
      if (bank === undefined) return;
      centre();
      bank.learn();
    }),
    race: direct(
      () => learner.predict(0),
      (k) => {
        learner.judge(0, labels[k], 0);
        learner.learn();
      },
    ),
    lateRace: direct(
      () => learner.predict(0),
      (k) => {
        learner.judge(1, labels[k], 0);
        learner.learn();
      },
    ),
    stream: accept(stream),
    one: accept(one),
  };
  accept(stream)(); // so that the race knows scales and labels
  const best = Object.fromEntries(Object.keys(work).map((name) => [name, Number.POSITIVE_INFINITY]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, run] of Object.entries(work)) {
      const start = cpuNs();
      run();
      if (round > 0) best[name] = Math.min(best[name], (cpuNs() - start) / ROWS);
    }
  }
  const { networks: alone, contestants, race, lateContestants, lateRace } = best;
  const ns = (value) => value.toFixed(0);
  lines.push([
    `${inputs} → ${outputs}`,
    ns(alone),
    ns(contestants),
    ns(race),
    (race / contestants).toFixed(2),
    ns(lateContestants),
    ns(lateRace),
    (lateRace / lateContestants).toFixed(2),
    ns(best.stream),
    ns(best.one),
  ]);
}
const widths = lines[0].map((_, j) => Math.max(...lines.map((line) => line[j].length)));
console.log(
  `${process.version} ${process.arch}, ${cpus()[0]?.model ?? 'unknown CPU'}; ns of CPU time a row, best of ${ROUNDS} rounds`,
);
for (const line of lines) console.log(line.map((cell, j) => cell.padStart(widths[j])).join('  '));
