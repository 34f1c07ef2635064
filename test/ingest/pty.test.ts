import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, lstatSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openPty } from '../../src/ingest/index.js';
import { PROVIDERS } from '../../src/ingest/pty.js';
import { needPty, temporaryDirectory } from '../support/pty.js';
import { needTool } from '../support/tools.js';

const isLinux = process.platform === 'linux';

/** Every process below `pid`, from /proc. */
function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 4).split(' ')[0]));
    } catch {
      // no process, or one that has just ended
    }
  }
  const below = (top: number): number[] =>
    [...parents].filter(([, parent]) => parent === top).flatMap(([child]) => [child, ...below(child)]);
  return below(pid);
}

/** Whether a process still runs; one that has ended but was not collected by its parent does not. */
function runs(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

async function untilTrue(holds: () => boolean, timeoutMs: number): Promise<boolean> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    if (holds()) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return holds();
}

test('a pseudo-terminal carries bytes from the host to the device too', async (context) => {
  let received = '';
  const pty = await needPty(context, {
    onReceive: (bytes) => {
      received += Buffer.from(bytes).toString();
    },
  });
  const fd = openSync(pty.path, constants.O_RDWR | constants.O_NOCTTY);
  writeSync(fd, 'hello\n');
  expect(await untilTrue(() => received === 'hello\n', 2000)).toBe(true);
  closeSync(fd);
});

test('a link goes with the plug, and nothing can be sent any more', async (context) => {
  const link = join(await temporaryDirectory(), 'ttyDEVICE');
  const pty = await needPty(context, { link });
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  await pty.unplug();
  expect(() => lstatSync(link)).toThrow(/ENOENT/);
  await expect(pty.drained()).rejects.toThrow();
});

test('without any program the reason names each one tried', async () => {
  const { pty, reason } = await openPty({ providers: ['no-script', 'no-socat'] });
  expect(pty).toBeNull();
  expect(reason).toBe('no program here makes a pseudo-terminal (no-script: not known here; no-socat: not known here)');
});

describe.runIf(isLinux).each(PROVIDERS)('$name', (provider) => {
  test('leaves no process behind when it is unplugged', async (context) => {
    needTool(context, provider.name);
    const before = descendants(process.pid);
    const { pty } = await openPty({ providers: [provider.name] });
    const started = descendants(process.pid).filter((pid) => !before.includes(pid));
    expect(started.length).toBeGreaterThan(0);
    await pty!.unplug();
    expect(await untilTrue(() => !started.some(runs), 2000)).toBe(true);
  });

  test('leaves no process behind when its owner is killed', async (context) => {
    needTool(context, provider.name);
    // The owner puts its own process id where the arguments were made for that of nobody.
    const program = `
        const [name, on, ...args] = process.argv.slice(1);
        const own = args.map((arg) => arg.replaceAll('kill -0 -1', 'kill -0 ' + process.pid));
        require('node:child_process').spawn(name, own)[on].once('data', () => console.log('ready'));`;
    const owner = spawn(
      process.execPath,
      ['-e', program, '--', provider.name, provider.saysPathOn, ...provider.args(-1)],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    );
    await once(owner.stdout, 'data');
    const started = descendants(owner.pid!);
    expect(started.length).toBeGreaterThan(0);
    owner.kill('SIGKILL');
    expect(await untilTrue(() => !started.some(runs), 10_000)).toBe(true);
  }, 15_000);
});
