export {
  createNetwork,
  EngineError,
  type ExecutorKind,
  type Gradient,
  loadNetwork,
  type Network,
  type NetworkOptions,
  type ParameterView,
  type Refusals,
} from './engine/index.js';
export { CheckpointError } from './models/index.js';
export type { Op, Plan, Region } from './plan/index.js';
export {
  type Activation,
  type DenseSpec,
  EdgegradError,
  type Initialiser,
  type LayerSpec,
  type Loss,
  type NetworkSpec,
  type OptimizerSpec,
  type Problem,
  type SgdSpec,
  SpecError,
} from './spec/index.js';
