import { SpecError } from './errors.js';
import { memorySchema, monitorSchema } from './memory-schemas.js';
import { parse } from './parse.js';
import type { Task } from './task.js';

/** What is remembered of a stream, and learned from again, so that it is not forgotten. */
export interface MemorySpec {
  /**
   * Who stays: `reservoir`, every row with equal chances · `balanced`, as many rows of each class (`classify` only) · `ring`,
   * the last rows. Default `balanced` for `classify`, `reservoir` otherwise.
   */
  policy?: 'reservoir' | 'balanced' | 'ring';
  /** Rows there is room for. Default 200. */
  rows?: number;
  /** Remembered rows learned from after every row. Default `auto`: 3. */
  replay?: number | 'auto';
  /**
   * Microseconds a row may take with its replayed ones. A stream has no clock: who makes one measures, and gives as `replay`
   * what fits. A checkpoint keeps that number and goes on with it.
   */
  budgetUs?: number;
}

/** The same with every default filled in. */
export interface Memory {
  policy: 'reservoir' | 'balanced' | 'ring';
  rows: number;
  replay: number;
  budgetUs?: number;
}

/** A probe of rows never learned from, which shows what has been forgotten. */
export interface MonitorSpec {
  /** One labelled row in this many is held out, ≥ 2. Default 20. */
  every?: number;
  /** Rows of the probe. Default 100. */
  rows?: number;
  /** Labelled rows between two looks. Default 500. */
  interval?: number;
  /** Part of the best state's skill that may be lost, 0 < drop ≤ 1. Default 0.3. */
  drop?: number;
  /** Whether the best state is put back then. Default false. */
  rollback?: boolean;
}

export type Monitor = Required<MonitorSpec>;

/** `replay` of "auto". */
const REPLAY = 3;

/**
 * Checks what is to be remembered and fills in defaults.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function resolveMemory(value: unknown, kind: Task['kind']): Memory {
  const { policy, rows, replay, budgetUs } = parse(memorySchema, value, 'memory');
  if (policy === 'balanced' && kind !== 'classify') {
    throw new SpecError('SPEC_MEMORY', {
      where: 'memory.policy',
      found: `"balanced" for a task of kind "${kind}"`,
      expected: '"reservoir" or "ring": there are no classes to balance',
    });
  }
  return {
    policy: policy ?? (kind === 'classify' ? 'balanced' : 'reservoir'),
    rows,
    replay: replay === 'auto' ? REPLAY : replay,
    ...(budgetUs === undefined ? {} : { budgetUs }),
  };
}

/** Checks a monitor and fills in its defaults. @throws SpecError as `resolveMemory` does */
export function resolveMonitor(value: unknown): Monitor {
  return parse(monitorSchema, value, 'monitor');
}
