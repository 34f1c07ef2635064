import type { Column } from './columns.js';
import { SpecError } from './errors.js';
import { type Lag, type LagSpec, resolveHistory, type Window, type WindowSpec } from './history.js';
import { nearest } from './nearest.js';
import { parse } from './parse.js';
import { taskSchema } from './task-schemas.js';

/** What is to be learned from the rows of a stream. */
export interface TaskSpec extends Partial<AnomalySettings> {
  /** `regress` predicts numbers of the same row, `classify` one class column, `forecast` numbers some rows ahead, `anomaly` tells rows that are not as expected. */
  kind: 'regress' | 'classify' | 'forecast' | 'anomaly';
  /** Columns the network sees. */
  features: string[];
  /**
   * Values of earlier rows as further inputs; a number is a lag of so many rows of all number and angle features. Default none;
   * of `anomaly` [1, 2], with an autoencoder [1, 2, 3].
   */
  lags?: (number | LagSpec)[];
  /** Statistics of the last rows as further inputs. */
  windows?: WindowSpec[];
  /** Columns it predicts; exactly one, of kind `class`, for `classify`; may be features too for `forecast`; none for `anomaly`. */
  targets?: string[];
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
  /** First rows that are learned from but not scored, or raise no alarm. Default 100, of `anomaly` 500. */
  warmup?: number;
  /** Rows of the windowed scores, and about as many of the fading ones. Default 200. */
  window?: number;
  /** Of predicted numbers: part of the truths that is to lie inside the interval around a prediction; 0: no intervals. Default 0.9. */
  interval?: number;
  /**
   * `regress` with a declared network: predicts these quantiles of every target, ascending, 0 < τ < 1; the prediction is the one
   * nearest ½. Default none.
   */
  quantiles?: number[];
}

/** What only a task of kind `anomaly` has. */
export interface AnomalySettings {
  /**
   * `residual`: how far each number and angle feature is from its forecast of one row before · `autoencoder`: what a narrow
   * network cannot give back of all inputs. Default `residual`.
   */
  method: 'residual' | 'autoencoder';
  /** The share of rows that is to be in alarm, 0 < alarmRate ≤ 0.5; the threshold moves to keep it. Default 0.01. */
  alarmRate: number;
  /** Rows above the threshold, one after the other, that raise an alarm. Default 1. */
  hold: number;
  /** Rows not above it, one after the other, that end the alarm. Default 3. */
  release: number;
}

/** The same with every default filled in, and every name known to be a column of the right kind. */
export type Task = Required<Omit<TaskSpec, 'lags' | 'windows' | keyof AnomalySettings>> & {
  lags: Lag[];
  windows: Window[];
} & Partial<AnomalySettings>;

/** A resolved task of kind `anomaly`. */
export type AnomalyTask = Task & AnomalySettings;

export function isAnomalyTask(task: Task): task is AnomalyTask {
  return task.kind === 'anomaly';
}

/**
 * Checks a task against the columns it speaks of and fills in its defaults.
 *
 * @throws SpecError naming the key, what stood there and what may stand there
 */
export function resolveTask(value: unknown, columns: readonly Column[]): Task {
  const { method, alarmRate, hold, release, ...parsed } = parse(taskSchema, value, 'task');
  const { lags, windows, ...spec } = parsed;
  const anomaly = resolveAnomaly(spec.kind, { method, alarmRate, hold, release });
  const isLabelled = spec.kind === 'regress' || spec.kind === 'classify';
  const delay = spec.delay ?? (spec.labelAge > 0 || !isLabelled ? 0 : 1);
  const warmup = spec.warmup ?? (anomaly === undefined ? 100 : 500);
  const task: Task = { ...spec, ...anomaly, delay, warmup, lags: [], windows: [] };
  checkTargets(task);
  for (const role of ['features', 'targets'] as const) {
    task[role].forEach((name, i) => {
      checkRole(role, `task.${role}[${i}]`, name, task, columns);
    });
  }
  if (task.horizons.length > 0 && task.kind !== 'forecast') throw onlyFor('horizons', 'forecast', task.kind);
  if (task.quantiles.length > 0 && task.kind !== 'regress') throw onlyFor('quantiles', 'regress', task.kind);
  if (task.kind === 'forecast' && task.horizons.length === 0) {
    throw new SpecError('SPEC_TASK', {
      where: 'task.horizons',
      found: 'nothing',
      expected: 'how many rows ahead, for a task of kind "forecast"',
      remedy: 'add horizons = [1]',
    });
  }
  if (!isLabelled) checkNoLabels(task);
  else if (delay === 0 && task.labelAge === 0) {
    throw new SpecError('SPEC_TASK', {
      where: 'task.delay',
      found: '0 with labelAge 0, so that a row would be predicted after its truth was learned',
      expected: 'delay ≥ 1, or labelAge ≥ 1',
    });
  }
  const history = { lags: lags ?? defaultLags(anomaly), windows };
  return { ...task, ...resolveHistory(history, task.features, columns) };
}

/** An anomaly shows in how rows follow each other. */
function defaultLags(anomaly: AnomalySettings | undefined): { rows: number }[] {
  const rows = anomaly === undefined ? [] : anomaly.method === 'autoencoder' ? [1, 2, 3] : [1, 2];
  return rows.map((n) => ({ rows: n }));
}

/** The defaults of a task of kind `anomaly`; undefined for the others, which have none of these. */
function resolveAnomaly(
  kind: Task['kind'],
  given: { [K in keyof AnomalySettings]: AnomalySettings[K] | undefined },
): AnomalySettings | undefined {
  if (kind === 'anomaly') {
    const { method = 'residual', alarmRate = 0.01, hold = 1, release = 3 } = given;
    return { method, alarmRate, hold, release };
  }
  for (const [key, value] of Object.entries(given)) if (value !== undefined) throw onlyFor(key, 'anomaly', kind);
  return undefined;
}

function checkTargets({ kind, targets }: Task): void {
  const where = 'task.targets';
  if (kind === 'anomaly') {
    if (targets.length === 0) return;
    throw new SpecError('SPEC_TASK', {
      where,
      found: targets.map((name) => `"${name}"`).join(', '),
      expected: 'nothing for a task of kind "anomaly": every feature is judged',
      remedy: 'take it out',
    });
  }
  if (targets.length === 0) {
    throw new SpecError('SPEC_MISSING_KEY', {
      where,
      found: 'nothing',
      expected: `at least one column name for a task of kind "${kind}"`,
      remedy: 'add targets',
    });
  }
  if (kind === 'classify' && targets.length !== 1) {
    throw new SpecError('SPEC_TASK', {
      where,
      found: `${targets.length} columns`,
      expected: 'exactly one column of kind "class" for a task of kind "classify"',
    });
  }
}

/** Where truth comes with the rows, nothing is to be said about when. */
function checkNoLabels(task: Task): void {
  for (const key of ['delay', 'labelAge', 'labelWait'] as const) {
    if (task[key] === 0) continue;
    throw new SpecError('SPEC_TASK', {
      where: `task.${key}`,
      found: String(task[key]),
      expected: `nothing for a task of kind "${task.kind}": its truth comes with the rows`,
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
