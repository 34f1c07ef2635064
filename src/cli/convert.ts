import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { loadConfig } from '../daemon/index.js';
import { withoutSecrets } from '../daemon/secrets.js';
import {
  type ConvertResult,
  detectColumns,
  isRecordingPath,
  type RowColumn,
  recordedConfig,
  recordingToCsv,
  recordingToNdjson,
  rewriteRecording,
  textToRecording,
} from '../recording/index.js';
import { SpecError } from '../spec/index.js';
import { healthLines } from './health.js';
import { Progress } from './progress.js';

interface ConvertFlags {
  config?: string;
  rows?: boolean;
}

export function convertCommand(): Command {
  return new Command('convert')
    .description('turn a recording into CSV or JSON lines, or those into a recording')
    .argument(
      '<files...>',
      'from: .mcap (several, or a folder), .csv, .ndjson, or - for standard input; last, to: .csv, .ndjson or .mcap',
    )
    .option('-c, --config <file>', 'what the columns are (default: what was recorded, or what the device printed)')
    .option('--rows', 'to .mcap: add a channel of decoded rows, for tools that plot')
    .action(async (files: string[], flags: ConvertFlags) => {
      const out = files.at(-1) ?? '';
      const from = files.slice(0, -1);
      if (from.length === 0) throw wrongFile(out, 'two files: from, to');
      const kind = /\.(csv|ndjson|mcap)$/.exec(out)?.[1];
      if (kind === undefined) throw wrongFile(out, 'a file that ends with .csv, .ndjson or .mcap');
      if (!(await isRecordingPath(from))) {
        await importText(from, out, kind, flags);
        return;
      }
      if (flags.rows && kind !== 'mcap') throw wrongFile(out, 'a file that ends with .mcap, for --rows');
      const progress = new Progress();
      const show = (share: number) => progress.show(share, out);
      const columns = kind === 'mcap' && !flags.rows ? undefined : await columnsOf(from, flags);
      const converting =
        columns === undefined || kind === 'mcap'
          ? rewriteRecording(from, out, columns, show)
          : kind === 'csv'
            ? recordingToCsv(from, out, columns, show)
            : recordingToNdjson(from, out, columns, show);
      const result = await converting.finally(() => progress.end());
      process.stdout.write(`${out}: ${told(result, columns !== undefined)}\n${healthLines(result.health)}`);
    });
}

export function repairCommand(): Command {
  return new Command('repair')
    .description('write a clean recording of what is intact in a damaged one')
    .argument('<files...>', 'damaged .mcap (several, or a folder); last, to: .mcap')
    .action(async (files: string[]) => {
      const out = files.at(-1) ?? '';
      if (files.length < 2) throw wrongFile(out, 'two files: damaged, clean');
      if (!out.endsWith('.mcap')) throw wrongFile(out, 'a file that ends with .mcap');
      const progress = new Progress();
      const result = await rewriteRecording(files.slice(0, -1), out, undefined, (share) =>
        progress.show(share, out),
      ).finally(() => progress.end());
      process.stdout.write(`${out}: ${told(result, false)}\n${healthLines(result.health)}`);
    });
}

function told({ rows, rejected, health }: ConvertResult, hasRows: boolean): string {
  if (hasRows) return `${rows} rows, ${rejected} lines that are none`;
  const messages = health.reduce((sum, file) => sum + file.messages, 0);
  const missing = health.reduce((sum, file) => sum + file.missing, 0);
  return `${messages} messages, ${missing} missing`;
}

async function columnsOf(from: string[], { config }: ConvertFlags): Promise<readonly RowColumn[]> {
  if (config !== undefined) return loadConfig(config).columns;
  const recorded = await recordedConfig(from);
  return recorded === undefined ? detectColumns(from) : (recorded.columns as RowColumn[]);
}

async function importText(
  from: string[],
  out: string,
  kind: string,
  { config: file, rows }: ConvertFlags,
): Promise<void> {
  const [log = ''] = from;
  if (kind !== 'mcap' || from.length > 1 || rows) {
    throw wrongFile(
      rows ? '--rows' : from.length > 1 ? from.join(' ') : out,
      'one text log, and a .mcap to make of it',
    );
  }
  const config = file === undefined ? undefined : loadConfig(file);
  const timeColumn = config?.columns.find(({ kind }) => kind === 'time')?.name;
  const lines = await textToRecording(log, out, {
    ...(timeColumn === undefined ? {} : { timeColumn }),
    ...(config === undefined
      ? {}
      : { config: { file: config.file, ...withoutSecrets(config, readFileSync(config.file, 'utf8')) } }),
  });
  process.stdout.write(`${out}: ${lines} lines\n`);
}

function wrongFile(found: string, expected: string): SpecError {
  return new SpecError('CONVERT_FILE', { where: 'convert', found, expected });
}
