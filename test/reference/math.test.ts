import { describe, expect, it } from 'vitest';
import { BITS, CONSTANT_INDEX, CONSTANTS, INTEGER_CONSTANTS, K } from '../../src/plan/constants.js';
import {
  exp,
  expm1NonPositive,
  expNonPositive,
  gelu,
  geluDerivative,
  log,
  log1pUnit,
  sigmoid,
  softplus,
  tanh,
} from '../../src/reference/math.js';

/**
 * The oracle is float64 `Math.*`: its error is below 10⁻⁸ of a float32 ulp, so the ulps measured against it are good to
 * every digit asserted here. It judges results only; nothing under test calls it.
 *
 * The bounds are the largest errors over every float32 of the domain, found once by running the same operations in C,
 * rounded up. Here each function runs over a strided sweep of its whole domain and over every float32 around its worst
 * argument, so a changed coefficient or order of operations shows.
 */
const BOUND_ULP = {
  exp: 1.17,
  tanh: 2.37,
  sigmoid: 2.44,
  log: 0.95,
  log1pUnit: 1.32,
  expm1: 1.4,
  softplus: 2.88,
  gelu: 5.18, // x ≥ −1
} as const;

/** Where cancellation makes ulps of the result meaningless. Measured 9.7·10⁻⁸ of max(1, |x|), and 1.62·10⁻⁷. */
const GELU_ABSOLUTE = 1e-7;
const GELU_DERIVATIVE_ABSOLUTE = 1.7e-7;

/** gelu in its left tail, [from, relative error]: the rounding of x² in e^(−x²/2) grows like x². */
const GELU_RELATIVE = [
  [-5, 2e-6],
  [-10, 7.5e-6],
  [-13, 1.5e-5],
] as const;

const MIN_NORMAL = 2 ** -126;
const MAX_FLOAT = 3.4028234663852886e38;
const f = Math.fround;

const castFloat = new Float32Array(1);
const castBits = new Int32Array(castFloat.buffer);

/** Position of a float32 on the line of all float32, 0 at ±0: neighbours differ by 1. */
function ordinal(x: number): number {
  castFloat[0] = x;
  const bits = castBits[0];
  return bits < 0 ? -(bits & 0x7fffffff) : bits;
}

function fromOrdinal(i: number): number {
  castBits[0] = i < 0 ? -i | 0x80000000 : i;
  return castFloat[0];
}

function bitsOf(x: number): number {
  castFloat[0] = x;
  return castBits[0];
}

/** Size of one float32 ulp at a double: of its binade, or of the subnormals. */
function ulpAt(x: number): number {
  const abs = Math.abs(x);
  if (abs < MIN_NORMAL) return 2 ** -149;
  castFloat[0] = abs; // rounding up into the next binade would double the ulp
  if (castFloat[0] > abs) castBits[0] -= 1;
  return 2 ** ((castBits[0] >>> 23) - 150);
}

interface Worst {
  ulp: number;
  at: number;
  got: number;
  expected: number;
}

/** Largest error over every `stride`-th float32 from low to high. Where the truth is below `zeroBelow`, 0 is demanded. */
function worstError(
  fn: (x: number) => number,
  truth: (x: number) => number,
  low: number,
  high: number,
  stride = 1,
  zeroBelow = 0,
): Worst {
  const worst: Worst = { ulp: -1, at: Number.NaN, got: Number.NaN, expected: Number.NaN };
  const last = ordinal(high);
  for (let i = ordinal(low); i <= last; i += stride) {
    const x = fromOrdinal(i);
    const got = fn(x);
    const expected = truth(x);
    let ulp: number;
    if (Math.abs(expected) < zeroBelow) ulp = got === 0 ? 0 : Number.POSITIVE_INFINITY;
    else ulp = Math.abs(got - expected) / ulpAt(expected);
    if (!(ulp <= worst.ulp)) {
      worst.ulp = ulp;
      worst.at = x;
      worst.got = got;
      worst.expected = expected;
    }
  }
  return worst;
}

function expectWithin(worst: Worst, boundUlp: number): void {
  const { ulp, at, got, expected } = worst;
  expect(ulp, `max ${ulp.toFixed(4)} ulp at ${at}: got ${got}, expected ${expected}`).toBeGreaterThanOrEqual(0);
  expect(ulp, `max ${ulp.toFixed(4)} ulp at ${at}: got ${got}, expected ${expected}`).toBeLessThanOrEqual(boundUlp);
}

const sigmoid64 = (x: number): number => 1 / (1 + Math.exp(-x));

describe('constants', () => {
  it('every constant is a float32, named once, and found by its position', () => {
    expect(new Set(CONSTANTS.map(([name]) => name)).size).toBe(CONSTANTS.length);
    CONSTANTS.forEach(([name, value], index) => {
      expect(f(value), name).toBe(value);
      expect(K[name]).toBe(value);
      expect(CONSTANT_INDEX[name]).toBe(index);
    });
  });

  it('every bit pattern is a signed 32-bit integer', () => {
    for (const [name, value] of INTEGER_CONSTANTS) expect(value | 0, name).toBe(value);
    expect(BITS.LOG_OFFSET).toBe(BITS.ONE_BITS - BITS.SQRT_HALF_BITS);
  });

  it('n·LN2_HI is exact for every n a float32 exponent can be', () => {
    for (let n = -150; n <= 150; n++) expect(f(n * K.LN2_HI)).toBe(n * K.LN2_HI);
  });
});

describe('exp', () => {
  it('is within its bound from underflow to overflow', () => {
    expectWithin(worstError(exp, Math.exp, -104, K.EXP_MAX, 1999, MIN_NORMAL), BOUND_ULP.exp);
    expectWithin(worstError(exp, Math.exp, 0.3, 0.4), BOUND_ULP.exp);
    expectWithin(worstError(exp, Math.exp, -39, -38), BOUND_ULP.exp);
    expectWithin(worstError(exp, Math.exp, -88, -87, 1, MIN_NORMAL), BOUND_ULP.exp);
    expectWithin(worstError(exp, Math.exp, 88, K.EXP_MAX), BOUND_ULP.exp);
  });

  it('is exact at 0, 0 below 2⁻¹²⁶, +Infinity past the largest float32, NaN for NaN', () => {
    expect(exp(0)).toBe(1);
    expect(exp(-0)).toBe(1);
    expect(exp(K.EXP_MIN)).toBeGreaterThanOrEqual(MIN_NORMAL);
    expect(exp(fromOrdinal(ordinal(K.EXP_MIN) - 1))).toBe(0);
    expect(exp(-MAX_FLOAT)).toBe(0);
    expect(exp(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(exp(K.EXP_MAX)).toBeLessThan(Number.POSITIVE_INFINITY);
    expect(exp(fromOrdinal(ordinal(K.EXP_MAX) + 1))).toBe(Number.POSITIVE_INFINITY);
    expect(exp(MAX_FLOAT)).toBe(Number.POSITIVE_INFINITY);
    expect(exp(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
    expect(exp(Number.NaN)).toBeNaN();
  });

  it('expNonPositive has the bits of exp wherever x ≤ 0', () => {
    const last = ordinal(Number.NEGATIVE_INFINITY);
    let different = 0;
    for (let i = 0; i >= last; i -= 499) {
      const x = fromOrdinal(i);
      if (exp(x) !== expNonPositive(x)) different++;
    }
    expect(different).toBe(0);
    expect(expNonPositive(-0)).toBe(1);
    expect(expNonPositive(Number.NEGATIVE_INFINITY)).toBe(0);
    expect(expNonPositive(Number.NaN)).toBeNaN();
  });
});

describe('tanh', () => {
  it('is within its bound over all float32', () => {
    expectWithin(worstError(tanh, Math.tanh, 0, MAX_FLOAT, 1999), BOUND_ULP.tanh);
    expectWithin(worstError(tanh, Math.tanh, 0.17, 0.18), BOUND_ULP.tanh);
  });

  it('is odd bit for bit, within ±1, and ±1 from saturation on', () => {
    const last = ordinal(Number.POSITIVE_INFINITY);
    let notOdd = 0;
    let past1 = 0;
    let notSaturated = 0;
    for (let i = 0; i <= last; i += 499) {
      const x = fromOrdinal(i);
      const y = tanh(x);
      if (bitsOf(tanh(-x)) !== bitsOf(-y)) notOdd++;
      if (y > 1) past1++;
      if (x > 9.02 && y !== 1) notSaturated++;
    }
    for (let x = 7; x < 9.1; x = fromOrdinal(ordinal(x) + 1)) if (tanh(x) > 1) past1++;
    expect({ notOdd, past1, notSaturated }).toEqual({ notOdd: 0, past1: 0, notSaturated: 0 });
    expect(tanh(Number.POSITIVE_INFINITY)).toBe(1);
    expect(tanh(Number.NEGATIVE_INFINITY)).toBe(-1);
    expect(tanh(Number.NaN)).toBeNaN();
  });

  it('returns tiny arguments unchanged, zeros with their sign', () => {
    for (const x of [0, -0, 2 ** -149, -(2 ** -149), 3e-40, MIN_NORMAL, 1e-20, -1e-5]) {
      expect(tanh(f(x))).toBe(f(x));
    }
  });
});

describe('sigmoid', () => {
  it('is relatively within its bound in both tails', () => {
    expectWithin(worstError(sigmoid, sigmoid64, -104, 104, 1999, MIN_NORMAL), BOUND_ULP.sigmoid);
    expectWithin(worstError(sigmoid, sigmoid64, -2, -1.9), BOUND_ULP.sigmoid);
    expectWithin(worstError(sigmoid, sigmoid64, -88, -87, 1, MIN_NORMAL), BOUND_ULP.sigmoid);
  });

  it('is ½ at 0, 0 far left, 1 far right, NaN for NaN', () => {
    expect(sigmoid(0)).toBe(0.5);
    expect(sigmoid(-0)).toBe(0.5);
    expect(sigmoid(K.EXP_MIN)).toBeGreaterThanOrEqual(MIN_NORMAL);
    expect(sigmoid(fromOrdinal(ordinal(K.EXP_MIN) - 1))).toBe(0);
    for (const x of [-89, -1000, -MAX_FLOAT, Number.NEGATIVE_INFINITY]) expect(sigmoid(x)).toBe(0);
    for (const x of [18, 32, 33, 89, 1000, MAX_FLOAT, Number.POSITIVE_INFINITY]) expect(sigmoid(x)).toBe(1);
    expect(sigmoid(Number.NaN)).toBeNaN();
  });

  it('sigmoid(x) + sigmoid(−x) is 1 within three roundings, and neither leaves [0, 1]', () => {
    const last = ordinal(100);
    let worst = 0;
    let outside = 0;
    for (let i = 0; i <= last; i += 997) {
      const x = fromOrdinal(i);
      const right = sigmoid(x);
      const left = sigmoid(-x);
      worst = Math.max(worst, Math.abs(right + left - 1));
      if (!(left >= 0 && left <= 0.5 && right >= 0.5 && right <= 1)) outside++;
    }
    expect(worst).toBeLessThanOrEqual(3 * 2 ** -24);
    expect(outside).toBe(0);
  });
});

describe('log', () => {
  it('is relatively within its bound over all normal float32, also near 1', () => {
    expectWithin(worstError(log, Math.log, MIN_NORMAL, MAX_FLOAT, 1999), BOUND_ULP.log);
    expectWithin(worstError(log, Math.log, 0.9, 1.3), BOUND_ULP.log);
  });

  it('is 0 at 1, −Infinity at 0 and below 2⁻¹²⁶, NaN for negatives, +Infinity at +Infinity', () => {
    expect(log(1)).toBe(0);
    for (const x of [0, -0, 2 ** -149, fromOrdinal(ordinal(MIN_NORMAL) - 1)]) {
      expect(log(x)).toBe(Number.NEGATIVE_INFINITY);
    }
    for (const x of [-(2 ** -149), -1, -MAX_FLOAT, Number.NEGATIVE_INFINITY, Number.NaN]) expect(log(x)).toBeNaN();
    expect(log(Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY);
  });

  it('log1pUnit is relatively within its bound from subnormals to 1', () => {
    expectWithin(worstError(log1pUnit, Math.log1p, 0, 1, 997), BOUND_ULP.log1pUnit);
    expectWithin(worstError(log1pUnit, Math.log1p, 0.6, 0.7), BOUND_ULP.log1pUnit);
    expect(log1pUnit(0)).toBe(0);
    expect(log1pUnit(2 ** -149)).toBe(2 ** -149);
    expect(log1pUnit(1)).toBe(f(Math.LN2));
    expect(log1pUnit(Number.NaN)).toBeNaN();
  });
});

describe('expm1NonPositive', () => {
  it('is relatively within its bound from −0 to −∞', () => {
    expectWithin(worstError(expm1NonPositive, Math.expm1, -MAX_FLOAT, 0, 1999), BOUND_ULP.expm1);
    expectWithin(worstError(expm1NonPositive, Math.expm1, -0.35, -0.28), BOUND_ULP.expm1);
    expectWithin(worstError(expm1NonPositive, Math.expm1, -1.1, -1), BOUND_ULP.expm1);
  });

  it('is 0 at 0, tiny arguments themselves, −1 far left, NaN for NaN', () => {
    expect(expm1NonPositive(0)).toBe(0);
    expect(expm1NonPositive(-0)).toBe(0);
    expect(expm1NonPositive(-(2 ** -149))).toBe(-(2 ** -149));
    for (const x of [-18, -87, -88, -1000, -MAX_FLOAT, Number.NEGATIVE_INFINITY]) expect(expm1NonPositive(x)).toBe(-1);
    expect(expm1NonPositive(Number.NaN)).toBeNaN();
  });
});

describe('softplus', () => {
  const softplus64 = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

  it('is relatively within its bound in both directions', () => {
    expectWithin(worstError(softplus, softplus64, -104, MAX_FLOAT, 1999, MIN_NORMAL), BOUND_ULP.softplus);
    expectWithin(worstError(softplus, softplus64, -0.45, -0.43), BOUND_ULP.softplus);
    expectWithin(worstError(softplus, softplus64, -88, -87, 1, MIN_NORMAL), BOUND_ULP.softplus);
  });

  it('is log 2 at 0, 0 far left, x far right, NaN for NaN', () => {
    expect(Math.abs(softplus(0) - Math.LN2)).toBeLessThan(2 ** -24);
    expect(softplus(-0)).toBe(softplus(0));
    expect(softplus(fromOrdinal(ordinal(K.EXP_MIN) - 1))).toBe(0);
    for (const x of [-88, -1000, -MAX_FLOAT, Number.NEGATIVE_INFINITY]) expect(softplus(x)).toBe(0);
    for (const x of [18, 88, 89, 1000, MAX_FLOAT, Number.POSITIVE_INFINITY]) expect(softplus(f(x))).toBe(f(x));
    expect(softplus(Number.NaN)).toBeNaN();
  });
});

describe('gelu', () => {
  /** erfc at one point: the continued fraction from 3 on (Lentz), the Taylor series of erf below. */
  function erfc64(x: number): number {
    if (x < 0) return 2 - erfc64(-x);
    if (x < 3) {
      let term = x;
      let sum = x;
      for (let n = 1; Math.abs(term) > 1e-17 * sum; n++) {
        term *= (-x * x) / n;
        sum += term / (2 * n + 1);
      }
      return 1 - (2 / Math.sqrt(Math.PI)) * sum;
    }
    let tail = x;
    for (let k = 60; k > 0; k--) tail = x + k / 2 / tail;
    return Math.exp(-x * x) / Math.sqrt(Math.PI) / tail;
  }
  const gelu64 = (x: number): number => 0.5 * x * erfc64(-x * Math.SQRT1_2);
  const geluDerivative64 = (x: number): number =>
    0.5 * erfc64(-x * Math.SQRT1_2) + (x * Math.exp(-0.5 * x * x)) / Math.sqrt(2 * Math.PI);

  it('is absolutely within 1e-7·max(1, |x|), and its derivative within its bound', () => {
    const last = ordinal(16);
    let worst = 0;
    let worstDerivative = 0;
    for (let i = -last; i <= last; i += 5003) {
      const x = fromOrdinal(i);
      worst = Math.max(worst, Math.abs(gelu(x) - gelu64(x)) / Math.max(1, Math.abs(x)));
      worstDerivative = Math.max(worstDerivative, Math.abs(geluDerivative(x) - geluDerivative64(x)));
    }
    expect(worst).toBeLessThanOrEqual(GELU_ABSOLUTE);
    expect(worstDerivative).toBeLessThanOrEqual(GELU_DERIVATIVE_ABSOLUTE);
  });

  it('keeps relative accuracy: near 0, on the right, and in the left tail', () => {
    expectWithin(worstError(gelu, gelu64, -1, MAX_FLOAT, 5003), BOUND_ULP.gelu);
    let high = -1;
    for (const [low, bound] of GELU_RELATIVE) {
      let worst = 0;
      for (let i = ordinal(low); i <= ordinal(high); i += 211) {
        const x = fromOrdinal(i);
        worst = Math.max(worst, Math.abs(gelu(x) / gelu64(x) - 1));
      }
      expect(worst, `relative error on [${low}, ${high}]`).toBeLessThanOrEqual(bound);
      high = low;
    }
  });

  it('is 0 at 0 and far left, x far right, NaN for NaN', () => {
    expect(Math.abs(gelu(0))).toBe(0);
    for (const x of [-13.25, -20, -MAX_FLOAT, Number.NEGATIVE_INFINITY]) {
      expect(Math.abs(gelu(f(x)))).toBe(0);
      expect(Math.abs(geluDerivative(f(x)))).toBe(0);
    }
    for (const x of [6, 13.25, 20, MAX_FLOAT, Number.POSITIVE_INFINITY]) {
      expect(gelu(f(x))).toBe(f(x));
      expect(geluDerivative(f(x))).toBeCloseTo(1, 6);
    }
    expect(geluDerivative(0)).toBe(0.5);
    expect(geluDerivative(-0)).toBe(0.5);
    expect(gelu(Number.NaN)).toBeNaN();
    expect(geluDerivative(Number.NaN)).toBeNaN();
  });
});
