import type { Fields } from './fields.js';
import { Line } from './form.js';
import { usualUnit } from './units.js';

/** `measurement,tag=value field=1.5,other=2i 1700000000000000000`: InfluxDB line protocol. */
export function influxFields(text: string, fields: Fields): number {
  const match = /^((?:\\.|[^\s,\\])+)((?:,(?:\\.|[^\s\\])+)?) ((?:"(?:\\.|[^"\\])*"|\\.|[^\s\\"])+)(?: (-?\d+))?$/.exec(
    text,
  );
  if (match === null) return Line.none;
  const [, measurement, tags, values, time] = match;
  const plain = (name: string) => name.replace(/\\(.)/g, '$1');
  const before = fields.count;
  fields.add('measurement', plain(measurement));
  for (const tag of tags.matchAll(/,((?:\\.|[^=\\,])+)=((?:\\.|[^,\\])*)/g)) fields.add(plain(tag[1]), plain(tag[2]));
  const tagged = fields.count;
  for (const pair of values.matchAll(/(?:^|,)((?:\\.|[^=\\,])+)=("(?:\\.|[^"\\])*"|[^,]*)/g)) {
    const value = pair[2];
    if (value.startsWith('"')) fields.add(plain(pair[1]), value.slice(1, -1));
    else if (/^[tf]$|^(true|false)$/i.test(value)) fields.add(plain(pair[1]), /^t/i.test(value));
    else if (/^[+-]?[\d.]+(?:[eE][+-]?\d+)?[iu]?$/.test(value)) fields.add(plain(pair[1]), value.replace(/[iu]$/, ''));
    else {
      fields.count = before;
      return Line.none;
    }
  }
  if (fields.count === tagged) {
    fields.count = before;
    return Line.none;
  }
  if (time !== undefined) fields.add('time', time, 'ns');
  return Line.row;
}

/** `>name:value§unit|flags`, `>name:milliseconds:value`: Teleplot, one value a line. */
export function teleplotFields(text: string, fields: Fields): number {
  const match = /^>([^:§|]+):(?:(-?\d+(?:\.\d+)?):)?([^:;§|]+)(?:§([^|]*))?(?:\|.*)?$/.exec(text);
  if (match === null) return Line.none;
  fields.add(match[1].trim(), match[3].trim(), usualUnit((match[4] ?? '').trim()));
  return Line.row;
}

/** What NMEA 0183 puts at which place of a sentence. */
const NMEA: Readonly<Record<string, Readonly<Record<number, readonly [string, string]>>>> = {
  RMC: { 1: ['time', 's'], 3: ['latitude', '°'], 5: ['longitude', '°'], 7: ['speed', 'kn'], 8: ['course', '°'] },
  GGA: {
    1: ['GGA time', 's'],
    2: ['GGA latitude', '°'],
    4: ['GGA longitude', '°'],
    6: ['quality', ''],
    7: ['satellites', ''],
    8: ['hdop', ''],
    9: ['altitude', 'm'],
  },
  GLL: { 1: ['GLL latitude', '°'], 3: ['GLL longitude', '°'], 5: ['GLL time', 's'] },
  VTG: { 1: ['VTG course', '°'], 5: ['VTG speed', 'kn'] },
  HDT: { 1: ['heading', '°'] },
  HDM: { 1: ['heading magnetic', '°'] },
  HDG: { 1: ['HDG heading magnetic', '°'] },
  VHW: { 1: ['VHW heading', '°'], 5: ['water speed', 'kn'] },
  MWV: { 1: ['wind angle', '°'], 3: ['wind speed', ''] },
  MWD: { 1: ['wind direction', '°'], 5: ['MWD wind speed', 'kn'] },
  DBT: { 3: ['depth', 'm'] },
  DPT: { 1: ['DPT depth', 'm'] },
  MTW: { 1: ['water temperature', '°C'] },
  ROT: { 1: ['rate of turn', '°/min'] },
  RSA: { 1: ['rudder angle', '°'] },
};

/**
 * `$GPRMC,…*hh` and `!…`: NMEA 0183, a checksum over the signs between `$` and `*`. A field is named as the standard does, one of a
 * sentence not listed here by its place, `XDR.2`. A field that two sentences have is named after the sentence in all but one of them.
 */
export function nmeaFields(text: string, fields: Fields): number {
  const match = /^[$!]([A-Z]{2}|P)([A-Z]{3}),(.*?)(?:\*([0-9A-Fa-f]{2}))?$/.exec(text);
  if (match === null) return Line.none;
  const [, , kind, body, checksum] = match;
  if (checksum !== undefined) {
    let xor = 0;
    for (let i = 1; i < text.length - 3; i++) xor ^= text.charCodeAt(i);
    if (xor !== Number.parseInt(checksum, 16)) return Line.checksum;
  }
  const parts = body.split(',');
  const table = NMEA[kind];
  if (table === undefined) {
    for (let i = 0; i < parts.length; i++) fields.add(`${kind}.${i + 1}`, parts[i] === '' ? null : parts[i]);
    return Line.row;
  }
  for (const [place, [name, unit]] of Object.entries(table)) {
    const at = Number(place) - 1;
    const written = parts[at] ?? '';
    const isAngle = unit === '°' && /itude$/.test(name);
    const value = isAngle ? degrees(written, parts[at + 1] ?? '') : unit === 's' ? clock(written) : written;
    fields.add(name, value === '' ? null : value, unit);
  }
  return Line.row;
}

/** `4807.1000`, `N`: degrees and minutes in one number. */
function degrees(written: string, side: string): string | number {
  const match = /^(\d{2,3})(\d{2}(?:\.\d+)?)$/.exec(written);
  if (match === null) return '';
  const value = Number(match[1]) + Number(match[2]) / 60;
  return side === 'S' || side === 'W' ? -value : value;
}

/** `120000.00`: seconds since midnight, UTC. */
function clock(written: string): string | number {
  const match = /^(\d{2})(\d{2})(\d{2}(?:\.\d+)?)$/.exec(written);
  return match === null ? '' : 3600 * Number(match[1]) + 60 * Number(match[2]) + Number(match[3]);
}

/** `1-0:1.8.1(001581.123*kWh)`: a line of a DSMR P1 telegram; `/` begins one, `!` and its CRC end it. */
export function dsmrFields(text: string, fields: Fields): number {
  if (text.startsWith('/') || text.startsWith('!')) return Line.other;
  const match = /^\d+-\d+:(\d+\.\d+\.\d+)(?:\([^()]*\))*?\(([^()*]*)(?:\*([^()]+))?\)$/.exec(text);
  if (match === null) return Line.none;
  const [, code, value, unit = ''] = match;
  const isMoment = /^\d{12}[SW]$/.test(value);
  fields.add(code, isMoment || value === '' ? null : value, unit);
  return Line.row;
}
