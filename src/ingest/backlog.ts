import type { EdgegradError } from '../spec/errors.js';
import type { ByteSink } from './source.js';

/** How long the bytes of one call may take; the rest waits until the event loop has been round. */
const SLICE_MS = 8;
/** Bytes that are handed on in one piece, however long they take. */
const MIN_PIECE_BYTES = 256;
const MAX_PIECE_BYTES = 65536;

/** Who takes what has waited. */
export interface BacklogSink extends ByteSink {
  /** Bytes have been dropped between the last ones and the next. */
  dropped(): void;
  /** Bytes begin to be dropped, or nothing waits any more since they were; `droppedBytes` is the sum of all times. */
  overflowing(isOverflowing: boolean, droppedBytes: number): void;
}

export interface BacklogOptions {
  /** What can wait; at least two chunks of the source. */
  capacityBytes: number;
  /**
   * Holds the source or lets it go on, where it loses nothing by waiting: then nothing is dropped. Absent: what finds
   * no room is dropped whole, until half of the room is free again, so that few rows are torn.
   */
  hold?: ((isHeld: boolean) => void) | undefined;
  sink: BacklogSink;
}

/**
 * A bounded queue between a source and who learns from its bytes, which gives the event loop its turns: signals, pages and
 * the watchdog are served however slowly rows are learned. Everything arrives in the order it came. Bytes that can be
 * dealt with at once go straight through, without a copy.
 */
export class Backlog implements ByteSink {
  private queue: Buffer;
  private readonly piece = Buffer.alloc(MAX_PIECE_BYTES);
  private readonly sink: BacklogSink;
  private hold: ((isHeld: boolean) => void) | undefined;
  /** [1]: milliseconds a byte takes, smoothed; at first as if the shortest piece took a whole slice. */
  private readonly cost = Float64Array.of(SLICE_MS / MIN_PIECE_BYTES);
  /** Where the oldest byte that waits is in the queue, and how many wait. */
  private head = 0;
  private waiting = 0;
  /** Bytes taken out since the start; with `waiting`, where marks stand. */
  private taken = 0;
  /** What happens between bytes that wait, in order. */
  private readonly marks: { at: number; isOpening: boolean; run(): void }[] = [];
  private turn: NodeJS.Immediate | null = null;
  /** Told when nothing waits any more. */
  private emptied: () => void = () => {};
  private isHeld = false;
  private isOverflowing = false;
  /** Bytes were dropped after the last one that was kept. */
  private isTorn = false;
  private droppedBytes = 0;

  constructor({ capacityBytes, hold, sink }: BacklogOptions) {
    this.queue = Buffer.alloc(capacityBytes);
    this.hold = hold;
    this.sink = sink;
  }

  /** @hot */
  bytes(buffer: Uint8Array, length: number): void {
    if (this.isEmpty && (length <= MIN_PIECE_BYTES || length * this.cost[0] <= SLICE_MS)) this.handOn(buffer, length);
    else this.enqueue(buffer, length);
  }

  /** From now on so much can wait, but no less than waits now. */
  resize(capacityBytes: number): void {
    const { head, waiting } = this;
    const queue = Buffer.alloc(Math.max(capacityBytes, waiting));
    const first = Math.min(waiting, this.queue.length - head);
    this.queue.copy(queue, 0, head, head + first);
    this.queue.copy(queue, first, 0, waiting - first);
    this.queue = queue;
    this.head = 0;
  }

  opened(what: string): void {
    this.isTorn = false; // nothing is learned across an opening anyway
    this.inOrder(true, () => this.sink.opened(what));
  }

  /** Nothing waits of a source that was not open. */
  refused(problem: EdgegradError): void {
    this.sink.refused?.(problem);
  }

  closed(reason: string): void {
    if (reason === 'stopped') this.hold = undefined;
    // An opening that brought nothing is none: a port that flickers takes no room here.
    if (this.marks.at(-1)?.isOpening === true && this.marks.at(-1)?.at === this.taken + this.waiting) this.marks.pop();
    else this.inOrder(false, () => this.sink.closed(reason));
  }

  /**
   * The source has stopped: what waits is handed on until nothing does, or `enough` has come. What is left then waits
   * for `next` or `discard`.
   */
  async finish(enough: Promise<unknown>): Promise<void> {
    if (!this.isEmpty) {
      const emptied = new Promise<void>((resolve) => {
        this.emptied = resolve;
      });
      await Promise.race([emptied, enough]);
    }
    if (this.turn !== null) clearImmediate(this.turn);
    this.turn = null;
    if (this.waiting === 0) while (this.next());
  }

  /** Hands on the next piece of what `finish` has left, however long it takes. Returns false where nothing waits. */
  next(): boolean {
    if (this.isEmpty) return false;
    this.step(Number.POSITIVE_INFINITY);
    return true;
  }

  /** Drops what `finish` has left; it counts as dropped. */
  discard(): void {
    this.droppedBytes += this.waiting;
    this.taken += this.waiting;
    this.waiting = 0;
    this.marks.length = 0;
  }

  /** rxQueuedBytes: what waits now · rxOverflowBytes: what was dropped, as there was no room, or the end had come. */
  counters(): { rxQueuedBytes: number; rxOverflowBytes: number } {
    return { rxQueuedBytes: this.waiting, rxOverflowBytes: this.droppedBytes };
  }

  private get isEmpty(): boolean {
    return this.waiting === 0 && this.marks.length === 0;
  }

  /** @hot */
  private handOn(buffer: Uint8Array, length: number): void {
    const beganMs = performance.now();
    this.sink.bytes(buffer, length);
    this.cost[0] += ((performance.now() - beganMs) / length - this.cost[0]) / 8;
  }

  private enqueue(bytes: Uint8Array, length: number): void {
    const { queue, waiting } = this;
    const room = this.isTorn ? queue.length / 2 : queue.length;
    if (waiting + length > room) {
      this.isTorn = true;
      this.droppedBytes += length;
      if (!this.isOverflowing) this.sink.overflowing(true, this.droppedBytes);
      this.isOverflowing = true;
      return;
    }
    if (this.isTorn) this.mend();
    const from = Buffer.from(bytes.buffer, bytes.byteOffset, length);
    const at = (this.head + waiting) % queue.length;
    const first = Math.min(length, queue.length - at);
    from.copy(queue, at, 0, first);
    from.copy(queue, 0, first, length);
    this.waiting += length;
    if (this.turn === null) this.drain();
  }

  /** What comes next does not belong to what came before. */
  private mend(): void {
    this.isTorn = false;
    this.inOrder(false, () => this.sink.dropped());
  }

  private inOrder(isOpening: boolean, run: () => void): void {
    if (this.isEmpty) run();
    else this.marks.push({ at: this.taken + this.waiting, isOpening, run });
  }

  /** Hands on what a slice has time for, and comes back for the rest. */
  private drain(): void {
    this.turn = null;
    const untilMs = performance.now() + SLICE_MS;
    do {
      this.step(untilMs - performance.now());
    } while (!this.isEmpty && performance.now() < untilMs);
    const isDone = this.isEmpty;
    if (!isDone) this.turn = setImmediate(() => this.drain());
    if (this.hold !== undefined && this.isHeld === isDone) {
      this.isHeld = !isDone;
      this.hold(this.isHeld);
    }
    if (!isDone) return;
    if (this.isOverflowing) {
      if (this.isTorn) this.mend();
      this.isOverflowing = false;
      this.sink.overflowing(false, this.droppedBytes);
    }
    this.emptied();
  }

  /** What comes next in order: what happened between bytes, or as many of them as there is time for. */
  private step(leftMs: number): void {
    if (this.marks[0]?.at === this.taken) this.marks.shift()!.run();
    else this.handOnPiece(leftMs);
  }

  private handOnPiece(leftMs: number): void {
    const { queue, piece, head, waiting, marks } = this;
    const wanted = Math.max(MIN_PIECE_BYTES, Math.min(MAX_PIECE_BYTES, Math.floor(leftMs / this.cost[0])));
    const length = Math.min(wanted, marks.length > 0 ? marks[0].at - this.taken : waiting);
    const first = Math.min(length, queue.length - head);
    queue.copy(piece, 0, head, head + first);
    queue.copy(piece, first, 0, length - first);
    this.head = (head + length) % queue.length;
    this.waiting -= length;
    this.taken += length;
    this.handOn(piece, length);
  }
}
