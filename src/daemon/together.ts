import { resolve } from 'node:path';
import * as v from 'valibot';
import { SpecError } from '../spec/index.js';
import { CheckpointStore } from './checkpoints.js';
import type { Config } from './config.js';
import { configSchema } from './config-schema.js';
import { isEqual } from './reload.js';
import { portOf } from './source.js';

/**
 * Whether configurations can run in one process: each with a name and files of its own, and a port that several name
 * opened one way.
 *
 * @throws SpecError naming the one that cannot, and the other
 */
export function checkTogether(configs: readonly Config[]): void {
  for (const [i, config] of configs.entries()) for (const other of configs.slice(0, i)) checkPair(config, other);
  if (configs.length > 0) ofProcess(configs);
}

function checkPair(config: Config, other: Config): void {
  const refuse = (key: string, found: string, expected: string, remedy: string): never => {
    throw new SpecError('CONFIG_TOGETHER', { where: `${config.file}: ${key}`, found, expected, remedy });
  };
  if (config.name === other.name) {
    refuse('name', `"${config.name}", as in ${other.file}`, 'a name of its own', 'change one of them');
  }
  const [ours, theirs] = [config, other].map(storeOf);
  const same = [ours.file, ours.previous].find((file) => theirs.owns(file)) ?? (ours.owns(theirs.file) && theirs.file);
  if (same) {
    refuse('name', `a checkpoint ${same}, which is one of "${other.name}" too`, 'files of its own', 'change the name');
  }
  if (config.source.port === undefined || config.source.port !== other.source.port) return;
  for (const key of Object.keys(portOf(config.source)) as (keyof ReturnType<typeof portOf>)[]) {
    if (config.source[key] === other.source[key]) continue;
    refuse(
      `source.${key}`,
      String(config.source[key]),
      `${other.source[key]}, as in ${other.file} for the same port`,
      'give both the same: the port is opened once',
    );
  }
  const [period, otherPeriod] = [config.source.rowPeriodS, other.source.rowPeriodS];
  if (period !== undefined && otherPeriod !== undefined && period !== otherPeriod) {
    refuse(
      'source.rowPeriodS',
      `${period}`,
      `${otherPeriod}, as in ${other.file}`,
      'one device has one rate: give it once',
    );
  }
  if (config.source.output && other.source.output) {
    refuse('source.output', 'true', `false, as ${other.file} has it`, 'one device takes the predictions of one task');
  }
}

function storeOf({ checkpoint, name }: Config): CheckpointStore {
  return new CheckpointStore(resolve(checkpoint.directory), name);
}

/** Sections that hold for a whole process, whatever its tasks. */
const PROCESS_SECTIONS = ['output', 'http', 'mqtt'] as const satisfies readonly (keyof Config)[];

/**
 * The configuration that what goes out of a process is made from: the first one, with each section that holds for the
 * whole process as the first has it that says something there.
 *
 * @throws SpecError where a later one says something else
 */
export function ofProcess(configs: readonly Config[]): Config {
  const joined = { ...configs[0] };
  for (const key of PROCESS_SECTIONS) Object.assign(joined, { [key]: sectionOf(configs, key) });
  return joined;
}

function sectionOf<K extends (typeof PROCESS_SECTIONS)[number]>(configs: readonly Config[], key: K): Config[K] {
  const silent = v.parse(configSchema.entries[key], undefined);
  const [first = configs[0], ...others] = configs.filter(
    (config) => config[key] !== undefined && !isEqual(config[key], silent),
  );
  for (const other of others) {
    if (isEqual(first[key], other[key])) continue;
    throw new SpecError('CONFIG_TOGETHER', {
      where: `${other.file}: ${key}`,
      found: `another [${key}] than in ${first.file}`,
      expected: 'one for the process',
      remedy: `leave it out of ${other.file}`,
    });
  }
  return first[key];
}
