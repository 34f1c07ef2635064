import { SpecError, type Task } from '../../spec/index.js';
import type { Observation, SeenColumn } from './observe.js';

/** What is known and chosen before a configuration is written. */
export interface Draft {
  name: string;
  port: string;
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

const SECONDS = /^(t|time|ts|timestamp|uptime|sec|secs|seconds)(_?(s|sec|seconds))?$/i;
const CLOCK = /(^|_)(ms|us|millis|micros|time|timestamp|uptime)($|_)/i;
const COUNTER = /^(i|n|id|no|nr|seq|count|counter|index|row)$/i;
const DIRECTION = /angle|heading|bearing|course|azimuth|(^|_)(deg|dir)($|_)/i;

/** A clock in seconds, something that only counts, or a value worth looking at. */
export function roleOf({ name, isGrowing, isInteger, step, min }: SeenColumn): Role {
  if (min === Number.POSITIVE_INFINITY) return 'ignore';
  if (!isGrowing) return 'value';
  if (SECONDS.test(name)) return 'time';
  return CLOCK.test(name) || COUNTER.test(name) || (isInteger && step === 1) ? 'ignore' : 'value';
}

/** The columns that can be predicted, or predicted from. */
export function valuesOf({ columns }: Observation): SeenColumn[] {
  return columns.filter((column) => roleOf(column) === 'value');
}

/**
 * Checks that a column can be the target.
 *
 * @throws SpecError where it is not among the columns, or nothing would be left to predict it from
 */
export function checkTarget(observation: Observation, target: string, kind: Draft['kind']): void {
  const values = valuesOf(observation);
  const column = values.find(({ name }) => name === target);
  const names = values.map(({ name }) => name).join(', ');
  const fewest = kind === 'forecast' || kind === 'anomaly' ? 1 : 2;
  if (values.length < fewest) {
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
  const { name, port, baudRate, observation, kind, target, file } = draft;
  const values = valuesOf(observation).map((column) => column.name);
  const columns = observation.columns.map((column) => columnText(column, draft)).join('\n');
  const isSerial = !port.startsWith('tcp:');
  return `# Made by \`edgegrad init\` from ${observation.rows} rows of ${commentOf(port)}.
# Every key is explained in docs/configuration.md; \`edgegrad check-config ${commentOf(file)}\` prints what would run.

name = ${text(name)}${comment('names the checkpoint and the status line')}

[source]
port = ${text(port)}
${isSerial ? `baudRate = ${baudRate}\n` : ''}wait = true${comment('wait for the port where it is not there at the start')}

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
    return `features = ${list(values)}${comment('what the learners see')}
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

function columnText(column: SeenColumn, { kind, target }: Draft): string {
  const { name, min, max, example, missing, step } = column;
  const role = roleOf(column);
  const isClass = kind === 'classify' && name === target;
  const what =
    min === Number.POSITIVE_INFINITY
      ? 'no number seen'
      : `seen ${shown(min)} … ${shown(max)}, the last ${shown(example)}${missing > 0 ? `, missing in ${missing} rows` : ''}`;
  const lines = ['[[columns]]', `name = ${text(name)}${comment(what)}`];
  if (role === 'time') {
    lines.push(
      'kind = "time"',
      'unit = "s"',
      `maxGap = ${wide(20 * step)}${comment('a longer pause is a gap: nothing is learned across it')}`,
    );
  } else if (role === 'ignore') {
    lines.push(`kind = "ignore"${comment('it only counts up, or is no number')}`);
  } else if (isClass) {
    lines.push(
      'kind = "class"',
      `classes = ${Math.max(2, max + 1)}${comment('as many as there can be, not only as were seen')}`,
    );
  } else {
    const limit = wide(10 * Math.max(Math.abs(min), Math.abs(max), Number.MIN_VALUE));
    if (DIRECTION.test(name) && min >= -360 && max <= 360) {
      lines.push(`# kind = "angle"${comment('where it is a direction in degrees, and 359 is next to 0')}`);
    }
    lines.push(
      `range = [-${limit}, ${limit}]${comment('a row outside is not learned from: narrow it to what can be')}`,
    );
  }
  return `${lines.join('\n')}\n`;
}

/** The next power of ten, from 1 up, as TOML has it: whole numbers there end at 2⁵³. */
function wide(value: number): string {
  let exponent = 0;
  while (Number(`1e${exponent}`) < value && exponent < 300) exponent++;
  return exponent < 16 ? String(Number(`1e${exponent}`)) : `1e${exponent}`;
}

const shown = (value: number) => String(Number(value.toPrecision(6)));
/** A TOML string: JSON's, and DEL, which TOML does not take as it is. */
const text = (value: string) => JSON.stringify(value).replaceAll('\x7f', '\\u007f');
const comment = (value: string) => `  # ${commentOf(value)}`;
const commentOf = (value: string) => Array.from(value, (sign) => (sign < ' ' || sign === '\x7f' ? '?' : sign)).join('');
