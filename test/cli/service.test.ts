// @slow units of a service, command by command

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, type TestContext, test } from 'vitest';
import { edgegrad as command, type Ended, otherUser } from '../support/cli.js';
import { needTool } from '../support/tools.js';

const folder = mkdtempSync(join(tmpdir(), 'edgegrad-service-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const isRoot = process.geteuid?.() === 0;

/** As a user who is not root; skipped where such a user cannot read the program. */
async function edgegrad(context: TestContext, args: string[]): Promise<Ended> {
  return command(args, { cwd: '/', uid: otherUser(context) });
}
const units = join(folder, 'units');

test('--dry-run prints the unit, needs no root and changes nothing', async (context) => {
  const { code, out } = await edgegrad(context, [
    'service',
    'install',
    '--dry-run',
    '--unit-directory',
    units,
    '--memory',
    '1G',
  ]);
  expect(code).toBe(0);
  expect(out).toMatch(
    /^ExecStart=\S+ --single-threaded --v8-pool-size=1 \S+cli\.js run \S+edgegrad\.toml --state \/var\/lib\/edgegrad-sailing-wind --wait$/m,
  );
  expect(out).toMatch(/^MemoryMax=1G$/m);
  expect(out).toMatch(/^DynamicUser=yes$/m);
  expect((await edgegrad(context, ['service', 'install', '--dry-run', '--user', 'pi'])).out).toMatch(/^User=pi$/m);
  expect(existsSync(units)).toBe(false);
});

test('a file the service could not read is named by --dry-run too', async () => {
  const config = join(folder, 'x.toml');
  writeFileSync(
    config,
    'columns = [{ name = "x" }, { name = "y" }]\ntask = { kind = "regress", features = ["x"], targets = ["y"] }\n',
  );
  const { code, out, err } = await command(['service', 'install', config, '--dry-run'], { cwd: folder });
  expect(code).toBe(0);
  expect(out).toContain('[Service]');
  expect(err).toMatch(/it would not be installed like this: SERVICE_FILE: .* directory for temporary files/);
});

test.for([
  [['service', 'install', '--unit-directory', units], 'SERVICE_ROOT: service install'],
  [['service', 'uninstall', '--name', 'wind'], 'SERVICE_ROOT: service uninstall wind'],
  [['service', 'install', '--memory', 'much'], "'much' is invalid"],
  [['service', 'install', '/nowhere.toml'], '/nowhere.toml: found no such file'],
  [['service', 'status', '--unit-directory', units], `SERVICE_NAME: ${units}: found no service of edgegrad`],
  [['service', 'frobnicate'], "unknown command 'frobnicate'"],
] as [string[], string][])('%j is one line and exit code 2', async ([args, message], context) => {
  const { code, out, err } = await edgegrad(context, args);
  expect(err).toContain(message);
  expect(err.trimEnd().split('\n')).toHaveLength(1);
  expect([code, out]).toEqual([2, '']);
  expect(existsSync(units)).toBe(false);
});

test('a system that systemd did not start is told so', async (context) => {
  if (existsSync('/run/systemd/system')) context.skip('systemd has started this system');
  if (!isRoot) context.skip('not root');
  const { code, err } = await command(['service', 'install'], { cwd: folder });
  expect(code).toBe(2);
  expect(err).toContain('SERVICE_NO_SYSTEMD: service install');
});

test('docs/service.md: every command and option it names is one of ours', async () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/service.md'), 'utf8');
  const commands = [...page.matchAll(/(?:^ {4}(?:sudo )?|`(?:sudo )?)edgegrad ((?:service )?[a-z-]+)([^\n`]*)/gm)];
  expect(commands.length).toBeGreaterThan(8);
  for (const [line, name, rest] of commands) {
    const { code, out } = await command([...name.split(' '), '--help'], { cwd: folder });
    expect([line, code, out.startsWith(`Usage: edgegrad ${name} `)]).toEqual([line, 0, true]);
    for (const [option] of rest.matchAll(/--[a-z-]+/g)) expect(out, line).toContain(`${option} `);
  }
});

test('docs/service.md: the ratings it names are those systemd gives', async (context) => {
  needTool(context, 'systemd-analyze');
  const page = readFileSync(join(import.meta.dirname, '../../docs/service.md'), 'utf8');
  const [, closed, open] = /rates it ([\d.]+) of 10, ([\d.]+) with network/.exec(page) ?? [];
  const rated = async (port: string): Promise<string | undefined> => {
    const config = join(folder, 'rated.toml');
    const text = `columns = [{ name = "x" }, { name = "y" }]\ntask = { kind = "regress", features = ["x"], targets = ["y"] }\n`;
    writeFileSync(config, `${text}source = { port = "${port}" }\n`);
    const { out } = await command(['service', 'install', config, '--dry-run'], { cwd: folder });
    const unit = join(folder, 'edgegrad-rated.service');
    writeFileSync(unit, out);
    const { stdout } = spawnSync('systemd-analyze', ['security', '--offline=true', '--no-pager', unit], {
      encoding: 'utf8',
    });
    return /Overall exposure level for .*: ([\d.]+)/.exec(stdout)?.[1];
  };
  // Versions of systemd differ a little.
  expect(Math.abs(Number(await rated('/dev/ttyUSB0')) - Number(closed))).toBeLessThanOrEqual(0.5);
  expect(Math.abs(Number(await rated('tcp://box:1')) - Number(open))).toBeLessThanOrEqual(0.5);
});

test('run --wait waits for a port that is not there, and stops when it is told to', async () => {
  const config = join(folder, 'waits.toml');
  writeFileSync(
    config,
    'columns = [{ name = "x" }, { name = "y" }]\ntask = { kind = "regress", features = ["x"], targets = ["y"] }\n',
  );
  let isTold = false;
  const { code, err } = await command(['run', config, '--port', '/dev/ttyNOTHERE', '--wait', '--state', 'waits'], {
    cwd: folder,
    during(child, said) {
      if (isTold || !said.includes('waits for /dev/ttyNOTHERE at 115200')) return;
      isTold = true;
      child.kill('SIGTERM');
    },
  });
  expect(code).toBe(0);
  expect(err).toMatch(/0 rows in all/);
});

test('a hang-up reads the configuration again and does not end the process', async () => {
  const config = join(folder, 'again.toml');
  const text = (window: number) =>
    `columns = [{ name = "x" }, { name = "y" }]
task = { kind = "regress", features = ["x"], targets = ["y"], window = ${window} }\n`;
  writeFileSync(config, text(200));
  let step = 0;
  const { code, err } = await command(['run', config, '--port', '/dev/ttyNOTHERE', '--wait', '--state', 'again'], {
    cwd: folder,
    during(child, said) {
      if (step === 0 && said.includes('waits for')) {
        step = 1;
        child.kill('SIGHUP');
      } else if (step === 1 && said.includes('nothing has changed')) {
        step = 2;
        writeFileSync(config, text(300));
        child.kill('SIGHUP');
      } else if (step === 2 && said.includes('task.window cannot change without losing')) {
        step = 3;
        writeFileSync(config, 'nonsense');
        child.kill('SIGHUP');
      } else if (step === 3 && said.includes('configuration kept as it was: CONFIG_SYNTAX')) {
        step = 4;
        child.kill('SIGTERM');
      }
    },
  });
  expect([code, step]).toEqual([0, 4]);
  expect(err).toContain('saved ');
});
