import { expect, test } from 'vitest';
import { Pipeline } from '../../src/recording/index.js';
import { createStream } from '../../src/stream/index.js';

const encoder = new TextEncoder();

function pipelineOf() {
  const stream = createStream({
    columns: [{ name: 'x' }, { name: 'y' }],
    task: { kind: 'regress', features: ['x'], targets: ['y'], warmup: 0 },
  });
  const seen: number[] = [];
  const pipeline = new Pipeline(stream, { onRow: () => seen.push(stream.row[0]) });
  const feed = (text: string) => {
    const bytes = encoder.encode(text);
    pipeline.bytes(bytes, bytes.length);
  };
  return { stream, pipeline, seen, feed };
}

const rows = (from: number, n: number) => Array.from({ length: n }, (_, i) => `${from + i},${from + i}\n`).join('');

test('a port that opens in the middle of a line: its first row is not believed, and counted as lost', () => {
  const { stream, pipeline, seen, feed } = pipelineOf();
  pipeline.opened({ isAgain: false, mayBeMidLine: true });
  feed(`5,7\n${rows(10, 9)}`); // was 15,7
  expect(seen).toEqual([10, 11, 12, 13, 14, 15, 16, 17, 18]);
  expect(stream.report().lost).toBe(1);
});

test('a header line that comes first is believed, the row behind it is not', () => {
  const { pipeline, seen, feed } = pipelineOf();
  pipeline.opened({ isAgain: false, mayBeMidLine: true });
  feed(`y,x\n${rows(1, 9)}`);
  expect(seen).toEqual([2, 3, 4, 5, 6, 7, 8, 9]);
});

test('opening again drops half a line and what waits for its truth', () => {
  const { stream, pipeline, seen, feed } = pipelineOf();
  pipeline.opened({ isAgain: false, mayBeMidLine: false });
  feed(`${rows(1, 9)}10,1`);
  pipeline.opened({ isAgain: true, mayBeMidLine: true });
  feed(`0\n${rows(20, 2)}`);
  expect(seen.slice(9)).toEqual([21]); // "0" is no row, the first that is one is not believed
  const { learned, gapReasons } = stream.report();
  expect(gapReasons).toEqual({ reconnect: 1 });
  expect(learned).toBe(8); // rows 1 … 8: the truth of row 9 was never used, row 21 waits
});

test('the end of a log counts a last line without a line feed and scores the last prediction', () => {
  const { stream, pipeline, feed } = pipelineOf();
  pipeline.opened({ isAgain: false, mayBeMidLine: false });
  feed(`${rows(1, 9)}10,10`);
  pipeline.finish();
  const { rows: accepted, scored } = stream.report();
  expect(accepted).toBe(10);
  expect(scored).toBe(9); // all but the first, before which no label was known
});
