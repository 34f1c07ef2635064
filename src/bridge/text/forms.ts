import type { TextFormat } from '../format.js';
import { NUMBER } from '../number.js';
import { Fields } from './fields.js';
import { type Form, Line } from './form.js';
import { partsOf } from './guess.js';
import { JsonForm } from './json.js';
import { dsmrFields, influxFields, nmeaFields, teleplotFields } from './known-forms.js';
import { type LineFields, RecordForm } from './record.js';
import { alternatingFields, sentenceFields } from './sentence.js';
import { cells, JoinForm, type TableStyle } from './table.js';
import { bareText, PLAIN, parseValue } from './value.js';
import { VeDirectForm } from './vedirect.js';

/** Whether a format is read field by field as bytes, without making strings. */
export function isPlain({ kind, quotes, decimal, thousands }: TextFormat): boolean {
  if (kind === 'labels') return true;
  return kind === 'csv' && quotes !== true && decimal === undefined && thousands === undefined;
}

/** The reader of a format that is not plain. */
export function formOf(format: TextFormat): Form {
  switch (format.kind) {
    case 'json':
      return new JsonForm();
    case 'vedirect':
      return new VeDirectForm();
    case 'influx':
      return new LineForm(influxFields);
    case 'teleplot':
      return new RecordForm(teleplotFields);
    case 'nmea':
      return new RecordForm(nmeaFields);
    case 'dsmr':
      return new RecordForm(dsmrFields);
    case 'sentence':
      return new LineForm(fieldsOf(format));
    case 'record':
      return new RecordForm(format.of === 'alternating' ? fieldsOf(format) : new LabelThenValue().read);
    case 'join':
      return new JoinForm(styleOf(format), format.names ?? [], format.join ?? { kind: 'sparse' });
    case 'csv':
    case 'labels':
      return new CellsForm(format);
  }
}

/** The same for any format, with a name for every field: `c1`, `c2` … where there are no names. */
export function namedFormOf(format: TextFormat): Form {
  if (format.kind === 'labels') return new LineForm(fieldsOf({ ...format, of: 'sentence' }));
  if (format.kind !== 'csv') return formOf(format);
  const names = format.names ?? Array.from({ length: format.fields }, (_, i) => `c${i + 1}`);
  return new CellsForm(format, names);
}

function styleOf({ delimiter, prefix = '', suffix = '', trailing = false }: TextFormat): TableStyle {
  return { delimiter, prefix, suffix, trailing };
}

function fieldsOf(format: TextFormat): LineFields {
  if (format.of === 'alternating') {
    return (text, fields) => (alternatingFields(partsOf(text, format.delimiter), fields) ? Line.row : Line.none);
  }
  return (text, fields) => {
    sentenceFields(text, fields);
    return fields.count > 0 ? Line.row : Line.none;
  };
}

/** One row a line, each value with its name. */
class LineForm implements Form {
  readonly fields = new Fields();

  constructor(private readonly read: LineFields) {}

  line(text: string, emit: () => void): number {
    this.fields.clear();
    const kind = this.read(text, this.fields);
    if (kind === Line.row) emit();
    return kind;
  }

  finish(): void {}

  reset(): void {}
}

/** Fields by position, with quotes or another way of writing numbers. */
class CellsForm implements Form {
  readonly fields = new Fields();
  private readonly style: TableStyle;

  /** @param labels what fields are called; without them they are known by position */
  constructor(
    private readonly format: TextFormat,
    private readonly labels: readonly string[] = [],
  ) {
    this.style = styleOf(format);
  }

  line(text: string, emit: () => void): number {
    const found = cells(text, this.style);
    if (found === undefined || found.length !== this.format.fields) return Line.none;
    const { fields } = this;
    const { names } = this.format;
    if (names !== null && found.every((cell, i) => bareText(cell) === names[i])) return Line.other;
    fields.clear();
    found.forEach((cell, i) => {
      fields.add(this.labels[i] ?? '', cell, this.format.units?.[i]);
    });
    emit();
    return Line.row;
  }

  finish(): void {}

  reset(): void {}
}

/** Lines with labels, and lines that hold nothing but the value of the label that ended the line before. */
class LabelThenValue {
  private open = '';
  private readonly value = new Float64Array(1);

  readonly read: LineFields = (text, fields) => {
    const label = this.open;
    this.open = '';
    if (text.trim() === '' || /^[-=_*~.\s]+$/.test(text)) return Line.other;
    if (label !== '' && parseValue(text, PLAIN, undefined, this.value, 0) === NUMBER) {
      fields.add(label, text.trim());
      return Line.row;
    }
    this.open = sentenceFields(text, fields);
    if (fields.count > 0) return Line.row;
    return this.open === '' ? Line.none : Line.part;
  };
}
