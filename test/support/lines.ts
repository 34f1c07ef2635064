import {
  type LineCounters,
  LineDecoder,
  type LineDecoderOptions,
  REJECT_REASONS,
  type TextFormat,
} from '../../src/bridge/index.js';

/** Everything a decoder says about a stream, in the order it says it. */
export interface Heard {
  rows: number[][];
  times: number[];
  rejects: string[];
  formats: TextFormat[];
  mismatches: string[];
  /** 'row', 'reject', 'format', 'mismatch' in the order of the calls. */
  order: string[];
  counters: LineCounters;
}

export type Columns = Pick<LineDecoderOptions, 'columns'> & Partial<LineDecoderOptions>;

/** A decoder that writes down everything it hears. */
export function listen(options: Columns): { decoder: LineDecoder; heard: () => Heard } {
  const row = new Float32Array(options.columns.length).fill(-1);
  const heard: Omit<Heard, 'counters'> = { rows: [], times: [], rejects: [], formats: [], mismatches: [], order: [] };
  const decoder: LineDecoder = new LineDecoder({
    required: options.columns.map(() => true),
    ...options,
    row,
    onRow() {
      heard.rows.push([...row]);
      heard.times.push(decoder.time[0]);
      heard.order.push('row');
    },
    onReject(reason) {
      heard.rejects.push(REJECT_REASONS[reason]);
      heard.order.push('reject');
    },
    onFormat(format) {
      heard.formats.push(format);
      heard.order.push('format');
    },
    onMismatch(problem) {
      heard.mismatches.push(problem.message);
      heard.order.push('mismatch');
    },
  });
  return { decoder, heard: () => ({ ...heard, counters: decoder.counters() }) };
}

/** Decodes a whole stream, cut into chunks of the given sizes (the last one again and again), to its end. */
export function decode(options: Columns, input: string | Uint8Array, chunks: readonly number[] = [1 << 20]): Heard {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  const { decoder, heard } = listen(options);
  for (let from = 0, i = 0; from < bytes.length; i++) {
    const to = Math.min(bytes.length, from + chunks[Math.min(i, chunks.length - 1)]);
    decoder.feed(bytes, from, to);
    from = to;
  }
  decoder.finish();
  return heard();
}

/** What every line became: equal to rxLines once nothing is held. */
export function accountedLines(c: LineCounters): number {
  return (
    c.rowsDecoded +
    c.headers +
    c.comments +
    c.droppedBeforeLock +
    c.parts +
    REJECT_REASONS.reduce(
      (sum, reason) => sum + c[`rejected${reason[0].toUpperCase()}${reason.slice(1)}` as keyof LineCounters],
      0,
    )
  );
}

/** `line` with its `*hh`. */
export function withChecksum(line: string): string {
  const xor = new TextEncoder().encode(line).reduce((sum, byte) => sum ^ byte, 0);
  return `${line}*${xor.toString(16).toUpperCase().padStart(2, '0')}`;
}
