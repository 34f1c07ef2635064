import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, type TestContext } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** The project inside: not below a directory for temporary files, which services have of their own. */
export const INSIDE = '/srv/edgegrad';
export const NODE_INSIDE = '/srv/node';

/**
 * Starts systemd as the first process of namespaces of its own. What it may write to lies in memory; the rest of the
 * machine is seen and cannot be written, whatever a unit pulls in: one that tidies up temporary files would tidy up those
 * of the machine.
 */
const BOOT = (folder: string) => `set -e
mount --make-rprivate /
cd ${folder}
mkdir project
mount --bind ${root} project
touch node
mount --bind ${process.execPath} node
for place in /run /srv /var/lib /var/log /etc/systemd/system /sys/fs/cgroup; do mount -t tmpfs -o mode=755 tmpfs $place; done
mount -t cgroup2 none /sys/fs/cgroup
mkdir ${INSIDE} /run/systemd
mount --bind project ${INSIDE}
touch ${NODE_INSIDE}
mount --bind node ${NODE_INSIDE}
cp *.target /etc/systemd/system
cd /
mount -t tmpfs -o mode=1777 tmpfs /tmp
mount -t tmpfs -o mode=1777 tmpfs /var/tmp
mount -o remount,bind,ro /
export container=edgegrad
exec /lib/systemd/systemd --system --unit=edgegrad-test.target --log-target=journal --show-status=false
`;

const TARGET = `[Unit]
DefaultDependencies=no
Wants=systemd-journald.service
`;

export interface Inside {
  /** Runs a command beside that systemd. */
  run(...command: string[]): { code: number | null; out: string; err: string };
  /** The same of the command line under test. */
  edgegrad(...args: string[]): { code: number | null; out: string; err: string };
  write(file: string, text: string): void;
}

/** A real systemd for one test; skipped, with the reason printed, where this user cannot have one. */
export async function needSystemd(context: TestContext): Promise<Inside> {
  const give = (reason: string): never => {
    console.log(`not tried, as it needs root, namespaces and systemd: ${reason}`);
    context.skip(reason);
    throw new Error('skipped');
  };
  if (process.geteuid?.() !== 0) give('not root');
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-systemd-'));
  writeFileSync(join(folder, 'edgegrad-test.target'), TARGET);
  writeFileSync(join(folder, 'boot.sh'), BOOT(folder));
  const spaces = ['--pid', '--mount-proc', '--mount', '--uts', '--ipc', '--cgroup'];
  const unshare: ChildProcess = spawn('unshare', ['--fork', ...spaces, '--kill-child', 'sh', join(folder, 'boot.sh')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [unshare.stdout, unshare.stderr]) {
    stream?.on('data', (bytes) => {
      said += bytes;
    });
  }
  let ended: string | undefined;
  unshare.once('error', (error) => {
    ended = error.message;
  });
  unshare.once('exit', (code, signal) => {
    ended = `unshare ended with ${signal ?? code}: ${said.trim()}`;
  });
  onTestFinished(async () => {
    if (ended === undefined) {
      const gone = new Promise((resolve) => unshare.once('exit', resolve));
      unshare.kill('SIGKILL'); // and with it everything inside
      await gone;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const run = (...command: string[]) => runWith('', ...command);
  const runWith = (input: string, ...command: string[]) => {
    let first: string;
    try {
      first = readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8').trim();
    } catch (error) {
      return { code: null, out: '', err: String(error) }; // it has ended, or this kernel lists no children
    }
    const enter = ['--target', first, '--mount', '--pid', '--uts', '--ipc', '--cgroup', '--wd=/'];
    const { status, stdout, stderr, error } = spawnSync('nsenter', [...enter, ...command], {
      encoding: 'utf8',
      input,
      timeout: 30_000,
    });
    return { code: status, out: stdout ?? '', err: error?.message ?? stderr };
  };
  for (let i = 0; ; i++) {
    if (ended !== undefined) give(ended);
    if (run('systemctl', 'is-active', 'systemd-journald.service').out.trim() === 'active') break;
    if (i > 100) give(`systemd does not come up: ${said.trim()}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    run,
    edgegrad: (...args) => run(NODE_INSIDE, `${INSIDE}/dist/cli.js`, ...args),
    write(file, text) {
      const { code, err } = runWith(
        text,
        'sh',
        '-c',
        'mkdir -p "$(dirname "$0")" && cat > "$0" && chmod 644 "$0"',
        file,
      );
      if (code !== 0) throw new Error(err);
    },
  };
}
