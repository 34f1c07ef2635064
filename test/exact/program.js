// Runs every case of cases.js and a shipped log, and prints one line `name hash` each and a last one `combined hash`.
// Bundled into a single file without dependencies, so that any Node anywhere can run it: node exact.mjs
//
//   --executor simd|reference|auto   default auto; exit code 3 where this machine has none
//   --trace name                     only this case, a line after every step: where two machines part
//   --list                           the networks and their options, as JSON

import { createHash } from 'node:crypto';
import { parseArgs } from 'node:util';
import { Random } from '../../build/js/engine/random.js';
import { createNetwork } from '../../dist/index.js';
import { Pipeline } from '../../dist/recording.js';
import { createStream } from '../../dist/stream.js';
import model from '../../models/sailing-wind/edgegrad.toml';
import log from '../../models/sailing-wind/sailing_wind.csv';
import { CASES, RANDOM_CASES, randomCase } from './cases.js';

const NO_EXECUTOR = 3;

/** float64 values as bytes; every NaN as the same one. */
function bytesOf(values) {
  const view = new DataView(new ArrayBuffer(8 * values.length));
  for (let i = 0; i < values.length; i++) {
    if (Number.isNaN(values[i])) view.setUint32(8 * i + 4, 0x7ff80000, true);
    else view.setFloat64(8 * i, values[i], true);
  }
  return new Uint8Array(view.buffer);
}

/** A hash that goes on: 16 hex digits of everything added so far. */
class Digest {
  #hash = createHash('sha256');
  add(...values) {
    for (const value of values) this.#hash.update(typeof value === 'string' ? value : bytesOf(value));
  }
  hex() {
    return this.#hash.copy().digest('hex').slice(0, 16);
  }
}

/** Normal-like values: sums of a few uniforms, times a scale drawn for the row. Only + − × √ and rounding. */
function randomRow(random, n, scales) {
  const scale = scales[random.next() % scales.length];
  return Float32Array.from({ length: n }, () => {
    let s = 0;
    for (let i = 0; i < 4; i++) s += random.uniform() - 0.5;
    return scale * s * Math.sqrt(3);
  });
}

/** A target the loss can want: a distribution, probabilities, or any numbers. */
function randomTarget(random, loss, n) {
  const kind = loss.kind ?? loss;
  if (kind === 'binaryCrossEntropy') return Float32Array.from({ length: n }, () => random.next() % 2);
  if (kind !== 'crossEntropy') return randomRow(random, n, [1]);
  const hot = random.next() % n;
  return Float32Array.from({ length: n }, (_, i) => (i === hot ? 1 : 0));
}

/** m of them, one after the other. */
const many = (m, one) => Float32Array.from(Array.from({ length: m }, () => [...one()]).flat());

/**
 * Learns from random rows, one by one in the first half, in one call in the second.
 *
 * @returns the digest of every loss and output, then of the refusals, a prediction, gradients, parameters and the
 * optimizer's state. Not of what a hash or a checkpoint is made of besides: that may grow without a bit changing.
 */
function runNetwork(one, executor, onStep) {
  const { spec, seed = 1, examples = 1, steps = 60, scales = [1], weights, rowWeights } = one;
  const random = new Random(seed);
  const net = createNetwork(spec, { seed, examples, executor });
  const width = net.target.length / examples;
  const digest = new Digest();
  const rowOf = () => many(examples, () => randomRow(random, spec.inputs, scales));
  const targetOf = () => many(examples, () => randomTarget(random, spec.loss, width));
  if (weights !== undefined) {
    for (const parameter of net.parameters()) {
      parameter.write(randomRow(random, parameter.read().length, [weights]));
    }
  }
  if (rowWeights !== undefined) net.rowWeights.set(rowWeights);
  const half = Math.ceil(steps / 2);
  for (let i = 0; i < half; i++) {
    const loss = net.learn(rowOf(), targetOf());
    digest.add([loss], net.output);
    onStep?.(i + 1, digest, net);
  }
  const rest = (steps - half) * examples;
  const rows = many(rest / examples, rowOf);
  const targets = many(rest / examples, targetOf);
  digest.add([net.stepMany(rows, targets, rest)], net.output);
  onStep?.(steps, digest, net);

  const { input, loss, delta, update } = net.refusals;
  digest.add([net.steps, input, loss, delta, update]);
  digest.add(net.predict(many(examples, () => randomRow(random, spec.inputs, [1]))));
  for (const { values } of gradientsOf(net, rowOf(), targetOf())) digest.add(values);
  for (const { name, data } of net.state().tensors) digest.add(name, data);
  return digest.hex();
}

/** None where something is not finite. */
function gradientsOf(net, row, target) {
  try {
    return net.gradients(row, target);
  } catch (error) {
    if (error.code !== 'ENGINE_NOT_FINITE') throw error;
    return [];
  }
}

const { columns, task } = model;
const network = {
  layers: [{ kind: 'dense', units: 16, activation: 'tanh' }],
  optimizer: { kind: 'sgd', rate: 0.02 },
};
/** The log with a class column: which side the wind comes from. */
const sided = log.replace(/^.*$/gm, (line) => {
  if (line === '') return line;
  return line.startsWith('t_s') ? `${line},side` : `${line},${Number(line.split(',')[6]) < 0 ? 0 : 1}`;
});
const SIDE = { name: 'side', kind: 'class', classes: 2 };
const asAngle = (column) => (/^[at]wa_deg$/.test(column.name) ? { name: column.name, kind: 'angle' } : column);

/** Text logs, learned from as a live port would be: bytes to lines to rows to steps. */
const STREAMS = {
  mlp: { log, columns, task, network },
  linear: { log, columns, task, network: { layers: [], optimizer: { kind: 'sgd', rate: 0.01 }, safety: false } },
  angles: {
    log,
    columns: columns.map(asAngle),
    task: { ...task, features: ['stw_kn', 'aws_kn', 'awa_deg'], targets: ['twa_deg'], delay: 3 },
    network: { shortcut: false },
  },
  classes: {
    log: sided,
    columns: [...columns, SIDE],
    task: { kind: 'classify', features: ['stw_kn', 'twx_kn', 'twy_kn'], targets: ['side'], delay: 2, labelAge: 1 },
    network: { shortcut: false, safety: false },
  },
  race: { log, columns, task },
  remembering: {
    log,
    columns,
    task,
    network: { ...network, consolidation: { kind: 'si', strength: 0.1, interval: 200 } },
    memory: { rows: 100 },
    monitor: { every: 10, rows: 40, interval: 100, drop: 0.05, rollback: true },
  },
  'remembering-classes': {
    log: sided,
    columns: [...columns, SIDE],
    task: { kind: 'classify', features: ['stw_kn', 'twx_kn', 'twy_kn'], targets: ['side'], delay: 2, labelAge: 1 },
    memory: { rows: 50 },
    monitor: { every: 10, rows: 40, interval: 100, drop: 0.05, rollback: true },
  },
  'race-classes': {
    log: sided,
    columns: [...columns, SIDE],
    task: { kind: 'classify', features: ['stw_kn', 'twx_kn', 'twy_kn'], targets: ['side'], delay: 2, labelAge: 1 },
  },
  anomaly: { log, columns, task: { kind: 'anomaly', features: ['aws_kn', 'twx_kn', 'stw_kn'], alarmRate: 0.02 } },
  autoencoder: {
    log,
    columns,
    task: { kind: 'anomaly', method: 'autoencoder', features: ['aws_kn', 'twx_kn', 'stw_kn'], hold: 2 },
  },
  forecast: {
    log,
    columns,
    task: {
      kind: 'forecast',
      features: ['aws_kn', 'stw_kn'],
      targets: ['aws_kn', 'twx_kn'],
      horizons: [1, 6],
      lags: [1, 3],
      windows: [{ rows: 15, of: ['mean', 'deviation', 'slope', 'min', 'max'], columns: ['aws_kn'] }],
    },
  },
};

/** @returns the stream's own hash (of `mlp`, what `edgegrad replay --json` prints), and one of all it published */
function runStream({ log, ...options }, executor, onStep) {
  const stream = createStream({ ...options, executor });
  const digest = new Digest();
  const pipeline = new Pipeline(stream, {
    onRow: (outcome) => {
      digest.add([outcome], stream.prediction);
      onStep?.(stream.rows, digest, stream);
    },
  });
  const bytes = new TextEncoder().encode(log);
  pipeline.bytes(bytes, bytes.length);
  pipeline.finish();
  const { scored, metrics, baseline, fading = {}, interval } = stream.report();
  const scores = ({ mae, rmse, r2, accuracy, balancedAccuracy, kappa, f1, logLoss, alarms, alarmRows, threshold }) =>
    [mae, rmse, r2, accuracy, balancedAccuracy, kappa, f1, logLoss, alarms, alarmRows, threshold].filter(
      (score) => score !== undefined,
    );
  digest.add([scored, ...[metrics, baseline, fading].flatMap(scores)]);
  if (interval) digest.add([interval.covered, interval.width, interval.baselineWidth]);
  return [stream.hash(), digest.hex()];
}

const SPECS = {
  ...CASES,
  ...Object.fromEntries(
    Array.from({ length: RANDOM_CASES }, (_, i) => [`random.${i + 1}`, randomCase(new Random(i + 1), i + 1)]),
  ),
};

function* hashes(executor) {
  yield ['hash', createNetwork(CASES['widths.8-16-4'].spec, { executor }).hash()];
  for (const [name, each] of Object.entries(SPECS)) yield [name, runNetwork(each, executor)];
  for (const [name, each] of Object.entries(STREAMS)) {
    const [hash, published] = runStream(each, executor);
    yield [`sailing-wind.${name}`, hash];
    yield [`sailing-wind.${name}.published`, published];
  }
}

function trace(name, executor) {
  const onStep = (step, digest, learner) => console.log(`${step} ${digest.hex()} ${learner.hash()}`);
  const stream = STREAMS[/^sailing-wind\.([\w-]+)/.exec(name)?.[1]];
  if (stream === undefined) runNetwork(SPECS[name], executor, onStep);
  else runStream(stream, executor, onStep);
}

const EXECUTORS = ['auto', 'simd', 'reference'];
const NAMES = [...Object.keys(SPECS), ...Object.keys(STREAMS).map((name) => `sailing-wind.${name}`)];

function main() {
  const { values } = parseArgs({
    options: {
      executor: { type: 'string', default: 'auto' },
      trace: { type: 'string' },
      list: { type: 'boolean', default: false },
    },
  });
  const traced = values.trace?.replace(/\.published$/, '');
  if (!EXECUTORS.includes(values.executor)) throw new UsageError(`--executor ${values.executor}: not ${EXECUTORS}`);
  if (traced !== undefined && !NAMES.includes(traced)) throw new UsageError(`--trace ${traced}: no such case`);
  if (values.list) return console.log(JSON.stringify(SPECS, null, 1));

  const { executor } = createNetwork(SPECS['widths.1-1'].spec, { executor: values.executor });
  if (traced !== undefined) return trace(traced, executor);
  console.log(`# ${process.version} ${process.arch} ${executor}`);
  const combined = new Digest();
  for (const [name, hash] of hashes(executor)) {
    console.log(`${name} ${hash}`);
    combined.add(`${name} ${hash}\n`);
  }
  console.log(`combined ${combined.hex()}`);
}

class UsageError extends Error {}

try {
  main();
} catch (error) {
  const isUsage = error instanceof UsageError || error.code?.startsWith?.('ERR_PARSE_ARGS');
  console.error(isUsage || error.code === 'ENGINE_NO_SIMD' ? error.message : error);
  process.exitCode = isUsage ? 2 : error.code === 'ENGINE_NO_SIMD' ? NO_EXECUTOR : 1;
}
