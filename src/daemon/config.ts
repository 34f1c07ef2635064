import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parse as parseToml, TomlError } from 'smol-toml';
import {
  at,
  type Column,
  type Drift,
  type Memory,
  type Monitor,
  resolveColumns,
  resolveDrift,
  resolveMemory,
  resolveTask,
  SpecError,
  type Task,
} from '../spec/index.js';
import { parse } from '../spec/parse.js';
import type { TaskNetwork } from '../stream/index.js';
import { configSchema } from './config-schema.js';
import { type HttpConfig, httpOf } from './http-config.js';

/** A configuration file, checked, with every default filled in. */
export interface Config {
  /** The file it was read from. */
  file: string;
  name: string;
  source: {
    port: string | undefined;
    baudRate: number;
    wait: boolean;
    resetOnOpen: boolean;
    lowLatency: boolean;
    queueKB: number;
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
  drift: Drift[];
  /** Undefined: nothing is remembered, or watched. */
  memory: Memory | undefined;
  monitor: Monitor | undefined;
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
  output: { ndjson: boolean };
  mqtt: {
    /** Undefined: no broker. */
    url: string | undefined;
    username: string | undefined;
    password: string | undefined;
    passwordFile: string | undefined;
    caFile: string | undefined;
    clientId: string | undefined;
    topic: string;
    intervalS: number;
    buffer: number;
    commands: boolean;
    homeAssistant: boolean;
    discoveryPrefix: string;
  };
  /** Undefined: no server. */
  http: HttpConfig | undefined;
}

/** A value put in place of what a configuration file says: `network.optimizer.rate`, `network.layers.0.units`. */
export interface ConfigChange {
  key: string;
  value: unknown;
}

/**
 * Reads and checks a configuration file.
 *
 * @param changes made to what the file says, before it is checked
 * @throws SpecError in one line: the file, the key, what stood there, what may stand there
 */
export function loadConfig(file: string, changes: readonly ConfigChange[] = []): Config {
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
  return configOf(text, file, changes);
}

/**
 * Checks the text of a configuration.
 *
 * @param file what it is called in errors, and what its paths are relative to
 * @throws SpecError as `loadConfig`
 */
export function configOf(text: string, file: string, changes: readonly ConfigChange[] = []): Config {
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
    for (const change of changes) applyChange(value, change);
    const config = parse(configSchema, value, '');
    const columns = resolveColumns(config.columns);
    const task = resolveTask(config.task, columns);
    const { log, port, rowPeriodS, ...source } = config.source;
    return {
      file,
      name: config.name,
      source: { ...source, port, rowPeriodS, log: log === undefined ? undefined : resolve(dirname(file), log) },
      columns,
      task,
      network: config.network as Config['network'],
      drift: resolveDrift(config.drift, columns, task),
      memory: config.memory && resolveMemory(config.memory, task.kind),
      monitor: config.monitor,
      checkpoint: config.checkpoint,
      record: { ...config.record, directory: config.record.directory },
      output: config.output,
      mqtt: config.mqtt as Config['mqtt'],
      http: httpOf(config.http, dirname(file)),
    };
  } catch (error) {
    throw error instanceof SpecError ? at(file, error) : error;
  }
}

/** @throws SpecError where the key leads through something that has no keys */
function applyChange(config: unknown, { key, value }: ConfigChange): void {
  const path = key.split('.');
  const last = path.pop() ?? '';
  let table = config;
  for (const part of path) {
    const tables = table as Record<string, unknown>;
    table = Object.hasOwn(tables, part) ? tables[part] : (tables[part] = {});
    if (table === null || typeof table !== 'object') {
      throw new SpecError('CONFIG_CHANGE', { where: key, found: `a value at "${part}"`, expected: 'a table or list' });
    }
  }
  (table as Record<string, unknown>)[last] = value;
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
