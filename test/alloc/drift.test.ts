import { Session } from 'node:inspector/promises';
import { expect, test } from 'vitest';
import { Adwin, Ddm, Kswin, PageHinkley } from '../../src/online/index.js';
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
  const bytes = await allocatedBytes(new Session(), /src\/(online|engine)/, () => run(VALUES));
  expect(bytes.total / VALUES, bytes.report).toBeLessThanOrEqual(1);
  expect(told).toBe(15);
});
