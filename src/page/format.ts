const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0, useGrouping: true });
const DASH = '–';
const MINUS = '−';
const POWERS = '⁰¹²³⁴⁵⁶⁷⁸⁹⁻';

/** Three significant digits, or a dash where there is no figure: `0.131`, `12.4`, `1 013`, `9.47×10⁻⁷`. */
export function figure(value: number | null | undefined, unit = ''): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  const text = isPlain(Math.abs(value)) ? fixed(value, digitsOf(value)) : powered(value, 2);
  return unit === '' ? text : `${text} ${unit}`;
}

/** Figures that stand below each other: as many digits after the point as the smallest of them needs. */
export function figures(values: readonly (number | null)[]): string[] {
  const sizes = values.flatMap((value) => (value === null || value === 0 ? [] : [Math.abs(value)]));
  if (!sizes.every(isPlain)) return values.map((value) => figure(value));
  const digits = sizes.length === 0 ? 2 : digitsOf(Math.min(...sizes));
  return values.map((value) => (value === null ? DASH : fixed(value, digits)));
}

/** What stands at the ticks of an axis: all with as many digits as it takes to tell neighbours apart. */
export function tickFigures(ticks: readonly number[]): string[] {
  const size = Math.max(...ticks.map(Math.abs));
  const step = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : size;
  // A step of 2.5 needs one digit more than one of 2.
  const digits = [0, 1, 2].find((more) => isWhole(step * 10 ** (more - exponentOf(step)))) ?? 2;
  if (size < 1e6 && step >= 1e-3) return ticks.map((tick) => fixed(tick, Math.max(0, digits - exponentOf(step))));
  const exponent = exponentOf(size);
  return ticks.map((tick) => powered(tick, Math.min(3, exponent - exponentOf(step) + digits), exponent));
}

const isPlain = (size: number) => size === 0 || (size >= 1e-4 && size < 1e6);
const isWhole = (value: number) => Math.abs(value - Math.round(value)) < 1e-6;
/** The power of ten a number is written with: 3 of 1234. */
const exponentOf = (value: number) => (value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)) + 1e-9));
/** Digits after the point of three significant ones. */
const digitsOf = (value: number) => Math.max(0, 2 - exponentOf(value));

/** `−12 345`, `0.50` */
function fixed(value: number, digits: number): string {
  const text = Math.abs(value).toFixed(digits);
  const [before, after] = text.split('.');
  const grouped = before.length > 3 ? whole(Number(before)) : before;
  return `${value < 0 && Number(text) !== 0 ? MINUS : ''}${after === undefined ? grouped : `${grouped}.${after}`}`;
}

/** `−9.47×10⁻⁷`, or of a given power of ten. */
function powered(value: number, digits: number, exponent = exponentOf(value)): string {
  if (value === 0) return '0';
  const power = [...String(exponent)].map((sign) => POWERS['0123456789-'.indexOf(sign)]).join('');
  return `${fixed(value / 10 ** exponent, digits)}×10${power}`;
}

/** `12 345`, with thin spaces. */
export function whole(value: number): string {
  return WHOLE.format(value).replaceAll(',', ' ');
}

/** `37 %`, `0.4 %`, `1 250 %`; with `digits` always as many after the point. */
export function percent(share: number | null, digits?: number): string {
  if (share === null || !Number.isFinite(share)) return DASH;
  const hundredths = 100 * share;
  if (digits !== undefined) return `${fixed(hundredths, digits)} %`;
  return `${Math.abs(hundredths) < 10 ? Number(hundredths.toFixed(1)) : fixed(hundredths, 0)} %`;
}

/** `4 s`, `3 min`, `2 h`, `5 d`. */
export function duration(seconds: number | null): string {
  if (seconds === null) return DASH;
  if (seconds < 0.001) return `${figure(1e6 * seconds)} µs`;
  if (seconds < 1) return `${figure(1e3 * seconds)} ms`;
  if (seconds < 120) return `${Math.round(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}

/** `1.2 MB` */
export function bytes(count: number): string {
  if (count < 1000) return `${count} B`;
  if (count < 1e6) return `${figure(count / 1e3)} kB`;
  return count < 1e9 ? `${figure(count / 1e6)} MB` : `${figure(count / 1e9)} GB`;
}

/** `14:03:09` of this browser's zone. */
export function clock(timeMs: number): string {
  return new Date(timeMs).toLocaleTimeString('en-GB', { hour12: false });
}

/** The same with the day where that is another one than today: `24 Nov 14:03:09`. */
export function moment(timeMs: number): string {
  const time = new Date(timeMs);
  if (time.toDateString() === new Date().toDateString()) return clock(timeMs);
  return `${time.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })} ${clock(timeMs)}`;
}
