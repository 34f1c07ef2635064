// npm run soak:daemon -- [--minutes 2] [--rows 1e8] [--only memory,all]: what the daemon takes as a service, measured
// from outside, against its budgets. Prints a table; fails where a budget is not kept.
//   start    from `edgegrad run` to the first prediction on standard output, rows coming in all the time
//   latency  from the write of a row into the pseudo-terminal to its prediction on standard output, and to `cat`; needs
//            python3
//   idle     processor time at 10 rows a second
//   memory   at full speed for so many minutes, or so many rows: as it starts, the most from its second second on, and at
//            the end against after the first fifth. `all`: with everything switched on that can be.

import { execFile, spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import {
  cpuSeconds,
  openTerminal,
  pause,
  residentBytes,
  rowText,
  runCommand,
  startDaemon,
  temporaryFolder,
  until,
  writeConfig,
} from './support.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    rows: { type: 'string', default: '1e8' },
    only: { type: 'string', default: 'start,latency,idle,memory,all' },
  },
});
const MINUTES = Number(values.minutes);
const ROWS = Number(values.rows);
const wanted = values.only.split(',');
const STARTS = 7;
const LATENCIES = 5000;
const WARM = 1000;
const IDLE_S = 20;
const MB = 1e6;

const folder = temporaryFolder();
const link = join(folder, 'ttyBOARD');
const results = [];
const budget = (what, figure, limit, unit) =>
  results.push({
    what,
    figure: `${figure.toFixed(unit === 'ms' && figure >= 10 ? 0 : 2)} ${unit}`,
    limit: `${limit} ${unit}`,
    ok: figure <= limit,
  });
const note = (what, figure) => results.push({ what, figure, limit: '', ok: true });
const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];
const config = (name, more = '') =>
  writeConfig(folder, name, `[source]\nport = "${link}"\n[checkpoint]\nintervalS = 10\n${more}`);
const isPrediction = (line) => line.includes('"prediction":[') || line.includes('"prediction":{');

async function bareNode() {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)'], { stdio: 'ignore' });
  await pause(500);
  const bytes = residentBytes(child.pid);
  child.kill('SIGKILL');
  return bytes;
}

async function start() {
  const times = [];
  for (let i = 0; i < STARTS; i++) {
    const terminal = await openTerminal(link);
    let row = 0;
    const feeder = setInterval(() => terminal.write(rowText(row++) + rowText(row++)), 2);
    let predicted = false;
    const startMs = performance.now();
    const daemon = startDaemon(folder, [config('start'), '--fresh', '--ndjson'], (line) => {
      predicted ||= isPrediction(line);
    });
    await until(
      () => predicted,
      () => daemon.said,
    );
    times.push(performance.now() - startMs);
    clearInterval(feeder);
    daemon.child.kill('SIGTERM');
    await daemon.closed;
    await terminal.unplug();
  }
  times.sort((a, b) => a - b);
  budget('start to first prediction, median', quantile(times, 0.5), 400, 'ms');
}

/** Milliseconds from the write of a row into a pseudo-terminal to what `command` answers on it, sorted. */
async function answerTimes(pattern, command) {
  const { stdout } = await promisify(execFile)(
    'python3',
    [join(import.meta.dirname, 'latency.py'), link, rowsFile(), String(WARM), pattern, ...command],
    { cwd: folder },
  );
  return JSON.parse(stdout).sort((a, b) => a - b);
}

function rowsFile() {
  const file = join(folder, 'rows.csv');
  writeFileSync(file, Array.from({ length: WARM + LATENCIES }, (_, i) => rowText(i)).join(''));
  return file;
}

async function latency() {
  // What the terminal and the scheduler take by themselves, on a machine that may have other things to do.
  const floor = await answerTimes('', ['cat', link]);
  const run = [...runCommand, config('latency'), '--fresh', '--ndjson'];
  const times = await answerTimes('"prediction":', run);
  for (const [q, name] of [
    [0.5, 'median'],
    [0.9, '90 of 100'],
    [0.99, '99 of 100'],
  ]) {
    note(`row to \`cat\`, ${name}`, `${quantile(floor, q).toFixed(2)} ms`);
    const figure = quantile(times, q);
    if (q === 0.99) budget(`row to prediction, ${name}`, figure, 2, 'ms');
    else note(`row to prediction, ${name}`, `${figure.toFixed(2)} ms`);
  }
}

async function idle() {
  const terminal = await openTerminal(link);
  const daemon = startDaemon(folder, [config('idle'), '--fresh']);
  await until(
    () => daemon.said.includes('at 115200'),
    () => daemon.said,
  );
  let row = 0;
  const feeder = setInterval(() => terminal.write(rowText(row++)), 100);
  await pause(3000);
  const before = cpuSeconds(daemon.child.pid);
  await pause(1000 * IDLE_S);
  budget('processor at 10 rows/s', (100 * (cpuSeconds(daemon.child.pid) - before)) / IDLE_S, 1, '%');
  clearInterval(feeder);
  daemon.child.kill('SIGTERM');
  await daemon.closed;
  await terminal.unplug();
}

/** @param growthMB old objects that V8 has not collected yet count, so with more switched on it is more */
async function memory(what, file, limitMB, growthMB) {
  const terminal = await openTerminal(link, 'socat');
  const daemon = startDaemon(folder, [file, '--fresh']);
  const { pid } = daemon.child;
  await until(
    () => daemon.said.includes('at 115200'),
    () => daemon.said,
  );
  let text = '';
  for (let i = 0; i < 4001; i++) text += rowText(i);
  let sent = 0;
  const startMs = performance.now();
  const endMs = startMs + 60_000 * MINUTES;
  const warmMs = startMs + 12_000 * MINUTES;
  let warm;
  let most = 0;
  let first = 0;
  let nextMs = startMs;
  while (performance.now() < endMs && sent < ROWS) {
    if (!terminal.write(text)) await terminal.drained();
    sent += 4001;
    const now = performance.now();
    if (now < nextMs) continue;
    nextMs = now + 1000;
    const bytes = residentBytes(pid);
    if (now >= warmMs || sent >= ROWS / 5) warm ??= bytes;
    if (now < startMs + 1000) first = bytes;
    else most = Math.max(most, bytes);
  }
  const seconds = (performance.now() - startMs) / 1000;
  await terminal.settled();
  await pause(500); // what the terminal holds
  const end = residentBytes(pid);
  daemon.child.kill('SIGTERM');
  const code = await daemon.closed;
  await terminal.unplug();
  const rows = Number(/: (\d+) rows in all/.exec(daemon.said)?.[1] ?? 0);
  if (code !== 0 || rows !== sent - 1) {
    process.stdout.write(`${daemon.said}\n${sent} rows sent, ${rows} learned\n`);
    process.exitCode = 1;
  }
  note(`${what}: rows`, `${rows.toExponential(2)}, ${Math.round(rows / seconds)}/s`);
  note(`${what}: resident as it starts`, `${(first / MB).toFixed(1)} MB`);
  budget(`${what}: resident, the most`, most / MB, limitMB, 'MB');
  budget(`${what}: more than after a fifth of it`, Math.max(0, end - warm) / MB, growthMB, 'MB');
}

const bare = await bareNode();
note('Node alone, resident', `${(bare / MB).toFixed(1)} MB`);
if (wanted.includes('start')) await start();
if (wanted.includes('latency')) await latency();
if (wanted.includes('idle')) await idle();
if (wanted.includes('memory')) await memory('serial, learning, checkpoints', config('memory'), 64, 2);
if (wanted.includes('all')) {
  // A broker that is not there: everything is kept for it, as far as there is room.
  const more =
    '[record]\ndirectory = "recordings"\nquotaMB = 64\n[mqtt]\nurl = "mqtt://127.0.0.1:1"\n[http]\nport = 0\n';
  await memory('everything on', config('all', more), 84, 8);
}
const widths = ['what', 'figure', 'limit'].map((key) => Math.max(...results.map((row) => row[key].length)));
for (const { what, figure, limit, ok } of results) {
  process.stdout.write(
    `${what.padEnd(widths[0])}  ${figure.padStart(widths[1])}  ${limit === '' ? ''.padEnd(widths[2] + 2) : `≤ ${limit.padEnd(widths[2])}`}  ${ok ? '' : 'NOT KEPT'}`.trimEnd() +
      '\n',
  );
}
if (results.some(({ ok }) => !ok)) process.exitCode = 1;
process.exit();
