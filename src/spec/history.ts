import type { Column } from './columns.js';
import { SpecError } from './errors.js';
import type { STATISTICS } from './task-schemas.js';

/** A statistic of a rolling window; `slope` is the change per row of a line through it. */
export type Statistic = (typeof STATISTICS)[number];

/** The value of an earlier row. */
export interface LagSpec {
  /** How many rows ago, 1 … 10000. */
  rows: number;
  /** Default: all number and angle features. */
  columns?: string[];
}

/** Statistics of the last rows, the current one included. */
export interface WindowSpec {
  /** 2 … 10000. */
  rows: number;
  of: Statistic[];
  /** Default: all number and angle features. */
  columns?: string[];
}

/** The same with every column named. */
export type Lag = Required<LagSpec>;
export type Window = Required<WindowSpec>;

/** Lags and windows as they came, checked but for their columns. */
interface Parsed {
  lags: { rows: number; columns?: string[] | undefined }[];
  windows: { rows: number; of: Statistic[]; columns?: string[] | undefined }[];
}

/**
 * Names the columns of lags and windows.
 *
 * @throws SpecError where a column is no number or angle among the features, or is asked for the same thing twice
 */
export function resolveHistory(
  { lags, windows }: Parsed,
  features: readonly string[],
  columns: readonly Column[],
): { lags: Lag[]; windows: Window[] } {
  const usable = features.filter((name) => {
    const kind = columns.find((column) => column.name === name)?.kind;
    return kind === 'number' || kind === 'angle';
  });
  const seen = new Set<string>();
  const resolve = (where: string, things: readonly string[], named: string[] | undefined): string[] => {
    if (named === undefined && usable.length === 0) {
      throw new SpecError('SPEC_TASK', { where, found: 'no feature of kind "number" or "angle"', expected: 'one' });
    }
    named?.forEach((name, i) => {
      if (usable.includes(name)) return;
      throw new SpecError('SPEC_TASK', {
        where: `${where}.columns[${i}]`,
        found: `"${name}"`,
        expected: usable.length === 0 ? 'a feature of kind "number" or "angle"' : `one of ${usable.join(', ')}`,
        remedy: 'only features of kind "number" or "angle" have earlier rows as inputs',
      });
    });
    for (const name of named ?? usable) {
      for (const thing of things) {
        const key = `${thing} of "${name}"`;
        if (seen.has(key)) throw new SpecError('SPEC_TASK', { where, found: `${key} twice`, expected: 'each once' });
        seen.add(key);
      }
    }
    return named ?? usable;
  };
  return {
    lags: lags.map(({ rows, columns: named }, i) => ({
      rows,
      columns: resolve(`task.lags[${i}]`, [`lag ${rows}`], named),
    })),
    windows: windows.map(({ rows, of, columns: named }, i) => {
      const things = of.map((statistic) => `${statistic} of ${rows} rows`);
      return { rows, of, columns: resolve(`task.windows[${i}]`, things, named) };
    }),
  };
}
