import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { RecordingError } from './errors.js';
import { EVENTS, eventFromJson, type RecordedEvent, WIRE } from './events.js';
import {
  ChunkScanner,
  type Damage,
  getU64,
  MESSAGE_HEAD_BYTES,
  MESSAGE_OVERHEAD,
  Opcode,
  RECORD_HEAD_BYTES,
} from './mcap/index.js';
import { recorderOf } from './segments.js';

/** What one file of a recording holds, and what is missing of it. */
export interface FileHealth {
  file: string;
  bytes: number;
  /** Closed by its writer; otherwise it is being written, or was cut off. */
  isClosed: boolean;
  chunks: number;
  messages: number;
  wireBytes: number;
  events: number;
  /** Messages that were written and cannot be read, as far as their numbers tell. */
  missing: number;
  damage: Damage[];
  /** Damaged places beyond those listed. */
  moreDamage: number;
}

/** A message of a recording, borrowed: the same object for each. */
export interface MessageView {
  readonly topic: 'wire' | 'events' | 'other';
  readonly sequence: number;
  /** Since 1970. */
  readonly wallNs: number;
  readonly monotonicNs: number;
  /** The message is `data[start, end)`. */
  readonly data: Uint8Array;
  readonly start: number;
  readonly end: number;
  /** Parsed, for the topic `events`; null where it is none. */
  readonly event: RecordedEvent | null;
  /** Messages that came right before this one and are missing; −1: some, nobody knows how many. */
  readonly missing: number;
}

/**
 * Reads recordings: files in the order given, folders in the order of their names.
 *
 * Memory is bounded by the largest chunk; damage is noted in `health` and gone around.
 */
export class RecordingReader {
  readonly health: FileHealth[] = [];
  private readonly messages = new MessageCursor();
  private scanner: ChunkScanner | null = null;
  private bytesBefore = 0;

  private constructor(
    readonly files: readonly string[],
    private readonly totalBytes: number,
  ) {}

  /**
   * @param paths files, or folders of them
   * @throws RecordingError where there is none, or where a folder holds those of several recorders
   */
  static async open(paths: readonly string[]): Promise<RecordingReader> {
    const files: string[] = [];
    let bytes = 0;
    for (const path of paths) {
      for (const file of await filesOf(path)) {
        files.push(file);
        bytes += (await stat(file)).size;
      }
    }
    return new RecordingReader(files, bytes);
  }

  /** How far the files have been read, from 0 to 1. */
  get progress(): number {
    return this.totalBytes === 0
      ? 1
      : Math.min(1, (this.bytesBefore + (this.scanner?.position ?? 0)) / this.totalBytes);
  }

  /**
   * The messages of chunk after chunk: `for await (const messages of reader.chunks()) while (messages.next()) …`.
   * Every chunk is to be read to its end.
   */
  async *chunks(): AsyncGenerator<MessageCursor, void> {
    const { messages } = this;
    for (const file of this.files) {
      const scanner = await ChunkScanner.open(file);
      this.scanner = scanner;
      const health = healthOf(file, scanner);
      this.health.push(health);
      messages.beginFile(health);
      try {
        for await (const records of scanner.records()) {
          messages.beginChunk(records);
          yield messages;
        }
      } finally {
        await scanner.close();
        this.bytesBefore += scanner.size;
        this.scanner = null;
        health.chunks = scanner.chunks;
        health.isClosed = scanner.isClosed;
        health.moreDamage = scanner.moreDamage;
        messages.endFile(scanner.closedMessages);
      }
    }
  }
}

/** Walks the messages of a chunk. */
export class MessageCursor implements MessageView {
  topic: MessageView['topic'] = 'other';
  sequence = 0;
  wallNs = 0;
  monotonicNs = 0;
  data: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  event: RecordedEvent | null = null;
  missing = 0;

  private view: DataView = new DataView(new ArrayBuffer(0));
  private at = 0;
  private health!: FileHealth;
  private session = '';
  /** The number the next message should have; −1: any. */
  private expected = -1;
  /** Messages before the next one are missing that have no numbers to tell. */
  private isBroken = false;
  private topics = new Map<number, MessageView['topic']>();
  private readonly decoder = new TextDecoder();

  beginFile(health: FileHealth): void {
    this.health = health;
    this.topics = new Map();
  }

  beginChunk(records: Uint8Array): void {
    this.data = records;
    this.view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    this.at = 0;
  }

  /** A closed file says how many messages it had. */
  endFile(closedMessages: number | undefined): void {
    const { health } = this;
    const missing = (closedMessages ?? 0) - health.messages - health.missing;
    if (missing <= 0) return;
    health.missing += missing;
    // The next file begins with the message after these.
    if (this.expected >= 0) this.expected = (this.expected + missing) >>> 0;
    this.isBroken = true;
  }

  /** Goes to the next message; false at the end of the chunk. */
  next(): boolean {
    const { view, data } = this;
    while (this.at + RECORD_HEAD_BYTES <= data.length) {
      const at = this.at;
      const content = getU64(view, at + 1);
      if (content > data.length - at - RECORD_HEAD_BYTES) break;
      this.at = at + RECORD_HEAD_BYTES + content;
      if (data[at] === Opcode.channel) this.readChannel(at + RECORD_HEAD_BYTES, this.at);
      if (data[at] !== Opcode.message || content < MESSAGE_HEAD_BYTES) continue;
      const channel = view.getUint16(at + 9, true);
      this.topic =
        this.topics.get(channel) ?? (channel === WIRE.id ? 'wire' : channel === EVENTS.id ? 'events' : 'other');
      this.sequence = view.getUint32(at + 11, true);
      this.wallNs = getU64(view, at + 15);
      this.monotonicNs = getU64(view, at + 23);
      this.start = at + MESSAGE_OVERHEAD;
      this.end = this.at;
      this.count();
      return true;
    }
    return false;
  }

  /** The message as bytes of its own. */
  copy(): Uint8Array {
    return this.data.slice(this.start, this.end);
  }

  private count(): void {
    const { health } = this;
    health.messages++;
    this.event = null;
    this.missing = 0;
    if (this.topic === 'other') return;
    if (this.topic === 'events') {
      health.events++;
      this.event = eventFromJson(this.decoder.decode(this.data.subarray(this.start, this.end)));
    } else {
      health.wireBytes += this.end - this.start;
    }
    if (this.isBroken) this.missing = -1;
    this.isBroken = false;
    if (this.event?.type === 'segment') {
      const isSame = this.event.session === this.session;
      this.session = this.event.session;
      if (isSame) this.checkSequence(this.sequence);
      this.expected = this.sequence;
      return;
    }
    this.checkSequence(this.sequence);
    this.expected = (this.sequence + 1) >>> 0;
  }

  private checkSequence(sequence: number): void {
    if (this.expected < 0 || sequence === this.expected) return;
    const missing = (sequence - this.expected) >>> 0;
    if (missing < 2 ** 31) {
      this.health.missing += missing;
      this.missing = missing;
    } else {
      // Another recording, whose first messages are lost.
      this.missing = -1;
    }
  }

  private readChannel(at: number, end: number): void {
    const { view } = this;
    if (at + 8 > end) return;
    const bytes = view.getUint32(at + 4, true);
    if (bytes > end - at - 8) return;
    const topic = this.decoder.decode(this.data.subarray(at + 8, at + 8 + bytes));
    this.topics.set(
      view.getUint16(at, true),
      topic === WIRE.topic || topic === EVENTS.topic ? (topic as 'wire') : 'other',
    );
  }
}

function healthOf(file: string, { size, damage }: ChunkScanner): FileHealth {
  return {
    file,
    bytes: size,
    isClosed: false,
    chunks: 0,
    messages: 0,
    wireBytes: 0,
    events: 0,
    missing: 0,
    damage,
    moreDamage: 0,
  };
}

async function filesOf(path: string): Promise<string[]> {
  const status = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new RecordingError('RECORDING_NOT_FOUND', {
      where: path,
      found: error.code === 'ENOENT' ? 'no such file' : error.message,
      expected: 'a recording (.mcap) or a folder of them',
    });
  });
  if (!status.isDirectory()) return [path];
  const files = (await readdir(path)).filter((file) => file.endsWith('.mcap')).sort();
  const names = [...new Set(files.map((file) => recorderOf(basename(file)) ?? file))];
  if (names.length === 1) {
    return files.map((file) => join(path, file));
  }
  throw new RecordingError('RECORDING_FOLDER', {
    where: path,
    found: files.length === 0 ? 'no .mcap file' : `recordings of ${names.slice(0, 5).join(', ')}`,
    expected: 'the files of one recorder',
    ...(files.length === 0 ? {} : { remedy: `name its files: ${join(path, `${names[0]}-*.mcap`)}` }),
  });
}
