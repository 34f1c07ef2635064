import type { FrameCounters, LineCounters } from '../bridge/index.js';
import type { SpecError } from '../spec/index.js';
import {
  createStream,
  GAP_REASONS,
  restoreStream,
  type Stream,
  type StreamOptions,
  saveStream,
} from '../stream/index.js';
import { isoOf } from './contents.js';
import type { RecordedConfig, RecordedEvent } from './events.js';
import { Pipeline } from './pipeline.js';
import type { MessageView } from './reader.js';

/** States taken at recorded checkpoints that are kept: a process that was killed goes back to one of its last. */
const KEPT_STATES = 4;

/** A state of the recording and of its replay at the same place that differ. */
export interface Difference {
  /** Which event says so. */
  at: RecordedEvent['type'];
  /** When, since 1970. */
  time: string;
  recorded: { hash: string; rows: number };
  replayed: { hash: string; rows: number };
}

/** What came of comparing a replay with the states its recording tells of. */
export interface Comparison {
  /** States that could be compared, and how many of them were equal. */
  compared: number;
  equal: number;
  /** States that could not be, because what came before them is missing. */
  notCompared: number;
  firstDifference?: Difference;
  /** Why some could not be compared, and what else a reader should know. */
  notes: string[];
}

export interface PlayerOptions {
  stream: StreamOptions;
  /**
   * Do what the recorded process did: begin anew and go back to checkpoints where it did. Otherwise the bytes are
   * taken for one long run of another configuration.
   */
  isExact: boolean;
  /** A state to begin with, or, where exact, wherever the recording was in it. */
  checkpoint?: { bytes: Uint8Array; name: string } | undefined;
  beforeRow?(stream: Stream): boolean;
  onRow?(stream: Stream, outcome: number): void;
  onMismatch?(problem: SpecError): void;
}

/** Does with the messages of a recording what the process did that recorded them. */
export class Player {
  stream!: Stream;
  pipeline!: Pipeline;
  readonly comparison: Comparison = { compared: 0, equal: 0, notCompared: 0, notes: [] };
  /** Events of types this version does not know. */
  unknownEvents = 0;

  private streamOptions: StreamOptions;
  private configText = '';
  /** The stream is where the recorded one was. */
  private isInStep = false;
  private initial!: Uint8Array;
  /** States by hash, oldest first. */
  private readonly states = new Map<string, Uint8Array>();
  private readonly given: { hash: string; bytes: Uint8Array } | undefined;
  private linesBefore: Record<string, number> = {};
  private framesBefore: Record<string, number> = {};
  /** The recorded process has ended, or the log has. */
  private hasFinished = false;

  /** @throws CheckpointError where the checkpoint is of something else */
  constructor(private readonly options: PlayerOptions) {
    this.streamOptions = options.stream;
    this.makeStream();
    const { checkpoint, isExact } = options;
    if (checkpoint === undefined) return;
    restoreStream(this.stream, checkpoint.bytes, checkpoint.name);
    this.given = { hash: this.stream.hash(), bytes: checkpoint.bytes };
    if (isExact) restoreStream(this.stream, this.initial);
  }

  /** A message of a recording. */
  message(message: MessageView): void {
    if (message.missing !== 0) this.interrupted(message);
    if (message.topic === 'wire') this.pipeline.feed(message.data, message.start, message.end);
    else if (message.event !== null) this.event(message.event, message.wallNs);
  }

  /**
   * There is no more: a last line without a line feed counts, and the last predictions are scored. A recording that is
   * played as it was ends where its process did.
   */
  finish(): void {
    if (!this.hasFinished && !this.options.isExact) this.pipeline.finish();
    this.hasFinished = true;
  }

  /** What all decoders have counted: every recorded process had its own. */
  lines(): LineCounters {
    return added(this.linesBefore, this.pipeline.lines()) as LineCounters;
  }

  frames(): FrameCounters {
    return added(this.framesBefore, this.pipeline.frames()) as FrameCounters;
  }

  private event(event: RecordedEvent, wallNs: number): void {
    switch (event.type) {
      case 'config':
        this.configured(event.resolved);
        break;
      case 'start':
        this.hasFinished = false;
        this.makePipeline();
        if (this.options.isExact) this.begin(event, wallNs);
        break;
      case 'opened':
        this.hasFinished = false;
        this.pipeline.opened(event);
        break;
      case 'gap':
        if (GAP_REASONS.includes(event.reason)) this.stream.gap(event.reason);
        break;
      case 'learning':
        this.stream.setLearning(event.on);
        break;
      case 'label':
        this.pipeline.labelOutside(event.values, event.age);
        break;
      case 'checkpoint':
        if (this.options.isExact) this.checkpoint(event, wallNs);
        break;
      case 'overflow':
        this.broken(`${event.bytes} bytes and ${event.events} events that found no room were lost ${at(wallNs)}`);
        break;
      case 'end':
        if (event.finished) this.pipeline.finish();
        this.hasFinished = true;
        if (this.options.isExact && event.hash !== undefined) {
          this.compare('end', event.hash, event.rows ?? this.stream.rows, wallNs);
        }
        break;
      case 'closed':
      case 'format':
      case 'segment':
        break;
      default:
        this.unknownEvents++;
    }
  }

  /** Another configuration than before is of another process: what it begins with is another stream. */
  private configured(config: RecordedConfig): void {
    if (!this.options.isExact) return;
    const options = streamOptionsOf(config, this.options.stream.executor);
    const text = textOf(options);
    const before = this.configText;
    this.configText = text;
    if (before === text || (before === '' && text === textOf(this.streamOptions))) return;
    this.streamOptions = options;
    this.makeStream();
  }

  private makeStream(): void {
    this.stream = createStream(this.streamOptions);
    this.initial = saveStream(this.stream);
    this.isInStep = false;
    this.makePipeline();
  }

  /** A new process has a new decoder. */
  private makePipeline(): void {
    if (this.pipeline !== undefined) {
      this.linesBefore = this.lines();
      this.framesBefore = this.frames();
    }
    const { stream } = this;
    const { beforeRow, onRow, onMismatch } = this.options;
    this.pipeline = new Pipeline(stream, {
      ...(beforeRow === undefined ? {} : { beforeRow: () => beforeRow(stream) }),
      ...(onRow === undefined ? {} : { onRow: (outcome: number) => onRow(stream, outcome) }),
      ...(onMismatch === undefined ? {} : { onMismatch }),
    });
  }

  private begin({ fresh, hash, rows }: Extract<RecordedEvent, { type: 'start' }>, wallNs: number): void {
    if (fresh) {
      restoreStream(this.stream, this.initial);
      this.isInStep = true;
      this.compare('start', hash, rows, wallNs);
      return;
    }
    // Also where something was missing before: the same state is the same state.
    if (this.isAt(hash, rows)) {
      this.isInStep = true;
      this.compare('start', hash, rows, wallNs);
      return;
    }
    if (this.goTo(hash)) {
      this.compare('start', hash, rows, wallNs);
      return;
    }
    this.isInStep = false;
    this.comparison.notCompared++;
    this.note(
      `the process that began ${at(wallNs)} went on from row ${rows}, hash ${hash}: a checkpoint that is not in the recording; give it with --from`,
    );
  }

  private checkpoint({ action, hash, rows }: Extract<RecordedEvent, { type: 'checkpoint' }>, wallNs: number): void {
    if (action === 'loaded' || (action === 'saved' && !this.isInStep))
      this.isInStep = this.goTo(hash) || (this.isInStep && this.isAt(hash, rows));
    this.compare('checkpoint', hash, rows, wallNs);
    if (action === 'aside' || !this.isInStep) return;
    const here = this.stream.hash();
    this.states.delete(here);
    this.states.set(here, saveStream(this.stream));
    for (const oldest of this.states.keys()) {
      if (this.states.size <= KEPT_STATES) break;
      this.states.delete(oldest);
    }
  }

  /** Goes to a state that is known by its hash. */
  private goTo(hash: string): boolean {
    const bytes = this.states.get(hash) ?? (this.given?.hash === hash ? this.given.bytes : undefined);
    if (bytes === undefined) return false;
    restoreStream(this.stream, bytes);
    this.isInStep = true;
    return true;
  }

  private isAt(hash: string, rows: number): boolean {
    return this.stream.rows === rows && this.stream.hash() === hash;
  }

  private compare(type: RecordedEvent['type'], hash: string, rows: number, wallNs: number): void {
    const { comparison, stream } = this;
    if (!this.isInStep) {
      comparison.notCompared++;
      return;
    }
    comparison.compared++;
    if (this.isAt(hash, rows)) {
      comparison.equal++;
      return;
    }
    comparison.firstDifference ??= {
      at: type,
      time: isoOf(wallNs),
      recorded: { hash, rows },
      replayed: { hash: stream.hash(), rows: stream.rows },
    };
  }

  private interrupted({ missing, wallNs }: MessageView): void {
    this.broken(
      `${missing < 0 ? 'messages' : missing === 1 ? '1 message' : `${missing} messages`} before ${at(wallNs)} are missing`,
    );
  }

  /** Bytes are missing here: what was half received is dropped, and nothing is learned across. */
  private broken(why: string): void {
    this.isInStep = false;
    this.note(why);
    this.pipeline.opened({ isAgain: true, mayBeMidLine: true });
  }

  private note(text: string): void {
    if (this.comparison.notes.length < 20) this.comparison.notes.push(text);
  }
}

/** What a stream is made with, from a configuration that was recorded. */
export function streamOptionsOf(config: RecordedConfig, executor?: StreamOptions['executor']): StreamOptions {
  const { seed, executor: recorded, ...network } = config.network;
  return {
    columns: config.columns as StreamOptions['columns'],
    task: config.task as StreamOptions['task'],
    network: network as NonNullable<StreamOptions['network']>,
    ...(config.drift === undefined ? {} : { drift: config.drift as NonNullable<StreamOptions['drift']> }),
    memory: config.memory as StreamOptions['memory'],
    monitor: config.monitor as StreamOptions['monitor'],
    ...(seed === undefined ? {} : { seed }),
    executor: executor ?? (recorded as StreamOptions['executor']) ?? 'auto',
  };
}

/** What makes two recorded configurations learn the same. */
export function streamTextOf(config: RecordedConfig): string {
  return textOf(streamOptionsOf(config));
}

function textOf({ columns, task, network, seed, drift, memory, monitor }: StreamOptions): string {
  return JSON.stringify([columns, task, network, seed, drift, memory, monitor]);
}

function at(wallNs: number): string {
  return `at ${isoOf(wallNs)}`;
}

function added(a: Record<string, number>, b: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(b).map(([name, count]) => [name, count + (a[name] ?? 0)]));
}
