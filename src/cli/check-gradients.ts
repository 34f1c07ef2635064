import { Command, InvalidArgumentError, Option } from 'commander';
import { loadConfig } from '../daemon/index.js';
import type { ExecutorKind } from '../engine/index.js';
import { checkGradients, GRADIENT_TOLERANCE, type GradientCheck } from '../oracle/index.js';
import type { NetworkSpec } from '../spec/index.js';
import { createStream } from '../stream/index.js';
import { CheckFailed } from './errors.js';
import { readNetwork } from './network-file.js';

interface Flags {
  seed: number;
  examples: number;
  sample: number;
  all?: boolean;
  executor: ExecutorKind | 'auto';
}

export function checkGradientsCommand(): Command {
  return new Command('check-gradients')
    .description('compare the gradients of a network with central differences of an independent float64 one')
    .argument('<file>', 'network declaration .json, or configuration .toml')
    .option('--seed <n>', 'draws weights, rows and targets', wholeNumber, 1)
    .option('--examples <m>', 'columns of one step', wholeNumber, 1)
    .option('--sample <n>', 'elements of each parameter that are checked', wholeNumber, 50)
    .option('--all', 'check every element')
    .addOption(
      new Option('--executor <kind>', 'what runs the network').choices(['auto', 'simd', 'reference']).default('auto'),
    )
    .action((file: string, { all, sample, ...options }: Flags) => {
      const check = checkGradients(read(file), { ...options, sample: all ? Number.POSITIVE_INFINITY : sample });
      process.stdout.write(`${table(check)}\n`);
      const wrong = check.parameters.filter(({ worst }) => !(worst.error <= GRADIENT_TOLERANCE));
      if (wrong.length > 0) {
        throw new CheckFailed('GRADIENT_CHECK', {
          where: `${file}: ${wrong.map(({ name }) => name).join(', ')}`,
          found: `a relative error of ${Math.max(...wrong.map(({ worst }) => worst.error)).toPrecision(2)}`,
          expected: `at most ${GRADIENT_TOLERANCE}`,
          remedy: 'try another --seed: a row near a kink of relu or of a loss has no derivative',
        });
      }
    });
}

function read(file: string): NetworkSpec {
  if (!file.endsWith('.toml')) return readNetwork(file);
  const { columns, task, network } = loadConfig(file);
  const { seed, executor, ...hidden } = network;
  return createStream({ columns, task, network: hidden, seed, executor }).network.plan.network;
}

function table({ parameters, redrawn }: GradientCheck): string {
  const rows = [['parameter', 'shape', 'checked', 'worst at', 'gradient', 'difference', 'relative error']];
  for (const { name, shape, checked, worst } of parameters) {
    const at =
      shape.length > 1 ? `[${Math.floor(worst.index / shape[1])}, ${worst.index % shape[1]}]` : `[${worst.index}]`;
    const figures = [worst.gradient, worst.difference, worst.error].map((value) => value.toPrecision(3));
    rows.push([name, shape.join(' × '), String(checked), at, ...figures]);
  }
  const widths = rows[0].map((_, j) => Math.max(...rows.map((row) => row[j].length)));
  const lines = rows.map((row) =>
    row
      .map((text, j) => text.padEnd(widths[j]))
      .join('  ')
      .trimEnd(),
  );
  if (redrawn > 0) lines.push('', `${redrawn} rows near a kink, where there is no derivative, were drawn again`);
  return lines.join('\n');
}

function wholeNumber(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1 || n > 2 ** 31) throw new InvalidArgumentError('expected a whole number above 0.');
  return n;
}
