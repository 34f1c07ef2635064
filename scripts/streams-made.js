// npm run streams:made -- [--seeds 3] [--only rings,xor]: the default, untouched, on made streams of many kinds, beside the
// naive predictor, one declared network, and, for numbers, recursive least squares with the best of four forgetting factors,
// chosen afterwards. One pass, every row predicted before it is learned from. MAE (of rareClass 1 − balanced accuracy, of other classes
// the part that is wrong), lower is better; means over the seeds.
import { parseArgs } from 'node:util';
import { createStream } from '../dist/stream.js';

const FORGETTING = [1, 0.999, 0.99, 0.95];
/** Rows that least squares may settle in before they are scored. */
const SETTLE = 100;

const { values } = parseArgs({ options: { seeds: { type: 'string', default: '3' }, only: { type: 'string' } } });
const SEEDS = Number(values.seeds);

function randomOf(seed) {
  let state = seed >>> 0;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return ((z ^ (z >>> 15)) >>> 0) / 2 ** 32;
  };
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return { uniform, normal, normals: (n) => Array.from({ length: n }, normal) };
}
const dot = (w, x) => w.reduce((sum, v, i) => sum + v * x[i], 0);
const between = (a, b, phase) => a.map((v, i) => v * Math.cos(phase) + b[i] * Math.sin(phase));

/** Number of inputs and rows, and what makes row t: [x…, y]. */
const STREAMS = {
  turningOver: {
    inputs: 5,
    make({ normal, normals }) {
      let w;
      return (t) => {
        if (t % 2000 === 0) w = normals(5);
        const x = normals(5);
        return [...x, dot(w, x) + 0.1 * normal()];
      };
    },
  },
  drifting: {
    inputs: 5,
    make({ normal, normals }) {
      const [a, b] = [normals(5), normals(5)];
      return (t) => {
        const x = normals(5);
        return [...x, dot(between(a, b, (t * Math.PI) / 3000), x) + 0.1 * normal()];
      };
    },
  },
  noisyLinear: {
    inputs: 8,
    make({ normal, normals }) {
      const w = normals(8);
      return () => {
        const x = normals(8);
        return [...x, dot(w, x) + 10 * normal()];
      };
    },
  },
  henonMap: {
    inputs: 2,
    make({ uniform }) {
      let [a, b] = [0.1 + 0.1 * uniform(), 0.1];
      return () => {
        const x = [a, b];
        [a, b] = [1 - 1.4 * a * a + 0.3 * b, a];
        return [...x, a];
      };
    },
  },
  logisticMap: {
    inputs: 1,
    make({ uniform }) {
      let a = 0.1 + 0.3 * uniform();
      return () => {
        const x = a;
        a = 3.99 * a * (1 - a);
        return [x, a];
      };
    },
  },
  heavyTails: {
    inputs: 4,
    make({ normal, normals }) {
      const w = normals(4);
      return () => {
        const x = normals(4);
        return [...x, dot(w, x) + (0.3 * normal()) / Math.max(Math.abs(normal()), 1e-3)];
      };
    },
  },
  threeOfThirty: {
    inputs: 30,
    make: ({ normal, normals }) => {
      return () => {
        const x = normals(30);
        return [...x, 2 * x[3] - x[11] + 0.5 * x[25] + 0.3 * normal()];
      };
    },
  },
  threeOfThirtyCurved: {
    inputs: 30,
    make: ({ normal, normals }) => {
      return () => {
        const x = normals(30);
        return [...x, 2 * Math.tanh(2 * x[3]) * x[11] + x[25] + 0.3 * normal()];
      };
    },
  },
  scaleJumps: {
    inputs: 4,
    make({ normal, normals }) {
      const w = normals(4);
      return (t) => {
        const scale = Math.floor(t / 1500) % 2 ? 100 : 1;
        const x = normals(4).map((v) => v * scale);
        return [...x, dot(w, x) + 0.1 * scale * normal()];
      };
    },
  },
  targetScaleJumps: {
    inputs: 4,
    make({ normal, normals }) {
      const w = normals(4);
      return (t) => {
        const scale = Math.floor(t / 1500) % 2 ? 100 : 1;
        const x = normals(4);
        return [...x, scale * (dot(w, x) + 0.1 * normal())];
      };
    },
  },
  regimes: {
    inputs: 4,
    make({ normal, normals }) {
      const laws = [normals(4), normals(4), normals(4)];
      return (t) => {
        const x = normals(4);
        return [...x, dot(laws[Math.floor(t / 300) % 3], x) + 0.1 * normal()];
      };
    },
  },
  wanderingLate: {
    inputs: 3,
    delay: 30,
    make({ normal, normals }) {
      let level = 0;
      return () => {
        level = 0.999 * level + 0.05 * normal();
        const x = normals(3);
        return [...x, level + 0.5 * x[0]];
      };
    },
  },
  friedman1: {
    inputs: 10,
    make: ({ uniform, normal }) => {
      return () => {
        const x = Array.from({ length: 10 }, uniform);
        const y = 10 * Math.sin(Math.PI * x[0] * x[1]) + 20 * (x[2] - 0.5) ** 2 + 10 * x[3] + 5 * x[4];
        return [...x, y + normal()];
      };
    },
  },
  products: {
    inputs: 4,
    rows: 20_000,
    make: ({ normal, normals }) => {
      return () => {
        const x = normals(4);
        return [...x, x[0] * x[1] + x[2] * x[3] + 0.05 * normal()];
      };
    },
  },
  sixtyInputs: {
    inputs: 60,
    make({ normal, normals }) {
      const w = normals(60);
      return () => {
        const x = normals(60);
        return [...x, dot(w, x) + normal()];
      };
    },
  },
  sixtyInputsNoisy: {
    inputs: 60,
    make({ normal, normals }) {
      const w = normals(60);
      return () => {
        const x = normals(60);
        return [...x, dot(w, x) + 30 * normal()];
      };
    },
  },
  rareClass: {
    inputs: 4,
    classes: 2,
    make: ({ uniform, normals }) => {
      return () => {
        const isRare = uniform() < 0.02;
        const x = normals(4);
        if (isRare) {
          x[0] += 2.5;
          x[2] -= 2.5;
        }
        return [...x, Number(isRare)];
      };
    },
  },
  rings: {
    inputs: 2,
    classes: 3,
    make: ({ normals }) => {
      return () => {
        const x = normals(2);
        const radius = Math.hypot(...x);
        return [...x, radius < 0.8 ? 0 : radius < 1.5 ? 1 : 2];
      };
    },
  },
  driftingClasses: {
    inputs: 5,
    classes: 2,
    make({ normals }) {
      const [a, b] = [normals(5), normals(5)];
      return (t) => {
        const x = normals(5);
        return [...x, Number(dot(between(a, b, (t * Math.PI) / 1500), x) > 0)];
      };
    },
  },
  exclusiveOr: {
    inputs: 6,
    classes: 2,
    make: ({ normals }) => {
      return () => {
        const x = normals(6);
        return [...x, Number(x[0] > 0 !== x[1] > 0)];
      };
    },
  },
  noisyClasses: {
    inputs: 6,
    classes: 2,
    make({ normal, normals }) {
      const w = normals(6);
      return () => {
        const x = normals(6);
        return [...x, Number(dot(w, x) + 6 * normal() > 0)];
      };
    },
  },
};

/** Error of the default, or of a declared network, and of the naive predictor. */
function errors(name, { inputs, classes, delay = 1 }, rows, seed, network) {
  const features = Array.from({ length: inputs }, (_, i) => `x${i}`);
  const target = classes === undefined ? { name: 'y' } : { name: 'y', kind: 'class', classes };
  const kind = classes === undefined ? 'regress' : 'classify';
  const stream = createStream({
    columns: [...features.map((feature) => ({ name: feature })), target],
    task: { kind, features, targets: ['y'], delay },
    seed,
    network,
  });
  for (const row of rows) {
    stream.row.set(row);
    stream.accept();
  }
  stream.finish();
  const { metrics, baseline } = stream.report();
  const of = (scores) =>
    classes === undefined ? scores.mae : 1 - (name === 'rareClass' ? scores.balancedAccuracy : scores.accuracy);
  return [of(metrics), of(baseline)];
}

/** Mean |error| of recursive least squares with a forgetting factor; a constant joins the inputs, labels are as late. */
function leastSquares(rows, { inputs, delay = 1 }, forgetting) {
  const n = inputs + 1;
  const p = new Float64Array(n * n);
  for (let i = 0; i < n; i++) p[i * n + i] = 100;
  const w = new Float64Array(n);
  const k = new Float64Array(n);
  let sum = 0;
  rows.forEach((row, t) => {
    if (t >= SETTLE) sum += Math.abs(row[inputs] - dot([...row.slice(0, inputs), 1], w));
    const labelled = rows[t - delay + 1];
    if (labelled === undefined) return;
    const x = [...labelled.slice(0, inputs), 1];
    const error = labelled[inputs] - dot(x, w);
    let scale = forgetting;
    for (let i = 0; i < n; i++) {
      k[i] = 0;
      for (let j = 0; j < n; j++) k[i] += p[i * n + j] * x[j];
      scale += x[i] * k[i];
    }
    let trace = 0;
    for (let i = 0; i < n; i++) {
      w[i] += (k[i] * error) / scale;
      for (let j = 0; j < n; j++) p[i * n + j] = (p[i * n + j] - (k[i] * k[j]) / scale) / forgetting;
      trace += p[i * n + i];
    }
    if (trace > 1e6) for (let i = 0; i < n * n; i++) p[i] *= 1e6 / trace;
  });
  return sum / (rows.length - SETTLE);
}

const names = values.only?.split(',') ?? Object.keys(STREAMS);
const unknown = names.find((name) => !Object.hasOwn(STREAMS, name));
if (unknown !== undefined || !(SEEDS >= 1)) {
  console.error(unknown === undefined ? '--seeds: expected at least 1' : `--only: no stream is called ${unknown}`);
  process.exit(2);
}
console.log(`${'stream'.padEnd(20)}${['naive', 'network', 'squares', 'default'].map((s) => s.padStart(10)).join('')}`);
for (const name of names) {
  const stream = STREAMS[name];
  const sums = [0, 0, 0, 0];
  for (let seed = 1; seed <= SEEDS; seed++) {
    const next = stream.make(randomOf(seed * 7919));
    const rows = Array.from({ length: stream.rows ?? 10_000 }, (_, t) => next(t));
    const [network, naive] = errors(name, stream, rows, seed, { shortcut: true });
    const [race] = errors(name, stream, rows, seed);
    const squares =
      stream.classes === undefined ? Math.min(...FORGETTING.map((f) => leastSquares(rows, stream, f))) : Number.NaN;
    [naive, network, squares, race].forEach((error, i) => {
      sums[i] += error / SEEDS;
    });
  }
  const cells = sums.map((sum) => (Number.isNaN(sum) ? '–' : sum.toPrecision(4)).padStart(10));
  console.log(`${name.padEnd(20)}${cells.join('')}`);
}
