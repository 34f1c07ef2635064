export type { NetworkState } from '../engine/index.js';
export { CheckpointError, type Tensor, type TensorFile } from '../models/index.js';
export type {
  ClassFigures,
  ClassificationReport,
  ClassificationScores,
  ClassificationWindow,
  ClassReport,
  IntervalReport,
  IntervalScores,
  QuantileReport,
  QuantileScores,
  RegressionReport,
  RegressionScores,
  RegressionTarget,
  RegressionWindow,
  WorstClassificationWindow,
} from '../online/index.js';
export { ReplayMemory, type ReplayMemoryOptions, type ReplayPolicy } from '../online/index.js';
export type { AnomalyReport } from './anomaly.js';
export { loadStream, restoreStream, saveStream } from './checkpoint.js';
export type { DriftReport } from './drift-watch.js';
export type { ForecastReport } from './forecast.js';
export type { ForecastScores } from './forecast-metrics.js';
export type { MonitorReport } from './forgetting-monitor.js';
export type { Quarantined } from './gates.js';
export type { ExpertReport, LearnerReport } from './learner.js';
export * from './outcome.js';
export type { MemoryReport } from './replayer.js';
export { GAP_REASONS, type GapReason, type StreamCounters, type StreamReport } from './report.js';
export { STREAM_FORMAT, STREAM_FORMAT_VERSION } from './state.js';
export { createStream, Stream, type StreamOptions } from './stream.js';
export type { ConsolidationSpec, ResolvedTaskNetwork, TaskNetwork } from './task-network.js';
