import type { Config } from './config.js';

/** The keys whose values differ between two configurations, as `source.port`; objects and lists are looked into once. */
export function changedKeys(before: Config, after: Config): string[] {
  const changed: string[] = [];
  const all = (a: object, b: object) => new Set([...Object.keys(a), ...Object.keys(b)]);
  const isSection = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null && !Array.isArray(value);
  for (const key of all(before, after) as Set<keyof Config>) {
    const a: unknown = before[key];
    const b: unknown = after[key];
    if (key === 'file') continue;
    if (isSection(a) && isSection(b)) {
      for (const inner of all(a, b)) if (!isEqual(a[inner], b[inner])) changed.push(`${key}.${inner}`);
    } else if (!isEqual(a, b)) changed.push(key);
  }
  return changed;
}

/** Whether two values of configurations say the same. (Infinite numbers, which JSON has not, stand in ranges.) */
export const isEqual = (a: unknown, b: unknown) => {
  const text = (value: unknown) =>
    JSON.stringify(value, (_, item) => (typeof item === 'number' && !Number.isFinite(item) ? String(item) : item));
  return text(a) === text(b);
};
