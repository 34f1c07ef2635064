/** The first place where two plain values differ, for messages; undefined where they are equal. */
export function firstDifference(
  a: unknown,
  b: unknown,
  path: string,
): { path: string; a: string; b: string } | undefined {
  if (Object.is(a, b)) return undefined;
  const isTable = (v: unknown): v is Record<string, unknown> => v !== null && typeof v === 'object';
  if (!isTable(a) || !isTable(b)) return { path, a: JSON.stringify(a) ?? 'absent', b: JSON.stringify(b) ?? 'absent' };
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const place = Array.isArray(a) ? `${path}[${key}]` : `${path}.${key}`;
    const difference = firstDifference(a[key], b[key], place);
    if (difference) return difference;
  }
  return undefined;
}
