import { describe, expect, it } from 'vitest';
import { ReplayMemory, type ReplayMemoryOptions } from '../../src/online/index.js';

const WIDTH = 1;

function memoryOf(options: Partial<ReplayMemoryOptions> = {}): ReplayMemory {
  const { capacity = 10, inputs = 1 } = options;
  const rows = new Float32Array(capacity * (inputs + WIDTH));
  return new ReplayMemory({ capacity, policy: 'reservoir', inputs, width: WIDTH, seed: 1, rows, ...options });
}

/** Offers a row whose one value says when it came. */
function offer(memory: ReplayMemory, when: number, label = 0): number {
  return memory.offer(Float32Array.of(when), 0, Float64Array.of(label), 0);
}

/** What it holds: when each row came, and its label. */
function contents(memory: ReplayMemory): [when: number, label: number][] {
  const value = new Float64Array(1);
  const label = new Float64Array(1);
  return Array.from({ length: memory.size }, (_, place) => {
    memory.read(place, value, label);
    return [value[0], label[0]];
  });
}

/**
 * χ² of how often each of `n` rows was kept in many memories, against equal chances p; corrected for a fixed number being kept,
 * its mean is n − 1 and its deviation √(2(n − 1)).
 */
function chiSquare(counts: Float64Array, trials: number, p: number): number {
  return (
    counts.reduce((sum, count) => sum + (count - trials * p) ** 2 / (trials * p * (1 - p)), 0) * (1 - 1 / counts.length)
  );
}

describe('replay memory', () => {
  it('reservoir: every row ever offered is kept with equal chances', () => {
    const [rows, capacity, trials] = [200, 20, 2000];
    const counts = new Float64Array(rows);
    for (let seed = 1; seed <= trials; seed++) {
      const memory = memoryOf({ capacity, seed });
      for (let i = 0; i < rows; i++) offer(memory, i);
      for (const [when] of contents(memory)) counts[when]++;
    }
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(trials * capacity);
    expect(Math.abs(chiSquare(counts, trials, capacity / rows) - (rows - 1))).toBeLessThan(
      4 * Math.sqrt(2 * (rows - 1)),
    );
  });

  it('balanced: rare classes have as many places as frequent ones, and within a class chances are equal', () => {
    const [rows, capacity, trials] = [1000, 30, 600];
    // Of a hundred rows 90 are of class 0, 8 of class 1, 2 of class 2: 900, 80 and 20 in all.
    const labelOf = (i: number) => (i % 100 < 90 ? 0 : i % 100 < 98 ? 1 : 2);
    const counts = new Float64Array(rows);
    for (let seed = 1; seed <= trials; seed++) {
      const memory = memoryOf({ capacity, policy: 'balanced', classes: 3, seed });
      for (let i = 0; i < rows; i++) offer(memory, i, labelOf(i));
      const kept = contents(memory);
      for (const [when, label] of kept) {
        expect(label).toBe(labelOf(when));
        counts[when]++;
      }
      for (let c = 0; c < 3; c++) {
        expect(memory.countOf(c)).toBe(kept.filter(([, label]) => label === c).length);
        expect(memory.countOf(c)).toBeGreaterThanOrEqual(9);
      }
    }
    const frequent = counts.filter((_, i) => labelOf(i) === 0);
    const p = frequent.reduce((sum, count) => sum + count, 0) / (trials * frequent.length);
    expect(Math.abs(chiSquare(frequent, trials, p) - 899)).toBeLessThan(4 * Math.sqrt(2 * 899));
  });

  it('balanced: a class that comes late takes places from the largest ones until it has its share', () => {
    const memory = memoryOf({ capacity: 12, policy: 'balanced', classes: 4 });
    for (let i = 0; i < 500; i++) offer(memory, i, i % 2);
    expect([0, 1, 2, 3].map((c) => memory.countOf(c))).toEqual([6, 6, 0, 0]);
    for (let i = 500; i < 510; i++) offer(memory, i, 3);
    expect(memory.countOf(3)).toBe(4);
    expect(memory.size).toBe(12);
  });

  it('ring: the last rows', () => {
    const memory = memoryOf({ capacity: 5, policy: 'ring' });
    for (let i = 0; i < 12; i++) offer(memory, i);
    expect(
      contents(memory)
        .map(([when]) => when)
        .sort((a, b) => a - b),
    ).toEqual([7, 8, 9, 10, 11]);
  });

  it.each(['reservoir', 'balanced', 'ring'] as const)(
    '%s: empty, not full, exactly full, one over, room for one',
    (policy) => {
      const memory = memoryOf({ capacity: 3, policy, classes: 2 });
      expect([memory.size, memory.draw()]).toEqual([0, -1]);
      expect([offer(memory, 0), memory.size, memory.draw()]).toEqual([0, 1, 0]);
      expect([offer(memory, 1, 1), offer(memory, 2), memory.size]).toEqual([1, 2, 3]);
      for (let i = 3; i < 100; i++) {
        const place = offer(memory, i, i % 2);
        expect(place).toBeGreaterThanOrEqual(-1);
        expect(place).toBeLessThan(3);
      }
      expect([memory.size, memory.seen]).toEqual([3, 100]);
      const one = memoryOf({ capacity: 1, policy, classes: 2 });
      for (let i = 0; i < 50; i++) offer(one, i, i % 2);
      expect(contents(one)).toHaveLength(1);
    },
  );

  it('draws every kept row with equal chances', () => {
    const memory = memoryOf({ capacity: 8 });
    for (let i = 0; i < 8; i++) offer(memory, i);
    const counts = new Float64Array(8);
    for (let i = 0; i < 8000; i++) counts[memory.draw()]++;
    // χ² of seven degrees of freedom: above 24.3 once in a thousand times.
    expect(counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)).toBeLessThan(24.3);
  });

  it.each(['reservoir', 'balanced', 'ring'] as const)(
    '%s: goes on from its arrays as if it had never stopped',
    (policy) => {
      const options = { capacity: 6, policy, classes: 3, seed: 7 };
      const memory = memoryOf(options);
      for (let i = 0; i < 40; i++) offer(memory, i, (i * i) % 3);
      const resumed = memoryOf({ ...options, seed: 99 });
      const from = memory.state('m');
      resumed.state('m').forEach(({ data }, i) => {
        data.set(from[i].data);
      });
      for (let i = 40; i < 200; i++) {
        expect(offer(resumed, i, i % 3)).toBe(offer(memory, i, i % 3));
        expect(resumed.draw()).toBe(memory.draw());
      }
      expect(contents(resumed)).toEqual(contents(memory));
    },
  );
});
