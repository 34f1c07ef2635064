import { Command } from 'commander';
import { loadConfig } from '../daemon/index.js';
import { decodeSafetensors } from '../models/index.js';
import { planNetwork } from '../plan/index.js';
import { createStream } from '../stream/index.js';
import { readFile, readNetwork } from './network-file.js';

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
  if (file.endsWith('.safetensors')) return describeCheckpoint(readFile(file), file);
  return String(planNetwork(readNetwork(file)));
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
