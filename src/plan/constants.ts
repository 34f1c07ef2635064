/**
 * The numbers the mathematical functions are made of, shared by every executor.
 *
 * `CONSTANTS` is an ordered table of exact float32 values. In the arena constant `i` fills four lanes, 16 bytes from
 * byte `16·i` of the constants region, so its position is part of the plan format: append, never insert or reorder.
 * The C and AssemblyScript executors read the same positions. How each value was found is written down in
 * `scripts/derive-transcendentals.py`, which prints this table as it stands here.
 */
export const CONSTANTS = [
  ['ONE', 1],
  ['HALF', 0.5],
  ['TWO', 2],
  ['INFINITY', Number.POSITIVE_INFINITY],
  ['MINUS_INFINITY', Number.NEGATIVE_INFINITY],
  ['ROUND', 12583039],
  ['ROUND_HALF', 12583038],
  ['LOG2E', 1.4426950216293335],
  ['LN2_HI', 0.693145751953125],
  ['LN2_LO', 1.428606765330187e-6],
  ['EXP_C2', 0.4999999403953552],
  ['EXP_C3', 0.1666652113199234],
  ['EXP_C4', 0.04166825860738754],
  ['EXP_C5', 0.008368668146431446],
  ['EXP_C6', 0.0013821301981806755],
  ['EXP_MIN', -87.33654022216797],
  ['EXP_MAX', 88.72283172607422],
  ['SATURATION', 32],
  ['SIGMOID_D1', 0.16666625440120697],
  ['SIGMOID_D2', -0.00276672444306314],
  ['TANH_STEPS', 2.885390043258667],
  ['TANH_STEP', 0.3465735912322998],
  ['TANH_D1', 0.33333250880241394],
  ['TANH_D2', -0.02213379554450512],
  ['LOG_C1', 0.666664183139801],
  ['LOG_C2', 0.4002143144607544],
  ['LOG_C3', 0.280031681060791],
  ['LOG_C4', 0.2800596356391907],
  ['LOG_MIN', 1.1754943508222875e-38],
  ['LOG_FIELD', 8388735],
  ['LN2', 0.6931471824645996],
  ['SOFTPLUS_C1', 0.08333302289247513],
  ['SOFTPLUS_C2', 0.012506697326898575],
  ['SOFTPLUS_C3', 0.00218774750828743],
  ['SOFTPLUS_C4', 0.0005469914758577943],
  ['GAUSS_STEPS', 0.7213475108146667],
  ['LN4', 1.3862943649291992],
  ['FOUR', 4],
  ['GAUSS_D1', 0.08333312720060349],
  ['GAUSS_D2', -0.0003458405553828925],
  ['GELU_MAX', 13.25],
  ['GELU_P0', 14.701520919799805],
  ['GELU_P1', 9.857203483581543],
  ['GELU_P2', 3.0718629360198975],
  ['GELU_P3', 0.3987647593021393],
  ['GELU_Q0', 29.40304183959961],
  ['GELU_Q1', 43.17460632324219],
  ['GELU_Q2', 25.891036987304688],
  ['GELU_Q3', 7.686054706573486],
  ['INV_SQRT_2PI', 0.3989422917366028],
  ['LEAK', 0.009999999776482582], // slope of leakyRelu below 0
] as const satisfies readonly (readonly [name: string, value: number])[];

/** Bit patterns, as signed 32-bit integers. Also append-only. */
export const INTEGER_CONSTANTS = [
  ['SIGN_BIT', -0x80000000],
  ['ONE_BITS', 0x3f800000], // 1
  ['MANTISSA_MASK', 0x007fffff],
  ['SQRT_HALF_BITS', 0x3f3504f3], // √½
  ['LOG_OFFSET', 0x004afb0d], // ONE_BITS − SQRT_HALF_BITS: carries into the exponent from m = √2 upwards
  ['FIELD_BITS', 0x4b000000], // 2²³: its lowest mantissa bits count units
  ['NAN_BITS', 0x7fc00000], // the canonical NaN
] as const satisfies readonly (readonly [name: string, value: number])[];

export type ConstantName = (typeof CONSTANTS)[number][0];
export type IntegerConstantName = (typeof INTEGER_CONSTANTS)[number][0];

function byName<Name extends string>(table: readonly (readonly [Name, number])[]): Readonly<Record<Name, number>> {
  const out = {} as Record<Name, number>;
  for (const [name, value] of table) out[name] = value;
  return Object.freeze(out);
}

function indexOf<Name extends string>(table: readonly (readonly [Name, number])[]): Readonly<Record<Name, number>> {
  return byName(table.map(([name], index) => [name, index] as const));
}

/** `K.LOG2E`: the value of a constant, already a float32. */
export const K = byName(CONSTANTS);

/** `CONSTANT_INDEX.LOG2E`: its position, 16 bytes apart in the arena. */
export const CONSTANT_INDEX = indexOf(CONSTANTS);

/** `BITS.SIGN_BIT`: a bit pattern. */
export const BITS = byName(INTEGER_CONSTANTS);
