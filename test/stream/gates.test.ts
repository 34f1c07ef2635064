import { describe, expect, it } from 'vitest';
import { type RowSchema, resolveColumns } from '../../src/spec/index.js';
import { Gates, OUT_OF_RANGE, PASSED, TOO_LARGE_STEP } from '../../src/stream/gates.js';

function gatesOf(schema: RowSchema): { gates: Gates; check: (...row: number[]) => number } {
  const gates = new Gates(resolveColumns(schema));
  return { gates, check: (...row) => gates.check(Float32Array.from(row)) };
}

describe('range gate', () => {
  it('holds both ends, also where float32 rounds them away from what was written', () => {
    const { check, gates } = gatesOf([{ name: 'a', range: [-0.3, 0.1] }]);
    expect(check(0.1)).toBe(PASSED); // 0.1 in float32 is more than 0.1
    expect(check(-0.3)).toBe(PASSED);
    expect(check(0.1000001)).toBe(OUT_OF_RANGE);
    expect(check(-0.3000001)).toBe(OUT_OF_RANGE);
    expect(check(Infinity)).toBe(OUT_OF_RANGE);
    expect(gates.report()).toEqual({ a: { range: 3, step: 0 } });
  });

  it('lets a missing value through: it is missing, not wrong', () => {
    const { check, gates } = gatesOf([{ name: 'a', range: [0, 1], maxStep: 0.1 }]);
    expect(check(Number.NaN)).toBe(PASSED);
    expect(gates.report()).toEqual({});
  });

  it('knows the classes of a class column', () => {
    const { check } = gatesOf([{ name: 'c', kind: 'class', classes: 3 }]);
    expect([0, 1, 2].map((c) => check(c))).toEqual([PASSED, PASSED, PASSED]);
    expect([-1, 3, 0.5, 1e38, Infinity].map((c) => check(c))).toEqual(Array(5).fill(OUT_OF_RANGE));
    expect(check(Number.NaN)).toBe(PASSED);
  });

  it('counts a row in every column that was wrong', () => {
    const { check, gates } = gatesOf([
      { name: 'a', range: [0, 1] },
      { name: 'b', range: [0, 1] },
      { name: 'c', range: [0, 1] },
    ]);
    check(2, 0.5, -2);
    expect(gates.report()).toEqual({ a: { range: 1, step: 0 }, c: { range: 1, step: 0 } });
  });

  it('has nothing to say about columns without limits', () => {
    const { check } = gatesOf([{ name: 'a' }]);
    for (const v of [0, 1e38, Infinity, Number.NaN]) expect(check(v)).toBe(PASSED);
  });
});

describe('step gate', () => {
  it('refuses one spike and accepts the row after it only on its second sight', () => {
    const { check, gates } = gatesOf([{ name: 'a', maxStep: 1 }]);
    expect([10, 11, 50, 11, 11].map((v) => check(v))).toEqual([
      PASSED,
      PASSED,
      TOO_LARGE_STEP,
      TOO_LARGE_STEP, // measured from the spike
      PASSED,
    ]);
    expect(gates.report()).toEqual({ a: { range: 0, step: 2 } });
  });

  it('accepts a level that really moved from its second row on', () => {
    const { check } = gatesOf([{ name: 'a', maxStep: 1 }]);
    expect([0, 20, 20.5, 21].map((v) => check(v))).toEqual([PASSED, TOO_LARGE_STEP, PASSED, PASSED]);
  });

  it('does not measure from a row that was out of range in any column', () => {
    const { check } = gatesOf([
      { name: 'a', maxStep: 1 },
      { name: 'b', range: [0, 1] },
    ]);
    expect(check(5, 0)).toBe(PASSED);
    expect(check(90, 7)).toBe(OUT_OF_RANGE);
    expect(check(5.5, 0)).toBe(PASSED);
  });

  it('measures past a missing value', () => {
    const { check } = gatesOf([{ name: 'a', maxStep: 1 }]);
    expect([5, Number.NaN, Infinity, 5.5, 9].map((v) => check(v))).toEqual([
      PASSED,
      PASSED,
      PASSED,
      PASSED,
      TOO_LARGE_STEP,
    ]);
  });

  it('takes angles the short way round', () => {
    const { check } = gatesOf([{ name: 'a', kind: 'angle', maxStep: 30 }]);
    expect([350, 10, 341, -19, 701, 11].map((v) => check(v))).toEqual(Array(6).fill(PASSED));
    expect([41.5, 180, 0].map((v) => check(v))).toEqual([TOO_LARGE_STEP, TOO_LARGE_STEP, TOO_LARGE_STEP]);
  });

  it('lets a step of exactly maxStep pass in spite of float32 rounding', () => {
    const { check } = gatesOf([{ name: 'a', maxStep: 0.1 }]);
    for (let i = 0; i <= 300; i++) expect(check(Number((20 + i * 0.1).toFixed(1)))).toBe(PASSED);
    expect(check(50.2)).toBe(TOO_LARGE_STEP);
  });

  it('has no step for the first row after a reset', () => {
    const { check, gates } = gatesOf([{ name: 'a', maxStep: 1 }]);
    check(0);
    gates.reset();
    expect(check(99)).toBe(PASSED);
  });
});
