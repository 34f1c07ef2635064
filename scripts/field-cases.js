// npm run field-cases -- <folder> [--only a01,b03]: every case of a folder (NAME.txt|csv|json|bin|gz, NAME.expected.json) as its
// user meets it: `init --from` writes a configuration, `replay` learns with it untouched, and `convert` writes a recording of the
// input as CSV. Rows, sums and missing values are compared with the right answer. Uses the output of `npm run build`.
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';

const cli = join(import.meta.dirname, '../dist/cli.js');
const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', default: '' } },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error('usage: npm run field-cases -- <folder> [--only a01,b03]');
  process.exit(2);
}
const execute = promisify(execFile);

/** Runs a command to its end. @returns its exit code and everything it printed */
async function edgegrad(...args) {
  try {
    const { stdout, stderr } = await execute(process.execPath, [cli, ...args], { maxBuffer: 1 << 26, timeout: 60_000 });
    return { code: 0, stdout, stderr };
  } catch (error) {
    return { code: error.code ?? 1, stdout: error.stdout ?? '', stderr: error.stderr ?? error.message };
  }
}

/** What is wrong with a case; empty if nothing is. */
async function check(name, work) {
  const expected = JSON.parse(readFileSync(join(folder, `${name}.expected.json`), 'utf8'));
  const input = join(
    folder,
    readdirSync(folder).find((file) => file.startsWith(`${name}.`) && !/\.(expected\.json|toml)$/.test(file)),
  );
  const outcomes = [expected.outcome, ...(expected.alsoRight ?? [])];
  const toml = join(work, `${name}.toml`);
  let init = await edgegrad('init', '--from', input, '--kind', 'anomaly', toml);
  if (init.stderr.includes('INIT_COLUMNS')) {
    // Every column only grows: a person says which one is no clock.
    const target = expected.columns.findLast((column) => column.kind === 'number')?.name ?? '';
    init = await edgegrad('init', '--from', input, '--kind', 'forecast', '--target', target, toml);
  }
  const mayRefuse = outcomes.some((outcome) => outcome !== 'read');
  if (init.code !== 0) return mayRefuse ? [] : [`init: ${lastLine(init.stderr)}`];
  if (!outcomes.includes('read')) return [`init: read, though it had to be ${outcomes.join(' or ')}`];
  const wrong = [];
  const counts = [expected.rows, ...Object.keys(expected.rowsAlso ?? {}).map(Number)];
  const replay = await edgegrad('replay', input, '--config', toml, '--json');
  const rows = replay.code === 0 ? JSON.parse(replay.stdout).rows : -1;
  if (!counts.includes(rows))
    wrong.push(`replay: ${rows} rows, expected ${counts.join(' or ')}; ${lastLine(replay.stderr)}`);
  const mcap = join(work, `${name}.mcap`);
  const csv = join(work, `${name}.csv`);
  const imported = await edgegrad('convert', input, mcap, '--config', toml);
  const exported = await edgegrad('convert', mcap, csv, '--config', toml);
  if (imported.code !== 0 || exported.code !== 0) {
    wrong.push(`convert: ${lastLine(imported.stderr || exported.stderr)}`);
    return wrong;
  }
  const [header, ...lines] = readFileSync(csv, 'utf8').trimEnd().split('\n');
  if (lines.length !== rows) wrong.push(`convert: ${lines.length} rows, replay ${rows}`);
  const names = header.split(',').map((each) => each.replace(/ \[[^\]]*\]$/, ''));
  const plain = (text) => text.replace(/[,"]/g, '_').replace(/ \[[^\]]*\]$/, '');
  expected.columns.forEach((column, i) => {
    const at = names.findIndex((each) => [column.name, column.written].some((one) => one && plain(one) === each));
    const isFirst = expected.columns.findIndex((each) => each.name === column.name) === i;
    if (at < 0 || !isFirst || column.kind !== 'number' || expected.sums[i] == null || lines.length !== expected.rows)
      return;
    const found = lines.map((line) => line.split(',')[at]).filter((cell) => cell !== '');
    const sum = found.reduce((total, cell) => total + Number(cell), 0);
    const size = Math.max(...expected.range[i].map(Math.abs));
    const tolerance = 1e-5 * Math.abs(expected.sums[i]) + 1e-6 * expected.rows * size;
    if (!(Math.abs(sum - expected.sums[i]) <= tolerance))
      wrong.push(`convert: ${column.name} adds up to ${sum}, expected ${expected.sums[i]}`);
    const missing = lines.length - found.length;
    if (missing !== expected.missing[i])
      wrong.push(`convert: ${column.name} is missing ${missing} times, expected ${expected.missing[i]}`);
  });
  return wrong;
}

const lastLine = (text) => text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';

const only = flags.only === '' ? [] : flags.only.split(',');
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.expected.json'))
  .map((file) => file.replace('.expected.json', ''))
  .filter((name) => only.length === 0 || only.some((each) => name.startsWith(each)));
const work = mkdtempSync(join(tmpdir(), 'edgegrad-field-'));
let right = 0;
try {
  const queue = [...names];
  const next = async () => {
    for (let name = queue.shift(); name !== undefined; name = queue.shift()) {
      const wrong = await check(name, work);
      if (wrong.length === 0) right++;
      for (const text of wrong) console.log(`${name}: ${text}`);
    }
  };
  await Promise.all([next(), next()]);
} finally {
  rmSync(work, { recursive: true, force: true });
}
console.log(`${right} of ${names.length} cases are right`);
process.exitCode = right === names.length ? 0 : 1;
