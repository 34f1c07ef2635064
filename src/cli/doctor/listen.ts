import { LineDecoder } from '../../bridge/index.js';
import { SerialSource } from '../../ingest/index.js';
import { type Column, EdgegradError } from '../../spec/index.js';
import { type Finding, ok, problem, warning } from './finding.js';

/** The rates sketches use, the likeliest first. */
const RATES = [115200, 9600, 57600, 38400, 19200, 230400, 460800, 921600, 250000, 1000000, 4800];
const LISTEN_MS = 300;
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
}

/**
 * Opens a free port and tells at which rate it makes sense: first at the one that is configured, then, if it does not
 * there, at others.
 *
 * @param columns the configuration's; undefined where there is none
 */
export async function checkBaud(
  path: string,
  configured: number,
  columns: readonly Column[] | undefined,
): Promise<Finding> {
  const heard: Heard[] = [];
  try {
    heard.push(await listen(path, configured, columns, FIRST_MS));
    if (heard[0].bytes === 0) {
      return warning(
        'baud',
        `nothing heard from ${path} in ${FIRST_MS / 1000} s`,
        'is the sketch running, and printing?',
      );
    }
    if (!isText(heard[0])) {
      for (const rate of RATES) if (rate !== configured) heard.push(await listen(path, rate, columns, NEXT_MS));
    }
  } catch (error) {
    if (!(error instanceof EdgegradError)) throw error;
    return problem('baud', error.problem.found, error.problem.remedy ?? 'check the port');
  }
  return judge(heard, columns !== undefined);
}

/** @param heard the configured rate first */
export function judge(heard: readonly Heard[], hasColumns: boolean): Finding {
  const [configured] = heard;
  const best = heard.reduce((a, b) =>
    b.rows > a.rows || (b.rows === a.rows && b.printableShare > a.printableShare) ? b : a,
  );
  if (isText(configured)) {
    const text = `text at ${configured.rate}: ${configured.lines} lines, ${configured.rows} of them rows`;
    return hasColumns && configured.rows === 0 && configured.lines >= 10
      ? warning('baud', text, 'compare what the device prints with the columns of the configuration')
      : ok('baud', hasColumns ? text : `text at ${configured.rate}: ${configured.lines} lines`);
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
async function listen(
  path: string,
  rate: number,
  columns: readonly Column[] | undefined,
  firstMs: number,
): Promise<Heard> {
  const names = columns?.map((column) => column.name) ?? ['?'];
  const decoder = new LineDecoder({
    columns: names,
    required: names.map(() => false),
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
  if (bytes > 0) await after(LISTEN_MS);
  await source.stop();
  const { rxLines, rowsDecoded } = decoder.counters();
  return { rate, bytes, printableShare: bytes === 0 ? 0 : printable / bytes, lines: rxLines, rows: rowsDecoded };
}

const after = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
