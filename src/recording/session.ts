import type { TextFormat } from '../bridge/index.js';
import type { GapReason, Stream } from '../stream/index.js';
import type { RecordedConfig } from './events.js';
import type { Pipeline } from './pipeline.js';
import { monotonicNs, type Recorder, wallNs } from './recorder.js';

/** What a recording tells of the process that made it. */
export interface SessionFacts {
  /** The configuration: its path, its text, and what it came to. */
  config: { file: string; text: string; resolved: RecordedConfig };
  /** Version of edgegrad. */
  edgegrad: string;
  /** The stream learns from nothing; otherwise it has just gone on from a checkpoint. */
  fresh: boolean;
}

/**
 * A process that learns and records what it does, so that the recording can be verified: everything goes to the
 * recording first and to the pipeline then, in one order.
 *
 * Make it once the stream is in the state it begins with, before anything else happens to it.
 */
export class RecordedSession {
  /** What comes is only recorded. */
  private isLeft = false;

  constructor(
    /** Null where nothing is recorded. */
    private readonly recorder: Recorder | null,
    private readonly pipeline: Pipeline,
    { config, edgegrad, fresh }: SessionFacts,
  ) {
    const { stream } = pipeline;
    this.configured(config);
    recorder?.event({
      type: 'start',
      fresh,
      ...stateOf(stream),
      edgegrad,
      node: process.version,
      architecture: process.arch,
      executor: stream.network.executor,
    });
  }

  /** The configuration in force from here on. */
  configured(config: SessionFacts['config']): void {
    this.recorder?.event({ type: 'config', ...config });
  }

  /** The first `length` bytes of a buffer, which may be reused afterwards. @hot */
  bytes(buffer: Uint8Array, length: number): void {
    this.recorder?.bytes(buffer, length, monotonicNs(), wallNs());
    if (!this.isLeft) this.pipeline.bytes(buffer, length);
  }

  /** The device's line format was found, or has changed. */
  format(format: TextFormat): void {
    this.recorder?.event({ type: 'format', format });
  }

  opened(what: string, how: { isAgain: boolean; mayBeMidLine: boolean }): void {
    this.recorder?.event({ type: 'opened', what, ...how });
    if (!this.isLeft) this.pipeline.opened(how);
  }

  closed(reason: string): void {
    this.recorder?.event({ type: 'closed', reason });
  }

  gap(reason: GapReason): void {
    this.recorder?.event({ type: 'gap', reason });
    this.pipeline.stream.gap(reason);
  }

  /** Pauses learning, or goes on with it. */
  setLearning(on: boolean): void {
    this.recorder?.event({ type: 'learning', on });
    this.pipeline.stream.setLearning(on);
  }

  /**
   * A label from outside the wire: a person, a broker.
   *
   * @param values of the targets, in their order
   * @param age of which row: so many before the latest
   * @returns as `Stream.label`
   */
  label(values: readonly number[], age: number): number {
    this.recorder?.event({ type: 'label', values: [...values], age });
    return this.pipeline.labelOutside(values, age);
  }

  /**
   * A checkpoint of the stream as it is now was taken, or has just been put into it.
   *
   * @returns when the recording up to here is with the system: what is saved after that is in the recording, too
   */
  async checkpoint(action: 'saved' | 'loaded' | 'aside', file: string): Promise<void> {
    if (this.recorder === null) return;
    this.recorder.event({ type: 'checkpoint', action, ...stateOf(this.pipeline.stream), file });
    await this.recorder.flush();
  }

  /**
   * Nothing more is learned by this process. What still comes is recorded behind the checkpoint of now, where whoever goes
   * on from it finds it and learns it.
   */
  leave(file: string): void {
    this.recorder?.event({ type: 'checkpoint', action: 'saved', ...stateOf(this.pipeline.stream), file });
    this.isLeft = true;
  }

  /** Resolves when everything recorded so far is with the system, or could not be. */
  async flush(): Promise<void> {
    await this.recorder?.flush();
  }

  /**
   * The process ends.
   *
   * @param isFinished the log has ended, so that its last line and predictions count
   */
  async end(reason: string, isFinished: boolean): Promise<void> {
    if (isFinished) this.pipeline.finish();
    // A state is told of where it was: the one that was left is not here.
    const state = this.isLeft ? {} : stateOf(this.pipeline.stream);
    this.recorder?.event({ type: 'end', reason, finished: isFinished, ...state });
    await this.recorder?.close();
  }
}

function stateOf(stream: Stream): { hash: string; rows: number } {
  return { hash: stream.hash(), rows: stream.rows };
}
