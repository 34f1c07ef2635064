// npm run soak:engine -- [steps]: that many training steps (default 10⁷) on each topology of the bench, rows copied in.
// Shows heap and collections from the first step after warm-up to the last, and compares with the reference executor:
// every step where that is quick, otherwise windows of 200 steps, each begun from the state simd has come to.
// Fails where a collection happened, the heap grew, or a hash differs.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { PerformanceObserver } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { isMainThread, parentPort, Worker } from 'node:worker_threads';
import { createNetwork, loadNetwork } from '../dist/index.js';

// Each topology has a process of its own, so that what one is timed and measured at is not another's.
const ALL = ['8-16-4', '32-64-32-8', '6-64-64-6', '128-256-128-10', '784-256-10'];
const STEPS = Number(process.argv[2] ?? 1e7);
const TOPOLOGIES = process.argv.slice(3);
const WINDOWS = 20;
const WINDOW_STEPS = 200;
const ROWS = 64;
const WARM_UP = 50_000;
/** V8 itself allocates now and then, when it compiles: far less than a byte a step. */
const HEAP_SLACK = 512 * 1024;
/** Parameters up to which the reference walks the whole way. */
const QUICK = 300;

// The reference runs in a thread of its own: what V8 has learned about the one executor must not spoil the other, and
// what the reference allocates is not to be counted here.
if (!isMainThread) {
  parentPort.on('message', ({ saved, spec, from, count }) => {
    const twin = saved ? loadNetwork(saved, { executor: 'reference' }) : createNetwork(spec, { executor: 'reference' });
    train(twin, rowsOf(twin), from, count);
    parentPort.postMessage(twin.hash());
  });
} else if (TOPOLOGIES.length > 0) {
  process.exitCode = await soak();
} else {
  for (const widths of ALL) {
    const { status } = spawnSync(
      process.execPath,
      ['--expose-gc', fileURLToPath(import.meta.url), String(STEPS), widths],
      {
        stdio: 'inherit',
      },
    );
    if (status !== 0) process.exitCode = 1;
  }
}

async function soak() {
  if (typeof gc !== 'function') throw new Error('start with node --expose-gc');

  const reference = new Worker(new URL(import.meta.url));
  const referenceHash = async (job) => {
    const answer = once(reference, 'message');
    reference.postMessage(job);
    return (await answer)[0];
  };

  const collections = []; // when each began
  const observer = new PerformanceObserver((list) => {
    for (const { startTime } of list.getEntries()) collections.push(startTime);
  });
  observer.observe({ entryTypes: ['gc'] });
  const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

  let failed = false;
  for (const widths of TOPOLOGIES) {
    const [inputs, ...units] = widths.split('-').map(Number);
    const spec = {
      inputs,
      layers: units.map((n, i) => ({
        kind: 'dense',
        units: n,
        activation: i < units.length - 1 ? 'tanh' : 'identity',
      })),
      loss: 'squaredError',
      optimizer: { kind: 'sgd', rate: 0.01 },
    };
    const net = createNetwork(spec, { executor: 'simd' });
    const rows = rowsOf(net);
    const parameters = net.parameters().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    const isQuick = parameters <= QUICK;

    const startNs = process.cpuUsage().user * 1000;
    const span = Math.floor(STEPS / WINDOWS);
    let compared = 0;
    let growth = 0;
    let during = 0;
    let done = 0;
    for (let window = 0; window < WINDOWS; window++) {
      if (!isQuick) {
        const wanted = await referenceHash({ saved: net.save(), from: done, count: WINDOW_STEPS });
        train(net, rows, done, WINDOW_STEPS);
        done += WINDOW_STEPS;
        compared += WINDOW_STEPS;
        if (wanted !== net.hash()) fail(widths, `step ${done}: reference ${wanted}, simd ${net.hash()}`);
      }
      const count = (window === WINDOWS - 1 ? STEPS : (window + 1) * span) - done;
      const warmUp = Math.min(count, WARM_UP); // compiled and warm
      train(net, rows, done, warmUp);
      done += warmUp;
      const left = count - warmUp;
      gc();
      await settled();
      const before = process.memoryUsage().heapUsed;
      const start = performance.now();
      train(net, rows, done, left);
      const end = performance.now();
      done += left;
      await settled();
      // What V8 collects afterwards, when the loop of events turns, answers the gc() above.
      during += collections.filter((at) => at > start && at < end).length;
      growth = Math.max(growth, process.memoryUsage().heapUsed - before);
    }
    const ns = (process.cpuUsage().user * 1000 - startNs) / STEPS;
    if (isQuick) {
      const wanted = await referenceHash({ spec, from: 0, count: STEPS });
      compared = STEPS;
      if (wanted !== net.hash()) fail(widths, `reference ${wanted}, simd ${net.hash()}`);
    }
    if (net.steps !== STEPS) fail(widths, `${net.steps} steps`);
    if (during > 0) fail(widths, `${during} collections`);
    if (growth > HEAP_SLACK) fail(widths, `heap grew by ${growth} bytes`);
    console.log(
      `${widths.padEnd(16)}${done} steps  ${ns.toFixed(0).padStart(6)} ns  collections ${during}  heap +${growth} B  ` +
        `hash ${net.hash()} equal to the reference's over ${compared} steps`,
    );
  }
  observer.disconnect();
  await reference.terminate();
  return failed ? 1 : 0;

  function fail(widths, what) {
    failed = true;
    console.log(`${widths}: ${what}`);
  }
}

/** Numbers in (−1, 1), the same every time. */
function numbers(count, seed) {
  let state = seed;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}

function rowsOf(net) {
  const views = (all, n) => Array.from({ length: ROWS }, (_, i) => all.subarray(i * n, (i + 1) * n));
  return {
    inputs: views(numbers(ROWS * net.input.length, 1), net.input.length),
    targets: views(numbers(ROWS * net.target.length, 2), net.target.length),
  };
}

/** No double comes back from a call, so that none is boxed while V8 has not compiled the loop yet. */
function train(net, { inputs, targets }, from, count) {
  for (let i = from; i < from + count; i++) {
    net.input.set(inputs[i % ROWS]);
    net.target.set(targets[i % ROWS]);
    net.tryStep();
  }
}
