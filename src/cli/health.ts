import type { Comparison, FileHealth } from '../recording/index.js';

/** Damaged places shown of a file. */
const SHOWN = 5;

/** What is missing of a recording, and whether its replay came to the recorded states; a line each, indented. */
export function healthLines(files: readonly FileHealth[], comparison?: Comparison): string {
  const lines: string[] = [];
  for (const { file, damage, moreDamage, missing, isClosed } of files) {
    if (damage.length === 0 && missing === 0) continue;
    lines.push(`${file}: ${missing} messages missing${isClosed ? '' : ', not closed'}`);
    for (const { from, to, reason } of damage.slice(0, SHOWN)) lines.push(`  bytes ${from} to ${to}: ${reason}`);
    const more = damage.length + moreDamage - SHOWN;
    if (more > 0) lines.push(`  and ${more} damaged places more`);
  }
  if (comparison !== undefined && comparison.compared + comparison.notCompared > 0) {
    const { compared, equal, notCompared, firstDifference, notes } = comparison;
    const differ = compared - equal;
    lines.push(
      `recorded states: ${equal} of ${compared} equal${differ > 0 ? `, ${differ} differ` : ''}${notCompared > 0 ? `, ${notCompared} could not be compared` : ''}`,
    );
    if (firstDifference !== undefined) {
      const { at, time, recorded, replayed } = firstDifference;
      lines.push(
        `  first difference, "${at}" at ${time}: recorded row ${recorded.rows} hash ${recorded.hash}, replayed row ${replayed.rows} hash ${replayed.hash}`,
      );
    }
    for (const note of notes) lines.push(`  ${note}`);
  }
  return lines.map((line) => `  ${line}\n`).join('');
}
