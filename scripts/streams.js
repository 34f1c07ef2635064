// Runs the prequential protocol over a folder of recorded streams.
//
//   npm run streams -- <folder> [--seeds N]   the default race, untouched, and one declared network; one line a stream
//   npm run streams -- <folder> --intervals   of every stream of numbers: what the 90 % intervals cover, and how wide they are;
//                                             less than 88 or more than 92 % fails
//   npm run streams -- <folder> --safety      every stream × rates 10⁻⁴ … 10² × every optimizer: what is worse than
//                                             three times the naive error, or not finite, fails
//   npm run streams -- <folder> --memory      what memory changes where nobody asked what was forgotten, and what it costs
//   npm run streams -- <folder> --drift       what watchers for drift tell, what their policies do, what they cost
//
// A stream is NAME.csv, numeric with a header line, and NAME.json: { columns, kind, features, target, D, H }. One
// pass, one row at a time: every row is predicted, scored when its label is known D rows later, then learned from;
// the first 100 rows are not scored.
//
// kinds: soft: the target stands in the same row, its label comes D rows late; naive is the last known value.
// class: the same with an integer label. forecast: a column D rows ahead; naive is no change, skill is
// against the better of no change and the line that goes on. anomaly: rows are judged by
// how they follow each other; NAME.json has "windows", [first, last] row of each known anomaly, from 0.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ALARM, createStream } from '../dist/stream.js';
import { compareDrift } from './streams-drift.js';

const KINDS = { soft: 'soft, MAE', forecast: 'forecast, MAE', class: 'class, accuracy' };
const OPTIMIZERS = ['sgd', 'momentum', 'nesterov', 'rmsprop', 'adam', 'adamw'];
const RATES = [1e-4, 1e-3, 1e-2, 1e-1, 1, 10, 100];
/** Of --safety: a shallow network, and a deep one whose units have no bound. */
const SHAPES = {
  tanh: { layers: [{ kind: 'dense', units: 16, activation: 'tanh' }] },
  relu: {
    layers: [
      { kind: 'dense', units: 32, activation: 'relu' },
      { kind: 'dense', units: 16, activation: 'relu' },
    ],
    shortcut: true,
  },
};
/** Of --safety: errors above this many times the naive one fail. */
const WORST = 3;

const { values: flags, positionals } = readArguments();
const folder = positionals[0];
const manifests = [folder, join(folder, 'ship'), join(folder, 'dev')]
  .filter((path) => existsSync(path))
  .flatMap((path) => readdirSync(path).map((name) => join(path, name)))
  .filter((path) => path.endsWith('.json') && existsSync(path.replace(/\.json$/, '.csv')));
if (manifests.length === 0) exit(`no NAME.json beside a NAME.csv in ${folder}`);

const all = manifests.map((path) =>
  prepare(JSON.parse(readFileSync(path, 'utf8')), parseCsv(readFileSync(path.replace(/\.json$/, '.csv'), 'utf8'))),
);
const streams = all.filter(({ manifest }) => manifest.kind !== 'anomaly');
const anomalies = all.filter(({ manifest }) => manifest.kind === 'anomaly');
if (flags.safety) checkSafety();
else if (flags.intervals) checkIntervals();
else if (flags.memory) compareMemory();
else if (flags.drift) compareDrift(streams, print);
else {
  if (streams.length > 0) compare(Number(flags.seeds));
  if (anomalies.length > 0) findAnomalies(Number(flags.seeds));
}

/** The table: naive, one network, the race at every seed. */
function compare(seeds) {
  const seedNames = Array.from({ length: seeds }, (_, i) => (seeds === 1 ? 'race' : `race, seed ${i + 1}`));
  const lines = [
    ['stream', 'kind', 'D', 'rows', 'scored', 'naive', 'network', ...seedNames, 'skill', 'leader', 'rows/s'],
  ];
  for (const data of streams) {
    const { manifest, rows, isClass } = data;
    const one = run(data, {
      layers: [{ kind: 'dense', units: manifest.H, activation: 'tanh', initialiser: 'xavier' }],
      optimizer: { kind: 'sgd', rate: isClass ? 0.05 : 0.02 },
    });
    const races = seedNames.map((_, i) => run(data, undefined, i + 1));
    const { experts, leader } = races[0].report.learner;
    lines.push([
      manifest.name,
      KINDS[manifest.kind],
      String(manifest.D),
      String(rows.length),
      String(one.report.scored),
      one.naive.toFixed(4),
      one.model.toFixed(4),
      ...races.map(({ model }) => model.toFixed(4)),
      races[0].skill.toFixed(3),
      `${experts[leader].kind} ${experts[leader].rate ?? ''}`.trim(),
      String(Math.round(rows.length / races[0].seconds)),
    ]);
  }
  print(lines);
}

/**
 * The table of anomalies: with the default and with an autoencoder, how many of the known ones have a row in alarm, at what
 * share of rows in alarm; and what a share of the rows in windows would have by chance.
 */
function findAnomalies(seeds) {
  const lines = [
    [
      'stream',
      'method',
      'windows',
      'found',
      'rows in alarm',
      'of all rows',
      'alarms',
      'rows in windows',
      'of alarm rows',
    ],
  ];
  for (const { manifest, rows, columns } of anomalies) {
    for (const method of ['residual', 'autoencoder']) {
      for (let seed = 1; seed <= seeds; seed++) {
        const task = { kind: 'anomaly', features: manifest.features, method };
        const stream = createStream({ columns, task, seed });
        const isOn = rows.map((row) => {
          stream.row.set(row);
          return (stream.accept() & ALARM) !== 0;
        });
        const inWindow = (i) => manifest.windows.some(([first, last]) => i >= first && i <= last);
        const found = manifest.windows.filter(([first, last]) => isOn.slice(first, last + 1).includes(true));
        const alarmRows = isOn.filter(Boolean).length;
        const rowsInWindows = isOn.filter((_, i) => inWindow(i)).length;
        const hits = isOn.filter((on, i) => on && inWindow(i)).length;
        lines.push([
          manifest.name,
          seeds === 1 ? method : `${method}, seed ${seed}`,
          String(manifest.windows.length),
          String(found.length),
          String(alarmRows),
          `${((100 * alarmRows) / rows.length).toFixed(2)} %`,
          String(stream.report().metrics.alarms),
          `${((100 * rowsInWindows) / rows.length).toFixed(0)} %`,
          `${((100 * hits) / alarmRows).toFixed(0)} %`,
        ]);
      }
    }
  }
  console.log('');
  print(lines);
}

/** One network and the race, each without memory and with 200 rows, three learned again after every row. */
function compareMemory() {
  const lines = [
    ['stream', 'kind', 'naive', ...['network', 'race'].flatMap((name) => [name, 'with memory', 'µs', 'µs'])],
  ];
  for (const data of streams) {
    const { manifest, rows, isClass } = data;
    const network = {
      layers: [{ kind: 'dense', units: manifest.H, activation: 'tanh', initialiser: 'xavier' }],
      optimizer: { kind: 'sgd', rate: isClass ? 0.05 : 0.02 },
    };
    const pairs = [network, undefined].map((declared) => [run(data, declared), run(data, declared, 1, {})]);
    const rowUs = ({ seconds }) => ((1e6 * seconds) / rows.length).toFixed(1);
    lines.push([
      manifest.name,
      KINDS[manifest.kind],
      pairs[0][0].naive.toFixed(4),
      ...pairs.flatMap((pair) => [...pair.map(({ model }) => model.toFixed(4)), ...pair.map(rowUs)]),
    ]);
  }
  print(lines);
}

/** Every rate and optimizer on every stream, safety on as by default; exits with 1 where one did harm. */
function checkSafety() {
  const lines = [['stream', 'network', 'naive error', ...RATES.map((rate) => `rate ${rate}`), 'worst ratio']];
  let failures = 0;
  for (const data of streams) {
    for (const [shape, kind] of Object.keys(SHAPES).flatMap((name) => OPTIMIZERS.map((kind) => [name, kind]))) {
      const results = RATES.map((rate) => run(data, { ...SHAPES[shape], optimizer: { kind, rate } }));
      const error = ({ model }) => (data.isClass ? 1 - model : model);
      const naive = data.isClass ? 1 - results[0].naive : results[0].naive;
      const worst = Math.max(...results.map(error)) / naive;
      const allFinite = results.every((result) => result.allFinite && Number.isFinite(result.model));
      if (!(worst <= WORST) || !allFinite) failures++;
      lines.push([
        data.manifest.name,
        `${shape} ${kind}`,
        naive.toFixed(4),
        ...results.map((result) => error(result).toFixed(4)),
        `${worst.toFixed(2)}${allFinite ? '' : ' not finite'}${worst <= WORST ? '' : ' !'}`,
      ]);
    }
  }
  print(lines);
  console.log(
    failures === 0
      ? `no error above ${WORST} times the naive one, nothing that is not finite`
      : `${failures} of ${lines.length - 1} lines did harm`,
  );
  if (failures > 0) process.exitCode = 1;
}

/** What the intervals of every stream of numbers cover; exits with 1 where that is not what they state. */
function checkIntervals() {
  const percent = (part) => `${(100 * part).toFixed(1)} %`;
  const lines = [['stream', 'D', 'target', 'covered', 'worst 200', 'width', 'naive covered', 'naive width', 'MAE']];
  let failures = 0;
  for (const data of streams.filter(({ isClass }) => !isClass)) {
    const { interval, targets, metrics } = run(data, undefined).report;
    const { name, D } = data.manifest;
    const lineOf = (target, scores, worst, mae) => [
      name,
      String(D),
      target,
      percent(scores.covered),
      worst,
      scores.width.toFixed(3),
      percent(scores.baselineCovered),
      scores.baselineWidth.toFixed(3),
      mae.toFixed(3),
    ];
    lines.push(lineOf('all', interval, percent(interval.window.worst.covered), metrics.mae));
    if (interval.targets.length > 1) {
      lines.push(...interval.targets.map((target, i) => lineOf(target.name, target, '', targets[i].metrics.mae)));
    }
    if (Math.abs(interval.covered - 0.9) > 0.02) failures++;
  }
  print(lines);
  console.log(failures === 0 ? 'every stream between 88 and 92 %' : `${failures} streams outside 88 … 92 %`);
  if (failures > 0) process.exitCode = 1;
}

/** One pass of a stream. */
function run({ manifest, rows, columns, isClass }, network, seed = 1, memory = undefined) {
  const isForecast = manifest.kind === 'forecast';
  const stream = createStream({
    columns,
    task: {
      kind: isClass ? 'classify' : isForecast ? 'forecast' : 'regress',
      features: manifest.features,
      targets: manifest.target,
      ...(isForecast ? { horizons: [manifest.D] } : { delay: manifest.D }),
    },
    network,
    memory,
    seed,
  });
  const started = process.cpuUsage();
  for (const row of rows) {
    stream.row.set(row);
    stream.accept();
  }
  stream.finish();
  const { user, system } = process.cpuUsage(started);

  const report = stream.report();
  const { metrics, baseline } = report;
  const naive = isClass ? baseline.accuracy : isForecast ? report.baselines.noChange.mae : baseline.mae;
  const [model, skill] = isClass ? [metrics.accuracy, metrics.kappaLastClass] : [metrics.mae, metrics.skill];
  const allFinite = stream.state().tensors.every(({ data }) => data.every(Number.isFinite));
  return { naive, model, skill, report, allFinite, seconds: (user + system) / 1e6 };
}

/** Columns as a schema. */
function prepare(manifest, { names, rows }) {
  const isClass = manifest.kind === 'class';
  const targets = manifest.target ?? [];
  const isUsed = (name) => manifest.features.includes(name) || targets.includes(name);
  const columns = names.map((name, i) =>
    isClass && targets.includes(name)
      ? { name, kind: 'class', classes: rows.reduce((most, row) => Math.max(most, row[i]), 1) + 1 }
      : { name, kind: isUsed(name) ? 'number' : 'ignore' },
  );
  return { manifest, rows, columns, isClass };
}

function print(lines) {
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  for (const line of lines) {
    console.log(line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
  }
}

function parseCsv(text) {
  const [header, ...body] = text.trim().split(/\r?\n/);
  return {
    names: header.split(','),
    rows: body.map((line) => Float32Array.from(line.split(','), (cell) => (cell === '' ? Number.NaN : Number(cell)))),
  };
}

function readArguments() {
  try {
    const parsed = parseArgs({
      allowPositionals: true,
      options: {
        seeds: { type: 'string', default: '1' },
        safety: { type: 'boolean', default: false },
        memory: { type: 'boolean', default: false },
        intervals: { type: 'boolean', default: false },
        drift: { type: 'boolean', default: false },
      },
    });
    if (parsed.positionals.length !== 1 || !(Number(parsed.values.seeds) >= 1)) throw new Error('one folder');
    if (!existsSync(parsed.positionals[0])) exit(`no such folder: ${parsed.positionals[0]}`);
    return parsed;
  } catch {
    return exit(
      'usage: npm run streams -- <folder with NAME.json and NAME.csv> [--seeds N] [--intervals | --safety | --memory | --drift]',
    );
  }
}

function exit(message) {
  console.error(message);
  process.exit(2);
}
