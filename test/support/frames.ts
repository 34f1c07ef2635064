import {
  FRAME_REJECT_REASONS,
  type FrameCounters,
  FrameDecoder,
  type FrameDecoderOptions,
} from '../../src/bridge/index.js';

export interface FrameEvent {
  event: string;
  [key: string]: unknown;
}

/** Everything a decoder says about a stream, in the order it says it. */
export interface HeardFrames {
  events: FrameEvent[];
  text: string;
  mismatches: string[];
  wanted: number;
  counters: FrameCounters;
}

export type FrameColumns = Pick<FrameDecoderOptions, 'columns'> &
  Partial<Omit<FrameDecoderOptions, 'labels'>> & { labelNames?: readonly string[] };

const plain = (values: Float32Array) => [...values].map((x) => (Number.isNaN(x) ? null : x));

/** A decoder of frames that writes down everything it hears. */
export function listenToFrames(options: FrameColumns): { decoder: FrameDecoder; heard: () => HeardFrames } {
  const { labelNames = [], ...rest } = options;
  const row = new Float32Array(options.columns.length).fill(-1);
  const values = new Float32Array(labelNames.length).fill(-1);
  const heard: Omit<HeardFrames, 'counters'> = { events: [], text: '', mismatches: [], wanted: 0 };
  const tell = (event: string, more: object) => heard.events.push({ event, ...more });
  const decoder: FrameDecoder = new FrameDecoder({
    required: options.columns.map(() => true),
    ...rest,
    row,
    labels: { names: labelNames, values },
    onRow: () => tell('row', { row: decoder.rowNumber[0], timeUs: decoder.timeUs[0], values: plain(row) }),
    onLost: (rows) => tell('gap', { reason: 'lost', rows }),
    onGap: (reason) => tell('gap', { reason }),
    onFrameReject: (reason) => tell('reject', { reason: FRAME_REJECT_REASONS[reason] }),
    onHello: ({ boot, nextRow, periodUs }) => tell('hello', { bootId: boot, nextRow, periodUs }),
    onSchema: ({ hash }) => tell('schema', { hash }),
    onMismatch: (problem) => heard.mismatches.push(problem.message),
    onWantHello: () => heard.wanted++,
    onLabel: () => tell('label', { row: decoder.labelRow[0], values: plain(values) }),
    onLog: (level, text) => tell('log', { level, text }),
    onText: (text) => {
      heard.text += text;
    },
    onStats: (stats) => tell('stats', { ...stats }),
    onPong: (token, rxUs, tUs) => tell('pong', { token, rxUs, tUs }),
  });
  return { decoder, heard: () => ({ ...heard, counters: decoder.counters() }) };
}

/** Feeds a whole stream, cut into chunks of the given sizes (the last one again and again). */
export function feedChunks(
  decoder: { feed(bytes: Uint8Array, start: number, end: number): void },
  bytes: Uint8Array,
  chunks: readonly number[],
): void {
  for (let from = 0, i = 0; from < bytes.length; i++) {
    const to = Math.min(bytes.length, from + chunks[Math.min(i, chunks.length - 1)]);
    decoder.feed(bytes, from, to);
    from = to;
  }
}

export function decodeFrames(
  options: FrameColumns,
  bytes: Uint8Array,
  chunks: readonly number[] = [1 << 20],
): HeardFrames {
  const { decoder, heard } = listenToFrames(options);
  feedChunks(decoder, bytes, chunks);
  return heard();
}

/** What lay between two 0x00 and was counted: frames, damage and what was cut. Text is not among it. */
export function accountedFrames(c: FrameCounters): number {
  return c.rxFrames + c.rejectedTooLong + c.rejectedCobs + c.rejectedTooShort + c.rejectedCrc + c.droppedPartial;
}
