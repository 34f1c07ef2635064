import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createSideBySide, type Mixture } from '../../src/engine/index.js';

/** Two networks of one input whose outputs are their output biases, and a naive predictor. */
function mixtureOf(
  outputs: [number[], number[]],
  { isClasses = false, memory = 0.9, rate = 0.7, limit = 3, slots = 2, overflows = false } = {},
): Mixture {
  const { networks, mixture } = createSideBySide({
    networks: outputs.map(([...biases]) => ({
      inputs: 1,
      layers: [{ kind: 'dense', units: biases.length, initialiser: 'zeros' }],
      loss: 'squaredError',
      optimizer: { kind: 'sgd', rate: 0 },
    })),
    seeds: [1, 2],
    mixture: { outputs: outputs[0].length, isClasses, slots, rate, memory, limit, factors: [0, 0], others: 1 },
  });
  networks.forEach((network, k) => {
    network.parameters()[1].write(Float32Array.from(outputs[k]));
  });
  if (overflows) {
    networks[0].parameters()[0].write(new Float32Array(outputs[0].length).fill(1e30));
    networks[0].input[0] = 1e30;
  }
  return mixture!;
}

/** One row for which all say what they always say, and its label. */
function judge(mixture: Mixture, naive: number[], truth: number[]): void {
  mixture.naive.set(naive);
  mixture.predict(0, false);
  mixture.label.set(truth);
  mixture.judge(0);
}

describe('mixture', () => {
  it('weights are e to the minus of the discounted losses, as written the slow way', () => {
    const value = fc.double({ min: -4, max: 4, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 50 }), (rows) => {
        const mixture = mixtureOf([[1], [-2]]);
        for (const [naive, truth] of rows) judge(mixture, [naive], [truth]);
        const sums = [0, 1, 2].map((k) =>
          rows.reduce((sum, [naive, truth], i) => {
            const error = Math.abs([1, -2, naive][k] - truth);
            return sum + Math.min(error, 3) * 0.9 ** (rows.length - 1 - i);
          }, 0),
        );
        const powers = sums.map((sum) => Math.exp(-0.7 * (sum - Math.min(...sums))));
        const total = powers.reduce((a, b) => a + b);
        powers.forEach((power, k) => {
          expect(mixture.weights[k]).toBeCloseTo(power / total, 5);
        });
        mixture.predict(0, false);
        const naive = rows[rows.length - 1][0];
        expect(mixture.prediction[0]).toBeCloseTo((powers[0] - 2 * powers[1] + naive * powers[2]) / total, 4);
      }),
    );
  });

  it('predicts in units of the target, and judges in its deviations now what was said in those of another time', () => {
    const mixture = mixtureOf([
      [0, 0],
      [1, -1],
    ]);
    mixture.mean.set([10, 100]);
    mixture.deviation.set([2, 5]);
    mixture.naive.set([14, 90]); // 2 and −2 deviations
    mixture.predict(0, false);
    expect(mixture.prediction[0]).toBeCloseTo(10 + 2 * ((0 + 1 + 2) / 3), 5);
    expect(mixture.prediction[1]).toBeCloseTo(100 + 5 * ((0 - 1 - 2) / 3), 4);
    mixture.mean.set([1000, 1000]);
    mixture.deviation.set([4, 2]);
    mixture.label.set([13, 104]);
    mixture.judge(0);
    expect(mixture.meanLoss(0)).toBeCloseTo((3 / 4 + 4 / 2) / 2, 6);
    expect(mixture.meanLoss(1)).toBeCloseTo((1 / 4 + 3) / 2, 6);
    expect(mixture.meanLoss(2)).toBeCloseTo((1 / 4 + 3) / 2, 6);
  });

  it('a naive prediction and a label far beyond anything leave everything finite', () => {
    const mixture = mixtureOf([[1], [2]]);
    mixture.deviation.set([1e-6]);
    judge(mixture, [3e38], [-3e38]);
    expect(Math.abs(mixture.prediction[0])).toBeLessThan(Number.MAX_VALUE);
    expect([...mixture.sums]).toEqual([3, 3, 3]);
    mixture.deviation.set([1e38]);
    judge(mixture, [0], [0]);
    expect([...mixture.sums, ...mixture.weights].every(Number.isFinite)).toBe(true);
  });

  it("of classes it judges by Brier's score", () => {
    const mixture = mixtureOf(
      [
        [0.5, 0.25, 0.25],
        [0, 0, 3],
      ],
      { isClasses: true, limit: 2 },
    );
    judge(mixture, [1, 0, 0], [1, 0, 0]);
    expect(mixture.meanLoss(0)).toBeCloseTo(0.25 + 2 * 0.0625, 6);
    expect(mixture.meanLoss(1)).toBe(2);
    expect(mixture.meanLoss(2)).toBe(0);
  });

  it('rows that wait are judged by what was said of them', () => {
    const mixture = mixtureOf([[1], [2]]);
    mixture.naive.set([5]);
    mixture.predict(0, false);
    mixture.naive.set([7]);
    mixture.predict(1, false);
    mixture.predict(2, false); // kept for nobody
    mixture.label.set([5]);
    mixture.judge(0);
    expect(mixture.meanLoss(2)).toBe(0);
    mixture.label.set([6]);
    mixture.judge(1);
    expect(mixture.sums[2]).toBeCloseTo(1, 6);
  });

  it('leaves the naive predictor out where it is told to, unless nobody else is believed', () => {
    const mixture = mixtureOf([[1], [2]]);
    mixture.naive.set([1e6]);
    mixture.predict(0, true);
    expect(mixture.prediction[0]).toBeCloseTo(1.5, 6);
    for (let i = 0; i < 1000; i++) judge(mixture, [0], [0]);
    mixture.sums.set([500, 500, 0]);
    judge(mixture, [0], [0]);
    expect([...mixture.weights]).toEqual([0, 0, 1]);
    mixture.predict(0, true);
    expect(mixture.prediction[0]).toBe(0);
  });

  it('what is not finite counts as nothing said', () => {
    const mixture = mixtureOf([[7], [2]], { overflows: true });
    mixture.naive.set([1]);
    mixture.predict(0, false);
    expect(mixture.prediction[0]).toBeCloseTo(1, 6);
  });

  it('a loser of any length comes back within its memory once it wins', () => {
    const mixture = mixtureOf([[3], [0]], { memory: 0.99, rate: 0.5 });
    for (let i = 0; i < 100_000; i++) judge(mixture, [3], [0]);
    expect(mixture.leader()).toBe(1);
    for (let i = 0; i < 100; i++) judge(mixture, [3], [3]);
    expect(mixture.leader()).toBe(0);
    expect(mixture.meanLoss(1)).toBeGreaterThan(1);
  });

  it('begins with equal weights and no mean', () => {
    const mixture = mixtureOf([[1], [2]]);
    expect([...mixture.weights]).toEqual([1, 1, 1].map((one) => Math.fround(one / 3)));
    expect(mixture.meanLoss(0)).toBeNull();
  });

  it('losses of nothing fade to nothing, not to subnormals', () => {
    const mixture = mixtureOf([[0], [1]], { memory: 0.5 });
    judge(mixture, [0], [1]);
    for (let i = 0; i < 100; i++) judge(mixture, [0], [0]);
    expect(mixture.sums[0]).toBe(0);
  });

  it('demotes one to the last of all, from where it comes back by being right', () => {
    const mixture = mixtureOf([[0.1], [1]], { memory: 0.99, rate: 0.5 });
    for (let i = 0; i < 200; i++) judge(mixture, [2], [0]);
    mixture.naive.set([2]);
    mixture.predict(1, false);
    mixture.demote(0);
    expect(mixture.weights[0]).toBe(mixture.weights[2]);
    expect(mixture.leader()).toBe(1);
    expect(mixture.weights.reduce((a, b) => a + b)).toBeCloseTo(1, 6);
    const before = mixture.sums[0];
    mixture.label.set([2]);
    mixture.judge(1); // said nothing of its own of that row: as the naive predictor
    expect(mixture.sums[0]).toBeCloseTo(0.99 * before, 3);
    for (let i = 0; i < 300; i++) judge(mixture, [2], [0]);
    expect(mixture.leader()).toBe(0);
  });
});
