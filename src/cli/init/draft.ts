import { SpecError, type Task } from '../../spec/index.js';
import type { Observation, SeenColumn } from './observe.js';

/** What is known and chosen before a configuration is written. */
export interface Draft {
  name: string;
  /** Of a device; '' where it is made from a file. */
  port: string;
  /** The file it is made from, relative to the one it is written to. */
  log?: string;
  baudRate: number;
  observation: Observation;
  kind: Task['kind'];
  /** '' for an anomaly, which has none. */
  target: string;
  /** The file it is written to, for its own comments. */
  file: string;
}

/** What a column is taken for. */
export type Role = 'time' | 'ignore' | 'value';

const SECONDS = /^(t|time|ts|timestamp|uptime|sec|secs|seconds)([ _]?[([]?(s|sec|seconds)[)\]]?)?$/i;
const CLOCK = /(^|[_ ([])(ms|us|millis|micros|time|timestamp|uptime)($|[_ )\]])/i;
const COUNTER = /^(i|n|id|no|nr|seq|count|counter|index|row)$/i;
const DIRECTION = /angle|heading|bearing|course|azimuth|(^|[_ ])(deg|dir)($|[_ ])/i;
const HUMIDITY = /hum|(^|[_ ])rh($|[_ %([])/i;
/** Values from which on a column that only grows is a clock or counter, whatever its name. */
const SURELY = 8;
/** Seconds since 1970, of the years from 2001 to 2100. */
const EPOCH_S = [1e9, 4.1e9] as const;

/** A clock in seconds, something that only counts, or a value worth looking at. */
export function roleOf(column: SeenColumn): Role {
  const { name, isGrowing, isInteger, isText, isDate, words, step, min, max, count = SURELY } = column;
  if (isDate) return 'time';
  if (words !== undefined) return words.length > 1 ? 'value' : 'ignore';
  if (isText || min === Number.POSITIVE_INFINITY) return 'ignore';
  if (!isGrowing) return 'value';
  const isEpoch = min >= EPOCH_S[0] && max <= EPOCH_S[1];
  if (SECONDS.test(name) ? max < EPOCH_S[1] : isEpoch) return 'time';
  return CLOCK.test(name) || COUNTER.test(name) || (isInteger && step === 1) || count >= SURELY ? 'ignore' : 'value';
}

/** The columns that can be predicted, or predicted from. */
export function valuesOf({ columns }: Observation): SeenColumn[] {
  return columns.filter((column) => roleOf(column) === 'value');
}

/** The column most likely wanted: the last that is not always the same. */
export function likelyTarget(observation: Observation): string {
  const values = valuesOf(observation);
  return (values.findLast(({ distinct }) => distinct !== 1) ?? values.at(-1))?.name ?? '';
}

/** The kind of task most likely wanted: a class where a column is 0 and 1, or of few whole numbers that come again and again. */
export function likelyKind(observation: Observation, target: string): Draft['kind'] {
  const values = valuesOf(observation);
  const column = values.find(({ name }) => name === target);
  if (column !== undefined && isFewValued(column)) return 'classify';
  return values.length === 1 ? 'forecast' : 'regress';
}

function isFewValued({ isInteger, min, max, distinct, words, count = 0 }: SeenColumn): boolean {
  if (words !== undefined) return words.length > 1;
  if (!isInteger || min < 0 || distinct === undefined || distinct < 2) return false;
  if (max === 1) return true;
  return max < 10 && distinct > max / 2 && distinct <= 6 && count >= 10 * distinct;
}

/** The column somebody wants predicted, even one that only grew while it was looked at. */
function targetIn({ columns }: Observation, target: string): SeenColumn | undefined {
  return columns.find(({ name, isText, min }) => name === target && !isText && min !== Number.POSITIVE_INFINITY);
}

/**
 * Checks that a column can be the target.
 *
 * @throws SpecError where it is not among the columns, or nothing would be left to predict it from
 */
export function checkTarget(observation: Observation, target: string, kind: Draft['kind']): void {
  const values = valuesOf(observation);
  const column = targetIn(observation, target);
  const names = values.map(({ name }) => name).join(', ');
  const fewest = kind === 'forecast' || kind === 'anomaly' ? 1 : 2;
  const isOwn = column !== undefined && values.includes(column);
  if (values.length + (column === undefined || isOwn ? 0 : 1) < fewest) {
    throw new SpecError('INIT_COLUMNS', {
      where: "the device's rows",
      found: values.length === 0 ? 'no column of values' : `only one column of values, ${names}`,
      expected: fewest === 1 ? 'one at least' : 'two at least: one to predict, another to predict it from',
      remedy:
        fewest === 1 ? 'let the device print more' : 'let the device print more, or give --kind forecast or anomaly',
    });
  }
  if (kind === 'anomaly') return;
  if (column === undefined) {
    throw new SpecError('INIT_TARGET', { where: 'target', found: `"${target}"`, expected: `one of ${names}` });
  }
  if (kind === 'classify' && !(column.isInteger && column.min >= 0 && column.max < 256)) {
    throw new SpecError('INIT_TARGET', {
      where: 'target',
      found: `"${target}", with values from ${shown(column.min)} to ${shown(column.max)}`,
      expected: 'whole numbers from 0 to 255, for a task of kind "classify"',
    });
  }
}

/** The text of a configuration that works, with what was seen beside each column. */
export function draftText(draft: Draft): string {
  const { name, port, observation, kind, target, file } = draft;
  const values = valuesOf(observation).map((column) => column.name);
  const columns = observation.columns.map((column) => columnText(column, draft)).join('\n');
  return `# Made by \`edgegrad init\` from ${observation.rows} rows of ${commentOf(draft.log ?? port)}.
# Every key is explained in docs/configuration.md; \`edgegrad check-config ${commentOf(file)}\` prints what would run.

name = ${text(name)}${comment('names the checkpoint and the status line')}

[source]
${sourceText(draft)}
# What the device prints, in order.
${columns}
[task]
kind = ${text(kind)}
${taskText(kind, values, target)}
# No [network]: several learners race, and the better one lately has done, the more it is believed.

[checkpoint]
directory = "edgegrad-state"${comment('relative to where edgegrad is started')}
intervalS = 300${comment('seconds between checkpoints')}
`;
}

/** Where rows come from. */
function sourceText({ port, log, baudRate }: Draft): string {
  if (log !== undefined) {
    return `log = ${text(log)}${comment('played as a device; port = "/dev/…" instead learns from one')}
device = "text"${comment('as its lines are')}
speed = "max"
`;
  }
  const isSerial = port !== '-' && !port.startsWith('tcp:');
  const wait = port === '-' ? '' : `wait = true${comment('wait for the port where it is not there at the start')}\n`;
  return `port = ${text(port)}
${isSerial ? `baudRate = ${baudRate}\n` : ''}${wait}`;
}

/** The keys of a task behind its kind. */
function taskText(kind: Draft['kind'], values: readonly string[], target: string): string {
  const list = (names: readonly string[]) => `[${names.map(text).join(', ')}]`;
  if (kind === 'anomaly') {
    return `features = ${list(values)}${comment('what is watched')}
method = "residual"${comment('by the error of a forecast; or "autoencoder"')}
alarmRate = 0.01${comment('the share of rows that is to be in alarm')}
hold = 1${comment('rows above the threshold that raise an alarm')}
release = 3${comment('rows that are not, which end it')}
warmup = 500${comment('rows learned from before there are alarms')}
`;
  }
  if (kind === 'forecast') {
    return `features = ${list(values.includes(target) ? values : [...values, target])}${comment('what the learners see')}
targets = ${list([target])}${comment('what they forecast; more columns, if you like')}
horizons = [1]${comment('how many rows ahead; several, if you like')}
lags = [1, 2]${comment('the rows before are seen too')}
warmup = 100${comment('rows learned from before scoring starts')}
window = 200${comment('rows of the windowed score')}
`;
  }
  return `features = ${list(values.filter((name) => name !== target))}${comment('what the learners see')}
targets = ${list([target])}${comment('what it predicts')}
delay = 1${comment("a row's truth is used when the next row arrives")}
warmup = 100${comment('rows learned from before scoring starts')}
window = 200${comment('rows of the windowed score')}
`;
}

function columnText(column: SeenColumn, { kind, target, observation }: Draft): string {
  const firstClock = observation.columns.find((each) => roleOf(each) === 'time')?.name;
  const { name, min, max, example, missing, step, isText, isGrowing, words } = column;
  const isTarget = name === target && kind !== 'anomaly';
  const role = isTarget ? 'value' : roleOf(column);
  const isClass = (kind === 'classify' && isTarget) || words !== undefined;
  const unit = column.unit || unitIn(name);
  const what = isText
    ? 'words'
    : min === Number.POSITIVE_INFINITY
      ? 'no number seen'
      : `seen ${shown(min)} … ${shown(max)}, the last ${shown(example)}${missing > 0 ? `, missing in ${missing} rows` : ''}`;
  const lines = ['[[columns]]', `name = ${text(name)}${comment(what)}`];
  if (unit !== '' && role !== 'time') lines.push(`unit = ${text(unit)}`);
  if (role === 'time' && name !== firstClock) lines.push(`kind = "ignore"${comment('another clock')}`);
  else if (role === 'time') {
    lines.push(
      'kind = "time"',
      'unit = "s"',
      `maxGap = ${wide(20 * step)}${comment('a longer pause is a gap: nothing is learned across it')}`,
    );
  } else if (role === 'ignore') {
    const why = isText ? 'words are no input' : isGrowing ? 'it only grows: a clock or a counter' : 'it is no number';
    lines.push(`kind = "ignore"${comment(why)}`);
  } else if (isClass) {
    lines.push(
      'kind = "class"',
      `classes = ${Math.max(2, words?.length ?? max + 1)}${comment('as many as there can be, not only as were seen')}`,
      ...(words === undefined ? [] : [`values = [${words.map(text).join(', ')}]${comment('class 0 first')}`]),
    );
  } else lines.push(...limitsOf(column, unit));
  return `${lines.join('\n')}\n`;
}

/** Limits that are known: what is physically possible, and what shuts out error codes. Values seen in seconds are none. */
function limitsOf(column: SeenColumn, unit: string): string[] {
  const { name, min, max, errorCodes = [] } = column;
  const lines: string[] = [];
  if (DIRECTION.test(name) && min >= -360 && max <= 360) {
    lines.push(`# kind = "angle"${comment('where it is a direction in degrees, and 359 is next to 0')}`);
  }
  const isShare = (unit === '%' || HUMIDITY.test(name)) && min >= 0 && max <= 100;
  const far = wide(1e6 * Math.max(Math.abs(min), Math.abs(max), 1));
  let [low, high] = isShare ? ['0', '100'] : [`-${far}`, far];
  const shutOut: number[] = [];
  for (const { value } of errorCodes) {
    // Between a value that is none and the nearest that was: where that is far beyond what was seen.
    const nearest = value > max ? max : min;
    const size = Math.max(Math.abs(max), Math.abs(min), 1);
    if (Math.abs(value - nearest) < 4 * size) continue;
    const limit = shown((value + nearest) / 2);
    if (value > max && Number(limit) < Number(high)) high = limit;
    if (value < min && Number(limit) > Number(low)) low = limit;
    shutOut.push(value);
  }
  if (errorCodes.length > 0) {
    const told = errorCodes.map(({ value, count }) => `${shown(value)} in ${count} ${count === 1 ? 'row' : 'rows'}`);
    lines.push(`# probable error code: ${told.join(', ')}`);
  }
  if (isShare || shutOut.length > 0) {
    const why = shutOut.length > 0 ? `shuts out ${shutOut.map(shown).join(', ')}` : 'what a share can be';
    lines.push(`range = [${low}, ${high}]${comment(`${why}; a row outside is not learned from`)}`);
  } else if (Number(shown(min)) < Number(shown(max))) {
    lines.push(`# range = [${shown(min)}, ${shown(max)}]${comment('what can be: a row outside is not learned from')}`);
  }
  return lines;
}

/** The unit a name ends with in brackets: `temp (°C)`. */
const unitIn = (name: string): string => /[([]([^()[\]]{1,12})[)\]]\s*$/.exec(name)?.[1] ?? /%$/.exec(name)?.[0] ?? '';

/** The next power of ten, from 1 up, as TOML has it: whole numbers there end at 2⁵³. */
function wide(value: number): string {
  let exponent = 0;
  while (Number(`1e${exponent}`) < value && exponent < 300) exponent++;
  return exponent < 16 ? String(Number(`1e${exponent}`)) : `1e${exponent}`;
}

/** Six digits, and whole numbers whole: seconds since 1970 have ten. */
export const shown = (value: number) =>
  Number.isSafeInteger(value) ? String(value) : String(Number(value.toPrecision(Math.abs(value) >= 1e6 ? 13 : 6)));
/** A TOML string: JSON's, and DEL, which TOML does not take as it is. */
const text = (value: string) => JSON.stringify(value).replaceAll('\x7f', '\\u007f');
const comment = (value: string) => `  # ${commentOf(value)}`;
const commentOf = (value: string) => Array.from(value, (sign) => (sign < ' ' || sign === '\x7f' ? '?' : sign)).join('');
