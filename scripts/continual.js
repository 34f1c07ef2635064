// What is left of what was learned first: two protocols of continual learning on 8 × 8 handwritten digits.
//
//   npm run continual -- <folder> [--seeds N]
//
// The folder (or its ship/ or dev/) holds digits8.csv: p0 … p63, and the class y. A fifth of its rows, drawn by the seed, is for
// the test; the others are learned in one pass, task after task, and after the last task all test rows of all tasks are asked.
//
// classes: five tasks of two classes each, 0 and 1 first. permuted: five tasks of all classes, the pixels of each shuffled in
// another way (the first as they are). joint: the rows of all tasks shuffled together, what no order can better.
//
// One network of 32 tanh units, sgd. As a stream learns: inputs standardised by what was seen so far, and each test row predicted
// without a label. In raw pixels: the network alone with inputs of 0 … 1 and no scaler, as such protocols are mostly told; here
// nothing softens the change from one task to the next.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createNetwork } from '../dist/index.js';
import { createStream, ReplayMemory } from '../dist/stream.js';

const TASKS = 5;
const PIXELS = 64;
const CLASSES = 10;
const UNITS = 32;
/** One setting for both protocols. */
const MEMORY = { policy: 'balanced', rows: 200, replay: 3 };
const RATES = { stream: 0.05, pixels: 0.01 };
const LEARNERS = [
  { name: 'no help' },
  { name: 'memory, reservoir', memory: { ...MEMORY, policy: 'reservoir' } },
  { name: 'memory, balanced', memory: MEMORY },
  { name: 'memory, ring', memory: { ...MEMORY, policy: 'ring' } },
  { name: 'ewc', consolidation: { kind: 'ewc', strength: 10, interval: 250, keep: 1 } },
  { name: 'si', consolidation: { kind: 'si', strength: 0.05, interval: 250 } },
  { name: 'joint', isJoint: true },
];
/** What the memory must reach, at every seed. */
const WANTED = { classes: 0.8, permuted: 0.7 };

const { folder, seeds } = readArguments();
const file = ['', 'ship', 'dev'].map((part) => join(folder, part, 'digits8.csv')).find(existsSync);
if (file === undefined) exit(`no digits8.csv in ${folder}`);
const digits = parseCsv(readFileSync(file, 'utf8'));

const lines = [['protocol', 'inputs', 'learner', ...seeds.map((seed) => `seed ${seed}`), 'mean']];
let failures = 0;
for (const protocol of ['classes', 'permuted']) {
  for (const inputs of ['stream', 'pixels']) {
    for (const learner of LEARNERS) {
      if (inputs === 'pixels' && learner.consolidation !== undefined) continue;
      const shares = seeds.map((seed) => (inputs === 'stream' ? asStream : asPixels)(protocol, learner, seed));
      const mean = shares.reduce((sum, share) => sum + share, 0) / shares.length;
      lines.push([protocol, inputs, learner.name, ...[...shares, mean].map((share) => share.toFixed(3))]);
      if (learner.memory === MEMORY) failures += shares.filter((share) => !(share >= WANTED[protocol])).length;
    }
  }
}
const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
for (const line of lines) {
  console.log(line.map((cell, i) => (i < 3 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  '));
}
console.log(
  failures === 0
    ? `with ${MEMORY.rows} remembered rows: classes at least ${WANTED.classes}, permuted at least ${WANTED.permuted}, at every seed`
    : `${failures} runs with memory stayed below what is wanted`,
);
if (failures > 0) process.exitCode = 1;

/** The share of test rows told right by a stream. */
function asStream(protocol, { memory, consolidation, isJoint }, seed) {
  const { learned, tested } = rowsOf(protocol, seed, isJoint);
  const features = Array.from({ length: PIXELS }, (_, i) => `p${i}`);
  const stream = createStream({
    columns: [...features.map((name) => ({ name })), { name: 'y', kind: 'class', classes: CLASSES }],
    task: { kind: 'classify', features, targets: ['y'] },
    network: {
      layers: [{ kind: 'dense', units: UNITS, activation: 'tanh' }],
      optimizer: { kind: 'sgd', rate: RATES.stream },
      ...(consolidation === undefined ? {} : { consolidation }),
    },
    memory,
    seed,
  });
  for (const { pixels, digit } of learned) {
    stream.row.set(pixels);
    stream.row[PIXELS] = digit;
    stream.accept();
  }
  let right = 0;
  for (const { pixels, digit } of tested) {
    stream.row.set(pixels);
    stream.row[PIXELS] = Number.NaN;
    stream.accept();
    if (stream.predictedClass === digit) right++;
  }
  return right / tested.length;
}

/** The same of a network alone. */
function asPixels(protocol, { memory, isJoint }, seed) {
  const { learned, tested } = rowsOf(protocol, seed, isJoint);
  const network = createNetwork(
    {
      inputs: PIXELS,
      layers: [
        { kind: 'dense', units: UNITS, activation: 'tanh' },
        { kind: 'dense', units: CLASSES, activation: 'softmax' },
      ],
      loss: 'crossEntropy',
      optimizer: { kind: 'sgd', rate: RATES.pixels },
    },
    { seed },
  );
  const remembered =
    memory &&
    new ReplayMemory({
      capacity: memory.rows,
      policy: memory.policy,
      inputs: PIXELS,
      width: 1,
      classes: CLASSES,
      seed,
      rows: new Float32Array(memory.rows * (PIXELS + 1)),
    });
  const values = new Float64Array(PIXELS);
  const label = new Float64Array(1);
  const learn = (pixels, digit) => {
    for (let i = 0; i < PIXELS; i++) network.input[i] = pixels[i] / 16;
    network.target.fill(0);
    network.target[digit] = 1;
    network.step();
  };
  for (const { pixels, digit } of learned) {
    learn(pixels, digit);
    for (let k = 0; k < (memory?.replay ?? 0) && remembered.size > 0; k++) {
      remembered.read(remembered.draw(), values, label);
      learn(values, label[0]);
    }
    label[0] = digit;
    remembered?.offer(pixels, 0, label, 0);
  }
  let right = 0;
  for (const { pixels, digit } of tested) {
    const output = network.predict(pixels.map((value) => value / 16));
    if (output.indexOf(Math.max(...output)) === digit) right++;
  }
  return right / tested.length;
}

/** Rows to learn in order, and rows to test. */
function rowsOf(protocol, seed, isJoint) {
  const random = randomOf(seed);
  const order = shuffled(digits, random);
  const count = Math.floor(digits.length / 5);
  const isTest = new Set(order.slice(0, count));
  const learned = digits.filter((row) => !isTest.has(row));
  const tested = digits.filter((row) => isTest.has(row));
  let tasks;
  if (protocol === 'classes') {
    tasks = byTask((task) => ({ learned: learned.filter(({ digit }) => digit >> 1 === task), tested: [] }));
    tasks[0].tested = tested;
  } else {
    const pixels = Array.from({ length: PIXELS }, (_, i) => i);
    tasks = byTask((task) => {
      const from = task === 0 ? pixels : shuffled(pixels, random);
      const move = (row) => ({ pixels: Float32Array.from(from, (i) => row.pixels[i]), digit: row.digit });
      return { learned: learned.map(move), tested: tested.map(move) };
    });
  }
  const all = tasks.flatMap((task) => task.learned);
  return { learned: isJoint ? shuffled(all, random) : all, tested: tasks.flatMap((task) => task.tested) };
}

function byTask(make) {
  return Array.from({ length: TASKS }, (_, task) => make(task));
}

/** mulberry32. */
function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffled(list, random) {
  const copy = [...list];
  for (let i = copy.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [copy[i], copy[j]] = [copy[j], copy[i]];
  }
  return copy;
}

function parseCsv(text) {
  const [header, ...body] = text.trim().split(/\r?\n/);
  const names = header.split(',');
  const from = names.indexOf('p0');
  const label = names.indexOf('y');
  return body.map((line) => {
    const cells = line.split(',').map(Number);
    return { pixels: Float32Array.from(cells.slice(from, from + PIXELS)), digit: cells[label] };
  });
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { seeds: { type: 'string', default: '5' } },
    });
    const count = Number(values.seeds);
    if (positionals.length !== 1 || !(count >= 1)) throw new Error('one folder');
    return { folder: positionals[0], seeds: Array.from({ length: count }, (_, i) => i + 1) };
  } catch {
    return exit('usage: npm run continual -- <folder with digits8.csv> [--seeds N]');
  }
}

function exit(message) {
  console.error(message);
  process.exit(2);
}
