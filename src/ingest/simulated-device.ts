import { messageOf } from './errors.js';
import type { Wire } from './source.js';

const LF = 0x0a;
const MAX_WRITE_BYTES = 65536;
/** Lines due within the same millisecond go out together. */
const MIN_TICK_MS = 1;

/** The clock a device runs on; the real one, or one of a test. */
export interface Clock {
  /** Milliseconds since any moment. */
  nowMs(): number;
  setTimeout(callback: () => void, delayMs: number): unknown;
  clearTimeout(timer: unknown): void;
}

export const realClock: Clock = {
  nowMs: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
};

export interface SimulatedDeviceOptions {
  /** A log, sent byte for byte. */
  bytes: Uint8Array;
  wire: Wire;
  /** The time of a line in the log, in seconds, from any moment; NaN (a header, a comment): together with the line before. */
  rowTimeS?: (line: number) => number;
  /** Without `rowTimeS`: seconds between lines. Default 0, which is as fast as the wire takes them. */
  periodS?: number;
  /** Lines at the start that are sent together with the first row when `periodS` is given. Default 1, the header. */
  headerLines?: number;
  /** How many times faster than the log; 'max' is as fast as the wire takes them. Default 1. */
  speed?: number | 'max';
  clock?: Clock;
}

/**
 * Plays a log as the device that printed it would have: line by line, each at its time.
 *
 * Times are counted from the first line, not from the one before, so they do not drift; a wire that was full is
 * caught up with. A time that goes backwards is sent at once, a jump forwards is waited for.
 */
export class SimulatedDevice {
  /** Resolves when the wire has taken every byte (the host may not have read them yet), or `stop()` was called. Rejects when the wire is cut. */
  readonly finished: Promise<void>;
  readonly totalBytes: number;
  private readonly bytes: Uint8Array;
  private readonly wire: Wire;
  private readonly clock: Clock;
  /** [lines]: where each line ends, its line feed included. */
  private readonly lineEnds: number[];
  /** [lines]: when each line is due, in milliseconds after the start; null for as fast as possible. */
  private readonly dueMs: Float64Array | null;
  private nextLine = 0;
  private sentBytes = 0;
  private startMs = 0;
  private timer: unknown = null;
  private isStopped = false;
  private isStarted = false;
  private settle!: { resolve(): void; reject(error: Error): void };

  constructor(options: SimulatedDeviceOptions) {
    this.bytes = options.bytes;
    this.totalBytes = options.bytes.length;
    this.wire = options.wire;
    this.clock = options.clock ?? realClock;
    this.lineEnds = findLineEnds(options.bytes);
    this.dueMs = schedule(this.lineEnds.length, options);
    this.finished = new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
    });
    this.finished.catch(() => {}); // also where nobody waits for it
  }

  /** Bytes given to the wire so far. */
  get txBytes(): number {
    return this.sentBytes;
  }

  /** Switches the device on. */
  start(): void {
    if (this.isStarted) return;
    this.isStarted = true;
    this.startMs = this.clock.nowMs();
    void this.run();
  }

  /** Switches it off after what has been written. */
  stop(): void {
    this.isStopped = true;
    if (this.timer !== null) this.clock.clearTimeout(this.timer);
    this.timer = null;
    this.settle.resolve();
  }

  private async run(): Promise<void> {
    this.timer = null;
    try {
      while (!this.isStopped && this.sentBytes < this.totalBytes) {
        const end = this.dueBytes();
        if (end === this.sentBytes) {
          this.sleep();
          return;
        }
        const from = this.sentBytes;
        this.sentBytes = Math.min(end, from + MAX_WRITE_BYTES);
        if (!this.wire.write(this.bytes.subarray(from, this.sentBytes))) await this.wire.drained();
      }
      if (this.isStopped) return;
      await this.wire.drained();
      this.settle.resolve();
    } catch (error) {
      this.settle.reject(new Error(`the simulated device was cut off: ${messageOf(error)}`));
    }
  }

  /** Where the bytes end that are due by now. */
  private dueBytes(): number {
    if (this.dueMs === null) return this.totalBytes;
    const elapsedMs = this.clock.nowMs() - this.startMs;
    while (this.nextLine < this.lineEnds.length && this.dueMs[this.nextLine] <= elapsedMs) this.nextLine++;
    return this.nextLine === 0 ? 0 : this.lineEnds[this.nextLine - 1];
  }

  private sleep(): void {
    const dueInMs = this.startMs + this.dueMs![this.nextLine] - this.clock.nowMs();
    this.timer = this.clock.setTimeout(() => void this.run(), Math.max(MIN_TICK_MS, dueInMs));
  }
}

function findLineEnds(bytes: Uint8Array): number[] {
  const ends: number[] = [];
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) ends.push(at + 1);
  if (ends.at(-1) !== bytes.length && bytes.length > 0) ends.push(bytes.length);
  return ends;
}

function schedule(lines: number, options: SimulatedDeviceOptions): Float64Array | null {
  const { rowTimeS, periodS = 0, headerLines = 1, speed = 1 } = options;
  if (speed === 'max' || (rowTimeS === undefined && periodS === 0)) return null;
  if (!(speed > 0)) throw new RangeError(`speed: found ${speed}, expected a number above 0, or 'max'`);
  const dueMs = new Float64Array(lines);
  let originS = Number.NaN;
  let last = 0;
  for (let line = 0; line < lines; line++) {
    const timeS = rowTimeS === undefined ? Math.max(0, line - headerLines) * periodS : rowTimeS(line);
    if (Number.isNaN(originS)) originS = timeS;
    const due = (1000 * (timeS - originS)) / speed;
    if (due > last) last = due;
    dueMs[line] = last;
  }
  return dueMs;
}
