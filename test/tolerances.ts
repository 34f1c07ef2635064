// Every tolerance of the suite, with its reason.

/** Parameters after some tens of float32 steps against PyTorch, whose order of summation and exp differ from ours. */
export const TRAJECTORY_ABSOLUTE = 2e-6;

/** One step of float32 against the same step in float64. */
export const STEP_ABSOLUTE = 1e-6;

/** Rolling moments merged pairwise against two passes over the window, in the size of its values: tens of float64 roundings. */
export const ROLLING_RELATIVE = 1e-13;
