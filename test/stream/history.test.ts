import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { resolveColumns, resolveTask, type Statistic } from '../../src/spec/index.js';
import { History } from '../../src/stream/history.js';
import { createStream, PREDICTED, QUARANTINED, type StreamOptions } from '../../src/stream/index.js';
import { ROLLING_RELATIVE } from '../tolerances.js';

const columns = [
  { name: 'x', range: [-100, 100] },
  { name: 'heading', kind: 'angle' },
  { name: 'mode', kind: 'class', classes: 2 },
  { name: 'y' },
] satisfies StreamOptions['columns'];
const features = ['x', 'heading', 'mode'];
const task = { kind: 'regress', features, targets: ['y'] } satisfies StreamOptions['task'];
const OF = ['slope', 'mean', 'min', 'deviation', 'max'] as const satisfies readonly Statistic[];

/** x of the rows since the start or a gap, in places of the device; null where there is none. */
type Event = { x: number | null } | { skip: number } | 'gap';

const event: fc.Arbitrary<Event> = fc.oneof(
  { weight: 20, arbitrary: fc.record({ x: fc.option(fc.integer({ min: -99, max: 99 }), { freq: 6 }) }) },
  { weight: 2, arbitrary: fc.record({ skip: fc.oneof(fc.integer({ min: 1, max: 4 }), fc.constant(100)) }) },
  { weight: 1, arbitrary: fc.constant('gap' as const) },
);

function statistic(name: Statistic, window: (number | null)[]): number {
  const points = window.flatMap((x, t): [number, number][] => (x === null ? [] : [[t, x]]));
  const xs = points.map(([, x]) => x);
  const meanOf = (list: number[]) => list.reduce((s, v) => s + v, 0) / list.length;
  const [mean, meanT] = [meanOf(xs), meanOf(points.map(([t]) => t))];
  if (name === 'mean') return mean;
  if (name === 'min') return Math.min(...xs);
  if (name === 'max') return Math.max(...xs);
  if (name === 'deviation') return Math.sqrt(meanOf(xs.map((x) => (x - mean) ** 2)));
  const tt = points.reduce((s, [t]) => s + (t - meanT) ** 2, 0);
  return tt === 0 ? 0 : points.reduce((s, [t, x]) => s + (t - meanT) * (x - mean), 0) / tt;
}

describe('lags and windows', () => {
  it('are those of the rows as the device sent them, whatever is missing, lost or cut off', () => {
    fc.assert(
      fc.property(
        fc.array(event, { maxLength: 60 }),
        fc.uniqueArray(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 3 }),
        fc.integer({ min: 2, max: 7 }),
        (events, lags, size) => {
          const resolved = resolveColumns(columns);
          const history = new History(
            resolved,
            resolveTask({ ...task, lags, windows: [{ rows: size, of: OF, columns: ['x'] }] }, resolved),
          );
          const out = new Float64Array(history.width);
          let seen: (number | null)[] = [];
          for (const one of events) {
            if (one === 'gap') {
              history.clear();
              seen = [];
            } else if ('skip' in one) {
              history.skip(one.skip);
              seen.push(...Array.from({ length: one.skip }, () => null));
            } else {
              history.take(Float32Array.of(one.x ?? Number.NaN, 0, 0, 0));
              seen.push(one.x);
              if (one.x === null) continue;
              const isShort = history.write(out, 0);
              expect(isShort).toBe(seen.length < Math.max(size, ...lags.map((lag) => lag + 1)));
              const at = (name: string) => out[history.names.indexOf(name)];
              for (const lag of lags) {
                const before = seen.slice(0, Math.max(0, seen.length - lag)).findLast((x) => x !== null);
                expect(at(`x-${lag}`)).toBe(before ?? seen.find((x) => x !== null));
              }
              for (const name of OF) {
                const expected = statistic(name, seen.slice(-size));
                expect(Math.abs(at(`x.${name}${size}`) - expected)).toBeLessThanOrEqual(100 * ROLLING_RELATIVE);
              }
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are named after column, rows and statistic; an angle has those of its cosine and its sine', () => {
    const stream = createStream({
      columns,
      task: { ...task, lags: [1, { rows: 3, columns: ['heading'] }], windows: [{ rows: 20, of: ['max', 'mean'] }] },
    });
    expect(stream.inputNames).toEqual([
      ...['x', 'heading.cos', 'heading.sin', 'mode.0', 'mode.1'],
      ...['x-1', 'heading.cos-1', 'heading.sin-1', 'heading.cos-3', 'heading.sin-3'],
      ...['x.max20', 'heading.cos.max20', 'heading.sin.max20'],
      ...['x.mean20', 'heading.cos.mean20', 'heading.sin.mean20'],
    ]);
  });

  it('skipping rows at once or one by one is the same, bit for bit, however many', () => {
    const resolved = resolveColumns(columns);
    const settings = resolveTask({ ...task, lags: [4], windows: [{ rows: 7, of: ['mean', 'min'] }] }, resolved);
    const [a, b] = [new History(resolved, settings), new History(resolved, settings)];
    for (const count of [1, 5, 13, 1000]) {
      for (let i = 0; i < 11; i++) for (const one of [a, b]) one.take(Float32Array.of(0.1 * i, i, 0, 0));
      a.skip(count);
      for (let i = 0; i < count; i++) b.skip(1);
      expect(a.state('')).toEqual(b.state(''));
    }
  });

  it('make a law of earlier rows learnable, count the rows that reach back too far, and pass over a quarantined row', () => {
    const run = (options: Partial<StreamOptions['task']>) => {
      const stream = createStream({ columns, task: { ...task, ...options } });
      const xs: number[] = [];
      for (let i = 0; i < 1500; i++) {
        const x = ((i * 7919) % 101) - 50;
        xs.push(x);
        const y = (xs[i - 3] ?? 0) + xs.slice(-5).reduce((s, v) => s + v, 0) / 5;
        stream.row.set([i % 100 === 99 ? 999 : x, 0, 0, y]);
        expect(stream.accept() & (PREDICTED | QUARANTINED)).toBe(i % 100 === 99 ? QUARANTINED : PREDICTED);
        if (i === 700) stream.gap('request');
      }
      return stream.report();
    };
    const plain = run({});
    const withHistory = run({ lags: [3], windows: [{ rows: 5, of: ['mean'] }] });
    expect(plain.shortHistory).toBe(0);
    expect(withHistory.shortHistory).toBe(8);
    if (plain.kind !== 'regress' || withHistory.kind !== 'regress') throw new Error('not a regression');
    expect(withHistory.metrics.mae).toBeLessThan(0.2 * plain.metrics.mae!);
  });
});
