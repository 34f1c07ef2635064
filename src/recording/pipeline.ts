import {
  type FrameCounters,
  type FrameDecoderOptions,
  type LineCounters,
  type TextFormat,
  WireDecoder,
} from '../bridge/index.js';
import type { ByteSink } from '../ingest/index.js';
import type { SpecError } from '../spec/index.js';
import type { Stream } from '../stream/index.js';

/** What a device that speaks frames has to say besides rows. */
type DeviceEvents = Pick<
  FrameDecoderOptions,
  'onHello' | 'onSchema' | 'onWantHello' | 'onLog' | 'onText' | 'onStats' | 'onPong'
>;

/** What may be told while bytes become learned rows. Each is called from the hot path and must be short. */
export interface PipelineEvents extends DeviceEvents {
  /** A row is decoded and about to be taken; false: neither it nor any later one is. */
  beforeRow?(): boolean;
  /** A row went through the stream; `outcome` as `Stream.accept` returns it. */
  onRow?(outcome: number): void;
  /** A label of the device went into the stream; `outcome` as `Stream.label` returns it. */
  onLabel?(row: number, outcome: number): void;
  /** The device's line format was found, or has changed. */
  onFormat?(format: TextFormat): void;
  /** The device lacks a column the task needs, or says another unit: its rows are rejected and counted until that changes. */
  onMismatch?(problem: SpecError): void;
}

/**
 * The way from bytes to learning, the same for a live port and for a log: lines or frames to rows straight into the
 * arena, rows through the stream. Nothing behind it can tell which source the bytes came from.
 */
export class Pipeline implements Pick<ByteSink, 'bytes'> {
  readonly decoder: WireDecoder;
  /** Bytes are decoded, and what comes of them is kept from the stream: to bring a decoder to where another one was. */
  isMuted = false;
  /** The next row may have lost its beginning: `23.5,1` may have been `123.5,1`. */
  private isSuspect = false;
  private isEnded = false;
  /** [0]: of a device that speaks frames, the number of the row the stream stands at; [1]: 1 where it is known. */
  private readonly position = new Uint32Array(2);
  private readonly labels: Float32Array;
  /** [targets]: their columns. */
  private readonly labelColumns: Int32Array;

  constructor(
    readonly stream: Stream,
    private readonly events: PipelineEvents = {},
  ) {
    const { columns, required, row, timeColumn, task } = stream;
    const { onRow, onLabel, beforeRow, onFormat, onMismatch, ...device } = events;
    const targets = task.targets.map((name) => columns.findIndex((column) => column.name === name));
    this.labels = new Float32Array(targets.length);
    this.labelColumns = Int32Array.from(targets);
    this.decoder = new WireDecoder({
      columns: columns.map((column) => column.name),
      units: columns.map((column) => column.unit),
      required,
      ignored: columns.map((column) => column.kind === 'ignore'),
      kinds: columns.map((column) => column.kind),
      clockUnits: columns.map((column) => column.unit),
      words: columns.map((column) => column.values),
      row,
      ...(timeColumn === undefined ? {} : { timeColumn }),
      labels: { names: task.targets, units: targets.map((i) => columns[i].unit), values: this.labels },
      onRow: () => this.row(),
      onReject: () => this.lost(1),
      onLost: (count) => this.lost(count),
      onGap: (kind) => {
        this.position[1] = 0;
        if (!this.isEnded && !this.isMuted) stream.gap(kind === 'clock' ? 'time' : kind);
      },
      onLabel: () => this.label(),
      ...(onFormat === undefined ? {} : { onFormat }),
      ...(onMismatch === undefined ? {} : { onMismatch }),
      ...device,
    });
  }

  /** `beforeRow` has said that no further row is taken. */
  get hasEnded(): boolean {
    return this.isEnded;
  }

  /** The number of the row the stream stands at, of a device that speaks frames. */
  get rowNumber(): number {
    return this.position[0];
  }

  /** Rows decoded, of either kind. */
  get rowsDecoded(): number {
    return this.lines().rowsDecoded + this.frames().rowsDecoded;
  }

  lines(): LineCounters {
    return this.decoder.lines.counters();
  }

  frames(): FrameCounters {
    return this.decoder.frames.counters();
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
   * kept: a cut one has no name the task knows. A frame shows by itself whether it is whole.
   */
  opened({ isAgain, mayBeMidLine }: { isAgain: boolean; mayBeMidLine: boolean }): void {
    this.isSuspect = mayBeMidLine;
    this.position[1] = 0;
    if (!isAgain) return;
    this.decoder.reset(false);
    if (!this.isMuted) this.stream.gap('reconnect');
  }

  /** A label from outside the wire: the targets' values, in their order, of the row `age` rows ago. Returns as `Stream.label`. */
  labelOutside(values: ArrayLike<number>, age: number): number {
    const { stream, labelColumns } = this;
    for (let i = 0; i < labelColumns.length; i++) stream.labelRow[labelColumns[i]] = values[i] ?? Number.NaN;
    return stream.label(age);
  }

  /** There is no more: a last line without a line feed counts, and the last predictions are scored. */
  finish(): void {
    this.decoder.finish();
    this.stream.finish();
  }

  /** @hot */
  private row(): void {
    const { stream, decoder, events } = this;
    const isFrame = decoder.mode === 'binary';
    const isDoubtful = this.isSuspect && !isFrame;
    this.isSuspect = false;
    if (isDoubtful) {
      this.lost(1);
      return;
    }
    if (this.isEnded) return;
    if (this.isMuted) {
      if (isFrame) this.standAt(decoder.frames.rowNumber[0]);
      return;
    }
    stream.time[0] = decoder.time[0];
    if (events.beforeRow !== undefined && !events.beforeRow()) {
      this.isEnded = true;
      return;
    }
    if (isFrame) this.moveTo(decoder.frames.rowNumber[0]);
    const outcome = stream.accept();
    events.onRow?.(outcome);
  }

  /** Rows between the last one and this that came but were not given, as their values are none: they keep their places. @hot */
  private moveTo(rowNumber: number): void {
    const { position } = this;
    const between = position[1] === 1 ? (rowNumber - position[0] - 1) >>> 0 : 0;
    if (between > 0) this.stream.lost(between);
    this.standAt(rowNumber);
  }

  private standAt(rowNumber: number): void {
    const { position } = this;
    position[0] = rowNumber;
    position[1] = 1;
  }

  /** @hot */
  private lost(count: number): void {
    if (this.isEnded) return;
    if (!this.isMuted) this.stream.lost(count);
    this.position[0] = this.position[0] + count;
  }

  /** @hot */
  private label(): void {
    const { labels, position, decoder } = this;
    if (this.isEnded || this.isMuted) return;
    const row = decoder.frames.labelRow[0];
    const age = position[1] === 1 ? position[0] - row : -1;
    const outcome = this.labelOutside(labels, age);
    this.events.onLabel?.(row, outcome);
  }
}
