import { existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, relative } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Command, InvalidArgumentError, Option } from 'commander';
import { demoConfigPath, loadConfig } from '../../daemon/index.js';
import { openSource } from '../../daemon/source.js';
import { listPorts } from '../../ingest/index.js';
import { SpecError } from '../../spec/index.js';
import { parseBaud } from '../options.js';
import { checkTarget, type Draft, draftText, likelyKind, likelyTarget, valuesOf } from './draft.js';
import { observeFile } from './from-file.js';
import { exampleOf, listen, type Observation, observe } from './observe.js';
import { describe, noRows } from './told.js';

interface InitFlags {
  port?: string;
  from?: string;
  baud: number;
  name?: string;
  target?: string;
  kind?: Draft['kind'];
  seconds: number;
  force?: boolean;
}

export function initCommand(): Command {
  return new Command('init')
    .description('listen to a device and write a configuration for it; asks on a terminal for what no flag says')
    .argument('[file]', 'configuration to write', 'edgegrad.toml')
    .option(
      '-p, --port <path>',
      'serial device, tcp://host:port, or - for standard input (default: the only device there is)',
    )
    .option('--from <log>', 'make it from a text log (.csv, .ndjson) instead, or from standard input (-)')
    .option('-b, --baud <rate>', 'bits per second, as in the sketch', parseBaud, 115200)
    .option('-n, --name <name>', 'name of the checkpoint and of the service (default: that of the file)')
    .option('-t, --target <column>', 'column to predict (default: the last that changes)')
    .addOption(
      new Option(
        '--kind <kind>',
        'predict a number or a class of the same row, a number of the row to come, or tell what is unusual',
      ).choices(['regress', 'classify', 'forecast', 'anomaly']),
    )
    .option('--seconds <seconds>', 'how long to listen at most', parseSeconds, 10)
    .option('--force', 'write over the file that is there')
    .action(async (file: string, flags: InitFlags) => {
      if (existsSync(file) && !flags.force) {
        throw new SpecError('INIT_EXISTS', {
          where: file,
          found: 'a file that is there already',
          expected: 'a new one',
          remedy: 'name another, or give --force to write over it',
        });
      }
      await init(file, flags, process.stdin.isTTY === true && process.stderr.isTTY === true);
    });
}

/** @param mayAsk whether a person sits at a terminal; otherwise the answers are the defaults */
async function init(file: string, flags: InitFlags, mayAsk: boolean): Promise<void> {
  const isFile = flags.from !== undefined;
  const isInput = flags.from === '-' || flags.port === '-';
  // What is read from there cannot be asked for answers.
  const asks = mayAsk && !isInput;
  const port = isFile ? (isInput ? '-' : '') : (flags.port ?? (await choosePort(asks)));
  const observation = isFile ? await observeFile(flags.from ?? '-') : await hear(port, flags);
  process.stderr.write(`${describe(observation)}\n`);
  const likely = likelyTarget(observation);
  const target =
    flags.kind === 'anomaly' ? '' : (flags.target ?? (await ask(asks, 'which column is to be predicted?', likely)));
  const column = valuesOf(observation).find(({ name }) => name === target);
  let kind = flags.kind;
  if (kind === undefined) {
    kind = likelyKind(observation, target);
    const mayBeClass = column?.isInteger === true && column.min >= 0 && column.distinct !== undefined;
    if (kind !== 'forecast' && mayBeClass) {
      const usual = kind === 'classify' ? 'class' : 'number';
      const answer = await ask(asks, `is ${target} a number or a class?`, usual);
      kind = answer.startsWith('c') ? 'classify' : 'regress';
    }
  }
  checkTarget(observation, target, kind);
  const ofFile =
    basename(file)
      .replace(/\.toml$/, '')
      .replace(/[^\w.-]/g, '-')
      .slice(0, 64) || 'edgegrad';
  const name = flags.name ?? (await ask(asks, 'what is it called?', ofFile));
  const draft: Draft = {
    name,
    port: stayingName(port),
    ...(isFile && !isInput ? { log: relative(dirname(file), flags.from ?? '') } : {}),
    baudRate: flags.baud,
    observation,
    kind,
    target,
    file,
  };
  write(file, draftText(draft));
  process.stderr.write(
    `${file} is written: ${kind === 'anomaly' ? 'tells what is unusual' : `predicts ${target}${flags.target === undefined && !asks ? ', the last column that changes' : ''}`} (${kind})\n` +
      `  edgegrad check-config ${file}\n  edgegrad ${isFile && !isInput ? `replay ${flags.from} --config` : 'run'} ${file}\n`,
  );
}

/** The only port there is, or the one chosen of several. */
async function choosePort(mayAsk: boolean): Promise<string> {
  const ports = listPorts().map(({ path, byId }) => byId[0] ?? path);
  if (ports.length === 1) return ports[0];
  if (ports.length > 1 && mayAsk) {
    process.stderr.write(`${ports.map((port, i) => `  ${i + 1}  ${port}`).join('\n')}\n`);
    const answer = await ask(mayAsk, 'which port is it? (its number, or a path)', '1');
    return ports[Number(answer) - 1] ?? answer;
  }
  throw new SpecError('INIT_PORT', {
    where: 'serial ports of this machine',
    found: ports.length === 0 ? 'none' : ports.join(', '),
    expected: 'one',
    remedy: ports.length === 0 ? 'plug the board in, or give --port' : 'give --port, one of them',
  });
}

/** @throws IngestError where the port cannot be opened, SpecError where no rows come */
async function hear(port: string, { baud, seconds }: InitFlags): Promise<Observation> {
  const { source } = await openSource({
    ...loadConfig(demoConfigPath()),
    file: 'init',
    source: {
      port,
      baudRate: baud,
      wait: false,
      resetOnOpen: true,
      lowLatency: true,
      queueKB: 1024,
      log: undefined,
      periodS: 1,
      speed: 1,
      device: 'auto',
      rowPeriodS: undefined,
      output: false,
    },
  });
  const { isTTY } = process.stderr;
  const { bytes } = await listen(source, seconds, (count) => {
    if (isTTY) process.stderr.write(`\r\x1b[Klistens to ${port}, for ${seconds} s at most: ${count} lines`);
    else if (count === 0) process.stderr.write(`listens to ${port}, for ${seconds} s at most\n`);
  });
  if (isTTY) process.stderr.write('\r\x1b[K');
  const observation = observe(bytes, port !== '-');
  if (observation !== undefined) return observation;
  throw new SpecError('INIT_NO_ROWS', {
    where: port === '-' ? 'standard input' : `serial port ${port}`,
    found: `${noRows(bytes, exampleOf(bytes))}, in ${seconds} s`,
    expected: 'rows of numbers, as CSV or label and value',
    remedy:
      bytes.length === 0
        ? 'is the sketch running, and printing? --seconds listens longer'
        : `edgegrad doctor --port ${port} finds the rate; firmware-bridge/protocol/text.md says what rows look like`,
  });
}

/** @throws SpecError where the terminal is closed, or Ctrl-C pressed, instead of an answer */
async function ask(mayAsk: boolean, question: string, otherwise: string): Promise<string> {
  if (!mayAsk) return otherwise;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      lines.once('close', () => {
        process.stderr.write('\n');
        reject(new SpecError('INIT_ENDED', { where: question, found: 'no answer', expected: 'an answer, or Enter' }));
      });
      lines.question(`${question} [${otherwise}] `).then(resolve, () => {}); // `close` tells
    });
    return answer.trim() || otherwise;
  } finally {
    lines.removeAllListeners('close').close();
  }
}

/** The name of a port that is the same after it has been plugged in again, where it has one. */
function stayingName(port: string): string {
  return listPorts().find(({ path }) => path === port)?.byId[0] ?? port;
}

/** Writes the file under its name once it has been read and found right. */
function write(file: string, content: string): void {
  const temporary = `${file}.new`;
  try {
    writeFileSync(temporary, content);
    loadConfig(temporary);
    renameSync(temporary, file);
  } catch (error) {
    rmSync(temporary, { force: true });
    if (error instanceof SpecError) throw error;
    throw new SpecError('INIT_WRITE', {
      where: file,
      found: (error as Error).message,
      expected: 'a file that can be written',
    });
  }
}

function parseSeconds(text: string): number {
  const seconds = Number(text);
  if (seconds > 0 && seconds <= 3600) return seconds;
  throw new InvalidArgumentError('expected a number of seconds, up to 3600.');
}
