/** Spellings of units that boards and loggers use, and the usual sign. A unit that is not here is taken as it is written. */
const USUAL: Readonly<Record<string, string>> = {
  '*c': '°C',
  degc: '°C',
  'deg c': '°C',
  celsius: '°C',
  c: '°C',
  '℃': '°C',
  '°c': '°C',
  ºc: '°C',
  '*f': '°F',
  degf: '°F',
  fahrenheit: '°F',
  f: '°F',
  '℉': '°F',
  '°f': '°F',
  ºf: '°F',
  '&#37;': '%',
  percent: '%',
  pct: '%',
};

/** Units that may stand behind a number after a space, so that they are not taken for the next word; in lower case. */
const KNOWN = new Set(
  `% ‰ %rh °c °f *c *f ℃ ℉ ºc ºf degc degf celsius fahrenheit c f k hpa pa kpa mpa bar mbar psi atm mmhg torr
  m mm cm km um µm in ft mi s sec ms us µs ns min h hz khz mhz ghz rpm
  v mv kv uv µv a ma ua µa w mw kw va kva var wh kwh mwh j ohm ohms Ω kohm mohm f uf µf nf pf
  lx lux lm cd ppm ppb ppt iaq db dba dbm uv g kg mg ug µg lb oz n kn knots kt kts
  m/s m/s^2 m/s² m/s2 km/h mph deg ° °/s deg/s rad rad/s dps ut µt mt gauss g/m3 mg/m3 ug/m3 µg/m3 µg/m³ ug/m^3
  l ml l/min l/h m3 m³ m3/h us/cm ms/cm ntu ph cpm usv/h µsv/h steps counts raw`
    .split(/\s+/)
    .map((unit) => unit.toLowerCase()),
);

/** A unit in its usual sign. */
export function usualUnit(unit: string): string {
  return USUAL[unit.toLowerCase()] ?? unit;
}

export function isKnownUnit(text: string): boolean {
  return KNOWN.has(text.toLowerCase());
}

/** The unit that `text` is, behind a number; null if it has signs that units do not have, such as other digits. */
export function splitUnit(text: string): string | null {
  if (text.length > 16) return null;
  if (isKnownUnit(text)) return usualUnit(text);
  return /^[°*º℃℉%‰µμΩ\p{L}/·^²³()"'$€ ]+$/u.test(text) && !/^[eE]/.test(text) ? usualUnit(text) : null;
}

/** A name as it is written, and what it names without its unit. */
export interface WireName {
  /** Without quotes and white space around it. */
  written: string;
  base: string;
  /** In its usual sign; empty if the name has none. */
  unit: string;
}

/** Takes a unit off a name: `Temp [°C]`, `Humidity (%)`, `Voltage(mV)`, `Temp, °C (S/N: 1)`, `[T degC]`, `RH (%) c:3`, `Humidity %`. */
export function splitName(name: string): WireName {
  const written = name.replace(/^\s*"(.*)"\s*$/s, '$1').trim();
  const inner = /^\[(.+)\]$/.exec(written)?.[1] ?? written;
  const channel = inner.replace(/\s+c:\d+$/i, '');
  const bracket = /^(.*\S)\s*(?:\[([^\]]+)\]|\(([^)]+)\))$/.exec(channel);
  if (bracket !== null) {
    const unit = (bracket[2] ?? bracket[3]).trim();
    if (splitUnit(unit) !== null || unit === '&#37;') return { written, base: bracket[1], unit: usualUnit(unit) };
  }
  const comma = /^([^,]+),\s*([^,(\s]+)(?:\s*\(.*\))?$/.exec(channel);
  if (comma !== null && isKnownUnit(comma[2])) return { written, base: comma[1].trim(), unit: usualUnit(comma[2]) };
  const zone = /^([^,]+),\s*(?:GMT|UTC)/.exec(channel);
  if (zone !== null) return { written, base: zone[1].trim(), unit: '' };
  const last = /^(.*\S)\s+(\S+)$/.exec(channel);
  if (last !== null && isKnownUnit(last[2])) return { written, base: last[1], unit: usualUnit(last[2]) };
  const joined = /(?:^|_)(ms|millis|us|µs|ns)$/i.exec(channel);
  if (joined !== null) return { written, base: channel, unit: joined[1].toLowerCase() };
  const suffix = /_(pct|percent|c|degc|celsius|f|degf|hpa|kpa|pa|mv|ma|ppm|lx|lux|rpm)$/i.exec(channel);
  if (suffix !== null) return { written, base: channel, unit: usualUnit(suffix[1]) };
  return { written, base: channel.replace(/\s*\(\d+\)$/, ''), unit: '' };
}

/**
 * Binds the names of the wire to columns: by the name as written, then without its unit, then without regard to case; each column
 * once, and only if no other name of the wire could be meant.
 *
 * @returns [wire]: the column of each name, −1 for none
 */
export function bindNames(wire: readonly string[], columns: readonly string[]): Int32Array {
  const parts = wire.map(splitName);
  const own = columns.map(splitName);
  const bound = new Int32Array(wire.length).fill(-1);
  const taken = columns.map(() => false);
  const pass = (ofWire: (name: WireName, raw: string) => string, ofColumn: (name: WireName, raw: string) => string) => {
    const keys = parts.map((name, i) => ofWire(name, wire[i]));
    const wanted = own.map((name, i) => ofColumn(name, columns[i]));
    for (let i = 0; i < wire.length; i++) {
      if (bound[i] >= 0 || keys[i] === '') continue;
      if (keys.some((key, j) => j !== i && key === keys[i] && bound[j] < 0)) continue;
      const matches = wanted.flatMap((key, column) => (key === keys[i] && !taken[column] ? [column] : []));
      if (matches.length !== 1) continue;
      bound[i] = matches[0];
      taken[matches[0]] = true;
    }
  };
  pass(
    (_, raw) => raw,
    (_, raw) => raw,
  );
  pass(
    (name) => name.written,
    (name) => name.written,
  );
  pass(
    (name) => name.base,
    (_, raw) => raw,
  );
  pass(
    (name) => name.base,
    (name) => name.base,
  );
  const plain = (text: string) => text.toLowerCase().replace(/[\s_-]+/g, ' ');
  pass(
    (name) => plain(name.written),
    (name) => plain(name.written),
  );
  pass(
    (name) => plain(name.base),
    (name) => plain(name.base),
  );
  return bound;
}
