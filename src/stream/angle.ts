// Cosine and sine of degrees from + − × only: Math.cos and Math.sin differ between machines in the last bit.

const RADIANS_PER_DEGREE = 0.017453292519943295;

/**
 * out[off] = cos, out[off + 1] = sin of the angle from[i] in degrees; finite in, finite out. Within 1e-15 of the true value
 * and exact at multiples of 90. The reduction is exact: `%` is, and so are the subtractions, because their operands
 * are within a factor of two of each other or one is zero.
 *
 * @hot
 */
export function writeCosSin(out: Float64Array, off: number, from: Float32Array | Float64Array, i: number): void {
  const degrees = from[i];
  const a = (degrees < 0 ? -degrees : degrees) % 360;
  // Nearest multiple of 90, and what is left: −45 … 45 degrees.
  const quadrant = a <= 45 ? 0 : a <= 135 ? 1 : a <= 225 ? 2 : a <= 315 ? 3 : 4;
  const x = (a - 90 * quadrant) * RADIANS_PER_DEGREE;
  const x2 = x * x;
  const s = x + x * x2 * sinTail(x2);
  const half = 0.5 * x2;
  const c = 1 - (half - x2 * x2 * cosTail(x2));
  // + 0 makes a zero positive, so that 180 and −180 degrees give the same bits.
  const cos = quadrant === 1 ? -s : quadrant === 2 ? -c : quadrant === 3 ? s : c;
  const sin = quadrant === 1 ? c : quadrant === 2 ? -s : quadrant === 3 ? -c : s;
  out[off] = cos + 0;
  out[off + 1] = (degrees < 0 ? -sin : sin) + 0;
}

/** (sin x − x) / x³ for |x| ≤ π/4: minimax coefficients of Sun's fdlibm, error below 2⁻⁵⁸ of x. */
function sinTail(x2: number): number {
  return (
    -0.16666666666666632 +
    x2 *
      (0.00833333333332249 +
        x2 *
          (-0.0001984126982985795 +
            x2 * (2.7557313707070068e-6 + x2 * (-2.5050760253406863e-8 + x2 * 1.58969099521155e-10))))
  );
}

/** (cos x − 1 + x²/2) / x⁴ for |x| ≤ π/4, from the same place. */
function cosTail(x2: number): number {
  return (
    0.0416666666666666 +
    x2 *
      (-0.001388888888887411 +
        x2 *
          (2.480158728947673e-5 +
            x2 * (-2.7557314351390663e-7 + x2 * (2.087572321298175e-9 + x2 * -1.1359647557788195e-11))))
  );
}
