import { LineDecoder, type RawLine, surveyText, type TextFormat } from '../../bridge/index.js';
import type { ByteSource } from '../../ingest/index.js';

/** Bytes kept while listening; what comes later is counted by the next run. */
export const MAX_BYTES = 1 << 20;
/** Rows after which enough has been seen. */
const ENOUGH_ROWS = 200;
/** Different values of a column that are remembered, to tell classes from measurements. */
const MAX_DISTINCT = 16;

/** What was seen of one column. */
export interface SeenColumn {
  /** As the device prints it, or `c1`, `c2` … where it prints none. */
  name: string;
  /** Of the values but likely error codes; Infinity, −Infinity where none was a number. */
  min: number;
  max: number;
  /** The last value. */
  example: number;
  missing: number;
  isInteger: boolean;
  /** Whether it only grows, but for one start from the beginning: a clock, or a counter; false below three values. */
  isGrowing: boolean;
  /** Median difference of neighbours; NaN below two values. */
  step: number;
  /** How many values there were. */
  count?: number;
  /** How many different values; undefined where more than a class has. */
  distinct: number | undefined;
  /** In its usual sign; empty if none is stated. */
  unit?: string;
  /** It holds words. */
  isText?: boolean;
  /** It holds dates or times of day. */
  isDate?: boolean;
  /** The words of a class. */
  words?: string[];
  /** Values far from all others that sensors are known to give for errors, with how often they came. */
  errorCodes?: { value: number; count: number }[];
}

export interface Observation {
  format: TextFormat;
  columns: SeenColumn[];
  rows: number;
  /** The latest lines, with what became of each. */
  lines?: RawLine[];
  /** Lines that are no rows. */
  refused?: number;
}

/** Bytes of a device, kept while it is listened to. */
export interface Recording {
  bytes: Uint8Array;
  /** Complete lines among them. */
  lines: number;
}

/**
 * Listens to a device until enough rows have come or time is up.
 *
 * @param onLine told how many lines have come, now and then; 0 when the device has been opened
 * @throws IngestError where the source cannot be opened
 */
export async function listen(source: ByteSource, seconds: number, onLine: (lines: number) => void): Promise<Recording> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  let lines = 0;
  let enough: (() => void) | undefined;
  const done = new Promise<void>((resolve) => {
    enough = resolve;
  });
  await source.start({
    opened: () => onLine(0),
    closed: () => enough?.(),
    bytes(buffer, length) {
      if (size + length > MAX_BYTES) return enough?.();
      chunks.push(buffer.slice(0, length));
      size += length;
      for (let i = 0; i < length; i++) if (buffer[i] === 0x0a) lines++;
      onLine(lines);
      if (lines > ENOUGH_ROWS) enough?.();
    },
  });
  const timer = setTimeout(() => enough?.(), 1000 * seconds);
  await done;
  clearTimeout(timer);
  await source.stop();
  return { bytes: Buffer.concat(chunks), lines };
}

/**
 * What a recording says about a device's rows; undefined where there is no row among its lines.
 *
 * @param startsMidLine its first row may have lost its beginning
 */
export function observe(bytes: Uint8Array, startsMidLine = true): Observation | undefined {
  const survey = surveyText(bytes);
  const from = startsMidLine ? 1 : 0;
  if (survey === undefined || survey.rows < 2) return undefined;
  const columns = survey.columns.map(({ name, unit, kind, words, values }) => ({
    ...seen(name, values.slice(from)),
    unit,
    ...(kind === 'text' ? { isText: true } : {}),
    ...(kind === 'time' ? { isDate: true } : {}),
    ...(kind === 'class' ? { words } : {}),
  }));
  // Once more, as a process will that has them in its configuration: what becomes of each line.
  const decoder = new LineDecoder({
    columns: columns.map(({ name }) => name),
    required: survey.columns.map(({ kind }) => kind === 'number'),
    ignored: survey.columns.map(({ kind }) => kind === 'text'),
    kinds: survey.columns.map(({ kind }) => (kind === 'text' ? 'ignore' : kind)),
    words: survey.columns.map(({ kind, words }) => (kind === 'class' ? words : undefined)),
    row: new Float32Array(columns.length),
    onRow: () => decoder.refusals.watch(),
  });
  decoder.refusals.watch();
  decoder.feed(bytes, 0, bytes.length);
  decoder.finish();
  return {
    format: decoder.format ?? survey.format,
    rows: survey.rows - from,
    columns,
    lines: decoder.refusals.lines(),
    refused: decoder.refusals.refused,
  };
}

/** The latest line of a recording that is no row, and why its lines are none, if they could be read in two ways. */
export function exampleOf(bytes: Uint8Array): { example: RawLine | null; doubt: string | undefined } {
  let doubt: string | undefined;
  const decoder = new LineDecoder({
    columns: ['?'],
    required: [false],
    row: new Float32Array(1),
    onRow() {},
    onMismatch(problem) {
      if (problem.code === 'BRIDGE_DOUBT') doubt ??= problem.problem.found;
    },
  });
  decoder.feed(bytes, 0, bytes.length);
  decoder.finish();
  return { example: decoder.refusals.example(), doubt };
}

function seen(name: string, all: readonly number[]): SeenColumn {
  const numbers = all.filter((value) => !Number.isNaN(value));
  const steps = numbers.slice(1).map((value, i) => value - numbers[i]);
  const errorCodes = errorCodesOf(numbers);
  const values = numbers.filter(
    (value) => !errorCodes.some((code) => code.value === value || Math.fround(code.value) === value),
  );
  const distinct = new Set(values).size;
  return {
    name,
    min: values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    max: values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    example: values.at(-1) ?? Number.NaN,
    missing: all.length - numbers.length,
    count: values.length,
    isInteger: values.every(Number.isInteger),
    isGrowing: isGrowing(steps),
    step: [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? Number.NaN,
    distinct: distinct > MAX_DISTINCT ? undefined : distinct,
    errorCodes,
  };
}

/** Steps up only; of many, one down is a board that was started again, or a clock that ran over. */
function isGrowing(steps: readonly number[]): boolean {
  const down = steps.filter((step) => !(step > 0)).length;
  return steps.length >= 2 && (down === 0 || (down === 1 && steps.length >= 20));
}

/** What sensors and their libraries give in place of a value: DS18B20, HX711, SHT, MODBUS, ADCs, loggers. */
const ERROR_CODES = [
  -127, 85, -85, 999, -999, 9999, -9999, 99999, -99999, 32767, -32768, 65535, 65534, 8388607, -8388608, 16777215,
  2147483647, -2147483648, 4294967295, 998, 7999, 1e9, -1e9,
];
/** How many times as far from the others as those are from each other. */
const FAR = 4;

/** Values known as error codes, rare and far from all others. */
function errorCodesOf(values: readonly number[]): { value: number; count: number }[] {
  return ERROR_CODES.flatMap((code) => {
    const count = values.filter((value) => value === Math.fround(code) || value === code).length;
    const others = values.filter((value) => !ERROR_CODES.includes(value));
    if (count === 0 || count > values.length / 2 || others.length < 2) return [];
    const low = Math.min(...others);
    const high = Math.max(...others);
    const away = code > high ? code - high : low - code;
    return away > FAR * Math.max(high - low, Math.abs(high + low) / 200, 1e-9) ? [{ value: code, count }] : [];
  });
}
