export {
  checkGradients,
  GRADIENT_TOLERANCE,
  type GradientCheck,
  type GradientCheckOptions,
  type ParameterCheck,
} from './check-gradients.js';
export { cost64, forward64, matrixOf, type Parameters64, parametersOf } from './float64.js';
export { randomRow, randomTarget, targetsOf } from './rows.js';
