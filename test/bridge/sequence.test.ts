import { describe, expect, test } from 'vitest';
import { IN_ORDER, JUMP, OLD, Sequence } from '../../src/bridge/sequence.js';

const OLD_ROWS = 1024;

/** A sequence that expects row `next`, its high half known where `isFull`. */
function expecting(next: number, isFull: boolean): Sequence {
  const sequence = new Sequence();
  if (isFull) sequence.compareFull(Uint32Array.of(next));
  else sequence.compareLow(next & 0xffff);
  return sequence;
}

describe.each([5, 1024, 40_000, 65_535])('a sequence at row %i', (next) => {
  test.each([
    [0, IN_ORDER],
    [1, IN_ORDER],
    [0x7fff, IN_ORDER],
    [-1, OLD],
    [-OLD_ROWS, OLD],
    [-OLD_ROWS - 1, JUMP],
    [-0x8000, JUMP],
  ])('%i rows ahead, by the low half of the number: %i', (ahead, order) => {
    const sequence = expecting(next, false);
    expect(sequence.compareLow((next + ahead) & 0xffff)).toBe(order);
    expect(sequence.rows[0]).toBe(order === JUMP ? 0 : Math.abs(ahead));
    expect(sequence.next[0] & 0xffff).toBe(order === OLD ? next & 0xffff : (next + ahead) & 0xffff);
  });

  test.each([
    [0, IN_ORDER],
    [70_000, IN_ORDER],
    [-1, OLD],
    [-OLD_ROWS, OLD],
    [-OLD_ROWS - 1, JUMP],
    [-70_000, JUMP],
  ])('%i rows ahead, by the whole number: %i', (ahead, order) => {
    const sequence = expecting(100_000 + next, true);
    expect(sequence.compareFull(Uint32Array.of(100_000 + next + ahead))).toBe(order);
    expect(sequence.rows[0]).toBe(order === JUMP ? 0 : Math.abs(ahead));
    expect(sequence.next[0]).toBe(100_000 + next + (order === OLD ? 0 : ahead));
  });
});
