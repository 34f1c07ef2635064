import { expect, test } from 'vitest';
import { measureRowUs, replayWithin } from '../../src/daemon/index.js';
import type { StreamOptions } from '../../src/stream/index.js';

const options = {
  columns: [{ name: 'x' }, { name: 'y' }],
  task: { kind: 'regress', features: ['x'], targets: ['y'] },
  network: { layers: [] },
} satisfies StreamOptions;

/** A machine on which a row takes 10 µs, and each replayed one 4. */
const measured = ({ memory }: StreamOptions) => 10 + 4 * Number(memory?.replay);
const replayOf = (memory: StreamOptions['memory']) => replayWithin({ ...options, memory }, measured).memory?.replay;

test('a budget becomes as many replayed rows as fit, never more than were asked for', () => {
  expect(replayOf({ replay: 8, budgetUs: 10 })).toBe(0);
  expect(replayOf({ replay: 8, budgetUs: 13.9 })).toBe(0);
  expect(replayOf({ replay: 8, budgetUs: 14 })).toBe(1);
  expect(replayOf({ replay: 8, budgetUs: 30 })).toBe(5);
  expect(replayOf({ replay: 8, budgetUs: 1000 })).toBe(8);
  expect(replayOf({ budgetUs: 1000 })).toBe(3);
  expect(replayOf({ replay: 8, budgetUs: 1 })).toBe(0);
});

test('without a budget nothing is measured', () => {
  const never = () => {
    throw new Error('measured');
  };
  expect(replayWithin(options, never)).toEqual(options);
  expect(replayWithin({ ...options, memory: { replay: 5 } }, never).memory).toEqual({ replay: 5 });
});

test('on this machine: a budget of a second leaves all, one of a nanosecond none', () => {
  for (const [budgetUs, replay] of [
    [1e6, 6],
    [1e-3, 0],
  ]) {
    expect(replayWithin({ ...options, memory: { replay: 6, budgetUs } }, measureRowUs).memory?.replay).toBe(replay);
  }
});

test('where a busy machine makes replayed rows seem free, the budget still decides whether there is any', () => {
  const busy = () => 5;
  const replay = (budgetUs: number) =>
    replayWithin({ ...options, memory: { replay: 6, budgetUs } }, busy).memory?.replay;
  expect(replay(4)).toBe(0);
  expect(replay(6)).toBe(6);
});
