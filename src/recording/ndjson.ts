import { StringDecoder } from 'node:string_decoder';

/** A longer line is none. */
const MAX_LINE = 65536;
/** Of a text kept as it is: a line of the decoder holds 512 bytes. */
const MAX_TEXT = 64;

/**
 * Turns lines of JSON objects into the CSV lines a device would have printed: a header of the first object's keys, then
 * values in that order. What is no object becomes a line that is no row, so that it is counted as one.
 */
export class NdjsonToCsv {
  private readonly decoder = new StringDecoder('utf8');
  private partial = '';
  private keys: string[] | null = null;

  /** The CSV for `buffer[0, length)`, the next bytes. */
  convert(buffer: Uint8Array, length: number): Uint8Array {
    const lines = (this.partial + this.decoder.write(Buffer.from(buffer.buffer, buffer.byteOffset, length))).split(
      '\n',
    );
    this.partial = (lines.pop() ?? '').slice(0, MAX_LINE);
    return Buffer.from(lines.map((line) => this.line(line)).join(''));
  }

  /** The CSV for a last line without a line feed. */
  end(): Uint8Array {
    const last = this.line(this.partial + this.decoder.end());
    this.partial = '';
    return Buffer.from(last);
  }

  private line(text: string): string {
    if (text.trim() === '') return '';
    const row = parseObject(text);
    if (row === null) return '?\n';
    let header = '';
    if (this.keys === null) {
      this.keys = Object.keys(row);
      header = `${this.keys.map((key) => key.replace(/[,;\t\r\n"]/g, '_')).join(',')}\n`;
    }
    return `${header}${this.keys.map((key) => field(row[key])).join(',')}\n`;
  }
}

function parseObject(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** A value as a device would print it; null and what is not there is missing. */
function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? '1' : '0';
  if (typeof value === 'number') return String(value);
  return typeof value === 'string' ? value.replace(/[,;\t\r\n"]/g, '_').slice(0, MAX_TEXT) : '?';
}
