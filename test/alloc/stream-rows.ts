import { Session } from 'node:inspector/promises';
import type { TaskSpec } from '../../src/spec/index.js';
import { createStream } from '../../src/stream/index.js';
import { allocatedBytes } from '../support/allocations.js';

/**
 * What rooms of the stream allocate per row of a task over `a`, `heading` and `y`, once warm. A process each: what V8 has
 * compiled for one task decides what it boxes in the next.
 */
export async function bytesPerRow(
  task: TaskSpec,
  warmRows: number,
  rows: number,
): Promise<{ bytes: number; report: string }> {
  const stream = createStream({
    columns: [
      { name: 't', kind: 'time' },
      { name: 'a', range: [-2, 2], maxStep: 3 },
      { name: 'heading', kind: 'angle' },
      task.kind === 'classify' ? { name: 'y', kind: 'class', classes: 3 } : { name: 'y' },
    ],
    task,
    executor: 'simd',
  });
  let t = 0;
  const run = (count: number): void => {
    for (let i = 0; i < count; i++, t++) {
      stream.row[1] = ((t * 7) % 31) / 20;
      stream.row[2] = (t * 3) % 360;
      stream.row[3] = task.kind === 'classify' ? (t * 5) % 3 : ((t * 5) % 17) / 8;
      stream.time[0] = t;
      stream.accept();
    }
  };
  run(warmRows);
  const { total, report } = await allocatedBytes(new Session(), /src\/(stream|online|engine)/, () => run(rows), rows);
  return { bytes: total / rows, report };
}
