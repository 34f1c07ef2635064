// What the soaks of the daemon share: a pseudo-terminal, a daemon on it, and what the kernel says about a process.
import { execFileSync, spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const cli = join(import.meta.dirname, '../../dist/cli.js');

/** A folder that is removed when the process ends. */
export function temporaryFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-soak-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const PROVIDERS = {
  script: {
    args: ['-qfc', `stty raw -echo; tty; while kill -0 ${process.pid} 2>/dev/null; do sleep 2; done`, '/dev/null'],
    saysPathOn: 'stdout',
  },
  socat: { args: ['-d', '-d', 'PTY,rawer', 'STDIO'], saysPathOn: 'stderr' },
};

/**
 * A terminal; `link` names it for as long as it is there. By `script`, which drops what finds no room, as a UART does; or
 * by `socat`, which waits.
 */
export async function openTerminal(link, provider = 'script') {
  const { args, saysPathOn } = PROVIDERS[provider];
  const child = spawn(provider, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  const gone = once(child, 'exit');
  child.stdin.on('error', () => {});
  let path;
  for await (const [bytes] of on(child[saysPathOn], 'data')) {
    path = /\/dev\/\S+/.exec(bytes.toString())?.[0];
    if (path !== undefined) break;
  }
  child.stdout.resume();
  child.stderr.resume();
  symlinkSync(path, `${link}.new`);
  renameSync(`${link}.new`, link);
  return {
    write: (text) => child.stdin.write(text),
    drained: () => once(child.stdin, 'drain'),
    /** Everything written is in the hands of the provider. */
    settled: () => new Promise((resolve) => child.stdin.write('', () => resolve())),
    async unplug() {
      child.kill('SIGKILL');
      await gone;
      rmSync(link, { force: true });
    },
  };
}

/** Writes a configuration: y = 3x + 1, learned from lines `x,y`. */
export function writeConfig(folder, name, sections) {
  const file = join(folder, `${name}.toml`);
  writeFileSync(
    file,
    `name = "${name}"
columns = [{ name = "x", range = [-10, 10] }, { name = "y" }]
task = { kind = "regress", features = ["x"], targets = ["y"] }
${sections}
`,
  );
  return file;
}

export const rowText = (i) => {
  const x = (((i * 7) % 4001) / 400 - 5).toFixed(4);
  return `${x},${(3 * x + 1).toFixed(4)}\n`;
};

/** `edgegrad run`, as a service starts it. */
export const runCommand = (() => {
  const unit = execFileSync(process.execPath, [cli, 'service', 'install', '--dry-run'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return /^ExecStart=(.*? run) /m.exec(unit)[1].split(' ');
})();

/** A daemon; `said` grows, `onLine` is called for every line of rows with `--ndjson`. */
export function startDaemon(folder, args, onLine) {
  const [node, ...words] = runCommand;
  const child = spawn(node, [...words, ...args], {
    cwd: folder,
    stdio: ['ignore', onLine === undefined ? 'ignore' : 'pipe', 'pipe'],
  });
  const daemon = { child, said: '', closed: once(child, 'close').then(([code]) => code) };
  child.stderr.on('data', (bytes) => {
    daemon.said += bytes;
  });
  let rest = '';
  child.stdout?.on('data', (bytes) => {
    const lines = (rest + bytes).split('\n');
    rest = lines.pop();
    for (const line of lines) onLine(line);
  });
  return daemon;
}

export const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export async function until(holds, what, limitMs = 30_000) {
  const end = performance.now() + limitMs;
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not seen within ${limitMs / 1000} s: ${what()}`);
    await pause(1);
  }
}

/** Resident bytes of a process. */
export const residentBytes = (pid) =>
  1024 * Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
/** The same, of memory that is its own: without the program and libraries in the page cache. */
export const ownBytes = (pid) =>
  1024 * Number(/^RssAnon:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]);
export const descriptors = (pid) => readdirSync(`/proc/${pid}/fd`).length;
/** Seconds of processor time a process has taken. */
export function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Numbers from 0 to 1 that are the same for a seed. */
export function randomOf(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** Ends the process with what is wrong. */
export function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(1);
}
