import { Fields } from './fields.js';
import { type Form, Line } from './form.js';

/** Takes the fields of one line. @returns one of `Line`: row where it has fields, other where it ends a record */
export type LineFields = (text: string, fields: Fields) => number;

/** More fields than this without a repeated label are no record. */
const MAX_FIELDS = 1024;

/**
 * Rows of several lines, joined by label: a row ends when a label comes again, at a line that ends a record, or with the last
 * label once those of one record are known.
 */
export class RecordForm implements Form {
  readonly fields = new Fields();
  private readonly ofLine = new Fields();
  /** Labels of a complete record; null until one has ended. */
  private known: Set<string> | null = null;
  /** The last record lacked a label or had another one: it ends by what follows only. */
  private isIrregular = false;

  constructor(private readonly read: LineFields) {}

  line(text: string, emit: () => void): number {
    const { fields, ofLine } = this;
    ofLine.clear();
    const kind = this.read(text, ofLine);
    if (kind === Line.other) return this.end(emit) ? Line.other : Line.other;
    if (kind !== Line.row) return kind;
    let hasEmitted = false;
    for (let i = 0; i < ofLine.count; i++) {
      if (fields.has(ofLine.names[i]) || fields.count >= MAX_FIELDS) {
        hasEmitted = this.end(emit) || hasEmitted;
        break;
      }
    }
    for (let i = 0; i < ofLine.count; i++) fields.add(ofLine.names[i], ofLine.values[i], ofLine.units[i]);
    if (this.isComplete()) hasEmitted = this.end(emit) || hasEmitted;
    return hasEmitted ? Line.row : Line.part;
  }

  finish(emit: () => void): void {
    this.end(emit);
  }

  reset(): void {
    this.fields.clear();
  }

  private isComplete(): boolean {
    const { known, fields } = this;
    if (known === null || this.isIrregular || fields.count !== known.size) return false;
    for (let i = 0; i < fields.count; i++) if (!known.has(fields.names[i])) return false;
    return true;
  }

  private end(emit: () => void): boolean {
    const { fields, known } = this;
    if (fields.count === 0) return false;
    this.isIrregular = known !== null && fields.count > known.size;
    if (known === null || fields.count > known.size) this.known = new Set(fields.names.slice(0, fields.count));
    emit();
    fields.clear();
    return true;
  }
}
