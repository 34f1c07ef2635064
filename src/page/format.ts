const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0, useGrouping: true });
const DASH = '–';
const MINUS = '−';

/** Three significant digits, or a dash where there is no figure: `0.131`, `12.4`, `1 013`. */
export function figure(value: number | null | undefined, unit = ''): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return DASH;
  const size = Math.abs(value);
  let text: string;
  if (size >= 1e6 || (size > 0 && size < 1e-4)) text = value.toExponential(2);
  else if (size >= 1000) text = whole(value);
  else text = value.toFixed(size === 0 ? 0 : Math.max(0, 2 - Math.floor(Math.log10(size))));
  text = text.replace('-', MINUS);
  return unit === '' ? text : `${text} ${unit}`;
}

/** `12 345`, with thin spaces. */
export function whole(value: number): string {
  return WHOLE.format(value).replaceAll(',', ' ');
}

/** `37 %`, `0.4 %` */
export function percent(share: number | null): string {
  if (share === null || !Number.isFinite(share)) return DASH;
  const hundredths = 100 * share;
  return `${Math.abs(hundredths) < 10 ? Number(hundredths.toFixed(1)) : Math.round(hundredths)} %`;
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
