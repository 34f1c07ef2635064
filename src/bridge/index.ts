export { ClockEstimator } from './clock-estimator.js';
export { type LineCounters, REJECT_REASONS, rejectedLines } from './counters.js';
export { LineDecoder, type LineDecoderOptions } from './decoder.js';
export { DeviceEncoder, type DeviceEncoderOptions } from './device-encoder.js';
export type { DeviceColumn, DeviceSchema } from './device-schema.js';
export { MAX_LINE_BYTES } from './fields.js';
export type { TextFormat } from './format.js';
export { FRAME_REJECT_REASONS, type FrameCounters } from './frame-counters.js';
export { FrameDecoder } from './frame-decoder.js';
export type {
  DeviceHello,
  DeviceStats,
  FrameDecoderOptions,
  GapKind,
  LabelOptions,
} from './frame-options.js';
export { HostEncoder } from './host-encoder.js';
export { MAX_OUTPUT_VALUES, PROTOCOL, type WireType } from './messages.js';
export {
  adviceOn,
  pointedLine,
  quotedLine,
  type RawLine,
  RefusalAccount,
  RefusalWatch,
  type RefusedLines,
  shownPartial,
} from './refusals.js';
export { type SurveyColumn, surveyText, type TextSurvey } from './text/survey.js';
export { WireDecoder, type WireDecoderOptions, type WireMode } from './wire-decoder.js';
