import { GAP_REASONS, restoreStream, type Stream, saveStream } from '../stream/index.js';
import type { RecordedConfig, RecordedEvent } from './events.js';
import { Pipeline } from './pipeline.js';
import { streamTextOf } from './player.js';
import { type MessageView, RecordingReader } from './reader.js';
import { SegmentFolder } from './segments.js';

export interface CatchUpOptions {
  /** Where the recorder of that name kept its files. */
  directory: string;
  name: string;
  /** What the stream was made from. */
  config: RecordedConfig;
  /** The stream has learned nothing and no checkpoint is there: one that was saved and is gone was removed on purpose. */
  isFresh: boolean;
  /** Between chunks: the share that is done; false ends it. */
  onProgress?(share: number): boolean;
}

/** What came of it. */
export interface CaughtUp {
  /**
   * `caughtUp`: the stream is where the recording ends · `noRecording`: nothing is recorded under that name ·
   * `unknown`: the recording does not tell of the state the stream was in · `removed`: as `isFresh` says · `ended`: by
   * `onProgress`, somewhere in between
   */
  outcome: 'caughtUp' | 'noRecording' | 'unknown' | 'removed' | 'ended';
  /** Rows learned again. */
  rows: number;
  /** A state the recording tells of on the way was not come to. */
  isDifferent: boolean;
}

/** A message of a recording. */
interface Place {
  file: number;
  /** Which of the file's messages. */
  message: number;
}

/**
 * Takes a stream that is where its last checkpoint was to where the process was that was killed: what it received
 * afterwards is learned again from its recording, bit for bit, as far as that was written.
 *
 * Nothing is learned but what comes behind the state in the recording. Up to there, for a file at most before the one it
 * is in, bytes are only decoded, so that the decoder is where it was: in the middle of a line, with a header it has seen.
 */
export async function catchUp(stream: Stream, options: CatchUpOptions): Promise<CaughtUp> {
  const { directory, name, isFresh } = options;
  const files = await new SegmentFolder(directory, name).files();
  if (files.length === 0) return { outcome: 'noRecording', rows: 0, isDifferent: false };
  const rowsBefore = stream.rows;
  const found = await findState(files, stream.hash(), rowsBefore);
  if (found === undefined) return { outcome: 'unknown', rows: 0, isDifferent: false };
  if (isFresh && found.isSavedLater) return { outcome: 'removed', rows: 0, isDifferent: false };
  const playback = new Playback(stream, options.config, found);
  const reader = await RecordingReader.open(files.slice(found.begin));
  let isEnded = false;
  for await (const messages of reader.chunks()) {
    playback.enter(found.begin + reader.health.length - 1);
    while (messages.next()) if (!isEnded && !playback.message(messages)) isEnded = true;
    if (isEnded) break;
    if (options.onProgress?.(reader.progress) === false) {
      return { outcome: 'ended', rows: stream.rows - rowsBefore, isDifferent: playback.isDifferent };
    }
  }
  return { outcome: 'caughtUp', rows: stream.rows - rowsBefore, isDifferent: playback.isDifferent };
}

interface FoundState extends Place {
  /** The file to begin with: the one before, of the same process, where there is one. */
  begin: number;
  /** A later place tells of a checkpoint that was saved. */
  isSavedLater: boolean;
}

/** The last place where the recording tells of a state. */
async function findState(files: readonly string[], hash: string, rows: number): Promise<FoundState | undefined> {
  let isSavedLater = false;
  for (let file = files.length - 1; file >= 0; file--) {
    let message = -1;
    let reachesBack = false;
    let isSaved = false;
    let count = 0;
    let segment = 0;
    const reader = await RecordingReader.open([files[file]]);
    for await (const messages of reader.chunks()) {
      while (messages.next()) {
        const { event } = messages;
        if (event?.type === 'segment') segment = event.segment;
        if (event?.type === 'start' && !event.fresh && event.rows < rows) reachesBack = true;
        if ((event?.type === 'checkpoint' && event.action !== 'aside') || event?.type === 'end') isSaved = true;
        if (stateIn(event)?.hash === hash && stateIn(event)?.rows === rows) {
          message = count;
          isSaved = false;
        }
        count++;
      }
    }
    isSavedLater ||= isSaved;
    if (message >= 0) return { file, message, begin: segment > 0 && file > 0 ? file - 1 : file, isSavedLater };
    // The process that came to that state went on from one before it, and nobody went on from an older one since.
    if (reachesBack) return undefined;
  }
  return undefined;
}

/** The state an event tells of. */
function stateIn(event: RecordedEvent | null): { hash?: string; rows?: number } | undefined {
  return event?.type === 'checkpoint' || event?.type === 'start' || event?.type === 'end' ? event : undefined;
}

/** Does with messages what the process did, from a place on; before it, only decodes. */
class Playback {
  isDifferent = false;
  private pipeline: Pipeline;
  private readonly initial: Uint8Array | undefined;
  private file = -1;
  private count = 0;
  private isMuted = true;
  private readonly config: string;

  constructor(
    private readonly stream: Stream,
    config: RecordedConfig,
    private readonly place: Place,
  ) {
    this.config = streamTextOf(config);
    this.pipeline = this.makePipeline();
    this.initial = stream.rows === 0 ? saveStream(stream) : undefined;
  }

  /** The messages that follow are of this file. */
  enter(file: number): void {
    if (file !== this.file) this.count = 0;
    this.file = file;
  }

  /** Returns false where there is no going on. */
  message(message: MessageView): boolean {
    const { file, place } = this;
    if (message.missing !== 0) this.pipeline.opened({ isAgain: true, mayBeMidLine: true });
    const goesOn = message.topic === 'wire' ? this.feed(message) : message.event === null || this.event(message.event);
    if (file === place.file && this.count === place.message) this.isMuted = this.pipeline.isMuted = false;
    this.count++;
    return goesOn;
  }

  private feed({ data, start, end }: MessageView): true {
    this.pipeline.feed(data, start, end);
    return true;
  }

  private event(event: RecordedEvent): boolean {
    const { stream, pipeline, isMuted } = this;
    switch (event.type) {
      case 'segment':
        if (this.count === 0 && this.isMuted) this.begin(event.segment, event.standing);
        break;
      case 'config':
        return isMuted || streamTextOf(event.resolved) === this.config;
      case 'start':
        this.pipeline = this.makePipeline();
        // A new beginning can only be gone to from where one was.
        if (event.fresh && !isMuted && this.initial === undefined) return false;
        if (event.fresh && !isMuted) restoreStream(stream, this.initial!);
        this.compare(event.hash, event.rows);
        break;
      case 'opened':
        pipeline.opened(event);
        break;
      case 'overflow':
        pipeline.opened({ isAgain: true, mayBeMidLine: true });
        break;
      case 'gap':
        if (!isMuted && GAP_REASONS.includes(event.reason)) stream.gap(event.reason);
        break;
      case 'learning':
        if (!isMuted) stream.setLearning(event.on);
        break;
      case 'label':
        if (!isMuted) pipeline.labelOutside(event.values, event.age);
        break;
      case 'checkpoint':
        this.compare(event.hash, event.rows);
        break;
      case 'end':
        if (event.finished && !isMuted) pipeline.finish();
        break;
    }
    return true;
  }

  /** A file in the middle of a process: the line it is in is not known, its format is. */
  private begin(segment: number, standing: readonly RecordedEvent[]): void {
    if (segment === 0) return;
    this.pipeline.decoder.reset(true);
    for (const event of standing) if (event.type === 'format') this.pipeline.decoder.lines.assume(event.format);
  }

  private makePipeline(): Pipeline {
    const pipeline = new Pipeline(this.stream);
    pipeline.isMuted = this.isMuted;
    return pipeline;
  }

  private compare(hash: string, rows: number): void {
    if (this.isMuted) return;
    if (this.stream.rows !== rows || this.stream.hash() !== hash) this.isDifferent = true;
  }
}
