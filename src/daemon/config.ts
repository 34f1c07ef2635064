import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseToml, TomlError } from 'smol-toml';
import { at, type Column, resolveColumns, resolveTask, SpecError, type Task } from '../spec/index.js';
import { parse } from '../spec/parse.js';
import type { TaskNetwork } from '../stream/index.js';
import { configSchema } from './config-schema.js';

/** A configuration file, checked, with every default filled in. */
export interface Config {
  /** The file it was read from. */
  file: string;
  name: string;
  source: {
    port: string | undefined;
    baudRate: number;
    wait: boolean;
    /** Absolute. */
    log: string | undefined;
    periodS: number;
    speed: number | 'max';
    device: 'auto' | 'frames' | 'text';
    /** Undefined: the device decides. */
    rowPeriodS: number | undefined;
    output: boolean;
  };
  columns: Column[];
  task: Task;
  network: TaskNetwork & { seed: number; executor: 'auto' | 'simd' | 'reference' };
  checkpoint: { directory: string; intervalS: number };
  record: {
    /** Undefined: nothing is recorded. */
    directory: string | undefined;
    flushS: number;
    segmentMB: number;
    segmentHours: number;
    quotaMB: number;
    minFreeMB: number;
  };
}

/**
 * Reads and checks a configuration file.
 *
 * @throws SpecError in one line: the file, the key, what stood there, what may stand there
 */
export function loadConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new SpecError('CONFIG_FILE', {
      where: file,
      found: readingProblem(error),
      expected: 'a configuration file',
      remedy: 'give the path of one, or start from models/sailing-wind/edgegrad.toml',
    });
  }
  let value: unknown;
  try {
    value = parseToml(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new SpecError('CONFIG_SYNTAX', {
      where: `${file}:${error.line}:${error.column}`,
      found: (error.message.split('\n')[0] ?? '').replace(/^Invalid TOML document: /, ''),
      expected: 'TOML',
    });
  }
  try {
    const config = parse(configSchema, value, '');
    const columns = resolveColumns(config.columns);
    const { log, port, rowPeriodS, ...source } = config.source;
    return {
      file,
      name: config.name,
      source: { ...source, port, rowPeriodS, log: log === undefined ? undefined : resolve(dirname(file), log) },
      columns,
      task: resolveTask(config.task, columns),
      network: config.network as Config['network'],
      checkpoint: config.checkpoint,
      record: { ...config.record, directory: config.record.directory },
    };
  } catch (error) {
    throw error instanceof SpecError ? at(file, error) : error;
  }
}

function readingProblem(error: unknown): string {
  const reasons: Record<string, string> = {
    ENOENT: 'no such file',
    EACCES: 'a file that may not be read',
    EISDIR: 'a directory',
  };
  const code = (error as NodeJS.ErrnoException).code ?? '';
  return reasons[code] ?? code;
}
