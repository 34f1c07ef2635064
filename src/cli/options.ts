import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import type { ConfigChange } from '../daemon/index.js';
import type { Until } from '../recording/index.js';
import { SpecError } from '../spec/index.js';

/** `max`, or how many times real time. */
export function parseSpeed(text: string): number | 'max' {
  if (text === 'max') return 'max';
  const speed = Number(text);
  if (!(speed >= 1e-3 && speed <= 1e6)) {
    throw new InvalidArgumentError('expected "max" or a number from 0.001 to 1000000 (times real time).');
  }
  return speed;
}

export function parseBaud(text: string): number {
  const rate = Number(text);
  if (!Number.isInteger(rate) || rate < 50 || rate > 12_000_000) {
    throw new InvalidArgumentError('expected a whole number from 50 to 12000000.');
  }
  return rate;
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535) throw new InvalidArgumentError('expected a whole number from 0 to 65535.');
  return port;
}

const SECONDS = { s: 1, m: 60, h: 3600 } as const;

/** `90s`, `15m`, `2h`. */
export function parseDuration(text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([smh])$/.exec(text) ?? [];
  if (number === undefined) throw new InvalidArgumentError('expected seconds, minutes or hours: 90s, 15m, 2h.');
  return Number(number) * SECONDS[unit as keyof typeof SECONDS];
}

/** `5000` rows, `90s` after the start, or `2026-05-01T12:00:00Z`. */
export function parseUntil(text: string): Until {
  if (/^\d+$/.test(text)) return { rows: Number(text) };
  if (/^[\d.]+[smh]$/.test(text)) return { seconds: parseDuration(text) };
  const timeMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(timeMs)) {
    throw new InvalidArgumentError(
      'expected a number of rows, a time after the start (90s, 15m, 2h) or 2026-05-01T12:00:00Z.',
    );
  }
  return { timeMs };
}

/** `key=value`, the value as JSON or else a text; one more to those before. */
export function parseChange(text: string, before: ConfigChange[] = []): ConfigChange[] {
  const [, key, value] = /^([\w.]+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined || /(^|\.)(__proto__|constructor|prototype)(\.|$)/.test(key)) {
    throw new InvalidArgumentError('expected key=value, such as network.optimizer.rate=0.01.');
  }
  return [...before, { key, value: parseValue(value) }];
}

/** `key=value,value,…`: what a key is to be, in turn. */
export function parseVariation(text: string, before: Variation[] = []): Variation[] {
  const [{ key }] = parseChange(text) as [ConfigChange];
  const list = text.slice(key.length + 1);
  let values: unknown[];
  try {
    values = JSON.parse(`[${list}]`);
  } catch {
    values = list.split(',').map(parseValue);
  }
  if (values.length === 0) throw new InvalidArgumentError('expected key=value,value,…');
  return [...before, { key, values }];
}

/** Values one key of a configuration takes in turn. */
export interface Variation {
  key: string;
  values: unknown[];
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** A checkpoint's bytes and name. */
export function readCheckpoint(file: string | undefined): { bytes: Uint8Array; name: string } | undefined {
  if (file === undefined) return undefined;
  try {
    return { bytes: readFileSync(file), name: file };
  } catch (error) {
    const found = (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file' : (error as Error).message;
    throw new SpecError('CHECKPOINT_FILE', { where: file, found, expected: 'a checkpoint (.safetensors)' });
  }
}
