import { Fields } from './fields.js';
import { type Form, Line } from './form.js';
import { isMissing } from './value.js';

/** Units of VE.Direct's labels; a label without one has none, or is a text. */
const UNITS: Readonly<Record<string, string>> = {
  V: 'mV',
  V2: 'mV',
  V3: 'mV',
  VS: 'mV',
  VM: 'mV',
  DM: '‰',
  VPV: 'mV',
  PPV: 'W',
  I: 'mA',
  I2: 'mA',
  I3: 'mA',
  IL: 'mA',
  T: '°C',
  P: 'W',
  CE: 'mAh',
  SOC: '‰',
  TTG: 'min',
};
/** Bytes that end a line or are dropped, so that a checksum of their value cannot be seen. */
const UNSEEN = [0x00, 0x09, 0x0a, 0x0d, 0x11, 0x13, 0x1b, 0x20];
const CHECKSUM = 'Checksum';

/** Blocks of VE.Direct: lines `label TAB value`, ended by `Checksum TAB byte` that makes the sum of all bytes 0 modulo 256. */
export class VeDirectForm implements Form {
  readonly fields = new Fields();
  private sum = 0;

  /** @param text one character a byte */
  line(text: string, emit: () => void): number {
    if (text === '') return Line.other;
    const tab = text.indexOf('\t');
    const label = tab < 0 ? text : text.slice(0, tab);
    if (tab < 0 && label !== CHECKSUM) return Line.none;
    this.sum += 0x0d + 0x0a;
    for (let i = 0; i < (label === CHECKSUM ? label.length : text.length); i++) this.sum += text.charCodeAt(i);
    if (label !== CHECKSUM) {
      const value = text.slice(tab + 1);
      this.fields.add(label, isMissing(value) ? null : value, UNITS[label] ?? '');
      return Line.part;
    }
    const expected = -(this.sum + 0x09) & 0xff;
    const found = text.charCodeAt(tab + 1);
    const isRight = found === expected || UNSEEN.includes(expected);
    if (isRight && this.fields.count > 0) emit();
    this.reset();
    return isRight ? Line.row : Line.checksum;
  }

  finish(): void {
    this.reset();
  }

  reset(): void {
    this.fields.clear();
    this.sum = 0;
  }
}
