import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTrackerBank, Random, type TrackerBank, type TrackerBankSpec } from '../../src/engine/index.js';

type Row = { x: number[]; y: number };

const linear = (prior: number, drift: number, shrinks: boolean) => ({ isCurved: false, prior, drift, shrinks });
const curved = (prior: number, drift: number, shrinks: boolean) => ({ isCurved: true, prior, drift, shrinks });

function bankOf(inputs: number, outputs: number, ...trackers: TrackerBankSpec['trackers']): TrackerBank {
  return createTrackerBank({ inputs, outputs, units: 16, trackers }, { seed: 7 });
}

function learn(bank: TrackerBank, x: ArrayLike<number>, y: ArrayLike<number>): void {
  bank.input.set(x);
  bank.target.set(y);
  bank.learn();
}

/** The filter with whole matrices in float64, as the equation (K) of src/reference/tracker.ts says. */
function slowly(rows: Row[], prior: number, drift: number, shrinks: boolean): { weights: number[]; P: number[][] } {
  const n = rows[0].x.length + 1;
  let P = Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => (i === j ? prior : 0)));
  let w = new Array<number>(n).fill(0);
  for (const row of rows) {
    const x = [...row.x, 1];
    const k = P.map((line) => line.reduce((s, p, j) => s + p * x[j], 0));
    const spread = 1 + x.reduce((s, v, i) => s + v * k[i], 0);
    const error = Math.max(-3, Math.min(3, row.y - x.reduce((s, v, i) => s + v * w[i], 0)));
    w = w.map((v, i) => (v + (error * k[i]) / spread) * (shrinks ? Math.sqrt(1 - drift) : 1));
    P = P.map((line, i) =>
      line.map((p, j) => (1 - drift) * (p - (k[i] * k[j]) / spread) + (i === j ? drift * prior : 0)),
    );
  }
  return { weights: w, P };
}

const arrayOf = (bank: TrackerBank, name: string) =>
  bank.state('t').find((array) => array.name === `t.${name}`)?.data as Float32Array;

/** Smallest eigenvalue over the largest variance: 0 or more for a covariance, but for rounding. By Cholesky of P + εI. */
function isPositive(P: number[][], slack: number): boolean {
  const n = P.length;
  const top = Math.max(...P.map((line, i) => line[i]));
  const l = P.map((line) => [...line]);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let s = l[i][j] + (i === j ? slack * top : 0);
      for (let k = 0; k < j; k++) s -= l[i][k] * l[j][k];
      if (i === j && !(s > 0)) return false;
      l[i][j] = i === j ? Math.sqrt(s) : s / l[j][j];
    }
  }
  return true;
}

describe('trackers', () => {
  it('are the filter of their declaration', () => {
    const value = fc.double({ min: -5, max: 5, noNaN: true });
    const row = fc.record({ x: fc.array(value, { minLength: 3, maxLength: 3 }), y: value });
    fc.assert(
      fc.property(
        fc.array(row, { minLength: 1, maxLength: 120 }),
        fc.constantFrom(0.3, 1e-2, 1e-4),
        fc.boolean(),
        (rows, drift, shrinks) => {
          const bank = bankOf(3, 1, linear(4, drift, shrinks));
          for (const { x, y } of rows) learn(bank, x, [y]);
          const { weights, P } = slowly(rows, 4, drift, shrinks);
          const found = bank.covariance(0);
          for (let i = 0; i < 4; i++) {
            expect(arrayOf(bank, '0.weights')[i]).toBeCloseTo(weights[i], 3);
            for (let j = 0; j < 4; j++) expect(found[i][j]).toBeCloseTo(P[i][j], 3);
          }
        },
      ),
    );
  });

  it('find a linear law of five inputs in fifty rows, and another one when it changes', () => {
    const random = new Random(3);
    const bank = bankOf(5, 2, linear(10, 1e-2, false), curved(10, 1e-2, false));
    const run = (sign: number, rows: number): number => {
      let worst = 0;
      for (let i = 0; i < rows; i++) {
        const x = Float64Array.from({ length: 5 }, () => 2 * random.uniform() - 1);
        const y = [sign * (x[0] - 0.5 * x[4]), x[2]];
        bank.input.set(x);
        bank.predict();
        for (const output of bank.outputs) {
          if (i >= rows - 10) worst = Math.max(worst, Math.abs(output[0] - y[0]), Math.abs(output[1] - y[1]));
        }
        learn(bank, x, y);
      }
      return worst;
    };
    expect(run(1, 50)).toBeLessThan(0.1);
    expect(run(-1, 200)).toBeLessThan(0.1);
  });

  it('of curved features learn a law that bends, which a linear one cannot', () => {
    const random = new Random(3);
    const bank = bankOf(1, 1, linear(10, 1e-4, true), curved(10, 1e-4, true));
    const errors = [0, 0];
    for (let i = 0; i < 2000; i++) {
      const x = 4 * random.uniform() - 2;
      bank.input[0] = x;
      bank.predict();
      const y = Math.abs(x) - 1;
      if (i >= 1000) for (const k of [0, 1]) errors[k] += Math.abs(bank.outputs[k][0] - y) / 1000;
      learn(bank, [x], [y]);
    }
    expect(errors[0]).toBeGreaterThan(0.3);
    expect(errors[1]).toBeLessThan(0.1);
  });

  it('stay finite, their variances between drift · prior and prior, whatever the rows: constant, huge, or none of a kind', () => {
    const value = fc.constantFrom(0, 1, -5, 5, 1e-30);
    const row = fc.array(value, { minLength: 4, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(row, { minLength: 1, maxLength: 6 }), (rows) => {
        const bank = bankOf(4, 1, linear(10, 1e-3, true), curved(10, 1e-2, false));
        for (let i = 0; i < 3000; i++) learn(bank, rows[i % rows.length], [i % 2 === 0 ? 3e38 : -3e38]);
        for (const { data } of bank.state('t')) expect([...data].every(Number.isFinite)).toBe(true);
        [1e-3, 1e-2].forEach((drift, k) => {
          bank.covariance(k).forEach((line, i) => {
            expect(line[i]).toBeGreaterThanOrEqual(10 * drift * (1 - 1e-6));
            expect(line[i]).toBeLessThanOrEqual(10 * (1 + 1e-4));
          });
        });
      }),
      { numRuns: 30 },
    );
  });

  const streams: Record<string, (random: Random, i: number) => number[]> = {
    noise: (random) => Array.from({ length: 6 }, () => 3.4 * (random.uniform() - 0.5)),
    'constant inputs': () => [1, -0.5, 2, 0.25, 3, 0],
    'collinear inputs': (random) => {
      const v = 3.4 * (random.uniform() - 0.5);
      return [v, v, -v, 2 * v, 0.5 * v, v + 1e-3 * random.uniform()];
    },
    'inputs at their limit': (random) => Array.from({ length: 6 }, () => (random.uniform() < 0.5 ? -5 : 5)),
    'noise, then a constant': (random, i) => [...Array(6)].map(() => (i % 20000 < 10000 ? random.uniform() : 1)),
  };
  it.each(Object.entries(streams))(
    'keep a covariance that is symmetric and positive over 300 000 rows of %s',
    (_, row) => {
      const random = new Random(11);
      const trackers = [linear(1, 1e-4, true), curved(10, 1e-3, true), curved(10, 1e-2, false), curved(1, 1e-6, true)];
      const bank = bankOf(6, 1, ...trackers);
      for (let i = 1; i <= 300_000; i++) {
        bank.input.set(row(random, i));
        bank.target[0] = 4 * (random.uniform() - 0.5);
        bank.learn();
        if (i % 30_011 !== 0) continue;
        trackers.forEach((_, k) => {
          const P = bank.covariance(k);
          expect(P.every((line, i) => line.every((p, j) => p === P[j][i]))).toBe(true);
          expect(isPositive(P, 1e-5)).toBe(true);
        });
        for (const { data } of bank.state('t')) expect(data.every((v) => Math.abs(v) < 1e3)).toBe(true);
      }
    },
  );

  it('go on from their state, bit for bit', () => {
    const random = new Random(5);
    const [a, b] = [1, 2].map((seed) =>
      createTrackerBank(
        { inputs: 3, outputs: 2, units: 16, trackers: [linear(1, 1e-4, true), curved(10, 0.2, false)] },
        { seed },
      ),
    );
    const run = (banks: TrackerBank[]): void => {
      for (let i = 0; i < 50; i++) {
        const x = [random.uniform(), random.uniform() - 0.5, i % 7];
        for (const bank of banks) learn(bank, x, [x[0] - x[1], x[2] / 7]);
      }
    };
    run([a]);
    const kept = a.state('t').map(({ data }) => data.slice());
    b.state('t').forEach(({ data }, i) => {
      data.set(kept[i]);
    });
    run([a, b]);
    expect(b.state('t')).toEqual(a.state('t'));
    expect(b.outputs).toEqual(a.outputs);
  });

  it('see the inputs, one, and units between −1 and 1, the same for the same seed', () => {
    const spec = { inputs: 3, outputs: 1, units: 16, trackers: [curved(1, 0.1, true)] };
    const drawn = [7, 7, 8].map((seed) => {
      const bank = createTrackerBank(spec, { seed });
      return bank.state('t').slice(0, 2);
    });
    expect(drawn[1]).toEqual(drawn[0]);
    expect(drawn[2]).not.toEqual(drawn[0]);
  });

  it('hastened, expect the law to drift so many times as fast, a tenth of everything at most, and as declared again', () => {
    const rows = Array.from({ length: 60 }, (_, i) => ({
      x: [((i * 7) % 11) / 5 - 1, ((i * 3) % 7) / 3 - 1],
      y: (i % 5) / 2,
    }));
    const hastened = bankOf(2, 1, linear(5, 0.004, true));
    const declared = (drift: number) => bankOf(2, 1, linear(5, drift, true));
    const run = (bank: TrackerBank, from = 0) => {
      for (const { x, y } of rows.slice(from)) learn(bank, x, [y]);
      return bank.state('t').slice(2);
    };
    hastened.hasten(10);
    expect(run(hastened)).toEqual(run(declared(0.04)));
    const most = declared(0.004);
    most.hasten(1000);
    expect(run(most)).toEqual(run(declared(0.1)));
    const fast = declared(0.3);
    fast.hasten(2); // is faster than that already
    expect(run(fast)).toEqual(run(declared(0.3)));
    const back = declared(0.004);
    back.hasten(10);
    back.hasten(1);
    expect(run(back)).toEqual(run(declared(0.004)));
  });
});
