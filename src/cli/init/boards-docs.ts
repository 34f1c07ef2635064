import { checkTarget, draftText, likelyKind, likelyTarget } from './draft.js';
import { exampleOf, observe } from './observe.js';
import { describe, noRows } from './told.js';

/** How boards and loggers print rows. */
interface Style {
  title: string;
  /** What there is to know about it. */
  note: string;
  /** Lines before the rows. */
  before?: readonly string[];
  /** Row number i, which may be several lines. */
  row(i: number): string;
}

const ROWS = 120;
/** Lines and columns of a screen that are shown. */
const SHOWN = 4;

/** Up and down between two values, the same on every machine. */
const wave = (i: number, low: number, high: number, period: number, digits = 2): string => {
  const phase = (i % period) / period;
  const share = phase < 0.5 ? 2 * phase : 2 - 2 * phase;
  return (low + (high - low) * share).toFixed(digits);
};
const temp = (i: number) => wave(i, 19, 24, 34);
const hum = (i: number) => wave(i, 41, 58, 46, 1);
const door = (i: number) => String((i >> 4) % 2);
const withChecksum = (line: string): string => {
  const xor = [...line].reduce((sum, sign) => sum ^ sign.charCodeAt(0), 0);
  return `${line}*${xor.toString(16).toUpperCase().padStart(2, '0')}`;
};

const STYLES: readonly Style[] = [
  {
    title: 'CSV with a header',
    note: 'The line before the rows gives the names, whatever signs, quotes, spaces or `#` it has. What only grows is a clock.',
    before: ['time_s,temp,hum'],
    row: (i) => `${10 * i},${temp(i)},${hum(i)}`,
  },
  {
    title: 'Bare values',
    note: 'Columns without names are numbered. Rename them in the file; their order is what counts then.',
    row: (i) => `${temp(i)},${hum(i)}`,
  },
  {
    title: 'Semicolons, and names with units',
    note: 'A unit in brackets is taken from the name. A share in percent lies between 0 and 100; no other range is made up.',
    before: ['Zeit (ms);Temp. außen (°C);Feuchte [%]'],
    row: (i) => `${2000 * i};${temp(i)};${hum(i)}`,
  },
  {
    title: 'Tabs, behind a word',
    note: 'A column of words is left out, by its name or number.',
    row: (i) => `areal\t${wave(i, -500, 500, 40, 0)}\t${wave(i + 9, -500, 500, 40, 0)}\t${8190 + (i % 5)}`,
  },
  {
    title: 'Spaces',
    note: 'Any number of them between two values.',
    row: (i) => `${temp(i)}   ${hum(i)}  ${wave(i, 300, 900, 52, 0)}`,
  },
  {
    title: 'Labels, as the Arduino plotter takes them',
    note: '`label:value` or `label=value`, between commas, tabs or spaces.',
    row: (i) => `light:${wave(i, 10, 900, 30, 0)} co2:${wave(i, 400, 900, 50, 0)} occupied:${door(i)}`,
  },
  {
    title: 'Rows with a checksum',
    note: 'As NMEA has it: the XOR of what stands before `*`. A row without the right one is refused and counted.',
    row: (i) => withChecksum(`${temp(i)},${hum(i)},${wave(i, 990, 1020, 60, 1)}`),
  },
  {
    title: 'A logger with words and a class',
    note: '0 and 1, or a few whole numbers that come again, are a class where they are predicted.',
    before: ['timestamp,room,temp,window'],
    row: (i) => `${1_767_225_600 + 60 * i},kitchen,${temp(i)},${door(i)}`,
  },
  {
    title: 'A sensor with an error code',
    note: '−127, 85, 65535, 8388607 and the like are named where they are far from everything else, and shut out where no real value can come near.',
    before: ['temp,hum'],
    row: (i) => `${i % 40 === 17 ? '-127.00' : temp(i)},${hum(i)}`,
  },
  {
    title: 'Decimal commas',
    note: 'Between semicolons or tabs a comma can only be a decimal one.',
    before: ['Zeit;Temp;Feuchte'],
    row: (i) => `${10 * i};${temp(i).replace('.', ',')};${hum(i).replace('.', ',')}`,
  },
  {
    title: 'Sentences with units',
    note: 'The words before a number are its name, what stands behind it its unit.',
    row: (i) => `Temp: ${temp(i)} °C, Humidity: ${hum(i)} %`,
  },
  {
    title: 'JSON',
    note: 'An object a line, nested ones by dotted path. Keys may come in any order.',
    row: (i) => `{"room": "hall", "air": {"temp": ${temp(i)}, "hum": ${hum(i)}}}`,
  },
  {
    title: 'Boot messages before the rows',
    note: 'They are no rows, and counted.',
    before: ['ets Jun  8 2016 00:22:57', 'rst:0x1 (POWERON_RESET),boot:0x13 (SPI_FAST_FLASH_BOOT)', 'sensor ready'],
    row: (i) => `${temp(i)},${hum(i)},${wave(i, 300, 900, 52, 0)}`,
  },
];

const REFUSED: readonly Style[] = [
  {
    title: 'Hexadecimal numbers',
    note: '`12` may be 12 or 18 there, and `1E1` 10 or 481. Let the device print decimal numbers.',
    row: (i) => [600 + 37 * i, 100 + 91 * i].map((value) => value.toString(16).toUpperCase()).join(','),
  },
];

/** docs/boards.md: a screen for each style, made by what `edgegrad init` runs. */
export function boardsPage(): string {
  return `# What boards print, and what \`edgegrad init\` makes of it

This page is made by \`npm run docs\` from the code of \`edgegrad init\`, and a test keeps it true. Each screen is what a board or a
logger prints, what \`init\` says, and what it writes of columns and task. The same file works in \`run\`, \`replay\` and \`convert\`:

    npx edgegrad init --port /dev/ttyACM0      # a board
    npx edgegrad init --from data.csv          # a log; or at once: npx edgegrad replay data.csv --target temp

Lines that are no rows never stop anything, and never go unseen: the log, the status line, \`/healthz\`, \`/metrics\` and the page
say how many there are, why, and show one as it came ([http.md](http.md)). \`edgegrad doctor edgegrad.toml\` tries a configuration on
what the device prints now.
${STYLES.map(screenOf).join('')}
# What is refused

Nothing is guessed where a number may mean two things. \`init\` then writes nothing, says why, and ends with exit code 2.
${REFUSED.map(refusalOf).join('')}`;
}

const textOf = ({ before = [], row }: Style): string =>
  [...before, ...Array.from({ length: ROWS }, (_, i) => row(i)), ''].join('\n');

const headOf = (style: Style): string =>
  `${[...(style.before ?? []), ...Array.from({ length: SHOWN }, (_, i) => style.row(i))].join('\n')}\n…`;

function screenOf(style: Style): string {
  const observation = observe(new TextEncoder().encode(textOf(style)), false);
  if (observation === undefined) throw new Error(`${style.title}: not read`);
  const target = likelyTarget(observation);
  const kind = likelyKind(observation, target);
  checkTarget(observation, target, kind);
  const file = 'edgegrad.toml';
  const written = draftText({
    name: 'edgegrad',
    port: '/dev/ttyACM0',
    baudRate: 115200,
    observation,
    kind,
    target,
    file,
  });
  const part = written.slice(written.indexOf('[[columns]]'), written.indexOf('# No [network]')).trimEnd();
  return `
## ${style.title}

${style.note}

\`\`\`text
${headOf(style)}
\`\`\`

\`\`\`text
${describe(observation)}
\`\`\`

\`\`\`toml
${part}
\`\`\`
`;
}

function refusalOf(style: Style): string {
  const bytes = new TextEncoder().encode(textOf(style));
  if (observe(bytes, false) !== undefined) throw new Error(`${style.title}: read`);
  return `
## ${style.title}

${style.note}

\`\`\`text
${headOf(style)}
\`\`\`

\`\`\`text
found ${noRows(bytes, exampleOf(bytes))}
\`\`\`
`;
}
