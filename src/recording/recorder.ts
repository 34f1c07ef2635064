import { randomBytes } from 'node:crypto';
import { unlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import { EVENTS, eventToJson, type RecordedEvent, WIRE } from './events.js';
import { ChunkBuilder, McapFileWriter, MESSAGE_OVERHEAD } from './mcap/index.js';
import { makeDirectory, SegmentFolder } from './segments.js';

/** What may change while it records. */
export interface RecorderLimits {
  /** Longest time bytes wait in memory. Default 5. */
  flushS?: number;
  /** Size after which a new file is begun. Default 32. */
  segmentMB?: number;
  /** Age after which a new file is begun. Default 24. */
  segmentHours?: number;
  /** What the files of this name may take; the oldest are dropped. Default 1024. */
  quotaMB?: number;
  /** What stays free on the disk: the oldest files are dropped, and then nothing is written. Default 64. */
  minFreeMB?: number;
}

export interface RecorderOptions extends RecorderLimits {
  /** A folder of files `<name>-<utc>-<nnnn>.mcap` that are rotated and dropped, or one file that grows. */
  destination: { directory: string; name: string } | { file: string };
  /** Who records, for people who open a file: `edgegrad 1.2.3`. Default `edgegrad`. */
  library?: string;
  /** Makes every flush survive a power cut, instead of every closed file. Default false: gentle to SD cards. */
  syncEachFlush?: boolean;
  /** Bytes of a chunk, the least that damage costs. Default 16384. */
  chunkBytes?: number;
  /** Memory for what the disk has not taken yet. Default 1 MiB. */
  queueBytes?: number;
  /** Writing has stopped, or goes on again: one call a change. */
  onState?(message: string): void;
  /** An old file was dropped to make room. */
  onDropped?(file: string): void;
}

/** What a recorder has counted. */
export interface RecorderMetrics {
  bytesWritten: number;
  /** Files begun. */
  segments: number;
  /** Old files dropped to make room. */
  dropped: number;
  lostBytes: number;
  lostReads: number;
  lostEvents: number;
  /** Bytes that wait for the disk. */
  queueBytes: number;
}

const MB = 1e6;
/** Between looks at the quota and the free space while a file is written. */
const ROOM_INTERVAL_MS = 60_000;
/** Room for an `overflow` event. */
const OVERFLOW_BYTES = 256;
/** How long `close` waits for a disk that does not answer. */
const CLOSE_WAIT_MS = 10_000;
const CHANNELS = [WIRE, EVENTS];

// Indexes of `lost`.
const BYTES = 0;
const READS = 1;
const EVENT = 2;

/** Nanoseconds from any moment that never go back. */
export const monotonicNs = (): number => performance.now() * 1e6;
/** Nanoseconds since 1970, to the millisecond. */
export const wallNs = (): number => Date.now() * 1e6;

/**
 * Writes bytes and events, in the order they are given, to MCAP files.
 *
 * `bytes` and `event` copy into memory and return. Files are written behind them; where the disk is slow, full or
 * gone, what finds no room in memory is counted, and an `overflow` event stands in its place as soon as there is room.
 * Nothing here throws or rejects.
 */
export class Recorder {
  readonly session = randomBytes(8).toString('hex');
  private readonly options: Required<Omit<RecorderOptions, 'onState' | 'onDropped'>>;
  private readonly folder: SegmentFolder | undefined;
  private readonly onState: (message: string) => void;
  private readonly onDropped: (file: string) => void;

  /** The chunk being filled; null where the memory is full. */
  private current: ChunkBuilder | null;
  private readonly free: ChunkBuilder[] = [];
  /** The next write takes what the current chunk holds. */
  private isFlushing = false;
  /** Chunks that wait for the disk, oldest first. */
  private readonly queue: ChunkBuilder[] = [];
  /** [0]: of the next message. */
  private readonly sequence = new Uint32Array(1);
  /** What was lost since the last `overflow` event, and in all. */
  private readonly lost = new Float64Array(3);
  private readonly lostInAll = new Float64Array(3);
  /** Latest events that hold for the whole recording. */
  private readonly standing = new Map<string, RecordedEvent>();

  private file: McapFileWriter | null = null;
  private fileBeganMs = 0;
  private roomCheckedMs = -Infinity;
  private segments = 0;
  private dropped = 0;
  private bytesWritten = 0;
  private isRefused = false;
  private isClosed = false;
  /** Writing under way; never rejects. */
  private running: Promise<void> = Promise.resolve();
  /** Writing that has not begun. */
  private next: Promise<void> | null = null;
  private timer: NodeJS.Timeout;

  constructor({ onState, onDropped, ...options }: RecorderOptions) {
    this.options = {
      library: 'edgegrad',
      flushS: 5,
      segmentMB: 32,
      segmentHours: 24,
      quotaMB: 1024,
      minFreeMB: 64,
      syncEachFlush: false,
      chunkBytes: 16384,
      queueBytes: 1 << 20,
      ...options,
    };
    this.onState = onState ?? (() => {});
    this.onDropped = onDropped ?? (() => {});
    const { destination, chunkBytes, queueBytes, flushS } = this.options;
    this.folder = 'file' in destination ? undefined : new SegmentFolder(destination.directory, destination.name);
    // One is being filled, one is being written, one is taken next.
    const chunks = Math.max(3, Math.floor(queueBytes / chunkBytes));
    for (let i = 0; i < chunks; i++) this.free.push(new ChunkBuilder(chunkBytes));
    this.current = this.free.pop()!;
    this.timer = this.flushEvery(flushS);
  }

  /** From now on other limits hold; those that are not given stay. */
  limit(limits: RecorderLimits): void {
    if (this.isClosed) return;
    Object.assign(this.options, limits);
    this.roomCheckedMs = -Infinity;
    clearInterval(this.timer);
    this.timer = this.flushEvery(this.options.flushS);
  }

  /**
   * Bytes as they came: the first `length` of a buffer, which may be reused afterwards.
   *
   * @param monotonicNs when they came, on a clock that never goes back
   * @param wallNs the same since 1970
   * @hot
   */
  bytes(buffer: Uint8Array, length: number, monotonicNs: number, wallNs: number): void {
    for (let from = 0; from < length; ) {
      const chunk = this.roomFor(length - from);
      if (chunk === null) {
        this.lose(BYTES, length - from);
        this.lose(READS, 1);
        return;
      }
      const count = Math.min(length - from, chunk.room);
      chunk.append(WIRE.id, this.sequence[0]++, wallNs, monotonicNs, buffer, from, count);
      from += count;
    }
  }

  /** An event, behind everything given so far. `config`, `start` and `format` are repeated at the start of every later file. */
  event(event: RecordedEvent, monotonic = monotonicNs(), wall = wallNs()): void {
    if (event.type === 'config' || event.type === 'start' || event.type === 'format')
      this.standing.set(event.type, event);
    const data = Buffer.from(eventToJson(event));
    if (data.length <= this.options.chunkBytes - MESSAGE_OVERHEAD) {
      const chunk = this.roomFor(data.length);
      if (chunk === null) this.lose(EVENT, 1);
      else chunk.append(EVENTS.id, this.sequence[0]++, wall, monotonic, data, 0, data.length);
      return;
    }
    // A chunk of its own, within the memory there is for the queue.
    if (this.roomFor(1) === null || data.length + this.queuedBytes() > 2 * this.options.queueBytes) {
      this.lose(EVENT, 1);
      return;
    }
    if (this.current !== null && this.current.length > 0) this.seal();
    const chunk = new ChunkBuilder(MESSAGE_OVERHEAD + data.length);
    chunk.append(EVENTS.id, this.sequence[0]++, wall, monotonic, data, 0, data.length);
    this.queue.push(chunk);
  }

  /** Hands everything given so far to the system. Resolves when it has been, or could not be. */
  flush(): Promise<void> {
    if (this.isClosed) return this.running;
    const { current, queue } = this;
    if (queue.length === 0 && (current === null || current.length === 0)) return this.running;
    this.isFlushing = true;
    return this.write();
  }

  /** Writes what is left and closes the file, flushed to the disk. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    clearInterval(this.timer);
    const closing = async () => {
      await this.flush();
      // Room came back while that was written: now what was lost before can be said.
      if (this.lost[BYTES] + this.lost[EVENT] > 0 && this.roomFor(1) !== null) await this.flush();
      await this.closeFile();
    };
    await withinTime(closing(), CLOSE_WAIT_MS);
    this.isClosed = true;
  }

  metrics(): RecorderMetrics {
    return {
      bytesWritten: this.bytesWritten + (this.file?.bytes ?? 0),
      segments: this.segments,
      dropped: this.dropped,
      lostBytes: this.lostInAll[BYTES],
      lostReads: this.lostInAll[READS],
      lostEvents: this.lostInAll[EVENT],
      queueBytes: this.queuedBytes(),
    };
  }

  private queuedBytes(): number {
    return this.queue.reduce((sum, { length }) => sum + length, this.current?.length ?? 0);
  }

  /** A chunk with room for a message of `length` bytes, or, where that is more than a chunk has, for a part; null: none. */
  private roomFor(length: number): ChunkBuilder | null {
    if (this.isClosed) return null;
    if (this.current === null) {
      this.current = this.free.pop() ?? null;
      if (this.current === null) return null;
    }
    if (this.lost[BYTES] + this.lost[EVENT] > 0) {
      if (this.current.room < OVERFLOW_BYTES) this.seal();
      if (this.current === null) return null;
      this.sayLost(this.current);
    }
    if (this.current.room >= length || this.current.length === 0) return this.current;
    this.seal();
    return this.current;
  }

  /** Puts the current chunk in the queue and takes another. */
  private seal(): void {
    const sealed = this.current!;
    this.current = this.free.pop() ?? null;
    this.queue.push(sealed);
    // Many chunks in one write; where the disk has just refused, the timer tries again.
    if (this.queue.length > this.free.length && !this.isRefused) void this.write();
  }

  private lose(what: number, count: number): void {
    this.lost[what] = this.lost[what] + count;
    this.lostInAll[what] = this.lostInAll[what] + count;
  }

  /** Says in the recording what is missing here; `chunk` has room for it. */
  private sayLost(chunk: ChunkBuilder): void {
    const [bytes, reads, events] = this.lost;
    this.lost.fill(0);
    const data = Buffer.from(eventToJson({ type: 'overflow', bytes, reads, events }));
    chunk.append(EVENTS.id, this.sequence[0]++, wallNs(), monotonicNs(), data, 0, data.length);
  }

  private flushEvery(seconds: number): NodeJS.Timeout {
    return setInterval(() => void this.flush(), 1000 * seconds).unref();
  }

  /** Writes the queue, after what is being written. */
  private write(): Promise<void> {
    if (this.next !== null) return this.next;
    const next = this.running.then(async () => {
      this.next = null;
      // Not before: however often it is asked for while the disk is slow, no chunk goes before it is full.
      if (this.isFlushing && this.current !== null && this.current.length > 0) this.seal();
      this.isFlushing = false;
      try {
        await this.writeQueue();
      } catch (error) {
        this.refused((error as Error).message);
      }
    });
    this.next = next;
    this.running = next;
    return next;
  }

  private async writeQueue(): Promise<void> {
    const { segmentMB, segmentHours, syncEachFlush } = this.options;
    let isWritten = false;
    while (this.queue.length > 0) {
      if (!(await this.makeRoom())) return;
      this.file ??= await this.beginFile();
      const { file } = this;
      const batch: ChunkBuilder[] = [];
      let size = file.bytes;
      for (const chunk of this.queue) {
        if (batch.length > 0 && this.folder !== undefined && size >= MB * segmentMB) break;
        batch.push(chunk);
        size += chunk.length;
      }
      const { written, error } = await file.write(batch.map(({ bytes, length }) => bytes.subarray(0, length)));
      this.release(this.queue.splice(0, written));
      if (error !== undefined) {
        // A full disk may have room again later. Anything else: the file is left as it is, and another one begun.
        if (this.folder !== undefined && (error as NodeJS.ErrnoException).code !== 'ENOSPC') {
          this.bytesWritten += file.bytes;
          this.file = null;
          await file.abandon();
        }
        this.refused(error.message);
        return;
      }
      isWritten = true;
      if (this.isRefused) {
        this.isRefused = false;
        this.onState(`records again, to ${file.path}`);
      }
      const isOld = performance.now() - this.fileBeganMs >= 3_600_000 * segmentHours;
      if (this.folder !== undefined && (isOld || file.bytes >= MB * segmentMB)) await this.closeFile();
    }
    if (isWritten && syncEachFlush) await this.file?.flush();
  }

  private release(chunks: ChunkBuilder[]): void {
    for (const chunk of chunks) {
      if (chunk.capacity !== this.options.chunkBytes) continue;
      chunk.clear();
      this.free.push(chunk);
    }
  }

  /** Keeps to the quota and the free space. Returns whether there is room to write. */
  private async makeRoom(): Promise<boolean> {
    if (this.folder === undefined) return true;
    const now = performance.now();
    if (this.file !== null && !this.isRefused && now - this.roomCheckedMs < ROOM_INTERVAL_MS) return true;
    this.roomCheckedMs = now;
    const { quotaMB, minFreeMB, segmentMB } = this.options;
    if (this.file === null) await makeDirectory(resolve(this.folder.directory));
    // A file that has yet to grow needs its share of the quota.
    const forFile = Math.max(0, MB * segmentMB - (this.file?.bytes ?? 0));
    const wanted = Math.max(0, MB * quotaMB - forFile);
    const { removed, isEnough } = await this.folder.makeRoom(wanted, MB * minFreeMB, this.file?.path);
    for (const file of removed) {
      this.dropped++;
      this.onDropped(file);
    }
    if (!isEnough) this.refused(`less than ${minFreeMB} MB of the disk are free`);
    return isEnough;
  }

  private async beginFile(): Promise<McapFileWriter> {
    const { destination, library } = this.options;
    const path = 'file' in destination ? destination.file : await this.folder!.nextPath(new Date());
    const standing = this.segments === 0 ? [] : [...this.standing.values()];
    const json = eventToJson({ type: 'segment', session: this.session, segment: this.segments, standing });
    const data = Buffer.from(json);
    const first = new ChunkBuilder(MESSAGE_OVERHEAD + data.length);
    // It is no message of the sequence: it carries the number of the one behind it.
    first.append(EVENTS.id, firstSequenceOf(this.queue[0]), wallNs(), monotonicNs(), data, 0, data.length);
    const file = await McapFileWriter.create(path, library, CHANNELS, first.bytes).catch(async (error: Error) => {
      // Every further attempt would leave another one behind.
      if (this.folder !== undefined) await unlink(path).catch(() => {});
      throw error;
    });
    this.segments++;
    this.fileBeganMs = performance.now();
    return file;
  }

  private async closeFile(): Promise<void> {
    const { file } = this;
    if (file === null) return;
    this.file = null;
    const { error } = await file.close();
    this.bytesWritten += file.bytes;
    if (error !== undefined) this.refused(error.message);
  }

  private refused(why: string): void {
    if (!this.isRefused) this.onState(`cannot record: ${why}`);
    this.isRefused = true;
  }
}

function firstSequenceOf({ bytes }: ChunkBuilder): number {
  return new DataView(bytes.buffer).getUint32(11, true);
}

/** Waits for `work`, but not for ever. */
async function withinTime(work: Promise<void>, limitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, limit]);
  clearTimeout(timer);
}
