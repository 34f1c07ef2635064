import type { Column } from './columns.js';
import { driftListSchema, type POLICIES } from './drift-schemas.js';
import { SpecError } from './errors.js';
import { nearest } from './nearest.js';
import { parse } from './parse.js';
import type { Task } from './task.js';

/** What is done about a change. */
export type DriftPolicy = (typeof POLICIES)[number];

interface DriftEntries {
  /** `loss`, how wrong each scored prediction was, or the name of a column. Default `loss`. */
  on?: string;
  /** Default `note`. */
  policy?: DriftPolicy;
  /** `raiseRates`: labels learned from until rates are as before. `forgetScalers`: rows that what is known still counts as. */
  rows?: number;
  /** `raiseRates`: how many times as fast. */
  factor?: number;
  /** `snapshot`: checkpoints kept aside. */
  keep?: number;
}

type Direction = 'up' | 'down' | 'both';

/** A watcher: what it looks at, how it tells a change, and what is done then. docs/configuration.md has every key. */
export type DriftSpec = DriftEntries &
  (
    | {
        detector: 'adwin';
        delta?: number;
        buckets?: number;
        every?: number;
        grace?: number;
        direction?: Direction;
        range?: number;
      }
    | { detector: 'ddm'; warning?: number; drift?: number; grace?: number }
    | {
        detector: 'pageHinkley';
        delta?: number;
        lambda?: number;
        alpha?: number;
        grace?: number;
        direction?: Direction;
        scale?: number;
      }
    | { detector: 'kswin'; alpha?: number; window?: number; recent?: number; direction?: Direction }
  );

/** The same with every default filled in. */
export type Drift = DriftSpec & { on: string; policy: DriftPolicy };

const DEFAULTS: Record<DriftPolicy, Pick<DriftEntries, 'rows' | 'factor' | 'keep'>> = {
  note: {},
  raiseRates: { rows: 500, factor: 4 },
  forgetScalers: { rows: 100 },
  freshLearner: {},
  snapshot: { keep: 3 },
};

/**
 * Checks watchers against the columns and the task they speak of, and fills in their defaults.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function resolveDrift(value: unknown, columns: readonly Column[], task: Pick<Task, 'kind' | 'method'>): Drift[] {
  const list = parse(driftListSchema, value ?? [], 'drift') as Drift[];
  return list.map((given, i) => {
    const isLoss = given.on === 'loss';
    if (!isLoss) checkColumn(`drift[${i}].on`, given.on, columns);
    if (isLoss && task.method === 'autoencoder') {
      throw new SpecError('SPEC_DRIFT', {
        where: `drift[${i}].on`,
        found: '"loss" with an autoencoder, which predicts nothing',
        expected: 'a column',
        remedy: 'use the method "residual", whose loss is that of its forecasts',
      });
    }
    if (given.detector === 'ddm' && !(isLoss && task.kind === 'classify')) {
      throw new SpecError('SPEC_DRIFT', {
        where: `drift[${i}].detector`,
        found: isLoss ? `"ddm" with a task of kind "${task.kind}"` : `"ddm" on the column "${given.on}"`,
        expected: '"ddm" on the loss of a task of kind "classify": it counts errors that are 0 or 1',
        remedy: 'use "adwin" or "pageHinkley"',
      });
    }
    const drift: Drift = { ...given, ...DEFAULTS[given.policy], ...defined(given) };
    if (drift.detector === 'ddm') return drift;
    drift.direction ??= isLoss ? 'up' : 'both';
    if (drift.detector === 'adwin' && isLoss) drift.range ??= 1;
    if (drift.detector === 'pageHinkley' && isLoss) drift.scale ??= 1;
    return drift;
  });
}

/** Without the keys that are undefined. */
function defined<T extends object>(table: T): T {
  return Object.fromEntries(Object.entries(table).filter(([, value]) => value !== undefined)) as T;
}

function checkColumn(where: string, name: string, columns: readonly Column[]): void {
  const names = columns.filter(({ kind }) => kind === 'number' || kind === 'class').map((column) => column.name);
  if (names.includes(name)) return;
  const column = columns.find((candidate) => candidate.name === name);
  const near = nearest(name, ['loss', ...names]);
  throw new SpecError(column === undefined ? 'SPEC_UNKNOWN_COLUMN' : 'SPEC_COLUMN_KIND', {
    where,
    found: column === undefined ? `"${name}"` : `"${name}", a column of kind "${column.kind}"`,
    expected: `"loss", or a column of kind "number" or "class": ${names.join(', ')}`,
    ...(near === undefined ? {} : { remedy: `did you mean "${near}"?` }),
  });
}
