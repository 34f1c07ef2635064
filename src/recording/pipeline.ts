import { LineDecoder, type TextFormat } from '../bridge/index.js';
import type { ByteSink } from '../ingest/index.js';
import type { SpecError } from '../spec/index.js';
import type { Stream } from '../stream/index.js';

/** What may be told while bytes become learned rows. Each is called from the hot path and must be short. */
export interface PipelineEvents {
  /** A row is decoded and about to be taken; false: neither it nor any later one is. */
  beforeRow?(): boolean;
  /** A row went through the stream; `outcome` as `Stream.accept` returns it. */
  onRow?(outcome: number): void;
  /** The device's line format was found, or has changed. */
  onFormat?(format: TextFormat): void;
  /** The device's lines lack a column the task needs: they are rejected and counted until that changes. */
  onMismatch?(problem: SpecError): void;
}

/**
 * The way from bytes to learning, the same for a live port and for a log: lines to rows straight into the arena, rows
 * through the stream. Nothing behind it can tell which source the bytes came from.
 */
export class Pipeline implements Pick<ByteSink, 'bytes'> {
  readonly decoder: LineDecoder;
  /** The next row may have lost its beginning: `23.5,1` may have been `123.5,1`. */
  private isSuspect = false;
  private isEnded = false;

  constructor(
    readonly stream: Stream,
    events: PipelineEvents = {},
  ) {
    const { columns, required, row, time, timeColumn } = stream;
    const { beforeRow, onRow, onFormat, onMismatch } = events;
    this.decoder = new LineDecoder({
      columns: columns.map((column) => column.name),
      required,
      ignored: columns.map((column) => column.kind === 'ignore'),
      row,
      ...(timeColumn === undefined ? {} : { timeColumn }),
      onRow: () => {
        if (this.isSuspect) {
          this.isSuspect = false;
          if (!this.isEnded) stream.lost(1);
          return;
        }
        time[0] = this.decoder.time[0];
        if (this.isEnded) return;
        if (beforeRow !== undefined && !beforeRow()) {
          this.isEnded = true;
          return;
        }
        const outcome = stream.accept();
        onRow?.(outcome);
      },
      onReject: () => {
        if (!this.isEnded) stream.lost(1);
      },
      ...(onFormat === undefined ? {} : { onFormat }),
      ...(onMismatch === undefined ? {} : { onMismatch }),
    });
  }

  /** `beforeRow` has said that no further row is taken. */
  get hasEnded(): boolean {
    return this.isEnded;
  }

  /** Takes the first `length` bytes of a buffer, which may be reused afterwards. @hot */
  bytes(buffer: Uint8Array, length: number): void {
    this.decoder.feed(buffer, 0, length);
  }

  /** Takes `buffer[start, end)`, which may be reused afterwards. @hot */
  feed(buffer: Uint8Array, start: number, end: number): void {
    this.decoder.feed(buffer, start, end);
  }

  /**
   * The link is open. Where it was open before, what was half received is dropped, and nothing is learned across.
   *
   * @param mayBeMidLine the device may be in the middle of a line: its first row is not believed. A header line is
   * kept: a cut one has no name the task knows.
   */
  opened({ isAgain, mayBeMidLine }: { isAgain: boolean; mayBeMidLine: boolean }): void {
    this.isSuspect = mayBeMidLine;
    if (!isAgain) return;
    this.decoder.reset(false);
    this.stream.gap('reconnect');
  }

  /** There is no more: a last line without a line feed counts, and the last predictions are scored. */
  finish(): void {
    this.decoder.finish();
    this.stream.finish();
  }
}
