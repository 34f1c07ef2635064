import type { Region } from './space.js';

/** A plan as two tables: its ops, and its regions with their bytes. */
export function printPlan(title: string, ops: readonly string[], regions: readonly Region[]): string {
  const rows = regions.map((region) => [
    region.name,
    region.shape.join(' × '),
    region.layout,
    String(4 * region.offset),
    String(4 * region.floats),
  ]);
  return [
    title,
    '',
    ...table(
      ['op', ''],
      ops.map((op, i) => [String(i), op]),
    ),
    '',
    ...table(['region', 'shape', 'layout', 'at byte', 'bytes'], rows),
  ].join('\n');
}

/** Columns padded to their widest cell; numbers to the right. */
function table(head: string[], rows: string[][]): string[] {
  const widths = head.map((title, j) => Math.max(title.length, ...rows.map((row) => row[j].length)));
  const line = (row: string[]) =>
    row
      .map((cell, j) => (/^\d+$/.test(rows[0]?.[j] ?? '') ? cell.padStart(widths[j]) : cell.padEnd(widths[j])))
      .join('  ')
      .trimEnd();
  return [line(head), ...rows.map(line)];
}
