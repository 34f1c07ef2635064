/** ln 2 in two parts: k·LN2_HIGH is exact for |k| < 2²¹. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;
/** Below it e^x is taken to be 0: nothing lingers among the subnormals. */
const LEAST = -700;
/** 2⁻ᵏ, k = 0 … 1010. */
const HALVES = Float64Array.from({ length: 1011 }, (_, k) => 2 ** -k);

/**
 * out[i] = e^x[i] for i in 0 … count, x ≤ 0. From + − × and comparisons only, so that it is the same on every machine;
 * within 2 units in the last place. out may be x.
 *
 * x = r − k·ln 2 with |r| ≤ ½·ln 2, and e^r by its series, whose first term left out is 4·10⁻¹⁸:
 * Σ rⁿ/n!, n = 0 … 13, as 1 + (r + r²·q), and q by pairs, pairs of pairs and so on, since operations that wait for one
 * another are what takes time. No function of its own, because V8 boxes what one returns that it does not inline.
 *
 * @hot
 */
export function expNonPositive(out: Float64Array, x: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) {
    const v = x[i];
    if (!(v >= LEAST)) {
      out[i] = 0;
      continue;
    }
    const k = Math.floor(0.5 - v * Math.LOG2E);
    const r = v + k * LN2_HIGH + k * LN2_LOW;
    const r2 = r * r;
    const r4 = r2 * r2;
    const p0 = 0.5 + 0.16666666666666666 * r;
    const p2 = 0.041666666666666664 + 0.008333333333333333 * r;
    const p4 = 0.001388888888888889 + 0.0001984126984126984 * r;
    const p6 = 2.48015873015873e-5 + 2.7557319223985893e-6 * r;
    const p8 = 2.755731922398589e-7 + 2.505210838544172e-8 * r;
    const p10 = 2.08767569878681e-9 + 1.6059043836821613e-10 * r;
    const q = p0 + p2 * r2 + (p4 + p6 * r2) * r4 + (p8 + p10 * r2) * (r4 * r4);
    out[i] = (1 + (r + r2 * q)) * HALVES[k];
  }
}
