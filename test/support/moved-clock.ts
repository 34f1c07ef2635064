import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Arguments of Node with which the wall clock of a process, as every part of it sees it, moves with each SIGUSR2; it says
 * on standard error what it shows then.
 *
 * @param jumpsMs what it is ahead of the real one, one after the other
 */
export function movedClock(folder: string, jumpsMs: readonly number[]): string[] {
  const file = join(folder, 'clock.mjs');
  writeFileSync(
    file,
    `const Real = Date;
    const jumps = ${JSON.stringify(jumpsMs)};
    let movedMs = 0;
    process.on('SIGUSR2', () => {
      movedMs = jumps.shift();
      process.stderr.write('the clock says ' + new Date().toISOString() + '\\n');
    });
    globalThis.Date = class extends Real {
      constructor(...args) { super(...(args.length === 0 ? [Real.now() + movedMs] : args)); }
      static now() { return Real.now() + movedMs; }
    };`,
  );
  return ['--import', file];
}
