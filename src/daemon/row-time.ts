import { createStream, type Stream, type StreamOptions } from '../stream/index.js';

const BATCHES = 25;
const BATCH_MS = 2;

/**
 * Microseconds a row takes on this machine when nothing else runs, from its values to what was predicted and learned:
 * the fastest of several batches of made-up rows, which no gate stops.
 */
export function measureRowUs(options: StreamOptions): number {
  const columns = options.columns.map(({ range: _, maxStep: __, maxGap: ___, ...column }) => column);
  const stream = createStream({ ...options, columns });
  let row = 0;
  let rows = 1;
  let fastestMs = Number.POSITIVE_INFINITY;
  for (let batch = 0; batch < BATCHES; ) {
    const start = performance.now();
    for (let i = 0; i < rows; i++) acceptRow(stream, row++);
    const ms = performance.now() - start;
    // Batches grow until the clock can tell their length.
    if (ms < BATCH_MS) rows *= 2;
    else {
      fastestMs = Math.min(fastestMs, ms / rows);
      batch++;
    }
  }
  return 1000 * fastestMs;
}

function acceptRow(stream: Stream, row: number): void {
  const { columns } = stream;
  for (let c = 0; c < columns.length; c++) {
    const { classes } = columns[c];
    stream.row[c] = classes === undefined ? ((row * (7 + 2 * c)) % 97) / 97 : (row * (c + 1)) % classes;
  }
  stream.time[0] = row;
  stream.accept();
}
