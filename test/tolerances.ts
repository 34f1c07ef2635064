// Every tolerance of the suite, with its reason.

/** Relative error of a float32 gradient against central differences in float64 (h = 1e-5): float32 rounding of a few layers. */
export const GRADIENT_RELATIVE = 1e-4;

/** The smallest gradient a relative error is taken of: below it float32 sums have cancelled. */
export const GRADIENT_FLOOR = 5e-3;

/** Parameters after some tens of float32 steps against PyTorch, whose order of summation and exp differ from ours. */
export const TRAJECTORY_ABSOLUTE = 2e-6;

/** One step of float32 against the same step in float64. */
export const STEP_ABSOLUTE = 1e-6;
