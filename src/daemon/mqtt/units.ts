/** Home Assistant's spelling of a unit, and the kinds of sensor (`device_class`) that it accepts the unit for. */
interface HomeUnit {
  readonly unit: string;
  /** Undefined: the unit alone does not say what is measured, or Home Assistant has no kind for it. */
  readonly deviceClass?: string;
}

const unitsOf = (deviceClass: string | undefined, spellings: Readonly<Record<string, string>>) =>
  Object.entries(spellings).flatMap(([unit, all]) =>
    [unit, ...all.split('|')]
      .filter((spelling) => spelling !== '')
      .map((spelling): [string, HomeUnit] => [spelling, deviceClass === undefined ? { unit } : { unit, deviceClass }]),
  );

/** By spelling as boards write it; case counts, since `mW` and `MW` are two units. */
const HOME_UNITS: ReadonlyMap<string, HomeUnit> = new Map([
  ...unitsOf('temperature', { '°C': 'degC|deg C|℃|C|celsius', '°F': 'degF|deg F|℉|F|fahrenheit', K: 'kelvin' }),
  ...unitsOf('pressure', { Pa: '', hPa: 'hpa', kPa: 'kpa', bar: '', mbar: '', psi: '', mmHg: 'mmhg', inHg: 'inhg' }),
  ...unitsOf('voltage', { V: 'volt|volts', mV: '', kV: '', µV: 'uV|μV' }),
  ...unitsOf('current', { A: 'ampere|amp|amps', mA: '' }),
  ...unitsOf('power', { W: 'watt|watts', mW: '', kW: '', MW: '' }),
  ...unitsOf('apparent_power', { VA: '' }),
  ...unitsOf('reactive_power', { var: '' }),
  ...unitsOf('illuminance', { lx: 'lux' }),
  ...unitsOf('frequency', { Hz: 'hz', kHz: '', MHz: '', GHz: '' }),
  ...unitsOf('speed', { 'm/s': '', 'km/h': 'kmh|kph', kn: 'kt|kts|knot|knots', mph: '', 'ft/s': '', 'mm/s': '' }),
  ...unitsOf('distance', { m: '', km: '', cm: '', mm: '', ft: '', in: '', mi: '', yd: '' }),
  ...unitsOf('duration', { s: 'sec', ms: '', min: '', h: '' }),
  ...unitsOf('weight', { kg: '', g: '', mg: '', lb: '', oz: '' }),
  ...unitsOf('sound_pressure', { dB: '', dBA: 'dbA' }),
  ...unitsOf('signal_strength', { dBm: '' }),
  ...unitsOf('volume_flow_rate', { 'm³/h': 'm3/h', 'L/min': 'l/min' }),
  ...unitsOf('conductivity', { 'µS/cm': 'uS/cm|μS/cm', 'mS/cm': '', 'S/cm': '' }),
  ...unitsOf('irradiance', { 'W/m²': 'W/m2|W/m^2' }),
  // Units of several kinds, or of none.
  ...unitsOf(undefined, {
    '%': 'percent|pct|%RH',
    ppm: '',
    ppb: '',
    'µg/m³': 'ug/m3|µg/m3|μg/m³|ug/m^3',
    'mg/m³': 'mg/m3|mg/m^3',
    '°': 'deg',
    rpm: '',
    Ω: 'ohm|Ohm',
  }),
]);

/** The unit of a column as Home Assistant wants it; a unit it does not know stays as it is, without a kind. */
export function homeUnit(unit: string): HomeUnit {
  return HOME_UNITS.get(unit) ?? { unit };
}

/** What Home Assistant's schema is tried with. */
export const homeUnits = (): readonly [string, HomeUnit][] => [...HOME_UNITS];

/**
 * A name as a text inside a template of Jinja, in quotes. Everything but letters, digits and spaces is escaped, since
 * `{`, `}`, `%`, quotes and backslashes have a meaning there.
 */
export function templateText(name: string): string {
  const escaped = Array.from(name, (character) => {
    if (/^[\p{L}\p{N} _+.-]$/u.test(character)) return character;
    return `\\U${character.codePointAt(0)!.toString(16).padStart(8, '0')}`;
  });
  return `'${escaped.join('')}'`;
}
