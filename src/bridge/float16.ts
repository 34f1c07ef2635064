/** 2^(e − 25) for the exponent bits e of a normal number, whose mantissa is 1024 and more. */
const STEP = new Float64Array(32);
for (let e = 1, step = 2 ** -24; e < 32; e++, step *= 2) STEP[e] = step;
STEP[0] = STEP[1];

/** The largest half. */
const LARGEST = 65504;
const LARGEST_BITS = 0x7bff;

/**
 * The number the 16 bits of an IEEE half stand for.
 * @hot
 */
export function halfToNumber(bits: number): number {
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  let value: number;
  if (exponent === 31) value = fraction === 0 ? Number.POSITIVE_INFINITY : Number.NaN;
  else value = (exponent === 0 ? fraction : 1024 + fraction) * STEP[exponent];
  return bits & 0x8000 ? -value : value;
}

/** The bits of the half nearest to `value`, to even between two; limited to ±65504. Infinity and NaN stay what they are. */
export function numberToHalf(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  if (magnitude === Number.POSITIVE_INFINITY) return sign | 0x7c00;
  if (magnitude >= LARGEST) return sign | LARGEST_BITS;
  let exponent = 1;
  while (magnitude >= 2048 * STEP[exponent]) exponent++;
  // In steps of this exponent: 1024 … 2048 where it is normal, fewer where it is subnormal; 2048 carries by itself.
  const steps = roundToEven(magnitude / STEP[exponent]);
  return sign | (((exponent - 1) << 10) + steps);
}

/** The integer nearest to `value` ≥ 0, the even one between two. */
function roundToEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}
