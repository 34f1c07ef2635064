import { Session } from 'node:inspector/promises';
import { expect, test } from 'vitest';
import { Adwin, Ddm, Kswin, PageHinkley } from '../../src/online/index.js';
import { createStream, DRIFTED } from '../../src/stream/index.js';
import { allocatedBytes } from '../support/allocations.js';

const VALUES = 200_000;

test('detectors: of each, two hundred thousand values allocate at most one byte each', async () => {
  const adwin = new Adwin();
  const ddm = new Ddm();
  const pageHinkley = new PageHinkley();
  const kswin = new Kswin();
  const values = new Float64Array(1);
  const errors = new Float64Array(1);
  let told = 0;
  let t = 0;
  const run = (count: number): void => {
    for (let i = 0; i < count; i++, t++) {
      // A level that moves now and then, so that there is something to tell.
      values[0] = ((t * 7) % 31) / 31 + (Math.floor(t / 1000) % 2);
      errors[0] = (t * 7) % 31 < 5 + 15 * (Math.floor(t / 1000) % 2) ? 1 : 0;
      if (adwin.update(values) === 2) told |= 1;
      if (ddm.update(errors) === 2) told |= 2;
      if (pageHinkley.update(values) === 2) told |= 4;
      if (kswin.update(values) === 2) told |= 8;
    }
  };
  run(200_000);
  told = 0;
  const bytes = await allocatedBytes(new Session(), /src\/(online|engine)/, () => run(VALUES), VALUES);
  expect(bytes.total / VALUES, bytes.report).toBeLessThanOrEqual(1);
  expect(told).toBe(15);
});

test('accept with watchers: two hundred thousand rows allocate at most one byte each in stream and online', async () => {
  const stream = createStream({
    columns: [{ name: 'a' }, { name: 'level' }, { name: 'y' }],
    task: { kind: 'regress', features: ['a'], targets: ['y'] },
    network: { layers: [] },
    drift: [
      { detector: 'adwin' },
      { detector: 'kswin' },
      { detector: 'pageHinkley', direction: 'both', lambda: 5 },
      { detector: 'adwin', on: 'level' },
    ],
    executor: 'simd',
  });
  let t = 0;
  let told = 0;
  const run = (count: number): void => {
    for (let i = 0; i < count; i++, t++) {
      const turn = Math.floor(t / 1000) % 2;
      stream.row[0] = ((t * 7) % 31) / 31;
      stream.row[1] = ((t * 5) % 17) / 17 + turn;
      stream.row[2] = turn === 0 ? stream.row[0] : -5 * stream.row[0];
      if ((stream.accept() & DRIFTED) !== 0) told++;
    }
  };
  run(150_000);
  told = 0;
  const bytes = await allocatedBytes(new Session(), /src\/(stream|online|engine)/, () => run(VALUES), VALUES);
  expect(bytes.total / VALUES, bytes.report).toBeLessThanOrEqual(1);
  expect(told).toBeGreaterThan(100);
});
