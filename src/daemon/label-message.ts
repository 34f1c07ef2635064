import type { LiveTask } from './live-task.js';

/** A label from outside, as a person or program gives it. */
export interface LabelMessage {
  /** By target; all of them. */
  values: Record<string, number>;
  /** The `place` of the row it is the truth of, as outputs give it; or */
  place?: number;
  /** how many rows before the latest that is. Default 0. */
  age?: number;
}

/**
 * Gives a task a label.
 *
 * @returns why it was not taken, in words; undefined where it was
 */
export function takeLabel(task: LiveTask, message: unknown): string | undefined {
  const { values, place, age, ...unknown } = (message ?? {}) as Partial<LabelMessage> & Record<string, unknown>;
  const { targets, labelWait } = task.stream.task;
  const [stranger] = Object.keys(unknown);
  if (typeof message !== 'object' || message === null || Array.isArray(message) || stranger !== undefined) {
    return `expected { "values": { … }, "place" or "age": … }${stranger === undefined ? '' : `, got "${stranger}"`}`;
  }
  if (typeof values !== 'object' || values === null || Object.keys(values).some((name) => !targets.includes(name))) {
    return `values: expected ${targets.join(', ')}`;
  }
  const missing = targets.find((name) => !Number.isFinite(values[name]));
  if (missing !== undefined) return `values.${missing}: expected a number`;
  for (const [name, value] of Object.entries({ place, age })) {
    if (value !== undefined && !(Number.isSafeInteger(value) && value >= 0)) return `${name}: expected a whole number`;
  }
  if (labelWait === 0) return 'this task takes labels from its rows only: set task.labelWait';
  const rowsAgo = place === undefined ? (age ?? 0) : task.stream.places - place;
  const before = task.stream.report();
  task.label(
    targets.map((name) => values[name]),
    rowsAgo,
  );
  const after = task.stream.report();
  if (after.badLabels > before.badLabels) return 'a value is out of the range of its column';
  if (after.unusedLabels > before.unusedLabels) {
    return `no row waits for it: it is more than ${labelWait} rows old, was not predicted, or has its label`;
  }
  return undefined;
}
