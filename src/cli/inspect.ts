import { Command } from 'commander';
import { loadConfig } from '../daemon/index.js';
import { decodeSafetensors } from '../models/index.js';
import { planNetwork } from '../plan/index.js';
import { isRecordingPath, type RecordingContents, recordingContents, streamOptionsOf } from '../recording/index.js';
import { SpecError } from '../spec/index.js';
import { createStream } from '../stream/index.js';
import { healthLines } from './health.js';
import { readFile, readNetwork } from './network-file.js';
import { Progress } from './progress.js';

/** Tensors of at most so many values are printed whole: scalars, and the weights of a race. */
const SHOWN = 9;

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('print what a file holds: a recording, a checkpoint, the plan and memory of a network or task')
    .argument('<file...>', 'recording .mcap (several, or a folder), checkpoint .safetensors, network .json, task .toml')
    .option('--json', 'print one JSON object on standard output; recordings only')
    .action(async (files: string[], { json = false }: { json?: boolean }) => {
      if (await isRecordingPath(files)) {
        const progress = new Progress();
        const contents = await recordingContents(files, (share) => progress.show(share, 'reading')).finally(() =>
          progress.end(),
        );
        process.stdout.write(json ? `${JSON.stringify(contents)}\n` : describeRecording(contents));
        return;
      }
      if (json || files.length > 1) {
        throw new SpecError('INSPECT_FILES', {
          where: files.join(' '),
          found: json ? '--json' : `${files.length} files`,
          expected: 'recordings (.mcap), or one file without --json',
        });
      }
      process.stdout.write(`${describe(files[0] ?? '')}\n`);
    });
}

/** @throws SpecError, CheckpointError for a file that is none of these */
function describe(file: string): string {
  if (file.endsWith('.toml')) {
    const stream = createStream(streamOptionsOf(loadConfig(file)));
    const inputs = `inputs   ${stream.inputNames.join(', ')}\noutputs  ${stream.outputNames.join(', ')}`;
    const { learner } = stream.report();
    const experts =
      learner.kind === 'race' ? learner.experts.map(({ kind, rate }) => `${kind} ${rate ?? ''}`.trim()) : [];
    const race = experts.length > 0 ? `race     ${experts.join(', ')}; the plan is of the first network\n` : '';
    return `${inputs}\n${race}executor ${stream.network.executor}\n\n${stream.network.plan}`;
  }
  if (file.endsWith('.safetensors')) return describeCheckpoint(readFile(file), file);
  return String(planNetwork(readNetwork(file)));
}

function describeRecording(contents: RecordingContents): string {
  const { files, first, last, wireMessages, wireBytes, events, listed, configurations } = contents;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const chunks = files.reduce((sum, file) => sum + file.chunks, 0);
  const missing = files.reduce((sum, file) => sum + file.missing, 0);
  const isWhole = missing === 0 && files.every(({ damage }) => damage.length === 0);
  const open = files.filter(({ isClosed }) => !isClosed).length;
  const lines = [
    `${files.length} ${files.length === 1 ? 'file' : 'files'}, ${bytes} bytes, ${chunks} chunks; ${isWhole ? 'nothing is missing' : `${missing} messages are missing`}${open > 0 ? `, ${open} not closed` : ''}`,
    first === undefined ? 'no messages' : `from ${first} to ${last}, ${durationOf(first, last)}`,
    `wire     ${wireBytes} bytes in ${wireMessages} reads`,
    `events   ${
      Object.entries(events)
        .map(([type, count]) => `${type} ${count}`)
        .join(', ') || 'none'
    }`,
    ...configurations.map((file) => `config   ${file}`),
    ...listed.map(({ time, event }) => {
      const { type, ...rest } = event;
      const facts = Object.entries(rest).map(
        ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
      );
      return `  ${time}  ${type}${facts.length === 0 ? '' : `  ${facts.join(', ')}`}`;
    }),
  ];
  return `${lines.join('\n')}\n${healthLines(files)}`;
}

function durationOf(first: string, last = first): string {
  const seconds = (Date.parse(last) - Date.parse(first)) / 1000;
  if (seconds < 120) return `${seconds.toFixed(1)} s`;
  return seconds < 7200 ? `${(seconds / 60).toFixed(1)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function describeCheckpoint(bytes: Uint8Array, file: string): string {
  const { tensors, metadata } = decodeSafetensors(bytes, file, false);
  const notes = Object.entries(metadata).map(([key, text]) => `${key}: ${text}`);
  const rows = [...tensors.values()].map(({ name, dtype, shape, data }) => {
    const short = (value: number) => Number(value.toPrecision(4));
    const head = `${name}  ${dtype} [${shape.join(', ')}]`;
    if (data.length <= SHOWN) return `${head}  ${Array.from(data, short).join(' ')}`;
    let largest = 0;
    for (const value of data) largest = Math.max(largest, Math.abs(value));
    return `${head}  largest ${short(largest)}`;
  });
  return [...notes, '', ...rows].join('\n');
}
