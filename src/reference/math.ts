import { BITS, K } from '../plan/constants.js';

/**
 * Float32 transcendentals from + − × ÷, comparisons and bit patterns only, so that every executor gives the same bits.
 *
 * Each function takes and returns a float32. `f` marks each rounding: one per arithmetic operation, in the order
 * written; nothing is fused. Integer operations act on bit patterns modulo 2³². Selects (`c ? a : b`) compute both
 * sides first, here and in SIMD, and are written so that NaN comes through: NaN in, NaN out. None allocates.
 *
 * Largest error over every float32 of the domain, against float64, in units in the last place of the result:
 *
 * | function           | domain            | ulp   | operations |
 * |--------------------|-------------------|------:|-----------:|
 * | `exp`              | all               |  1.17 |         27 |
 * | `expNonPositive`   | x ≤ 0             |  1.17 |         23 |
 * | `expm1NonPositive` | x ≤ 0             |  1.40 |         21 |
 * | `tanh`             | all               |  2.37 |         23 |
 * | `sigmoid`          | all               |  2.44 |         21 |
 * | `log`              | x ≥ 2⁻¹²⁶         |  0.95 |         31 |
 * | `log1pUnit`        | 0 ≤ e ≤ 1         |  1.32 |         13 |
 * | `softplus`         | all               |  2.88 |         34 |
 * | `gelu`             | x ≥ −1            |  5.18 |         36 |
 * | `geluDerivative`   | x ≥ −0.1          |  4.71 |         39 |
 *
 * Absolute error: `gelu` 9.8·10⁻⁸·max(1, |x|), `geluDerivative` 1.7·10⁻⁷. Relative error of `gelu` on the left: 2·10⁻⁶
 * down to −5, 7.5·10⁻⁶ down to −10, 1.5·10⁻⁵ down to −13.
 */

const f = Math.fround;

const {
  ONE,
  HALF,
  TWO,
  INFINITY,
  MINUS_INFINITY,
  ROUND,
  ROUND_HALF,
  LOG2E,
  LN2_HI,
  LN2_LO,
  EXP_C2,
  EXP_C3,
  EXP_C4,
  EXP_C5,
  EXP_C6,
  EXP_MIN,
  EXP_MAX,
  SATURATION,
  SIGMOID_D1,
  SIGMOID_D2,
  TANH_STEPS,
  TANH_STEP,
  TANH_D1,
  TANH_D2,
  LOG_C1,
  LOG_C2,
  LOG_C3,
  LOG_C4,
  LOG_MIN,
  LOG_FIELD,
  LN2,
  SOFTPLUS_C1,
  SOFTPLUS_C2,
  SOFTPLUS_C3,
  SOFTPLUS_C4,
  GAUSS_STEPS,
  LN4,
  FOUR,
  GAUSS_D1,
  GAUSS_D2,
  GELU_MAX,
  GELU_P0,
  GELU_P1,
  GELU_P2,
  GELU_P3,
  GELU_Q0,
  GELU_Q1,
  GELU_Q2,
  GELU_Q3,
  INV_SQRT_2PI,
} = K;

const { SIGN_BIT, ONE_BITS, MANTISSA_MASK, SQRT_HALF_BITS, LOG_OFFSET, FIELD_BITS } = BITS;

const castFloat = new Float32Array(1);
const castBits = new Int32Array(castFloat.buffer);

function bitsOf(x: number): number {
  castFloat[0] = x;
  return castBits[0];
}

function floatOf(bits: number): number {
  castBits[0] = bits;
  return castFloat[0];
}

/**
 * e^r − 1 for |r| ≤ ½·ln 2: r·(1 + r·(C2 + r·(C3 + r·(C4 + r·(C5 + r·C6))))), Horner from C6.
 *
 * 11 operations. The fit's own error is 3·10⁻⁹ of e^r.
 * @hot
 */
function expm1Reduced(r: number): number {
  let p = f(f(EXP_C6 * r) + EXP_C5);
  p = f(f(p * r) + EXP_C4);
  p = f(f(p * r) + EXP_C3);
  p = f(f(p * r) + EXP_C2);
  p = f(f(p * r) + ONE);
  return f(p * r);
}

/**
 * e^x for any x.
 *
 * x = n·ln 2 + r, e^x = 2ⁿ·e^r. ROUND is 1.5·2²³ + 127: adding it rounds to an integer and leaves n + 127, an exponent
 * field, in the lowest bits of the sum. LN2_HI has 16 bits, so n·LN2_HI and x − n·LN2_HI are exact. 2ⁿ goes straight
 * into the exponent of e^r, because 2¹²⁸ itself is no float32. A result below 2⁻¹²⁶ is 0, never subnormal; one past
 * the largest float32 is +Infinity. e^±0 is exactly 1.
 *
 * 27 operations.
 * @hot
 */
export function exp(x: number): number {
  const t = f(f(x * LOG2E) + ROUND);
  const n = f(t - ROUND);
  const r = f(f(x - f(n * LN2_HI)) - f(n * LN2_LO));
  const p = f(expm1Reduced(r) + ONE);
  const y = floatOf((bitsOf(p) - ONE_BITS + (bitsOf(t) << 23)) | 0);
  const low = x < EXP_MIN ? 0 : y;
  return x <= EXP_MAX ? low : f(x + INFINITY); // +Infinity past EXP_MAX, NaN for NaN
}

/**
 * e^x for x ≤ 0: the same bits as `exp`, in fewer operations, because 2ⁿ is then always a float32.
 *
 * 23 operations. Meaningless for x > 0.
 * @hot
 */
export function expNonPositive(x: number): number {
  const t = f(f(x * LOG2E) + ROUND);
  const n = f(t - ROUND);
  const r = f(f(x - f(n * LN2_HI)) - f(n * LN2_LO));
  const p = f(expm1Reduced(r) + ONE);
  const y = f(p * floatOf(bitsOf(t) << 23));
  return x < EXP_MIN ? 0 : y; // clears lanes where x < EXP_MIN: NaN stays
}

/**
 * e^x − 1 for x ≤ 0, relatively accurate near 0.
 *
 * 2ⁿ·(e^r − 1) + (2ⁿ − 1) with x = n·ln 2 + r; for n = 0 that is e^r − 1 itself. One product n·LN2 is enough: its
 * rounding reaches the result multiplied by e^x. Exactly −1 far left; expm1NonPositive(−0) = +0.
 *
 * 21 operations. Meaningless for x > 0.
 * @hot
 */
export function expm1NonPositive(x: number): number {
  const a = x < EXP_MIN ? EXP_MIN : x;
  const t = f(f(a * LOG2E) + ROUND);
  const n = f(t - ROUND);
  const r = f(a - f(n * LN2));
  const s = floatOf(bitsOf(t) << 23);
  return f(f(s * expm1Reduced(r)) + f(s - ONE));
}

/**
 * tanh x.
 *
 * With |x| = n·½ln 2 + r, |r| ≤ ¼·ln 2, and D = r·coth r = 1 + D1·r² + D2·r⁴, e^2r is (D + r) / (D − r), so that
 * tanh |x| = v / (v + (D − r)), v = (2ⁿ⁻¹ − ½)·D + (2ⁿ⁻¹ + ½)·r. Both terms of the last sum are positive, so the result
 * never exceeds 1, and it is exactly 1 once v absorbs the other. Near 0, n = 0 and v = r exactly: x itself for tiny x.
 * One product n·TANH_STEP is enough: what its rounding costs shrinks as fast as 1 − tanh. ROUND_HALF is
 * 1.5·2²³ + 126, so the bits of t shifted are 2ⁿ⁻¹. The sign of x is put back at the end: odd bit for bit, tanh(−0) = −0.
 *
 * 23 operations, one division.
 * @hot
 */
export function tanh(x: number): number {
  const abs = Math.abs(x);
  const a = SATURATION < abs ? SATURATION : abs;
  const t = f(f(a * TANH_STEPS) + ROUND_HALF);
  const n = f(t - ROUND_HALF);
  const r = f(a - f(n * TANH_STEP));
  const w = f(r * r);
  const d = f(f(f(f(TANH_D2 * w) + TANH_D1) * w) + ONE);
  const s = floatOf(bitsOf(t) << 23);
  const v = f(f(f(s - HALF) * d) + f(f(s + HALF) * r));
  const y = f(v / f(v + f(d - r)));
  return floatOf(bitsOf(y) | (bitsOf(x) & SIGN_BIT));
}

/**
 * 1 / (1 + e^−x).
 *
 * With x = n·ln 2 + r as in `exp`, and D = r·coth(r/2) = 2 + D1·r² + D2·r⁴, e^r is (D + r) / (D − r), so the result is
 * v / (v + (D − r)), v = 2ⁿ·(D + r): one division for exponential and quotient together, relative accuracy in both
 * tails, never above 1. Exactly ½ at 0; 0 where e^x is below 2⁻¹²⁶; 1 on the right.
 *
 * 21 operations, one division.
 * @hot
 */
export function sigmoid(x: number): number {
  const a = SATURATION < x ? SATURATION : x;
  const t = f(f(a * LOG2E) + ROUND);
  const n = f(t - ROUND);
  const r = f(f(a - f(n * LN2_HI)) - f(n * LN2_LO));
  const w = f(r * r);
  const d = f(f(f(f(SIGMOID_D2 * w) + SIGMOID_D1) * w) + TWO);
  const v = f(floatOf(bitsOf(t) << 23) * f(d + r));
  const y = f(v / f(v + f(d - r)));
  return x < EXP_MIN ? 0 : y; // clears lanes where x < EXP_MIN: NaN stays
}

/**
 * By how much log(1 + g) falls short of g: g − log(1 + g), for √½ − 1 ≤ g ≤ 1.
 *
 * With s = g / (2 + g), log(1 + g) = 2·atanh s = 2s + s·q, q = z·(C1 + z·(C2 + z·(C3 + z·C4))), z = s²; and as
 * 2s = g − s·g, the shortfall is s·(g − q). Leaving g itself outside keeps the relative accuracy near 0.
 *
 * 12 operations, one division.
 * @hot
 */
function logShortfall(g: number): number {
  const s = f(g / f(TWO + g));
  const z = f(s * s);
  let q = f(f(LOG_C4 * z) + LOG_C3);
  q = f(f(q * z) + LOG_C2);
  q = f(f(q * z) + LOG_C1);
  q = f(q * z);
  return f(s * f(g - q));
}

/**
 * log(1 + e) for 0 ≤ e ≤ 1. log1pUnit(0) = 0, subnormals included.
 *
 * 13 operations, one division.
 * @hot
 */
export function log1pUnit(e: number): number {
  return f(e - logShortfall(e));
}

/**
 * Natural logarithm.
 *
 * x = 2ᵏ·m with √½ ≤ m < √2: adding LOG_OFFSET to the bits makes the exponent field step at √2, and FIELD_BITS turns
 * that field into the float 2²³ + 127 + k. log x = k·LN2_HI + (g − (shortfall(g) − k·LN2_LO)), g = m − 1, exact.
 * Zero and positive subnormals (below 2⁻¹²⁶) give −Infinity, as results that small are 0 everywhere here; a negative
 * number, however small, NaN; log(+Infinity) = +Infinity; log(1) = 0 exactly.
 *
 * 31 operations, one division.
 * @hot
 */
export function log(x: number): number {
  const i = (bitsOf(x) + LOG_OFFSET) | 0;
  const k = f(floatOf((i >>> 23) | FIELD_BITS) - LOG_FIELD);
  const g = f(floatOf((i & MANTISSA_MASK) + SQRT_HALF_BITS) - ONE);
  const tail = f(logShortfall(g) - f(k * LN2_LO));
  const y = f(f(k * LN2_HI) + f(g - tail));
  const low = x < 0 ? Number.NaN : MINUS_INFINITY;
  const finite = x < LOG_MIN ? low : y;
  return x < INFINITY ? finite : f(x + x); // +Infinity and NaN as they are
}

/**
 * max(x, 0) + log(1 + e^−|x|).
 *
 * With e^−|x| = v / B, v = 2ⁿ·(D + r) and B = D − r as in `sigmoid`, the s of `logShortfall` is v / (v + 2B): one
 * division for exponential and logarithm together. Computed is g = 2s = v / (½v + B); the logarithm is g + g·q,
 * q = z·(C1 + z·(C2 + z·(C3 + z·C4))), z = g², with the coefficients of `log` scaled by powers of two. Relative
 * accuracy on the left; the logarithm is 0 where e^−|x| is below 2⁻¹²⁶.
 *
 * 34 operations, one division.
 * @hot
 */
export function softplus(x: number): number {
  const a = -Math.abs(x);
  const t = f(f(a * LOG2E) + ROUND);
  const n = f(t - ROUND);
  const r = f(f(a - f(n * LN2_HI)) - f(n * LN2_LO));
  const w = f(r * r);
  const d = f(f(f(f(SIGMOID_D2 * w) + SIGMOID_D1) * w) + TWO);
  const v = f(floatOf(bitsOf(t) << 23) * f(d + r));
  const g = f(v / f(f(v * HALF) + f(d - r)));
  const z = f(g * g);
  let q = f(f(SOFTPLUS_C4 * z) + SOFTPLUS_C3);
  q = f(f(q * z) + SOFTPLUS_C2);
  q = f(f(q * z) + SOFTPLUS_C1);
  q = f(q * z);
  const tail = a < EXP_MIN ? 0 : f(g + f(g * q)); // clears lanes where a < EXP_MIN: NaN stays
  const positive = x < 0 ? 0 : x;
  return f(positive + tail);
}

/**
 * e^(−a²/2)·p/q for 0 ≤ a ≤ GELU_MAX.
 *
 * With −a² = n·ln 4 − r, |r| ≤ ln 2, and D = r·coth(r/4) = 4 + D1·r² + D2·r⁴, e^(−a²/2) is 2ⁿ·(D − r) / (D + r): one
 * division for exponential and quotient together. The roundings of a² and n·LN4 cost up to about a²·10⁻⁷ relatively.
 * At GELU_MAX, 2ⁿ comes out as 0.
 *
 * 18 operations, one division.
 * @hot
 */
function gaussianTimes(a: number, p: number, q: number): number {
  const u = f(a * a);
  const t = f(ROUND - f(u * GAUSS_STEPS));
  const n = f(t - ROUND);
  const r = f(u + f(n * LN4));
  const w = f(r * r);
  const d = f(f(f(f(GAUSS_D2 * w) + GAUSS_D1) * w) + FOUR);
  const v = f(floatOf(bitsOf(t) << 23) * f(d - r));
  return f(f(v * p) / f(f(d + r) * q));
}

/** P of Φ(−a) = e^(−a²/2)·P(a)/Q(a): P0 + a·(P1 + a·(P2 + a·P3)). 6 operations. @hot */
function geluP(a: number): number {
  return f(f(f(f(f(f(GELU_P3 * a) + GELU_P2) * a) + GELU_P1) * a) + GELU_P0);
}

/** Q of the same: Q0 + a·(Q1 + a·(Q2 + a·(Q3 + a))), Q0 = 2·P0 so that Φ(0) is exactly ½. 7 operations. @hot */
function geluQ(a: number): number {
  return f(f(f(f(f(f(f(a + GELU_Q3) * a) + GELU_Q2) * a) + GELU_Q1) * a) + GELU_Q0);
}

/**
 * x·Φ(x), Φ the normal distribution function: the exact gelu, ½x·(1 + erf(x/√2)).
 *
 * Φ of the negative side is approximated directly, as e^(−a²/2)·P(a)/Q(a) with a = |x|, so nothing cancels in the left
 * tail. gelu x = max(x, 0) − a·Φ(−a) on both sides. Left of about −13.24 it is 0.
 *
 * 36 operations, one division.
 * @hot
 */
export function gelu(x: number): number {
  const abs = Math.abs(x);
  const a = GELU_MAX < abs ? GELU_MAX : abs;
  const tail = gaussianTimes(a, geluP(a), geluQ(a));
  const positive = x < 0 ? 0 : x;
  return f(positive - f(a * tail));
}

/**
 * Derivative of gelu: Φ(x) + x·φ(x), φ the normal density.
 *
 * h = Φ(−a) − a·φ(a) = e^(−a²/2)·(P − (a/√2π)·Q)/Q is the derivative at −a, and 1 − h at a. It crosses 0 near
 * x = −0.7518, where its accuracy is absolute.
 *
 * 39 operations, one division.
 * @hot
 */
export function geluDerivative(x: number): number {
  const abs = Math.abs(x);
  const a = GELU_MAX < abs ? GELU_MAX : abs;
  const q = geluQ(a);
  const h = gaussianTimes(a, f(geluP(a) - f(f(INV_SQRT_2PI * a) * q)), q);
  const right = f(ONE - h);
  return x < 0 ? h : right;
}
