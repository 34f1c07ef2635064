/** How many of each unit of a clock are a second. */
const PER_SECOND: Readonly<Record<string, number>> = {
  s: 1,
  sec: 1,
  seconds: 1,
  ms: 1e3,
  msec: 1e3,
  millis: 1e3,
  us: 1e6,
  µs: 1e6,
  ns: 1e9,
  min: 1 / 60,
  h: 1 / 3600,
};

/** How many units of a clock are a second, by the unit stated; NaN if it is none of time. */
export function perSecondOfUnit(unit: string): number {
  return PER_SECOND[unit.toLowerCase()] ?? Number.NaN;
}

/** The same if no unit is stated, by the size of a value: seconds to nanoseconds since 1970. */
export function perSecondOfSize(value: number): number {
  const size = Math.abs(value);
  if (size >= 1e17) return 1e9;
  if (size >= 1e14) return 1e6;
  return size >= 1e11 ? 1e3 : 1;
}

const DATE = String.raw`(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})|(\d{1,2})[-/.](\d{1,2})[-/.](\d{2,4})`;
const CLOCK = String.raw`(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d+))?)?\s*(AM|PM)?`;
const ZONE = String.raw`\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?`;
const DATE_TIME = new RegExp(`^(?:${DATE})(?:[T ,;_-]+${CLOCK})?${ZONE}$`, 'i');
const TIME_ONLY = new RegExp(`^${CLOCK}${ZONE}$`, 'i');

/**
 * A date, a date with a time of day, or a time of day: ISO 8601 and what loggers write. A time without a zone is taken as UTC.
 *
 * @returns seconds since 1970, or since midnight for a time of day alone; NaN if the text is none, or is no day of the calendar
 */
export function parseTime(text: string): number {
  const trimmed = text.trim();
  const clock = TIME_ONLY.exec(trimmed);
  if (clock !== null) return clockSeconds(clock.slice(1, 6));
  const match = DATE_TIME.exec(trimmed);
  if (match === null) return Number.NaN;
  const [, year, month, day, first, second, shortYear] = match;
  const date = year === undefined ? dayOf(first, second, shortYear) : [Number(year), Number(month), Number(day)];
  if (date === null) return Number.NaN;
  const [y, m, d] = date;
  const midnight = Date.UTC(y, m - 1, d) / 1000;
  const check = new Date(midnight * 1000);
  if (check.getUTCMonth() !== m - 1 || check.getUTCDate() !== d) return Number.NaN;
  const seconds = match[7] === undefined ? 0 : clockSeconds(match.slice(7, 12));
  return midnight + seconds - zoneSeconds(match[12]);
}

/** Day and month where the year comes last: a first number above 12 is the day, any other the month. */
function dayOf(first: string, second: string, year: string): [number, number, number] | null {
  const a = Number(first);
  const b = Number(second);
  const y = year.length === 2 ? 2000 + Number(year) : Number(year);
  if (year.length === 3) return null;
  if (a > 12) return [y, b, a];
  return [y, a, b];
}

function clockSeconds([hour, minute, second = '0', fraction = '', half]: (string | undefined)[]): number {
  let h = Number(hour);
  if (half !== undefined) h = (h % 12) + (half.toUpperCase() === 'PM' ? 12 : 0);
  if (h > 24 || Number(minute) > 59 || Number(second) > 60) return Number.NaN;
  return 3600 * h + 60 * Number(minute) + Number(second) + (fraction === '' ? 0 : Number(`0.${fraction}`));
}

function zoneSeconds(zone: string | undefined): number {
  const [, sign, hours, minutes] = /^([+-])(\d{2}):?(\d{2})$/.exec(zone ?? '') ?? [];
  if (sign === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (3600 * Number(hours) + 60 * Number(minutes));
}
