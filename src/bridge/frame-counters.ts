/**
 * What a FrameDecoder counts, and where in its Float64Array.
 *
 * What lies between two 0x00 is counted once: as a frame (rxFrames), as damage (rejectedTooLong … rejectedCrc), as text,
 * or as droppedPartial. A frame is rejected for one reason. Numbers of rows are counted once, from the first frame taken
 * on: rowsDecoded + rowsLost + rowsRefused.
 */
export const FrameCounter = {
  /** Bytes fed, of any kind. */
  rxBytes: 0,
  /** Frames with the right CRC, of any kind. */
  rxFrames: 1,
  /** Rows given to the caller. */
  rowsDecoded: 2,
  /** Numbers of rows that have not come: lost on the way, or dropped by the device. */
  rowsLost: 3,
  /** Starts of the device that were seen, and jumps of its row numbers. */
  restarts: 4,
  /** Rows earlier than the row before them. */
  clockJumps: 5,
  /** Lines of text between frames; what is behind the last line feed counts as one. */
  textLines: 6,
  /** HELLO frames. */
  hellos: 7,
  /** LABEL frames given to the caller. */
  labels: 8,
  /** STATS frames. */
  stats: 9,
  /** LOG frames. */
  logs: 10,
  /** PONG frames. */
  pongs: 11,
  /** More than 251 bytes between two 0x00. */
  rejectedTooLong: 12,
  /** Not COBS. */
  rejectedCobs: 13,
  /** Less than 14 bytes. */
  rejectedTooShort: 14,
  /** A wrong CRC. */
  rejectedCrc: 15,
  /** A message the decoder does not know, or one of the host. */
  rejectedUnknownType: 16,
  /** A payload that does not fit the message. */
  rejectedLength: 17,
  /** Rows and labels of a schema that is not known. */
  rejectedSchema: 18,
  /** Frames with rows that have come before. */
  rejectedDuplicate: 19,
  /** Frames of rows, and labels, with a value beyond float32. Of a batch only that row is refused. */
  rejectedRange: 20,
  /** Frames of rows, and labels, of a schema that does not fit the declared columns. */
  rejectedColumns: 21,
  /** Ends of frames after the decoder began to listen in their middle; not damage. */
  droppedPartial: 22,
  /** Rows that came and were not given to the caller, for a value beyond float32 or for their columns. */
  rowsRefused: 23,
} as const;

/** The same by name, as `FrameDecoder.counters()` returns them. */
export type FrameCounters = { [name in keyof typeof FrameCounter]: number };

/** Why bytes were no frame or a frame was dropped; `FrameCounter.rejectedTooLong + reason` counts it. */
export const FrameReject = {
  tooLong: 0,
  cobs: 1,
  tooShort: 2,
  crc: 3,
  unknownType: 4,
  length: 5,
  schema: 6,
  duplicate: 7,
  range: 8,
  columns: 9,
} as const;

/** The reasons by name: `onFrameReject` gets an index into it. */
export const FRAME_REJECT_REASONS = Object.keys(FrameReject) as readonly (keyof typeof FrameReject)[];

export function readFrameCounters(values: Float64Array): FrameCounters {
  return Object.fromEntries(Object.entries(FrameCounter).map(([name, at]) => [name, values[at]])) as FrameCounters;
}
