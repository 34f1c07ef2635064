import { adviceOn, LineDecoder, quotedLine, type RawLine } from '../../bridge/index.js';
import { reasonsIn } from '../../daemon/index.js';
import { SerialSource } from '../../ingest/index.js';
import { type Column, EdgegradError, type Task } from '../../spec/index.js';
import { type Finding, ok, problem, warning } from './finding.js';

/** The rates sketches use, the likeliest first. */
const RATES = [115200, 9600, 57600, 38400, 19200, 230400, 460800, 921600, 250000, 1000000, 4800];
const LISTEN_MS = 300;
/** Longer where it prints text, for as many lines as show whether they are rows. */
const LINES = 6;
const LINES_MS = 3000;
/** A board that restarts when its port opens is silent for a while, and one that measures slowly is too. */
const FIRST_MS = 3000;
/** The first byte at the other rates: the board runs by then. */
const NEXT_MS = 1500;
/** Above this share of printable bytes it is text; noise has about a third. */
const TEXT_SHARE = 0.95;

/** What was heard at one rate. */
export interface Heard {
  rate: number;
  bytes: number;
  /** Of the bytes, from 0 to 1; 0 where there are none. */
  printableShare: number;
  lines: number;
  /** Lines that are rows of the configuration; of lines with a checksum, only those with the right one. */
  rows: number;
  /** Why the others are none, in words, and the latest of them. */
  refused?: { reasons: string; example: RawLine; advice: string };
}

/** What rows are to be like. */
export type Wanted = { columns: readonly Column[]; task: Pick<Task, 'features' | 'targets'> };

/**
 * Opens a free port and tells at which rate it makes sense: first at the one that is configured, then, if it does not
 * there, at others.
 *
 * @param wanted by the configuration; undefined where there is none
 */
export async function checkBaud(path: string, configured: number, wanted: Wanted | undefined): Promise<Finding> {
  const heard: Heard[] = [];
  try {
    heard.push(await listen(path, configured, wanted, FIRST_MS));
    if (heard[0].bytes === 0) {
      return warning(
        'baud',
        `nothing heard from ${path} in ${FIRST_MS / 1000} s`,
        'is the sketch running, and printing?',
      );
    }
    if (!isText(heard[0])) {
      for (const rate of RATES) if (rate !== configured) heard.push(await listen(path, rate, wanted, NEXT_MS));
    }
  } catch (error) {
    if (!(error instanceof EdgegradError)) throw error;
    return problem('baud', error.problem.found, error.problem.remedy ?? 'check the port');
  }
  return judge(heard, wanted !== undefined);
}

/** @param heard the configured rate first */
export function judge(heard: readonly Heard[], hasColumns: boolean): Finding {
  const [configured] = heard;
  const best = heard.reduce((a, b) =>
    b.rows > a.rows || (b.rows === a.rows && b.printableShare > a.printableShare) ? b : a,
  );
  if (isText(configured)) {
    const { rate, lines, rows, refused } = configured;
    const heardLines = `text at ${rate}: ${lines} ${lines === 1 ? 'line' : 'lines'}`;
    if (!hasColumns) return ok('baud', heardLines);
    if (rows > 0 && (refused === undefined || rows >= lines / 2))
      return ok('baud', `${heardLines}, ${rows} of them rows`);
    if (refused === undefined) {
      return warning(
        'baud',
        `${heardLines}, none is a row`,
        'compare what the device prints with the columns of the configuration',
      );
    }
    const text = `${heardLines}, ${rows === 0 ? 'none is a row' : `${rows} of them rows`} (${refused.reasons}), the last ${quotedLine(refused.example)}`;
    return rows === 0 ? problem('rows', text, refused.advice) : warning('rows', text, refused.advice);
  }
  if (isText(best)) {
    return problem('baud', `noise at ${configured.rate}, text at ${best.rate}`, `set source.baudRate = ${best.rate}`);
  }
  const share = Math.round(100 * configured.printableShare);
  return warning(
    'baud',
    `no text at any rate tried; ${share} % of the bytes at ${configured.rate} are printable`,
    'look up the rate in the sketch (Serial.begin), and that the device prints text',
  );
}

const isText = ({ lines, printableShare }: Heard) => lines > 0 && printableShare >= TEXT_SHARE;

/** Listens for LISTEN_MS after the first byte, which has to come within `firstMs`. */
async function listen(path: string, rate: number, wanted: Wanted | undefined, firstMs: number): Promise<Heard> {
  const columns = wanted?.columns;
  const names = columns?.map((column) => column.name) ?? ['?'];
  const needed = new Set([...(wanted?.task.features ?? []), ...(wanted?.task.targets ?? [])]);
  const decoder = new LineDecoder({
    columns: names,
    required: names.map((name) => needed.has(name)),
    ignored: names.map((_, i) => columns?.[i].kind === 'ignore'),
    row: new Float32Array(names.length),
    onRow() {},
  });
  let bytes = 0;
  let printable = 0;
  let heardFirst: (() => void) | undefined;
  // Asks for no reset: later rates are to hear what the device goes on printing.
  const source = new SerialSource({ path, baudRate: rate, resetOnOpen: false });
  const first = new Promise<void>((resolve) => {
    heardFirst = resolve;
  });
  await source.start({
    opened() {},
    closed: () => heardFirst?.(),
    bytes(buffer, length) {
      decoder.feed(buffer, 0, length);
      bytes += length;
      for (let i = 0; i < length; i++) {
        const byte = buffer[i];
        if ((byte >= 0x20 && byte < 0x7f) || byte === 0x0a || byte === 0x0d || byte === 0x09) printable++;
      }
      heardFirst?.();
    },
  });
  await Promise.race([first, after(firstMs)]);
  const share = () => (bytes === 0 ? 0 : printable / bytes);
  if (bytes > 0) await after(LISTEN_MS);
  for (
    let ms = LISTEN_MS;
    ms < LINES_MS && share() >= TEXT_SHARE && decoder.counters().rxLines < LINES;
    ms += LISTEN_MS
  ) {
    await after(LISTEN_MS);
  }
  await source.stop();
  decoder.finish(); // decides on as many lines as there are
  const { rxLines, rowsDecoded } = decoder.counters();
  const example = decoder.refusals.example();
  const reasons = decoder.refusals.report();
  return {
    rate,
    bytes,
    printableShare: share(),
    lines: rxLines,
    rows: rowsDecoded,
    ...(example === null || reasons.length === 0
      ? {}
      : { refused: { reasons: reasonsIn(reasons), example, advice: adviceOn(reasons[0].reason, reasons[0].example) } }),
  };
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
