// npm run streams -- <folder> --drift: what watchers tell of the folder's streams, and of made ones whose changes are known;
// what each policy does to the score; what watching costs.

import { createStream, DRIFTED } from '../dist/stream.js';

const WATCHERS = {
  adwin: { detector: 'adwin' },
  ddm: { detector: 'ddm' },
  pageHinkley: { detector: 'pageHinkley' },
  kswin: { detector: 'kswin' },
  'kswin 0.0001': { detector: 'kswin', alpha: 0.0001 },
};
const POLICIES = ['note', 'raiseRates', 'forgetScalers', 'freshLearner'];
/** A change told within so many rows of one there was is that one; any other is false. */
const WITHIN = 1500;

/** Prints the three tables. */
export function compareDrift(folderStreams, print) {
  const made = madeStreams();
  for (const [title, network] of [
    ['the race', undefined],
    ['one network', { shortcut: true }],
  ]) {
    console.log(`\nchanges of the loss told, defaults of the papers, ${title}`);
    print([
      ['stream', 'rows', 'changes', ...Object.keys(WATCHERS)],
      ...[...folderStreams, ...made].map((data) => toldOf(data, network)),
    ]);
    console.log(`\nscore by policy, adwin on the loss, ${title}`);
    const policies = network === undefined ? POLICIES : POLICIES.filter((policy) => policy !== 'freshLearner');
    print([
      ['stream', 'score', ...policies],
      ...[...folderStreams, ...made.filter(({ changes }) => changes.length > 0)].map((data) => [
        data.manifest.name,
        data.isClass ? 'accuracy' : 'MAE',
        ...policies.map((policy) => scoreWith(data, network, policy).toFixed(4)),
      ]),
    ]);
  }
  console.log('\nCPU time of a row, adwin on the loss: least of seven runs each, in turn');
  print([['stream', 'learner', 'without, µs', 'with, µs', 'more, %'], ...made.slice(0, 2).flatMap(costsOf)]);
}

function streamOf({ manifest, columns, isClass }, network, drift, seed = 1) {
  const isForecast = manifest.kind === 'forecast';
  const task = {
    kind: isClass ? 'classify' : isForecast ? 'forecast' : 'regress',
    features: manifest.features,
    targets: manifest.target,
    ...(isForecast ? { horizons: [manifest.D] } : { delay: manifest.D }),
  };
  return createStream({ columns, task, network, drift, seed });
}

/** A line: how often each watcher told a change; where changes are known, how many of them, how late, and how many others. */
function toldOf(data, network) {
  const watchers = Object.values(WATCHERS).map((watcher) =>
    watcher.detector === 'ddm' && !data.isClass ? { detector: 'adwin' } : watcher,
  );
  const stream = streamOf(data, network, watchers);
  const told = watchers.map(() => []);
  for (const row of data.rows) {
    stream.row.set(row);
    if ((stream.accept() & DRIFTED) === 0) continue;
    stream.report().drift.forEach(({ lastRow }, i) => {
      if (lastRow === stream.rows) told[i].push(lastRow);
    });
  }
  const cells = Object.values(WATCHERS).map(({ detector }, i) =>
    detector === 'ddm' && !data.isClass ? '–' : cellOf(told[i], data.changes),
  );
  return [data.manifest.name, String(data.rows.length), data.changes ? String(data.changes.length) : '?', ...cells];
}

function cellOf(told, changes) {
  if (changes === undefined) return String(told.length);
  const delays = changes.flatMap((change) => {
    const first = told.find((row) => row > change && row <= change + WITHIN);
    return first === undefined ? [] : [first - change];
  });
  const others = told.filter((row) => !changes.some((change) => row > change && row <= change + WITHIN));
  const late = delays.sort((a, b) => a - b)[delays.length >> 1];
  return changes.length === 0
    ? `${others.length} false`
    : `${delays.length}${late === undefined ? '' : ` after ${late}`}, ${others.length} false`;
}

function scoreWith(data, network, policy) {
  const stream = streamOf(data, network, [{ detector: 'adwin', policy }]);
  for (const row of data.rows) {
    stream.row.set(row);
    stream.accept();
  }
  stream.finish();
  const { metrics } = stream.report();
  return data.isClass ? metrics.accuracy : metrics.mae;
}

function costsOf(data) {
  const seconds = (network, drift) => {
    const stream = streamOf(data, network, drift);
    const started = process.cpuUsage();
    for (const row of data.rows) {
      stream.row.set(row);
      stream.accept();
    }
    const { user, system } = process.cpuUsage(started);
    return (user + system) / data.rows.length;
  };
  return [
    ['race', undefined],
    ['one network', { shortcut: true }],
  ].map(([learner, network]) => {
    const without = [];
    const withOne = [];
    for (let i = 0; i < 7; i++) {
      without.push(seconds(network, []));
      withOne.push(seconds(network, [{ detector: 'adwin' }]));
    }
    const [a, b] = [Math.min(...without), Math.min(...withOne)];
    return [data.manifest.name, learner, a.toFixed(2), b.toFixed(2), (100 * (b / a - 1)).toFixed(1)];
  });
}

/** Streams of four inputs whose law, y = c·x and noise, changes at known rows. */
function madeStreams() {
  const every = (rows) => Array.from({ length: 9 }, (_, i) => (i + 1) * rows);
  const turns = (i) => (Math.floor(i / 3000) % 2 === 0 ? 1 : -1);
  return [
    madeStream('noise, numbers', false, () => 1, []),
    madeStream('noise, classes', true, () => 1, []),
    madeStream('law turns over, numbers', false, turns, every(3000)),
    madeStream('law turns over, classes', true, turns, every(3000)),
    madeStream('law turns over in 1000 rows, numbers', false, (i) => gradual(i), every(3000)),
    madeStream('law turns over in 1000 rows, classes', true, (i) => gradual(i), every(3000)),
  ];
}

/** From one law to the other in a straight line. */
function gradual(i) {
  const sign = Math.floor(i / 3000) % 2 === 0 ? 1 : -1;
  const share = Math.min((i % 3000) / 1000, 1);
  return i < 3000 ? 1 : sign * (2 * share - 1);
}

function madeStream(name, isClass, law, changes) {
  let state = 12345;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const gauss = () => Array.from({ length: 12 }, uniform).reduce((a, b) => a + b) - 6;
  const c = [1, -2, 0.5, 1.5];
  const rows = Array.from({ length: 30_000 }, (_, i) => {
    const x = c.map(gauss);
    const y = law(i) * x.reduce((sum, value, k) => sum + c[k] * value, 0) + gauss();
    return Float32Array.of(...x, isClass ? (y > 0 ? 1 : 0) : y);
  });
  const features = ['x0', 'x1', 'x2', 'x3'];
  const target = isClass ? { name: 'y', kind: 'class', classes: 2 } : { name: 'y' };
  return {
    manifest: { name, kind: isClass ? 'class' : 'soft', features, target: ['y'], D: 1 },
    rows,
    columns: [...features.map((feature) => ({ name: feature })), target],
    isClass,
    changes,
  };
}
