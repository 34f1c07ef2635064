import { SpecError } from '../spec/errors.js';
import { cobsDecode, NOT_COBS } from './cobs.js';
import { checkColumns } from './columns.js';
import { crc32 } from './crc32.js';
import { type DeviceSchema, SchemaAssembler } from './device-schema.js';
import { FrameCounter, type FrameCounters, FrameReject, readFrameCounters } from './frame-counters.js';
import type { DeviceHello, FrameDecoderOptions } from './frame-options.js';
import {
  AT_FLAGS,
  AT_SCHEMA,
  AT_SEQ,
  AT_TIME,
  BATCH_HEAD_BYTES,
  CRC_BYTES,
  FLAG_MASK,
  FROM_HOST,
  HEADER_BYTES,
  HELLO,
  HELLO_HEAD_BYTES,
  LABEL,
  LABEL_HEAD_BYTES,
  LOG,
  MAX_STUFFED_BYTES,
  MIN_BODY_BYTES,
  PONG,
  PONG_BYTES,
  PROTOCOL,
  ROW,
  ROW_BATCH,
  STATS,
  STATS_BYTES,
} from './messages.js';
import { PieceBuffer } from './piece-buffer.js';
import type { RowLayout } from './row-layout.js';
import { SchemaInForce } from './schema-in-force.js';
import type { DeclaredColumns } from './schema-match.js';
import { IN_ORDER, JUMP, OLD, Sequence } from './sequence.js';

/** What a frame is when it is not dropped for a reason. */
const TAKEN = -1;

/** Bits of `flags` that are the boot id's. */
const BOOT_SHIFT = 4;

/**
 * Binary frames to rows: `firmware-bridge/protocol/binary.md`.
 *
 * Any cutting of the same bytes into chunks gives the same calls and counters. Nothing from the wire makes it throw; what
 * is damaged is counted. Once the schema is known, a row or a label allocates nothing. Memory is bounded: a frame that
 * crosses a border of chunks, a line of text, 64 columns.
 */
export class FrameDecoder {
  /** [1]: the time column of the row in float64; NaN where none is declared. */
  readonly time = new Float64Array(1).fill(Number.NaN);
  /** [1]: when the row was taken, by the device's clock: microseconds without wraps. */
  readonly timeUs = new Float64Array(1);
  /** [1]: the number of the row, from the device's start. */
  readonly rowNumber = new Uint32Array(1);
  /** [1]: the number of the row a label is the truth of. */
  readonly labelRow = new Uint32Array(1);

  private readonly options: FrameDecoderOptions;
  private readonly declared: DeclaredColumns;
  private readonly row: Float32Array;
  private readonly labelValues: Float32Array;
  private readonly count = new Float64Array(Object.keys(FrameCounter).length);

  private readonly pieces: PieceBuffer;
  /** The body of the frame being taken, and the same as numbers. */
  private readonly body = new Uint8Array(MAX_STUFFED_BYTES + 1);
  private readonly view = new DataView(this.body.buffer);

  private readonly sequence = new Sequence();
  private readonly assembler = new SchemaAssembler();
  /** Boot bits and boot id; −1 and null while unknown. */
  private bootBits = -1;
  private boot: number | null = null;
  private protocol = PROTOCOL;
  private readonly inForce: SchemaInForce;
  private knownHello: DeviceHello | null = null;

  /** [1]: between the rows of a batch. [236]: 1 for rows of it with a value that is out of range. */
  private readonly stepUs = new Float64Array(1);
  private readonly isOutOfRange = new Uint8Array(MAX_STUFFED_BYTES);
  private readonly fullNumber = new Uint32Array(1);

  /** @throws SpecError where the options do not belong together */
  constructor(options: FrameDecoderOptions) {
    const none = options.columns.map(() => false);
    const ignored = options.ignored ?? none;
    const units = options.units ?? options.columns.map(() => '');
    checkColumns(options.columns, options.required, ignored, options.row, options.timeColumn);
    checkLengths('units', units, options.columns);
    if (options.labels !== undefined) {
      checkLengths('labels.values', options.labels.values, options.labels.names);
      if (options.labels.units !== undefined) checkLengths('labels.units', options.labels.units, options.labels.names);
    }
    this.options = options;
    this.declared = {
      names: options.columns,
      required: options.required,
      ignored,
      units,
      timeColumn: options.timeColumn ?? -1,
    };
    this.inForce = new SchemaInForce(this.declared, options);
    this.row = options.row;
    this.labelValues = options.labels?.values ?? new Float32Array(0);
    this.pieces = new PieceBuffer({
      isFrame: (bytes, start, end) => this.unpack(bytes, start, end) >= 0,
      onFrame: (bytes, start, end) => this.frame(this.unpack(bytes, start, end)),
      onDamage: (bytes, start, end) => this.damaged(bytes, start, end),
      onTooLong: () => this.reject(FrameReject.tooLong),
      onText: (bytes, start, end, lines) => this.text(bytes, start, end, lines),
      onPartial: () => this.count[FrameCounter.droppedPartial]++,
    });
  }

  /** What the last HELLO said; null before the first. */
  get hello(): DeviceHello | null {
    return this.knownHello;
  }

  /** The columns of the device; null while they are not known. */
  get schema(): DeviceSchema | null {
    return this.inForce.known;
  }

  /**
   * Takes `bytes[start, end)`, the next bytes of the stream. They are not kept: the caller may reuse the buffer.
   * @hot
   */
  feed(bytes: Uint8Array, start: number, end: number): void {
    this.count[FrameCounter.rxBytes] += end - start;
    let from = start;
    while (from < end) {
      let at = from;
      while (at < end && bytes[at] !== 0) at++;
      if (at === end) {
        this.pieces.keep(bytes, from, end);
        return;
      }
      if (!this.pieces.isEmpty || at - from > MAX_STUFFED_BYTES) {
        this.pieces.keep(bytes, from, at);
        this.pieces.end();
      } else if (at === from) this.pieces.isMidPiece = false;
      else {
        const n = this.unpack(bytes, from, at);
        if (n >= 0) {
          this.pieces.isMidPiece = false;
          this.frame(n);
        } else this.pieces.piece(bytes, from, at);
      }
      from = at + 1;
    }
  }

  /**
   * Where in `bytes[start, end)`, which hold no 0x00, a frame begins that ends at `end`: at `start`, or behind text;
   * −1 where there is none. Takes nothing.
   */
  findFrame(bytes: Uint8Array, start: number, end: number): number {
    return this.pieces.findFrame(bytes, start, end);
  }

  /**
   * The link was cut, and a device is listened to anew: schema, row numbers and clock are forgotten.
   *
   * @param midFrame whether the stream goes on in the middle of a frame: what comes before the first 0x00 is not damage
   */
  reset(midFrame: boolean): void {
    this.pieces.reset(midFrame);
    this.sequence.forget();
    this.assembler.forget();
    this.bootBits = -1;
    this.boot = null;
    this.protocol = PROTOCOL;
    this.inForce.forget();
    this.knownHello = null;
  }

  /** What has been counted so far, by name. Allocates: for reports, not for every row. */
  counters(): FrameCounters {
    return readFrameCounters(this.count);
  }

  /**
   * Unstuffs `bytes[start, end)` into `body` and checks the CRC. Returns the size of the body, or −1 − the reason why
   * these bytes are no frame.
   * @hot
   */
  private unpack(bytes: Uint8Array, start: number, end: number): number {
    const body = this.body;
    const n = cobsDecode(bytes, start, end, body, 0);
    if (n === NOT_COBS) return -1 - FrameReject.cobs;
    if (n < MIN_BODY_BYTES) return -1 - FrameReject.tooShort;
    const crc = crc32(body, 0, n - CRC_BYTES);
    return crc === this.view.getInt32(n - CRC_BYTES, true) ? n : -1 - FrameReject.crc;
  }

  private damaged(bytes: Uint8Array, start: number, end: number): void {
    this.reject(-1 - this.unpack(bytes, start, end));
  }

  private text(bytes: Uint8Array, start: number, end: number, lines: number): void {
    this.count[FrameCounter.textLines] += lines;
    this.options.onText?.(textOf(bytes, start, end));
  }

  private reject(reason: number): void {
    this.count[FrameCounter.rejectedTooLong + reason]++;
    this.options.onFrameReject?.(reason);
  }

  /** A frame with the right CRC: `body[0, n)`. */
  private frame(n: number): void {
    const body = this.body;
    this.count[FrameCounter.rxFrames]++;
    const type = body[0];
    if (type < FROM_HOST) {
      const bits = body[AT_FLAGS] >> BOOT_SHIFT;
      if (bits !== this.bootBits) {
        if (this.bootBits >= 0) this.restarted();
        this.bootBits = bits;
      }
    }
    const reason = this.take(type, n - CRC_BYTES);
    if (reason === TAKEN) return;
    this.reject(reason);
    if (reason === FrameReject.schema) this.options.onWantHello?.();
  }

  /** The message whose payload ends at `end`: TAKEN, or the reason why it was dropped. */
  private take(type: number, end: number): number {
    switch (type) {
      case ROW:
        return this.takeRows(1, HEADER_BYTES, end, (this.body[AT_FLAGS] & FLAG_MASK) !== 0);
      case ROW_BATCH:
        return this.batch(end);
      case LABEL:
        return this.label(end);
      case HELLO:
        return this.helloFrame(end);
      case LOG:
        return this.log(end);
      case STATS:
        return this.stats(end);
      case PONG:
        return this.pong(end);
      default:
        return FrameReject.unknownType;
    }
  }

  private batch(end: number): number {
    const count = this.body[HEADER_BYTES];
    if (end < HEADER_BYTES + BATCH_HEAD_BYTES || count === 0) return FrameReject.length;
    this.stepUs[0] = this.view.getUint32(HEADER_BYTES + 1, true);
    return this.takeRows(count, HEADER_BYTES + BATCH_HEAD_BYTES, end, false);
  }

  /** `count` rows, the mask of the first at `at`. */
  private takeRows(count: number, at: number, end: number, isMasked: boolean): number {
    if (end === at) return FrameReject.length;
    const layout = this.inForce.rows;
    if (layout === null || this.view.getUint16(AT_SCHEMA, true) !== this.inForce.hash) return FrameReject.schema;
    const first = isMasked ? at + layout.maskBytes : at;
    if (end - first !== count * layout.bytes) return FrameReject.length;
    const sequence = this.sequence;
    const order = sequence.compareLow(this.view.getUint16(AT_SEQ, true));
    let skipped = 0;
    if (order === OLD) {
      skipped = sequence.rows[0];
      if (skipped >= count) return FrameReject.duplicate;
    } else this.tellGap(order);
    sequence.tick(this.view, AT_TIME);
    if (sequence.isEarlier(this.stepUs, skipped, count - 1)) {
      this.count[FrameCounter.clockJumps]++;
      this.options.onGap?.('clock');
    }
    // A frame is counted for one reason: rows of it that have come before tell more than a value out of range.
    if (skipped > 0) this.reject(FrameReject.duplicate);
    if (this.inForce.problem !== null) {
      sequence.next[0] += count - skipped;
      this.count[FrameCounter.rowsRefused] += count - skipped;
      if (skipped === 0) this.reject(FrameReject.columns);
      return TAKEN;
    }
    let outOfRange = 0;
    for (let i = skipped; i < count; i++) {
      const isGood = layout.read(this.body, this.view, first + i * layout.bytes, isMasked ? at : -1, i * layout.fields);
      this.isOutOfRange[i] = isGood ? 0 : 1;
      if (!isGood) outOfRange++;
    }
    if (outOfRange > 0) {
      this.count[FrameCounter.rowsRefused] += outOfRange;
      if (skipped === 0) this.reject(FrameReject.range);
    }
    for (let i = skipped; i < count; i++) {
      this.rowNumber[0] = sequence.next[0];
      sequence.next[0]++;
      if (this.isOutOfRange[i] === 1) continue;
      this.timeUs[0] = sequence.timeUs[0] + (i === 0 ? 0 : i * this.stepUs[0]);
      this.giveRow(layout, i * layout.fields);
    }
    return TAKEN;
  }

  private giveRow(layout: RowLayout, from: number): void {
    layout.write(from, this.row);
    const timeColumn = this.declared.timeColumn;
    if (timeColumn >= 0) {
      const field = layout.fieldAt(timeColumn);
      if (field >= 0) this.time[0] = layout.values[from + field];
      else {
        this.time[0] = this.timeUs[0] / 1e6;
        this.row[timeColumn] = this.time[0];
      }
    }
    this.count[FrameCounter.rowsDecoded]++;
    this.options.onRow();
  }

  private label(end: number): number {
    const first = HEADER_BYTES + LABEL_HEAD_BYTES;
    if (end < first) return FrameReject.length;
    const layout = this.inForce.labels;
    if (layout === null || this.view.getUint16(AT_SCHEMA, true) !== this.inForce.hash) return FrameReject.schema;
    if (end - first !== layout.bytes || layout.bytes === 0) return FrameReject.length;
    this.takeOther();
    if (this.inForce.problem !== null) return FrameReject.columns;
    if (!layout.read(this.body, this.view, first, -1, 0)) return FrameReject.range;
    // Signed, so that no tier of V8 needs a heap number; the array takes the same bits.
    this.labelRow[0] = this.view.getInt32(HEADER_BYTES, true);
    layout.write(0, this.labelValues);
    this.count[FrameCounter.labels]++;
    this.options.onLabel?.();
    return TAKEN;
  }

  private log(end: number): number {
    if (end === HEADER_BYTES) return FrameReject.length;
    this.takeOther();
    this.count[FrameCounter.logs]++;
    this.options.onLog?.(this.body[HEADER_BYTES], textOf(this.body, HEADER_BYTES + 1, end));
    return TAKEN;
  }

  private stats(end: number): number {
    if (end - HEADER_BYTES < STATS_BYTES) return FrameReject.length;
    const view = this.view;
    this.fullNumber[0] = view.getUint32(HEADER_BYTES, true);
    this.takeFull();
    this.count[FrameCounter.stats]++;
    this.options.onStats?.({
      nextRow: view.getUint32(HEADER_BYTES, true),
      droppedRows: view.getUint32(HEADER_BYTES + 4, true),
      droppedFrames: view.getUint32(HEADER_BYTES + 8, true),
      rxFrames: view.getUint32(HEADER_BYTES + 12, true),
      rxBad: view.getUint32(HEADER_BYTES + 16, true),
      freeRam: view.getUint16(HEADER_BYTES + 20, true),
    });
    return TAKEN;
  }

  private pong(end: number): number {
    if (end - HEADER_BYTES !== PONG_BYTES) return FrameReject.length;
    this.takeOther();
    this.count[FrameCounter.pongs]++;
    const view = this.view;
    const txUs = this.sequence.timeUs[0];
    const heldUs = (view.getUint32(AT_TIME, true) - view.getUint32(HEADER_BYTES + 4, true)) >>> 0;
    this.options.onPong?.(view.getUint32(HEADER_BYTES, true), txUs - heldUs, txUs);
    return TAKEN;
  }

  private helloFrame(end: number): number {
    const body = this.body;
    if (end === HEADER_BYTES) return FrameReject.length;
    const protocol = body[HEADER_BYTES];
    if (protocol !== PROTOCOL) {
      this.otherProtocol(protocol);
      return TAKEN;
    }
    if (!this.assembler.isHello(body, HEADER_BYTES, end)) return FrameReject.length;
    const view = this.view;
    const boot = view.getUint32(HEADER_BYTES + 4, true);
    if (this.boot !== null && this.boot !== boot) this.restarted();
    this.boot = boot;
    this.protocol = PROTOCOL;
    this.fullNumber[0] = view.getUint32(HEADER_BYTES + 8, true);
    this.takeFull();
    this.count[FrameCounter.hellos]++;
    const hash = view.getUint16(AT_SCHEMA, true);
    const firmwareAt = HEADER_BYTES + HELLO_HEAD_BYTES + 1;
    this.knownHello = {
      firmware: textOf(body, firmwareAt, firmwareAt + body[firmwareAt - 1]),
      boot,
      nextRow: this.fullNumber[0],
      periodUs: view.getUint32(HEADER_BYTES + 12, true),
      schema: hash,
    };
    const encoded = this.assembler.add(hash, body, HEADER_BYTES, end);
    this.options.onHello?.(this.knownHello);
    if (encoded !== null) this.inForce.take(hash, encoded);
    return TAKEN;
  }

  private otherProtocol(protocol: number): void {
    this.takeOther();
    this.count[FrameCounter.hellos]++;
    this.assembler.forget();
    this.inForce.forget();
    if (this.protocol === protocol) return;
    this.protocol = protocol;
    this.options.onMismatch?.(
      new SpecError('BRIDGE_PROTOCOL', {
        where: "the device's HELLO",
        found: `protocol ${protocol}`,
        expected: `protocol ${PROTOCOL}`,
        remedy: 'use a firmware library and an edgegrad of the same protocol',
      }),
    );
  }

  /** The number and the clock of a frame that holds no row. */
  private takeOther(): void {
    const order = this.sequence.compareLow(this.view.getUint16(AT_SEQ, true));
    if (order !== OLD) this.tellGap(order);
    this.sequence.tick(this.view, AT_TIME);
  }

  /** The same of one that holds the whole number, which is in `fullNumber`. */
  private takeFull(): void {
    const order = this.sequence.compareFull(this.fullNumber);
    if (order !== OLD) this.tellGap(order);
    this.sequence.tick(this.view, AT_TIME);
  }

  private tellGap(order: number): void {
    if (order === JUMP) this.tellRestart();
    else if (order === IN_ORDER && this.sequence.rows[0] > 0) {
      const lost = this.sequence.rows[0];
      this.count[FrameCounter.rowsLost] += lost;
      this.options.onLost?.(lost);
    }
  }

  /** Another start of the device: its rows and its clock begin anew. */
  private restarted(): void {
    this.sequence.restart();
    this.boot = null;
    this.tellRestart();
  }

  private tellRestart(): void {
    this.count[FrameCounter.restarts]++;
    this.options.onGap?.('restart');
  }
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return utf8.decode(bytes.subarray(start, end));
}

function checkLengths(where: string, list: { readonly length: number }, names: readonly string[]): void {
  if (list.length === names.length) return;
  throw new SpecError('BRIDGE_OPTIONS', {
    where,
    found: `a length of ${list.length}`,
    expected: `${names.length}, one a name`,
  });
}
