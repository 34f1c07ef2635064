import { describe, expect, it } from 'vitest';
import { Random } from '../../src/engine/index.js';
import { createStream, loadStream, type Stream, type StreamOptions, saveStream } from '../../src/stream/index.js';
import { RateGrid } from '../../src/stream/rate-grid.js';

const ratesOf = (grid: RateGrid) => [0, 1, 2].map((k) => grid.rateOf(k));

/** So many labels at which the losses stand as said. @returns how many moves were found */
function judge(grid: RateGrid, sums: number[], labels: number): number {
  const losses = Float32Array.from(sums);
  let moves = 0;
  for (let i = 0; i < labels; i++) if (grid.judge(losses)) moves++;
  return moves;
}

describe('rates of the race', () => {
  it('move below the slowest once it has led for 1500 labels, and on, to the least there is', () => {
    const grid = new RateGrid([0.01, 0.1, 1]);
    expect(judge(grid, [10, 20, 30], 1499)).toBe(0);
    expect(judge(grid, [10, 20, 30], 1)).toBe(1);
    expect([grid.winner, grid.loser, ...ratesOf(grid)]).toEqual([0, 2, 0.01, 0.1, 0.003]);
    judge(grid, [20, 30, 10], 1500);
    expect([grid.winner, grid.loser, ...ratesOf(grid)]).toEqual([2, 0, 0.001, 0.1, 0.003]);
    judge(grid, [10, 30, 20], 1500);
    expect(ratesOf(grid)).toEqual([0.001, 0.1, 0.0003]);
    expect(judge(grid, [20, 30, 10], 10_000)).toBe(0);
  });

  it('move above the fastest, and half way where the winner is between, and never the one that stays', () => {
    const grid = new RateGrid([0.01, 0.1, 1]);
    judge(grid, [30, 10, 20], 1500);
    expect([grid.winner, grid.loser, ...ratesOf(grid)]).toEqual([1, 0, 0.3, 0.1, 1]);
    judge(grid, [30, 10, 40], 1500);
    expect([grid.winner, grid.loser, ...ratesOf(grid)]).toEqual([1, 2, 0.3, 0.1, 0.03]);
    expect(judge(grid, [20, 10, 20], 10_000)).toBe(0); // nothing is left between
    judge(grid, [10, 40, 20], 1500);
    expect(ratesOf(grid)).toEqual([0.3, 0.1, 1]);
  });

  it('stay where nobody leads for long, or by little', () => {
    const grid = new RateGrid([0.01, 0.1, 1]);
    for (let i = 0; i < 10; i++) {
      expect(judge(grid, [10, 20, 30], 1000)).toBe(0);
      expect(judge(grid, [20, 10, 30], 1000)).toBe(0);
    }
    expect(judge(grid, [10, 20, 15.9], 10_000)).toBe(0);
    expect(ratesOf(grid)).toEqual([0.01, 0.1, 1]);
  });

  it('can be as declared again, and those behind the third always are', () => {
    const grid = new RateGrid([0.01, 0.1, 1, 0.1]);
    judge(grid, [10, 20, 30, 0], 1500);
    expect(grid.rateOf(3)).toBe(0.1);
    grid.reset(2);
    expect(ratesOf(grid)).toEqual([0.01, 0.1, 1]);
  });
});

describe('a race whose rates move', () => {
  /** Two classes, told apart in spite of much noise: the slower, the better. */
  function feed(stream: Stream, from: number, to: number): void {
    const random = new Random(7);
    const weights = [1, -0.5, 0.7, 0.2];
    for (let i = 0; i < to; i++) {
      const x = weights.map(() => 4 * random.uniform() - 2);
      const noise = 12 * random.uniform() - 6;
      if (i < from) continue;
      const sum = weights.reduce((total, w, k) => total + w * x[k], noise);
      stream.row.set([...x, sum > 0 ? 1 : 0]);
      stream.accept();
    }
  }
  const make = (options: Partial<StreamOptions> = {}) =>
    createStream({
      columns: [...'abcd']
        .map((name) => ({ name }) as StreamOptions['columns'][number])
        .concat([{ name: 'y', kind: 'class', classes: 2 }]),
      task: { kind: 'classify', features: [...'abcd'], targets: ['y'], delay: 20 },
      ...options,
    });
  const ratesIn = (stream: Stream) => {
    const { learner } = stream.report();
    return learner.kind === 'race' ? learner.experts.slice(0, 3).map(({ rate }) => rate) : [];
  };

  it('has slower networks after thousands of noisy rows, of the same bits in both executors', () => {
    const [simd, reference] = (['simd', 'reference'] as const).map((executor) => make({ executor }));
    for (const stream of [simd, reference]) feed(stream, 0, 4000);
    const rates = ratesIn(simd);
    expect(rates[1]).toBe(0.1);
    expect(Math.min(...rates.map(Number))).toBeLessThan(0.01);
    const { metadata } = simd.state();
    expect([0, 1, 2].map((k) => Number(metadata[`networks.${k}.rate`]))).toEqual(rates);
    expect(reference.hash()).toBe(simd.hash());
  });

  it('believes who has moved as much as the winner it goes on from', () => {
    const stream = make();
    let rows = 0;
    while (ratesIn(stream).join() === '0.01,0.1,1' && rows < 4000) feed(stream, rows, ++rows);
    const { learner } = stream.report();
    if (learner.kind !== 'race') throw new Error('no race');
    expect(ratesIn(stream)).toEqual([0.01, 0.1, 0.003]);
    expect(learner.experts[2].loss).toBe(learner.experts[0].loss);
    expect(learner.experts[2].weight).toBe(learner.experts[0].weight);
    const { tensors } = stream.state();
    // One step, of its own rate, has been made since.
    const dataOf = (k: number) => tensors.find(({ name }) => name === `networks.${k}.layers.0.weight`)!.data;
    dataOf(0).forEach((weight, i) => {
      expect(Math.abs(dataOf(2)[i] - weight)).toBeLessThan(0.005);
    });
    const said = tensors.find(({ name }) => name === 'stream.race.mixture.said')!;
    const [slots, experts, outputs] = said.shape;
    const saidBy = (slot: number, k: number) => said.data.slice((slot * experts + k) * outputs).slice(0, 2);
    const isSame = (slot: number) => saidBy(slot, 2).every((p, c) => p === saidBy(slot, 0)[c]);
    // All rows that wait but the latest.
    expect(Array.from({ length: slots }, (_, slot) => isSame(slot)).filter(Boolean)).toHaveLength(slots - 1);
  });

  it('goes on from any checkpoint as if it had not been', () => {
    const whole = make();
    feed(whole, 0, 5000);
    for (const rows of [1600, 2900, 3001]) {
      const first = make();
      feed(first, 0, rows);
      const resumed = loadStream(saveStream(first), { executor: 'simd' });
      feed(resumed, rows, 5000);
      expect(resumed.hash()).toBe(whole.hash());
      expect(ratesIn(resumed)).toEqual(ratesIn(whole));
    }
  });

  it('softens the steps of a moved network for the rate it has', () => {
    const stream = make();
    feed(stream, 0, 4000);
    const { tensors } = stream.state();
    const factors = tensors.find(({ name }) => name === 'stream.race.mixture.factors');
    expect([...factors!.data]).toEqual(ratesIn(stream).map((rate) => Math.fround(Number(rate) * 0.25)));
  });
});
