import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { loadConfig } from '../daemon/index.js';
import { decodeSafetensors } from '../models/index.js';
import { planNetwork } from '../plan/index.js';
import { at, resolveNetwork, SpecError } from '../spec/index.js';
import { createStream } from '../stream/index.js';

export function inspectCommand(): Command {
  return new Command('inspect')
    .description('print what a file holds: the plan and memory of a network (.json) or task (.toml), or a checkpoint')
    .argument('<file>', 'network declaration .json, configuration .toml, or checkpoint .safetensors')
    .action((file: string) => {
      process.stdout.write(`${describe(file)}\n`);
    });
}

/** @throws SpecError, CheckpointError for a file that is none of these */
function describe(file: string): string {
  if (file.endsWith('.toml')) {
    const { columns, task, network } = loadConfig(file);
    const { seed, executor, ...hidden } = network;
    const stream = createStream({ columns, task, network: hidden, seed, executor });
    const inputs = `inputs   ${stream.inputNames.join(', ')}\noutputs  ${stream.outputNames.join(', ')}`;
    return `${inputs}\nexecutor ${stream.network.executor}\n\n${stream.network.plan}`;
  }
  const bytes = read(file);
  if (file.endsWith('.safetensors')) return describeCheckpoint(bytes, file);
  let spec: unknown;
  try {
    spec = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new SpecError('SPEC_SYNTAX', {
      where: file,
      found: (error as Error).message,
      expected: 'a network declaration as JSON, or a .toml or .safetensors file',
    });
  }
  try {
    return String(planNetwork(resolveNetwork(spec)));
  } catch (error) {
    throw error instanceof SpecError ? at(file, error) : error;
  }
}

function describeCheckpoint(bytes: Uint8Array, file: string): string {
  const { tensors, metadata } = decodeSafetensors(bytes, file, false);
  const notes = Object.entries(metadata).map(([key, text]) => `${key}: ${text}`);
  const rows = [...tensors.values()].map(({ name, dtype, shape, data }) => {
    let largest = 0;
    for (const value of data) largest = Math.max(largest, Math.abs(value));
    return `${name}  ${dtype} [${shape.join(', ')}]  largest ${Number(largest.toPrecision(4))}`;
  });
  return [...notes, '', ...rows].join('\n');
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    throw new SpecError('INSPECT_FILE', {
      where: file,
      found: code === 'ENOENT' ? 'no such file' : ((error as Error).message.split(',')[0] ?? ''),
      expected: 'a .json, .toml or .safetensors file',
    });
  }
}
