/** ln 2 in two parts: k·LN2_HIGH is exact for |k| < 2²¹. */
const LN2_HIGH = 0.6931471803691238;
const LN2_LOW = 1.9082149292705877e-10;

/**
 * values[i] ← ln values[i] of finite normal values > 0, for i in 0 … count, from + − × ÷ and comparisons only, so that it is the same on every machine; within 2 units in
 * the last place.
 *
 * x = m·2ᵏ with √½ ≤ m ≤ √2, scaled by halving and doubling, which is exact; ln m = 2·artanh(s) with s = (m − 1)/(m + 1), by
 * its series, whose first term left out is 10⁻¹⁷ of the sum.
 *
 * @hot
 */
export function replaceByLog(values: Float64Array, count: number): void {
  for (let i = 0; i < count; i++) {
    let m = values[i];
    let k = 0;
    for (; m > Math.SQRT2; k++) m *= 0.5;
    for (; m < Math.SQRT1_2; k--) m *= 2;
    const s = (m - 1) / (m + 1);
    const z = s * s;
    let p = 1 / 21;
    p = p * z + 1 / 19;
    p = p * z + 1 / 17;
    p = p * z + 1 / 15;
    p = p * z + 1 / 13;
    p = p * z + 1 / 11;
    p = p * z + 1 / 9;
    p = p * z + 1 / 7;
    p = p * z + 1 / 5;
    p = p * z + 1 / 3;
    values[i] = k * LN2_HIGH + (2 * (s + s * z * p) + k * LN2_LOW);
  }
}

const scratch = new Float64Array(1);

/** ln x, as `replaceByLog`. V8 may allocate for the doubles it takes and returns. */
export function naturalLog(x: number): number {
  scratch[0] = x;
  replaceByLog(scratch, 1);
  return scratch[0];
}
