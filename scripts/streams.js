// Runs the prequential protocol over a folder of recorded streams and prints a table.
//
//   npm run streams -- <folder>
//
// A stream is NAME.csv, numeric with a header line, and NAME.json: { columns, kind, features, target, D, H }. One
// pass, one row at a time: every row is predicted, scored when its label is known D rows later, then learned from;
// the first 100 rows are not scored. One hidden layer of H tanh units; rates are the same for every stream of a kind.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { createStream } from '../dist/stream.js';

const UNSUPPORTED = {
  forecast: 'predicts columns some rows ahead; there is no such task yet',
  anomaly: 'finds unusual rows; there is no such task yet',
};

const folder = process.argv[2];
if (folder === undefined || process.argv.length > 3 || !existsSync(folder)) {
  console.error(
    folder === undefined || process.argv.length > 3
      ? 'usage: npm run streams -- <folder with NAME.json and NAME.csv>'
      : `no such folder: ${folder}`,
  );
  process.exit(2);
}

const manifests = [folder, join(folder, 'ship'), join(folder, 'dev')]
  .filter((path) => existsSync(path))
  .flatMap((path) => readdirSync(path).map((name) => join(path, name)))
  .filter((path) => path.endsWith('.json') && existsSync(path.replace(/\.json$/, '.csv')));
if (manifests.length === 0) {
  console.error(`no NAME.json beside a NAME.csv in ${folder}`);
  process.exit(2);
}

const lines = [['stream', 'kind', 'D', 'rows', 'scored', 'naive', 'MLP', 'skill', 'rows/s']];
const skipped = [];
for (const path of manifests) {
  const manifest = JSON.parse(readFileSync(path, 'utf8'));
  if (manifest.kind in UNSUPPORTED) skipped.push(`${manifest.name} (${manifest.kind}): ${UNSUPPORTED[manifest.kind]}`);
  else lines.push(run(manifest, parseCsv(readFileSync(path.replace(/\.json$/, '.csv'), 'utf8'))));
}
const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
for (const line of lines) {
  console.log(line.map((cell, i) => (i < 2 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
}
for (const line of skipped) console.log(`not run: ${line}`);

/** One line of the table. */
function run(manifest, { names, rows }) {
  const isClass = manifest.kind === 'class';
  const isUsed = (name) => manifest.features.includes(name) || manifest.target.includes(name);
  const columns = names.map((name, i) =>
    isClass && manifest.target.includes(name)
      ? { name, kind: 'class', classes: rows.reduce((most, row) => Math.max(most, row[i]), 1) + 1 }
      : { name, kind: isUsed(name) ? 'number' : 'ignore' },
  );
  const stream = createStream({
    columns,
    task: {
      kind: isClass ? 'classify' : 'regress',
      features: manifest.features,
      targets: manifest.target,
      delay: manifest.D,
    },
    network: {
      layers: [{ kind: 'dense', units: manifest.H, activation: 'tanh', initialiser: 'xavier' }],
      optimizer: { kind: 'sgd', rate: isClass ? 0.05 : 0.02 },
    },
    seed: 1,
  });

  const started = performance.now();
  for (const row of rows) {
    stream.row.set(row);
    stream.accept();
  }
  stream.finish();
  const seconds = (performance.now() - started) / 1000;

  const { metrics, baseline, scored } = stream.report();
  const [naive, model, skill] = isClass
    ? [baseline.accuracy, metrics.accuracy, metrics.kappaLastClass]
    : [baseline.mae, metrics.mae, metrics.skill];
  return [
    manifest.name,
    isClass ? 'class, accuracy' : 'soft, MAE',
    String(manifest.D),
    String(rows.length),
    String(scored),
    naive.toFixed(4),
    model.toFixed(4),
    skill.toFixed(3),
    String(Math.round(rows.length / seconds)),
  ];
}

function parseCsv(text) {
  const [header, ...body] = text.trim().split(/\r?\n/);
  return {
    names: header.split(','),
    rows: body.map((line) => Float32Array.from(line.split(','), (cell) => (cell === '' ? Number.NaN : Number(cell)))),
  };
}
