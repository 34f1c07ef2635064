import type { SpecError } from '../spec/errors.js';
import type { DeviceSchema } from './device-schema.js';

/** What a HELLO says besides columns. */
export interface DeviceHello {
  readonly firmware: string;
  readonly boot: number;
  /** The number of the next row. */
  readonly nextRow: number;
  /** The time between rows the device aims at, microseconds; 0 for none. */
  readonly periodUs: number;
  readonly schema: number;
}

/** What a device says of itself in STATS, counted from its start. */
export interface DeviceStats {
  readonly nextRow: number;
  readonly droppedRows: number;
  readonly droppedFrames: number;
  readonly rxFrames: number;
  readonly rxBad: number;
  /** Bytes; 65535 where unknown. */
  readonly freeRam: number;
}

/** `restart`: the device, or its count of rows, began anew · `clock`: a row is earlier than the row before it. */
export type GapKind = 'restart' | 'clock';

export interface LabelOptions {
  /** Names of label columns, to be found in the device's schema. */
  names: readonly string[];
  /** [names], the declared units; empty for none. A device with another one is refused. */
  units?: readonly string[];
  /** [names], the caller's: filled before `onLabel`, NaN where a value is missing. */
  values: Float32Array;
}

/**
 * What a FrameDecoder needs to know and whom it tells. For one frame the calls come in this order: gaps, lost rows,
 * rejects, then what is in it. None of them may feed the same decoder.
 */
export interface FrameDecoderOptions {
  /** The declared columns' names. */
  columns: readonly string[];
  /** [columns]: which of them the task needs; a device without one of them is refused. */
  required: readonly boolean[];
  /** [columns]: which of them are not looked at; their value is NaN. Default none. */
  ignored?: readonly boolean[];
  /** [columns]: the declared units; empty for none. A device that says another one is refused. Default none. */
  units?: readonly string[];
  /** [columns], the caller's: a row is written here, NaN where a value is missing. */
  row: Float32Array;
  /**
   * The column whose value is also kept as float64 in `time`. Where the device has no such column it is the time of the
   * row by the device's clock, in seconds since its start.
   */
  timeColumn?: number;
  labels?: LabelOptions;
  /** `row`, `time[0]`, `timeUs[0]` and `rowNumber[0]` are filled. */
  onRow(): void;
  /** `count` rows before the next one are lost. */
  onLost?(count: number): void;
  onGap?(kind: GapKind): void;
  /** What was no frame, or was not taken, for `FRAME_REJECT_REASONS[reason]`. */
  onFrameReject?(reason: number): void;
  /** A HELLO has come; it does so every ten seconds. */
  onHello?(hello: DeviceHello): void;
  /** A schema is known: the first, or another one. The rows that follow are of it. */
  onSchema?(schema: DeviceSchema): void;
  /** The schema, or the protocol, does not fit: rows are rejected and counted until another one comes. */
  onMismatch?(problem: SpecError): void;
  /** A row or label of an unknown schema has come: HELLO_REQ should be sent, at most once a second. */
  onWantHello?(): void;
  /** `labels.values` and `labelRow[0]` are filled. A device repeats a label until it is acknowledged. */
  onLabel?(): void;
  /** `level`: 0 error, 1 warning, 2 info, 3 debug. The text is the device's, control characters included. */
  onLog?(level: number, text: string): void;
  /** Lines printed between frames, as they came. */
  onText?(text: string): void;
  onStats?(stats: DeviceStats): void;
  /** The answer to a PING. Times by the device's clock in microseconds without wraps, as `timeUs`. */
  onPong?(token: number, rxUs: number, txUs: number): void;
}
