// npm run soak:kill -- [kills] [seed]: kills a daemon with SIGKILL at so many random moments (default 500), from its start
// on, while rows come in, checkpoints are kept in quick succession and everything is recorded. Fails where a checkpoint is
// torn, one that was acknowledged is gone, a start does not go on from what was recorded, or the recording does not verify.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  cli,
  fail,
  openTerminal,
  pause,
  randomOf,
  rowText,
  startDaemon,
  temporaryFolder,
  until,
  writeConfig,
} from './support.js';

const KILLS = Number(process.argv[2] ?? 500);
const SEED = Number(process.argv[3] ?? 1);
const random = randomOf(SEED);
const folder = temporaryFolder();
const link = join(folder, 'ttyBOARD');
const config = writeConfig(
  folder,
  'killed',
  `[source]
port = "${link}"
[checkpoint]
intervalS = 0.03
[record]
directory = "recordings"
flushS = 0.1
minFreeMB = 0
`,
);

/** Why a checkpoint file is torn; undefined where it is whole, or not there. */
function tornBy(file) {
  if (!existsSync(file)) return undefined;
  const bytes = readFileSync(file);
  if (bytes.length < 8) return `${bytes.length} bytes`;
  const header = Number(bytes.readBigUInt64LE(0));
  if (header > bytes.length - 8) return 'the header is cut';
  const tensors = JSON.parse(bytes.toString('utf8', 8, 8 + header));
  const ends = Object.entries(tensors).map(([, { data_offsets }]) => data_offsets?.[1] ?? 0);
  const expected = 8 + header + Math.max(...ends);
  return bytes.length === expected ? undefined : `${bytes.length} bytes instead of ${expected}`;
}

const terminal = await openTerminal(link);
let sent = 0;
const feeder = setInterval(() => {
  let text = '';
  for (let i = 0; i < 50; i++) text += rowText(sent++);
  terminal.write(text);
}, 5);

/** Rows of the latest checkpoint that was acknowledged. */
let acknowledged = -1;
let [acks, starts, again, lines] = [0, 0, 0, 0];
/** A life lasts so long at most, once it is at work: longer where the machine is too busy to keep a checkpoint in it. */
let lifeMs = 250;

/** Looks at what a life said. */
function check(said, life) {
  if (/refused|CHECKPOINT|RECORDING|cannot|Error|another state|not reach back/.test(said)) {
    fail(`seed ${SEED}, life ${life}:\n${said}`);
  }
  const from = /goes on from .*: (\d+) rows, hash/.exec(said);
  if (from !== null) {
    starts++;
    if (Number(from[1]) < acknowledged) {
      fail(`seed ${SEED}, life ${life}: ${acknowledged} rows were acknowledged\n${said}`);
    }
  } else if (acknowledged >= 0 && /at 115200/.test(said)) fail(`seed ${SEED}, life ${life}: began anew\n${said}`);
  lines += Number(/learned (\d+) rows again/.exec(said)?.[1] ?? 0);
  if (/learned \d+ rows again/.test(said)) again++;
  for (const [, rows] of said.matchAll(/saved .*, hash \w+, (\d+) rows$/gm)) {
    acknowledged = Math.max(acknowledged, Number(rows));
    acks++;
  }
}

for (let life = 0; life < KILLS; life++) {
  const daemon = startDaemon(folder, [config]);
  // Some die while they start, most at work.
  const atStart = random() < 0.2;
  if (!atStart)
    await until(
      () => daemon.said.includes('at 115200'),
      () => daemon.said,
    );
  const end = performance.now() + random() * (atStart ? 400 : lifeMs);
  while (performance.now() < end) {
    if (!atStart) daemon.child.kill('SIGUSR1');
    await pause(10);
  }
  daemon.child.kill('SIGKILL');
  await daemon.closed;
  for (const name of ['killed.safetensors', 'killed.previous.safetensors']) {
    const torn = tornBy(join(folder, 'edgegrad-state', name));
    if (torn !== undefined) fail(`seed ${SEED}, life ${life}: ${name} is torn: ${torn}`);
  }
  const before = acks;
  check(daemon.said, life);
  if (!atStart) lifeMs = acks > before ? Math.max(250, lifeMs / 1.2) : Math.min(5000, lifeMs * 1.3);
}
const last = startDaemon(folder, [config]);
await until(
  () => last.said.includes('at 115200'),
  () => last.said,
);
last.child.kill('SIGTERM');
const code = await last.closed;
if (code !== 0) fail(last.said);
check(last.said, KILLS);
clearInterval(feeder);
await terminal.unplug();
const { status, stdout } = spawnSync(process.execPath, [cli, 'verify', 'recordings', '--json'], {
  cwd: folder,
  encoding: 'utf8',
  maxBuffer: 2 ** 28,
});
const { isVerified, comparison, rows } = JSON.parse(stdout);
if (status !== 0 || !isVerified) fail(JSON.stringify(comparison));
process.stdout.write(
  `${KILLS} kills: ${starts} starts from a checkpoint, ${acks} checkpoints acknowledged, 0 lost, 0 torn; ` +
    `${again} times ${lines} rows learned again; ${rows} rows, ${comparison.equal} states verified\n`,
);
process.exit(0);
