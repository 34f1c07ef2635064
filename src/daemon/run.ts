import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pipeline } from '../recording/index.js';
import type { SpecError } from '../spec/index.js';
import { createStream, restoreStream, type Stream, saveStream } from '../stream/index.js';
import { CheckpointStore, DaemonError } from './checkpoints.js';
import type { Config } from './config.js';
import { openSource } from './source.js';
import { scoreOf, summary, unitOf } from './status.js';
import { StatusLine } from './status-line.js';

export interface RunOptions {
  /** Leave out the checkpoint that is there. */
  fresh: boolean;
  /** Where status and summary go. */
  out: NodeJS.WriteStream;
  /** Aborted to stop: saves, says what was learned, and returns. */
  stop: AbortSignal;
}

/** The configuration shipped with this package, whether run from its bundle or from a test. */
export function demoConfigPath(): string {
  const shipped = 'models/sailing-wind/edgegrad.toml';
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, shipped)) && folder !== dirname(folder)) folder = dirname(folder);
  return join(folder, shipped);
}

/**
 * Learns from a source until it ends or `stop` is aborted; keeps checkpoints, goes on from the last one.
 *
 * @returns the stream as it stands at the end
 * @throws EdgegradError where it cannot begin, DaemonError where the last checkpoint cannot be written
 */
export async function run(config: Config, { fresh, out, stop }: RunOptions): Promise<Stream> {
  const { name, columns, task, checkpoint } = config;
  const { seed, executor, ...network } = config.network;
  const stream = createStream({ columns, task, network, seed, executor });
  const store = new CheckpointStore(checkpoint.directory, name);
  await store.prepare();
  const status = new StatusLine(out);
  if (!fresh) await resume(stream, store, status);
  status.begin(stream.rows);

  const { source, description, opensMidLine, device, close } = await openSource(config);
  const unit = unitOf(config);
  const ended = deferred<string>();
  let isLost = false;
  let mismatch: SpecError | undefined;
  const pipeline = new Pipeline(stream, {
    onRow: () => status.sample(stream),
    onFormat: (format) => {
      mismatch = undefined;
      status.say(
        `rows are ${format.kind === 'csv' ? `CSV with "${format.delimiter === '\t' ? '\\t' : format.delimiter}"` : 'label and value'}, ${format.fields} fields${format.names ? ' with names' : ''}`,
      );
    },
    onMismatch: (problem) => {
      mismatch = problem;
      status.say(problem.message);
    },
  });

  let saved = Promise.resolve();
  let savedSteps = stream.network.steps;
  let reason = '';
  const save = (): Promise<void> => {
    savedSteps = stream.network.steps;
    const bytes = saveStream(stream);
    saved = saved.catch(() => {}).then(() => store.save(bytes));
    return saved;
  };
  const timers = [setInterval(() => status.show(name, stream, unit), out.isTTY ? 200 : 10_000)];
  if (checkpoint.intervalS > 0) {
    const saveIfChanged = () => {
      if (stream.network.steps !== savedSteps) save().catch((error: Error) => status.say(error.message));
    };
    timers.push(setInterval(saveIfChanged, 1000 * checkpoint.intervalS));
  }

  try {
    await source.start({
      bytes: (buffer, length) => pipeline.bytes(buffer, length),
      opened: (what) => {
        status.say(isLost ? `${what} is back` : `${name}: ${description}; ${stream.network.executor} executor`);
        pipeline.opened({ isAgain: isLost, mayBeMidLine: opensMidLine });
      },
      closed: (reason) => {
        isLost = true;
        if (reason !== 'stopped') status.say(`${source.name} is gone: ${reason}; waiting for it`);
        if (device !== undefined) ended.resolve(reason);
      },
    });
    stop.addEventListener('abort', () => ended.resolve('stop'), { once: true });
    if (stop.aborted) ended.resolve('stop');
    if (device !== undefined) {
      device.start();
      device.finished
        .then(() => arrivalOf(device.totalBytes, source))
        .then(
          () => ended.resolve('end of log'),
          (error: Error) => ended.resolve(error.message),
        );
    }
    reason = await ended.promise;
    device?.stop();
    await source.stop();
    if (reason === 'end of log') pipeline.finish();
    status.show(name, stream, unit);
  } finally {
    for (const timer of timers) clearInterval(timer);
    await close();
    status.end();
  }
  await save();

  const report = stream.report();
  const lines = pipeline.decoder.counters();
  status.say(`${name}: ${report.rows} rows in all, ${lines.rowsDecoded} of them in this run`);
  status.say(
    summary(report, scoreOf(report, unit), lines.rxLines - lines.rowsDecoded - lines.headers - lines.comments),
  );
  status.say(`  saved ${store.file}, hash ${stream.hash()}`);
  if (mismatch !== undefined && lines.rowsDecoded === 0) throw mismatch;
  if (reason !== 'end of log' && !stop.aborted) {
    throw new DaemonError('RUN_CUT_OFF', {
      where: source.name,
      found: reason,
      expected: 'the whole log',
      remedy: 'start again; what was learned is saved',
    });
  }
  return stream;
}

async function resume(stream: Stream, store: CheckpointStore, status: StatusLine): Promise<void> {
  const { used, refused } = await store.load((bytes, file) => restoreStream(stream, bytes, file));
  for (const error of refused) status.say(error.message);
  if (used !== undefined) {
    status.say(`goes on from ${used}: ${stream.rows} rows, hash ${stream.hash()}`);
    // The device went on while nobody listened: rows from before and after do not belong together.
    stream.gap('restart');
  } else if (refused.length > 0) {
    throw refused[0];
  }
}

/** Resolves when the source has received everything a device sent; a cut before would lose what is on its way. */
async function arrivalOf(bytes: number, source: { counters(): Record<string, number> }): Promise<void> {
  for (let idleMs = 0, before = -1; idleMs < 5000; idleMs += 5) {
    const { rxBytes } = source.counters();
    if (rxBytes >= bytes) return;
    if (rxBytes !== before) idleMs = 0;
    before = rxBytes;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void;
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
