import { LineDecoder, type TextFormat } from '../../bridge/index.js';
import type { ByteSource } from '../../ingest/index.js';

/** Bytes kept while listening; what comes later is counted by the next run. */
const MAX_BYTES = 1 << 20;
/** Rows after which enough has been seen. */
const ENOUGH_ROWS = 200;
/** Different values of a column that are remembered, to tell classes from measurements. */
const MAX_DISTINCT = 16;

/** What was seen of one column. */
export interface SeenColumn {
  /** As the device prints it, or `c1`, `c2` … where it prints none. */
  name: string;
  /** Of the values; NaN where none was a number. */
  min: number;
  max: number;
  /** The last value. */
  example: number;
  missing: number;
  isInteger: boolean;
  /** Whether every value was larger than the one before; false below three values. */
  isGrowing: boolean;
  /** Median difference of neighbours; NaN below two values. */
  step: number;
  /** How many different values; undefined where more than a class has. */
  distinct: number | undefined;
}

export interface Observation {
  format: TextFormat;
  columns: SeenColumn[];
  rows: number;
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

/** What a recording says about a device's rows; undefined where there is no row among its lines. */
export function observe(bytes: Uint8Array): Observation | undefined {
  // Once to learn the format, with a column nobody prints, and once to read the rows by its names.
  let format: TextFormat | undefined;
  const detector = new LineDecoder({
    columns: ['?'],
    required: [false],
    row: new Float32Array(1),
    onRow() {},
    onFormat(found) {
      format = found;
    },
  });
  detector.feed(bytes, 0, bytes.length);
  detector.finish();
  if (format === undefined) return undefined;
  const names = namesOf(format);
  const values: number[][] = names.map(() => []);
  let rows = 0;
  const row = new Float32Array(names.length);
  const decoder = new LineDecoder({
    columns: names,
    required: names.map(() => false),
    row,
    onRow() {
      rows++;
      if (rows === 1) return; // it may have lost its beginning
      row.forEach((value, i) => {
        values[i].push(value);
      });
    },
  });
  decoder.feed(bytes, 0, bytes.length);
  decoder.finish();
  if (rows < 2) return undefined;
  return { format, rows: rows - 1, columns: names.map((name, i) => seen(name, values[i])) };
}

/** Names as a configuration takes them: each once. */
function namesOf({ names, fields }: TextFormat): string[] {
  if (names !== null && new Set(names).size === names.length) return [...names];
  return Array.from({ length: fields }, (_, i) => `c${i + 1}`);
}

function seen(name: string, all: readonly number[]): SeenColumn {
  const values = all.filter((value) => !Number.isNaN(value));
  const steps = values.slice(1).map((value, i) => value - values[i]);
  const distinct = new Set(values).size;
  return {
    name,
    min: values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY),
    max: values.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY),
    example: values.at(-1) ?? Number.NaN,
    missing: all.length - values.length,
    isInteger: values.every(Number.isInteger),
    isGrowing: steps.length >= 2 && steps.every((step) => step > 0),
    step: [...steps].sort((a, b) => a - b)[steps.length >> 1] ?? Number.NaN,
    distinct: distinct > MAX_DISTINCT ? undefined : distinct,
  };
}
