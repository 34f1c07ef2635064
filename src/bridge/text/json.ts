import { Fields } from './fields.js';
import { type Form, Line } from './form.js';

/** An object of more characters is none. */
const MAX_OBJECT = 65536;
const MAX_DEPTH = 8;

/**
 * JSON objects, one a row: one a line, over several lines, or in an array. An object is found by its braces, whatever line ends are
 * in it. Objects in it become dotted names, `sensor.temp`; arrays become `accel.0`.
 */
export class JsonForm implements Form {
  readonly fields = new Fields();
  /** The object so far, from its opening brace. */
  private text = '';
  private depth = 0;
  private isInString = false;
  private isEscaped = false;
  /** The last object was one line: an object whose line ends before it does was cut. */
  private isOneLine = false;

  line(line: string, emit: () => void): number {
    // Most objects are one line.
    if (this.depth === 0 && line.startsWith('{') && line.endsWith('}') && this.object(line, emit)) {
      this.isOneLine = true;
      return Line.row;
    }
    let rows = 0;
    let from = this.depth > 0 ? 0 : -1;
    let junk = '';
    for (let i = 0; i < line.length; i++) {
      const sign = line[i];
      if (this.depth === 0) {
        if (sign === '{') {
          this.depth = 1;
          from = i;
        } else if (!/[\s,[\]]/.test(sign)) junk += sign;
        continue;
      }
      if (this.isInString) {
        if (this.isEscaped) this.isEscaped = false;
        else if (sign === '\\') this.isEscaped = true;
        else if (sign === '"') this.isInString = false;
      } else if (sign === '"') this.isInString = true;
      else if (sign === '{') this.depth++;
      else if (sign === '}' && --this.depth === 0) {
        if (this.object(this.text + line.slice(from, i + 1), emit)) {
          rows++;
          this.isOneLine = this.text === '';
        } else junk += '?';
        this.text = '';
        from = -1;
      }
    }
    if (this.depth > 0) {
      this.text += `${line.slice(Math.max(0, from))} `;
      // A line end inside a string is no JSON: the object was cut, and the next line starts another one.
      if (this.isOneLine || this.isInString || this.text.length > MAX_OBJECT) {
        this.reset();
        junk += '?';
      }
    }
    if (rows > 0) return Line.row;
    if (junk !== '') return Line.none;
    return this.depth > 0 || /[{}]/.test(line) ? Line.part : Line.other;
  }

  finish(): void {
    this.reset();
  }

  reset(): void {
    this.text = '';
    this.depth = 0;
    this.isInString = false;
    this.isEscaped = false;
  }

  private object(text: string, emit: () => void): boolean {
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      return false;
    }
    this.fields.clear();
    this.flatten('', value, 0);
    if (this.fields.count === 0) return false;
    emit();
    return true;
  }

  private flatten(path: string, value: unknown, depth: number): void {
    if (value === null || typeof value !== 'object') {
      if (path !== '') this.fields.add(path, typeof value === 'bigint' ? Number(value) : (value as string));
      return;
    }
    if (depth >= MAX_DEPTH) return;
    for (const key in value) {
      this.flatten(path === '' ? key : `${path}.${key}`, (value as Record<string, unknown>)[key], depth + 1);
    }
  }
}
