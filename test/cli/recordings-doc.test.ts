// @slow every command of docs/recordings.md is run

import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { demoConfigPath, loadConfig } from '../../src/daemon/index.js';
import { Pipeline, RecordedSession, Recorder, streamOptionsOf } from '../../src/recording/index.js';
import { createStream } from '../../src/stream/index.js';
import { runCli } from '../support/cli.js';
import { needPty } from '../support/pty.js';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'edgegrad-doc-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What the daemon leaves that learned a little. */
async function recordRun(file: string): Promise<void> {
  const config = loadConfig(demoConfigPath());
  const recorder = new Recorder({ destination: { file } });
  const session = new RecordedSession(recorder, new Pipeline(createStream(streamOptionsOf(config))), {
    config: { file: config.file, text: readFileSync(config.file, 'utf8'), resolved: config },
    edgegrad: '0',
    fresh: true,
  });
  session.opened('/dev/ttyX', { isAgain: false, mayBeMidLine: false });
  session.bytes(readFileSync(join(config.file, '../sailing_wind.csv')), 50_000);
  await session.checkpoint('saved', 'x.safetensors');
  await session.end('stop', false);
}

test('docs/recordings.md: every command runs, in the order of the page', async (context) => {
  symlinkSync(join(root, 'models'), join(folder, 'models'));
  const page = readFileSync(join(root, 'docs/recordings.md'), 'utf8');
  const commands = [...page.matchAll(/^ {4}npx edgegrad (.*)$/gm)].map(([, command]) => command.split(' '));
  expect(commands.length).toBeGreaterThan(10);
  await recordRun(join(folder, 'run.mcap'));
  const pty = await needPty(context);
  for (const command of commands) {
    const args = command.map((word) => (word === '/dev/ttyACM0' ? pty.path : word === '10m' ? '1s' : word));
    const { code, err } = await runCli(folder, args);
    expect([args.join(' '), err.replace(/^.*(recording|bytes in).*\n/gm, ''), code]).toEqual([args.join(' '), '', 0]);
    if (args[0] === 'convert' && args[2] === 'wind.mcap') {
      const bytes = readFileSync(join(folder, 'wind.mcap'));
      bytes[bytes.length >> 1] ^= 1;
      writeFileSync(join(folder, 'damaged.mcap'), bytes);
    }
  }
});
