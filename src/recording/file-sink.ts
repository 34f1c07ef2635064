import { RecordingError } from './errors.js';
import { EVENTS, eventToJson, type RecordedEvent, ROWS_ID, WIRE } from './events.js';
import { type Channel, ChunkBuilder, McapFileWriter, MESSAGE_OVERHEAD } from './mcap/index.js';
import type { RowColumn } from './rows.js';

const CHUNK_BYTES = 65536;
/** Chunks kept before they are written. */
const BATCH = 16;

/** Writes one recording file from messages at hand, as fast as the disk takes them; every time and number as it is given. */
export class RecordingFile {
  private chunk = new ChunkBuilder(CHUNK_BYTES);
  private full: ChunkBuilder[] = [];

  private constructor(private readonly writer: McapFileWriter) {}

  /** @throws RecordingError where it cannot be made */
  static async create(path: string, library: string, rows?: readonly RowColumn[]): Promise<RecordingFile> {
    const channels = rows === undefined ? [WIRE, EVENTS] : [WIRE, EVENTS, rowsChannel(rows)];
    try {
      return new RecordingFile(await McapFileWriter.create(path, library, channels));
    } catch (error) {
      throw cannotWrite(path, error as Error);
    }
  }

  /** Appends a message with `data[start, end)`, copied. Once `isFull`, `drain` is to be awaited. */
  add(
    channel: number,
    sequence: number,
    wallNs: number,
    monotonicNs: number,
    data: Uint8Array,
    start: number,
    end: number,
  ): void {
    if (this.chunk.room < end - start && this.chunk.length > 0) this.seal();
    if (this.chunk.room < end - start) this.chunk = new ChunkBuilder(MESSAGE_OVERHEAD + end - start);
    this.chunk.append(channel, sequence, wallNs, monotonicNs, data, start, end - start);
  }

  addEvent(event: RecordedEvent, sequence: number, wallNs: number, monotonicNs: number): void {
    const data = Buffer.from(eventToJson(event));
    this.add(EVENTS.id, sequence, wallNs, monotonicNs, data, 0, data.length);
  }

  get isFull(): boolean {
    return this.full.length >= BATCH;
  }

  /** @throws RecordingError where the disk refuses */
  async drain(): Promise<void> {
    const chunks = this.full;
    this.full = [];
    const { error } = await this.writer.write(chunks.map(({ bytes, length }) => bytes.subarray(0, length)));
    if (error !== undefined) {
      await this.writer.abandon();
      throw cannotWrite(this.writer.path, error);
    }
  }

  /** @throws RecordingError where the disk refuses */
  async close(): Promise<void> {
    this.seal();
    await this.drain();
    const { error } = await this.writer.close();
    if (error !== undefined) throw cannotWrite(this.writer.path, error);
  }

  private seal(): void {
    if (this.chunk.length > 0) this.full.push(this.chunk);
    this.chunk = new ChunkBuilder(CHUNK_BYTES);
  }
}

/** Rows as JSON objects that tools plot. */
function rowsChannel(columns: readonly RowColumn[]): Channel {
  const properties = Object.fromEntries(
    columns.map(({ name, unit }) => [
      name,
      { type: ['number', 'null'], ...(unit === '' ? {} : { description: unit }) },
    ]),
  );
  return {
    id: ROWS_ID,
    topic: 'rows',
    encoding: 'json',
    schema: { name: 'edgegrad.Row', text: JSON.stringify({ type: 'object', properties }) },
  };
}

function cannotWrite(path: string, error: Error): RecordingError {
  return new RecordingError('RECORDING_WRITE', {
    where: path,
    found: error.message,
    expected: 'a file that can be written, with room for it',
  });
}
