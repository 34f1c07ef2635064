import { existsSync } from 'node:fs';
import { relative } from 'node:path';
import { Command } from 'commander';
import {
  CheckpointStore,
  type Config,
  checkTogether,
  loadConfig,
  measureRowUs,
  replayWithin,
} from '../daemon/index.js';
import { openSource } from '../daemon/source.js';
import { resolvePort } from '../ingest/index.js';
import { streamOptionsOf } from '../recording/index.js';
import { type Column, type Drift, EdgegradError, isAnomalyTask, SpecError, type Task } from '../spec/index.js';
import { createStream, restoreStream, type Stream } from '../stream/index.js';
import { size } from './format.js';
import { mostRowsPerSecond } from './rates.js';

export function checkConfigCommand(): Command {
  return new Command('check-config')
    .description('check configurations and print what would run; nothing is opened and nothing is written')
    .argument('<file...>', 'configuration files, of one process where there are several')
    .action(async (files: string[]) => {
      const configs = files.map((file) => loadConfig(file));
      checkTogether(configs);
      const texts: string[] = [];
      for (const config of configs) texts.push(await describe(config));
      process.stdout.write(`${texts.join('\n\n')}\n`);
    });
}

/** @throws SpecError where something the configuration names cannot be used */
async function describe(config: Config): Promise<string> {
  const { columns, task, checkpoint } = config;
  if (config.source.port !== undefined) await openSource(config); // an address is checked; a port is opened by its start
  const options = replayWithin(streamOptionsOf(config));
  const stream = createStream(options);
  const state = await describeCheckpoint(config, stream);
  const rows: [string, string][] = [
    ['configuration', config.file],
    ['name', config.name],
    ['source', describeSource(config)],
    ...columns.map((column, i): [string, string] => [i === 0 ? 'columns' : '', describeColumn(column)]),
    ...describeTask(task).map((line, i): [string, string] => [i === 0 ? 'task' : '', line]),
    ['inputs', stream.inputNames.join(', ')],
    ['outputs', stream.outputNames.join(', ')],
    [
      'network',
      `${describeLearner(stream)}${stream.tracks.length > 1 ? `, for each of ${stream.tracks.length} horizons` : ''}, ${stream.network.executor} executor`,
    ],
    ...describeDrift(stream.drift).map((line, i): [string, string] => [i === 0 ? 'drift' : '', line]),
    ...describeRetention(stream, config),
    [
      'memory',
      `${size(stream.tracks.reduce((sum, { learner }) => sum + learner.network.input.buffer.byteLength, 0))}, given once at the start`,
    ],
    ['time', describeTime(config, measureRowUs(options))],
    [
      'checkpoint',
      `${state}; ${checkpoint.intervalS === 0 ? 'saved at the end only' : `saved every ${checkpoint.intervalS} s while something is learned, and at the end`}`,
    ],
    ['says', 'status and messages on standard error'],
  ];
  return rows.map(([what, text]) => `${what.padEnd(13)}  ${text}`.trimEnd()).join('\n');
}

function describeSource({ file, source }: Config): string {
  const { port, baudRate, wait, log, speed } = source;
  if (port !== undefined) {
    const waits = wait ? ', waited for' : '';
    if (port.startsWith('tcp:')) return `${port}${waits}`;
    let where = '';
    try {
      const path = resolvePort(port);
      if (!existsSync(path)) where = ', which is not there now';
      else if (path !== port) where = `, now ${path}`;
    } catch (error) {
      if (!(error instanceof EdgegradError)) throw error;
      where = `, for which there is ${error.problem.found} now`;
    }
    return `${port} at ${baudRate} bits/s${where}${waits}`;
  }
  if (log === undefined) return 'none: give --port /dev/… to run';
  if (!existsSync(log)) {
    throw new SpecError('CONFIG_SOURCE', {
      where: `${file}: source.log`,
      found: `${log}, which is not there`,
      expected: 'a log to play',
      remedy: 'check the path; it is relative to the configuration file',
    });
  }
  const shown = relative(process.cwd(), log);
  return `${shown}, played ${speed === 'max' ? 'as fast as it goes' : `${speed} times as fast as it was recorded`}`;
}

function describeColumn({ name, kind, unit, range, maxStep, classes, maxGap }: Column): string {
  const parts = [kind as string];
  if (classes !== undefined) parts.push(`${classes} classes`);
  if (unit !== '') parts.push(unit);
  if (range !== undefined) parts.push(`${range[0]} … ${range[1]}`);
  if (maxStep !== undefined) parts.push(`step ≤ ${maxStep}`);
  if (maxGap !== undefined) parts.push(`a gap above ${maxGap} s`);
  return `${name}: ${parts.join(', ')}`;
}

function describeTask(task: Task): string[] {
  const { kind, features, targets, horizons, delay, labelAge, labelWait, warmup, window } = task;
  if (isAnomalyTask(task)) {
    const { method, alarmRate, hold, release } = task;
    return [
      `anomaly in ${features.join(', ')}, by ${method}`,
      `alarm in ${Number((100 * alarmRate).toPrecision(3))} % of rows: raised by ${hold} above the threshold, ended by ${release} that are not`,
      `none in the first ${warmup} rows`,
    ];
  }
  if (kind === 'forecast') {
    return [
      `forecast ${targets.join(', ')} from ${features.join(', ')}`,
      `${horizons.join(', ')} ${horizons.length === 1 && horizons[0] === 1 ? 'row' : 'rows'} ahead, learned when those rows have come`,
      `scored after ${warmup} rows, in windows of ${window}`,
    ];
  }
  const lines = [
    `${kind} ${targets.join(', ')} from ${features.join(', ')}`,
    `the truth of a row is used ${delay} ${delay === 1 ? 'row' : 'rows'} after it is printed${labelAge > 0 ? `, and is that of ${labelAge} rows before` : ''}`,
    `scored after ${warmup} rows, in windows of ${window}`,
  ];
  if (labelWait > 0) lines.push(`${labelWait} rows wait for labels from outside`);
  return lines;
}

function describeDrift(drifts: readonly Drift[]): string[] {
  return drifts.map(({ on, detector, policy }) => `${detector} watches ${on === 'loss' ? 'the loss' : on}: ${policy}`);
}

/** What is done against forgetting; no line where nothing is. */
function describeRetention(stream: Stream, config: Config): [string, string][] {
  const { memory, monitor } = stream.report();
  const rows: [string, string][] = [];
  if (memory !== undefined) {
    const { policy, capacity, replay, bytes } = memory;
    const budget = config.memory?.budgetUs;
    const reason = budget === undefined ? '' : ` of ${config.memory?.replay}, for ${budget} µs a row,`;
    rows.push([
      'remembers',
      `${capacity} rows (${policy}), ${replay}${reason} learned again after every row; ${size(bytes)}`,
    ]);
  }
  if (monitor !== undefined) {
    const { every, rows: held, interval, drop, rollback } = stream.monitor!;
    rows.push([
      'monitor',
      `one row in ${every} held out, ${held} of them looked at every ${interval} labels; ${rollback ? 'put back' : 'said'} where ${100 * drop} % is lost; ${size(monitor.bytes)}`,
    ]);
  }
  return rows;
}

/** The network, or who races. */
function describeLearner(stream: Stream): string {
  const { network } = stream;
  const { learner } = stream.report();
  if (learner.kind === 'race') {
    const count = (kind: string) => learner.experts.filter((expert) => expert.kind === kind).length;
    const trackers = count('tracker') + count('linear');
    return `a race of ${count('network')} networks ${widthsOf(network)}, ${trackers === 0 ? '' : `${trackers} trackers `}and the last known value`;
  }
  const parameters = network.parameters().reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
  return `${String(network.plan).split('\n')[0]}; ${parameters} parameters`;
}

const widthsOf = ({ plan }: Stream['network']) => /^plan (\S+?),/.exec(String(plan))?.[1] ?? '';

function describeTime(config: Config, rowUs: number): string {
  const row = `a row takes ${Number(rowUs.toPrecision(3))} µs on this machine`;
  const rows = mostRowsPerSecond(config);
  if (rows === undefined) return `${row}: ${perSecond(1e6 / rowUs)} rows/s at most`;
  const share = Number(((100 * rows * rowUs) / 1e6).toPrecision(2));
  return `${row}; at most ${perSecond(rows)} rows/s fit through ${config.source.baudRate} bits/s: ${share} % of one core`;
}

const perSecond = (rate: number) => Math.floor(rate).toLocaleString('en').replaceAll(',', ' ');

async function describeCheckpoint({ name, checkpoint }: Config, stream: Stream): Promise<string> {
  const store = new CheckpointStore(checkpoint.directory, name);
  const { used, refused } = await store.load((bytes, file) => restoreStream(stream, bytes, file));
  if (used !== undefined) return `${used}, from which it goes on: ${stream.rows} rows`;
  if (refused.length > 0) throw refused[0];
  return `${store.file}, not there yet`;
}
