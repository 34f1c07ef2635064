import type { Column } from './columns.js';
import { SpecError } from './errors.js';
import { type Lag, type LagSpec, resolveHistory, type Window, type WindowSpec } from './history.js';
import { nearest } from './nearest.js';
import { parse } from './parse.js';
import { taskSchema } from './schemas.js';

/** What is to be learned from the rows of a stream. */
export interface TaskSpec {
  /** `regress` predicts numbers of the same row, `classify` one class column, `forecast` numbers some rows ahead. */
  kind: 'regress' | 'classify' | 'forecast';
  /** Columns the network sees. */
  features: string[];
  /** Values of earlier rows as further inputs; a number is a lag of so many rows of all number and angle features. */
  lags?: (number | LagSpec)[];
  /** Statistics of the last rows as further inputs. */
  windows?: WindowSpec[];
  /** Columns it predicts; exactly one, of kind `class`, for `classify`; may be features too for `forecast`. */
  targets: string[];
  /** `forecast`: how many rows ahead; each is predicted as change from now. */
  horizons?: number[];
  /**
   * Rows between a prediction and the use of its truth: the label printed in row i is used when row i + delay arrives.
   * Default 1 (test, then train), or 0 where `labelAge` is set.
   */
  delay?: number;
  /** The label printed in row i is the truth of row i − labelAge: a device that measures late. Default 0. */
  labelAge?: number;
  /**
   * Rows that are kept waiting for a label from outside the rows: a message of the device, a person. 0: labels come in
   * rows only; otherwise the rows need not carry the targets. Default 0.
   */
  labelWait?: number;
  /** First rows that are learned from but not scored. Default 100. */
  warmup?: number;
  /** Rows of the windowed scores, and about as many of the fading ones. Default 200. */
  window?: number;
  /** Of predicted numbers: part of the truths that is to lie inside the interval around a prediction; 0: no intervals. Default 0.9. */
  interval?: number;
}

/** The same with every default filled in, and every name known to be a column of the right kind. */
export type Task = Required<Omit<TaskSpec, 'lags' | 'windows'>> & { lags: Lag[]; windows: Window[] };

/**
 * Checks a task against the columns it speaks of and fills in its defaults.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function resolveTask(value: unknown, columns: readonly Column[]): Task {
  const { lags, windows, ...spec } = parse(taskSchema, value, 'task');
  const isForecast = spec.kind === 'forecast';
  const delay = spec.delay ?? (spec.labelAge > 0 || isForecast ? 0 : 1);
  const task: Task = { ...spec, delay, lags: [], windows: [] };
  for (const role of ['features', 'targets'] as const) {
    task[role].forEach((name, i) => {
      checkRole(role, `task.${role}[${i}]`, name, task, columns);
    });
  }
  if (task.kind === 'classify' && task.targets.length !== 1) {
    throw new SpecError('SPEC_TASK', {
      where: 'task.targets',
      found: `${task.targets.length} columns`,
      expected: 'exactly one column of kind "class" for a task of kind "classify"',
    });
  }
  if (isForecast) checkForecast(task);
  else if (task.horizons.length > 0) throw onlyFor('horizons', 'forecast', task.kind);
  if (delay === 0 && task.labelAge === 0 && !isForecast) {
    throw new SpecError('SPEC_TASK', {
      where: 'task.delay',
      found: '0 with labelAge 0, so that a row would be predicted after its truth was learned',
      expected: 'delay ≥ 1, or labelAge ≥ 1',
    });
  }
  return { ...task, ...resolveHistory({ lags, windows }, task.features, columns) };
}

/** The truth of a forecast is in the rows to come: nothing is to be said about when. */
function checkForecast(task: Task): void {
  if (task.horizons.length === 0) {
    throw new SpecError('SPEC_TASK', {
      where: 'task.horizons',
      found: 'nothing',
      expected: 'how many rows ahead, for a task of kind "forecast"',
      remedy: 'add horizons = [1]',
    });
  }
  for (const key of ['delay', 'labelAge', 'labelWait'] as const) {
    if (task[key] === 0) continue;
    throw new SpecError('SPEC_TASK', {
      where: `task.${key}`,
      found: String(task[key]),
      expected: 'nothing for a task of kind "forecast": its truth is in the rows to come',
    });
  }
}

function onlyFor(key: string, kind: string, found: string): SpecError {
  return new SpecError('SPEC_TASK', {
    where: `task.${key}`,
    found: `a task of kind "${found}"`,
    expected: `"${key}" only for kind "${kind}"`,
  });
}

function checkRole(
  role: 'features' | 'targets',
  where: string,
  name: string,
  task: Task,
  columns: readonly Column[],
): void {
  const names = columns.map((column) => column.name);
  const column = columns.find((candidate) => candidate.name === name);
  if (column === undefined) {
    const near = nearest(name, names);
    throw new SpecError('SPEC_UNKNOWN_COLUMN', {
      where,
      found: `"${name}"`,
      expected: `one of the columns ${names.join(', ')}`,
      ...(near === undefined ? {} : { remedy: `did you mean "${near}"?` }),
    });
  }
  const allowed: Column['kind'][] =
    role === 'features' ? ['number', 'angle', 'class'] : task.kind === 'classify' ? ['class'] : ['number', 'angle'];
  if (!allowed.includes(column.kind)) {
    throw new SpecError('SPEC_COLUMN_KIND', {
      where,
      found: `"${name}", a column of kind "${column.kind}"`,
      expected: `a column of kind ${allowed.map((kind) => `"${kind}"`).join(' or ')} (task kind "${task.kind}")`,
    });
  }
  if (task[role].indexOf(name) !== task[role].lastIndexOf(name)) {
    throw new SpecError('SPEC_TASK', { where, found: `"${name}" twice`, expected: 'every column once' });
  }
  if (role === 'targets' && task.kind !== 'forecast' && task.features.includes(name)) {
    throw new SpecError('SPEC_TASK', {
      where,
      found: `"${name}", which is among the features too`,
      expected: 'a column the network does not see',
      remedy: 'take it out of task.features',
    });
  }
}
