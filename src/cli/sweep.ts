import { availableParallelism } from 'node:os';
import { pathToFileURL } from 'node:url';
import { Command, InvalidArgumentError } from 'commander';
import { type ConfigChange, demoConfigPath, loadConfig, scoreOf, unitOf } from '../daemon/index.js';
import { packageFile } from '../ingest/index.js';
import type { ReplayResult } from '../recording/index.js';
import { EXIT_FAILED } from './errors.js';
import { parseVariation, type Variation } from './options.js';
import { Progress } from './progress.js';
import type { SweepCell } from './sweep-worker.js';

interface SweepFlags {
  config?: string;
  vary: Variation[];
  workers: number;
  print?: boolean;
  json?: boolean;
}

/** A replay that is done. */
interface Done extends SweepCell {
  command: string;
  result: ReplayResult | { error: string };
}

export function sweepCommand(): Command {
  return new Command('sweep')
    .description('replay a log with every combination of some values, and rank what comes of it')
    .argument('<log...>', 'as for replay, but for standard input')
    .option('-c, --config <file>', 'what is varied (default: the configuration of the shipped log)')
    .requiredOption('-v, --vary <key=values>', 'network.optimizer.rate=0.01,0.02; may be given again', parseVariation)
    .option('-w, --workers <count>', 'replays at once (default: one a processor)', parseWorkers, availableParallelism())
    .option('--print', 'print the command of each replay instead, for a job runner')
    .option('--json', 'print one JSON object a replay on standard output, best first')
    .action(async (logs: string[], flags: SweepFlags) => {
      const config = flags.config ?? demoConfigPath();
      const cells = combinations(flags.vary).map((changes): SweepCell => ({ logs, config, changes }));
      // What is wrong with the first is most likely wrong with all.
      for (const { changes } of cells) loadConfig(config, changes);
      if (flags.print) {
        process.stdout.write(cells.map((cell) => `${commandOf(cell)}\n`).join(''));
        return;
      }
      const done = (await runAll(cells, flags.workers)).sort((a, b) => skillOf(b.result) - skillOf(a.result));
      if (flags.json) {
        process.stdout.write(done.map(({ logs, config, ...rest }) => `${JSON.stringify(rest)}\n`).join(''));
      } else {
        process.stdout.write(tableOf(done, flags.vary, unitOf(loadConfig(config))));
      }
      if (done.some(({ result }) => 'error' in result)) process.exitCode = EXIT_FAILED;
    });
}

async function runAll(cells: readonly SweepCell[], workers: number): Promise<Done[]> {
  const { Tinypool } = await import('tinypool');
  const count = Math.min(workers, cells.length);
  const filename = pathToFileURL(packageFile('dist/sweep-worker.js')).href;
  const pool = new Tinypool({ filename, minThreads: count, maxThreads: count });
  const progress = new Progress();
  let ended = 0;
  progress.show(0, `0 of ${cells.length}`);
  try {
    return await Promise.all(
      cells.map(async (cell): Promise<Done> => {
        const result = (await pool.run(cell)) as Done['result'];
        progress.show(++ended / cells.length, `${ended} of ${cells.length}`);
        return { ...cell, command: commandOf(cell), result };
      }),
    );
  } finally {
    progress.end();
    await pool.destroy();
  }
}

/** Every choice of one value a key, the last key changing fastest. */
function combinations(variations: readonly Variation[]): ConfigChange[][] {
  return variations.reduce<ConfigChange[][]>(
    (rows, { key, values }) => rows.flatMap((row) => values.map((value) => [...row, { key, value }])),
    [[]],
  );
}

/** The command that does the same anywhere, without what is here. */
function commandOf({ logs, config, changes }: SweepCell): string {
  const sets = changes.flatMap(({ key, value }) => ['--set', `${key}=${JSON.stringify(value)}`]);
  return ['edgegrad', 'replay', ...logs, '--config', config, ...sets, '--json'].map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w./:=@%+,-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

function skillOf(result: Done['result']): number {
  return 'error' in result ? Number.NEGATIVE_INFINITY : (scoreOf(result.report, '').skill ?? Number.NEGATIVE_INFINITY);
}

function tableOf(done: readonly Done[], variations: readonly Variation[], unit: string): string {
  const figure = (value: number | null) => (value === null ? '–' : String(Number(value.toPrecision(4))));
  const rows = done.map(({ changes, result }, i) => {
    const values = changes.map(({ value }) => (typeof value === 'string' ? value : JSON.stringify(value)));
    if ('error' in result) return [String(i + 1), ...values, result.error];
    const { model, baseline, skill } = scoreOf(result.report, unit);
    return [String(i + 1), ...values, figure(skill), figure(model), figure(baseline), result.hash];
  });
  const first = done.find(({ result }) => !('error' in result))?.result;
  const score = first === undefined || 'error' in first ? undefined : scoreOf(first.report, unit);
  const named = `${score?.label ?? 'score'}${unit === '' ? '' : ` [${unit}]`}`;
  const header = [
    '',
    ...variations.map(({ key }) => key),
    score?.skillLabel ?? 'skill',
    named,
    score?.baselineLabel ?? '',
    'hash',
  ];
  const lines = [header, ...rows];
  const widths = header.map((_, j) =>
    Math.max(...lines.map((line) => (line.length === header.length ? line[j].length : 0))),
  );
  return lines.map((line) => `${line.map((cell, j) => cell.padStart(widths[j] ?? 0)).join('  ')}\n`).join('');
}

function parseWorkers(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw new InvalidArgumentError('expected a whole number from 1 to 1024.');
  }
  return count;
}
