import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { openPty } from '../../src/ingest/index.js';
import { type Around, runCli } from '../support/cli.js';
import { needPty } from '../support/pty.js';
import { SHIPPED_HASH } from '../support/shipped-log.js';

// The bundle as a user runs it.
const root = join(import.meta.dirname, '../..');
const model = join(root, 'models/sailing-wind');
const folder = mkdtempSync(join(tmpdir(), 'edgegrad-cli-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const edgegrad = (args: string[], during?: Around['during'], input?: string, env?: NodeJS.ProcessEnv) =>
  runCli(folder, args, during, input, env);

const write = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('check-gradients', () => {
  const network = (activation: string) =>
    JSON.stringify({
      inputs: 6,
      layers: [
        { kind: 'dense', units: 5, activation },
        { kind: 'dropout', rate: 0.3 },
        { kind: 'dense', units: 2 },
      ],
      loss: 'huber',
      optimizer: { kind: 'adam', rate: 0.01 },
    });

  test('prints every parameter beside the difference quotient, and is content with a right network', async () => {
    const { code, out, err } = await edgegrad(['check-gradients', write('net.json', network('gelu')), '--all']);
    expect([code, err]).toEqual([0, '']);
    for (const name of ['layers.0.weight', 'layers.0.bias', 'layers.2.weight', 'layers.2.bias']) {
      expect(out).toContain(name);
    }
    expect(out).toMatch(/layers\.0\.weight {2}5 × 6 +30 /);
  });

  test('takes the network of a configuration, sampled where it is large', async () => {
    const { code, out } = await edgegrad(['check-gradients', join(model, 'edgegrad.toml'), '--sample', '7']);
    expect(code).toBe(0);
    expect(out).toMatch(/layers\.0\.weight .* 7 /);
  });

  test('a wrong declaration is named in one line', async () => {
    const { code, err } = await edgegrad(['check-gradients', write('tanhh.json', network('tanhh'))]);
    expect(code).toBe(2);
    expect(err).toMatch(/layers\[0\]\.activation.*"tanhh".*did you mean "tanh"/);
  });
});

describe('replay', () => {
  test('--json prints one object with the documented keys', async () => {
    const { code, out, err } = await edgegrad(['replay', join(model, 'sailing_wind.csv'), '--json']);
    expect([code, err]).toEqual([0, '']);
    const result = JSON.parse(out);
    for (const key of ['rows', 'scored', 'metrics', 'baseline', 'quarantined', 'hash', 'rowsPerSecond']) {
      expect(result).toHaveProperty(key);
    }
    expect(result.rows).toBe(3617);
  });

  test('standard input, either executor and the written summary come to the same hash', async () => {
    const log = join(model, 'sailing_wind.csv');
    const config = join(model, 'edgegrad.toml');
    const json = JSON.parse((await edgegrad(['replay', log, '--json', '--executor', 'reference'])).out);
    const piped = await edgegrad(['replay', '-', '--config', config], undefined, readFileSync(log, 'utf8'));
    expect(piped.code).toBe(0);
    expect(piped.out).toContain(`hash ${json.hash}`);
    expect(piped.out).toMatch(/error, 3517 rows +0\.13\d kn +0\.796 kn +skill 0\.83/);
    expect(piped.out).toMatch(
      /90 % interval covers (8[89]|9[01])\.\d %, mean width 0\.\d+ kn \(last value 3\.\d+ kn\)/,
    );
  });
});

describe('run', () => {
  test('the log through a pseudo-terminal ends with the hash of its replay, and a second run goes on from it', async (context) => {
    await (await needPty(context)).unplug();
    const replayed = JSON.parse((await edgegrad(['replay', join(model, 'sailing_wind.csv'), '--json'])).out);
    const first = await edgegrad(['run', '--speed', 'max', '--state', 'twice']);
    expect(first.code).toBe(0);
    expect(first.err).toMatch(/on pseudo-terminal \/dev\//);
    expect(first.err).toContain(`hash ${replayed.hash}`);
    const second = await edgegrad(['run', '--speed', 'max', '--state', 'twice']);
    expect(second.code).toBe(0);
    expect(second.err).toContain(`goes on from twice/sailing-wind.safetensors: 3617 rows, hash ${replayed.hash}`);
    expect(second.err).toContain('7234 rows in all, 3617 of them in this run');
    const anew = await edgegrad(['run', '--speed', 'max', '--state', 'twice', '--fresh']);
    expect(anew.err).not.toContain('goes on');
    expect(anew.err).toContain(`hash ${replayed.hash}`);
  });

  test('the same log as text comes to the same hash', async (context) => {
    await (await needPty(context)).unplug();
    const text = readFileSync(join(model, 'edgegrad.toml'), 'utf8').replace(
      'log = "sailing_wind.csv"',
      `device = "text"\nlog = "${join(model, 'sailing_wind.csv')}"`,
    );
    const { code, err } = await edgegrad(['run', write('text.toml', text), '--speed', 'max', '--state', 'text']);
    expect(code).toBe(0);
    expect(err).toMatch(/as text (on pseudo-terminal \/dev\/|inside this process)/);
    expect(err).toContain(`hash ${SHIPPED_HASH}`);
  });

  test('where nothing makes a pseudo-terminal the log is played in the process, and the reason is said', async () => {
    const { code, err } = await edgegrad(['run', '--speed', 'max', '--state', 'inside'], undefined, undefined, {
      PATH: '',
      XDG_CACHE_HOME: join(folder, 'no-cache'),
    });
    expect(code).toBe(0);
    expect(err).toMatch(/as text inside this process: no program here makes a pseudo-terminal \(socat: .*ENOENT/);
    expect(err).toContain('(no frames: no C compiler (cc))');
    expect(err).toContain(`hash ${SHIPPED_HASH}`);
  });

  test('a device behind a TCP connection is learned from, and a connection that breaks is made again', async () => {
    const log = readFileSync(join(model, 'sailing_wind.csv'));
    const header = log.subarray(0, log.indexOf('\n') + 1);
    const half = log.indexOf('\n', log.length / 2) + 1;
    const parts = [log.subarray(0, half), Buffer.concat([header, log.subarray(half)])];
    const server = createServer((socket) => {
      const part = parts.shift();
      if (part !== undefined) socket.end(part);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    let stopped = false;
    const { code, err } = await edgegrad(
      ['run', '--port', `tcp://127.0.0.1:${port}`, '--state', 'tcp'],
      (child, said) => {
        if (stopped || said.split('is gone').length < 3) return;
        stopped = true;
        child.kill('SIGTERM');
      },
    );
    server.close();
    expect(code).toBe(0);
    expect(err).toContain(`tcp://127.0.0.1:${port} is gone: closed by the other side; waiting for it`);
    // The first row of each connection is not believed: it may have lost its beginning.
    expect(err).toContain('3615 rows in all');
  });

  test('an address that is none is named', async () => {
    const { code, err } = await edgegrad(['run', '--port', 'tcp://nowhere']);
    expect(code).toBe(2);
    expect(err).toMatch(/CONFIG_SOURCE: .*source\.port: found "tcp:\/\/nowhere", expected tcp:\/\/host:port/);
  });

  test('a pseudo-terminal that dies in the middle is a failure, and what was learned is saved', async (context) => {
    await (await needPty(context)).unplug();
    if (!existsSync(`/proc/${process.pid}/task/${process.pid}/children`)) context.skip('this kernel lists no children');
    let isCut = false;
    const { code, err } = await edgegrad(['run', '--speed', '1000', '--state', 'cut'], (child, said) => {
      if (isCut || !said.includes('rows are')) return;
      isCut = true;
      const children = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim().split(' ');
      setTimeout(() => {
        for (const pid of children) process.kill(Number(pid), 'SIGKILL');
      }, 200);
    });
    expect(code).toBe(1);
    expect(err).toMatch(/saved cut\/sailing-wind\.safetensors/);
    expect(err.trimEnd().split('\n').at(-1)).toMatch(/^edgegrad: RUN_CUT_OFF: serial:/);
  });

  test.each(['SIGINT', 'SIGTERM'] as const)('%s in the middle saves and exits 0', async (signal) => {
    let isTold = false;
    const { code, err } = await edgegrad(['run', '--speed', '1000', '--state', signal], (child, said) => {
      if (isTold || !said.includes('rows are')) return;
      isTold = true;
      setTimeout(() => child.kill(signal), 300);
    });
    expect(code).toBe(0);
    expect(err).toMatch(/saved .*sailing-wind\.safetensors, hash \w{16}/);
    const { err: again } = await edgegrad(['run', '--speed', 'max', '--state', signal]);
    expect(again).toContain('goes on from');
  });

  test("a device of the user's own: port, configuration, unplugged and plugged in again", async (context) => {
    const link = join(folder, 'ttyMINE');
    let pty = await needPty(context, { link });
    const config = write(
      'mine.toml',
      `name = "mine"
columns = [{ name = "x", range = [-10, 10] }, { name = "y" }]
task = { kind = "regress", features = ["x"], targets = ["y"], warmup = 10 }
network = { layers = [], optimizer = { kind = "sgd", rate = 0.05 } }
`,
    );
    const encoder = new TextEncoder();
    const line = (i: number) => `${((i * 7) % 40) / 4 - 5};${(((i * 7) % 40) / 4 - 5) * 3 + 1}\n`;
    const send = (from: number, count: number) =>
      pty.write(encoder.encode(Array.from({ length: count }, (_, i) => line(from + i)).join('')));
    let stage = 0;
    const { code, err } = await edgegrad(['run', config, '--port', link, '--state', 'mine'], (child, said) => {
      if (stage === 0 && said.includes('at 115200')) {
        stage = 1;
        send(0, 500);
        setTimeout(() => void pty.unplug(), 500);
      } else if (stage === 1 && said.includes('is gone')) {
        stage = 2;
        void openPty({ link }).then(({ pty: again }) => {
          if (again !== null) pty = again;
        });
      } else if (stage === 2 && said.includes('is back')) {
        stage = 3;
        setTimeout(() => send(1000, 500), 100);
        setTimeout(() => child.kill('SIGINT'), 700);
      }
    });
    await pty.unplug();
    expect(err).toContain('rows are CSV with ";", 2 fields');
    expect(stage).toBe(3);
    expect(code).toBe(0);
    expect(err).toContain('998 rows in all'); // the first of each opening may have been cut, and is not believed
    expect(err).toMatch(/gaps 1, lines rejected 0/);
  });

  test("another network than the checkpoint's is refused, naming the difference", async () => {
    await edgegrad(['run', '--speed', 'max', '--state', 'other']);
    const text = readFileSync(join(model, 'edgegrad.toml'), 'utf8').replace(
      'sailing_wind.csv',
      join(model, 'sailing_wind.csv'),
    );
    const one = text.replace('[checkpoint]', '[network]\nshortcut = true\n\n[checkpoint]');
    const config = write('one.toml', one);
    const { code, err } = await edgegrad(['run', config, '--speed', 'max', '--state', 'other']);
    expect(code).toBe(2);
    expect(err).toMatch(/CHECKPOINT_MISMATCH: .*network: found "a race", expected "a declared network"/);
  });
});

describe('inspect', () => {
  test('prints the plan of a declaration and of a configuration, and what a checkpoint holds', async () => {
    const spec = {
      inputs: 3,
      layers: [{ kind: 'dense', units: 2 }],
      loss: 'huber',
      optimizer: { kind: 'adam', rate: 0.01 },
    };
    const { code, out } = await edgegrad(['inspect', write('net.json', JSON.stringify(spec))]);
    expect(code).toBe(0);
    expect(out).toMatch(/^plan 3-2, 1 example a step, adam, \d+ bytes\n/);
    expect((await edgegrad(['inspect', join(model, 'edgegrad.toml')])).out).toContain(
      'inputs   stw_kn, aws_kn, awa_cos',
    );
    await edgegrad(['run', '--speed', 'max', '--state', 'seen']);
    const seen = await edgegrad(['inspect', 'seen/sailing-wind.safetensors']);
    expect(seen.out).toContain('layers.0.weight  F32 [16, 4]  largest ');
  });
});

describe('wrong usage is one line without a stack, exit code 2', () => {
  const unknownKey = write('unknown.toml', 'nam = "x"\n');
  test.each([
    [['run', unknownKey], 'unknown key "nam"'],
    [['run', 'missing.toml'], 'missing.toml: found no such file'],
    [['run', '--port', '/dev/ttyNOTHERE'], 'serial port /dev/ttyNOTHERE: found no such device'],
    [['run', '--port', '/etc/passwd'], 'found a file, not a device'],
    [['run', '--speed', 'fast'], "'fast' is invalid"],
    [['run', '--state', '/proc/x'], 'CONFIG_STATE: checkpoint.directory /proc/x'],
    [['replay', 'nothing.csv'], 'file nothing.csv: found no such file'],
    [['inspect', 'nothing.json'], 'nothing.json: found no such file'],
    [['inspect', write('bad.json', '{"inputs":1,"layers":[]}')], 'bad.json: network.layers: found an empty list'],
    [['inspect', write('bad.safetensors', 'x')], 'bad.safetensors: found 1 bytes'],
    [['replay'], "missing required argument 'log'"],
    [['frobnicate'], "unknown command 'frobnicate'"],
    [['run', '--bogus'], "unknown option '--bogus'"],
  ])('%j', async (args, message) => {
    const { code, err, out } = await edgegrad(args);
    expect(err).toContain(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toMatch(/^edgegrad: /);
    expect([code, out]).toEqual([2, '']);
  });
});

const AB = `columns = [{ name = "a" }, { name = "b" }]
task = { kind = "regress", features = ["a"], targets = ["b"] }
`;

describe('an input of which nothing could be read is one line that says why, exit code 1', () => {
  const csv = ['replay', '-c', write('ab.toml', AB), '-'];
  test.each<[string, string[], string, string]>([
    ['other names', ['replay', '-'], 'a,b,c\n1,2,3\n4,5,6\n', 'found "a", "b", "c", expected "stw_kn"'],
    ['nothing', csv, '', 'found 0 bytes and no line with anything in it'],
    ['sentences', csv, 'all is well\nall was well\n', '2 lines and no row among them, the last "all was well"'],
    ['no line end', csv, '~'.repeat(600), 'found 1 line and no row among them, the last "~~'],
  ])('%s', async (_, args, input, message) => {
    const { code, err, out } = await edgegrad(args, undefined, input);
    expect(err).toContain(message);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect([code, out]).toEqual([1, '']);
  });

  test('a process that learns from standard input too', async () => {
    const { code, err } = await edgegrad(['run', write('ab.toml', AB), '--port', '-'], undefined, 'all is well\n');
    expect(err).toContain('stdin: found 1 line and no row among them, the last "all is well"');
    expect(code).toBe(1);
  });
});
