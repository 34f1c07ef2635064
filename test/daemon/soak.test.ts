// @slow a short soak

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { needTool } from '../support/tools.js';

// The soaks of the daemon, shorter; `npm run soak:kill`, `soak:replug` and `soak:daemon` are the long ones.

const SEED = Math.floor(Math.random() * 1e6);

async function soak(name: string, ...args: (string | number)[]): Promise<string> {
  const child = spawn(process.execPath, [
    join(import.meta.dirname, `../../scripts/soak/${name}.js`),
    ...args.map(String),
  ]);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (bytes) => {
      said += bytes;
    });
  }
  const code = await new Promise((resolve) => child.once('close', resolve));
  expect(code, said).toBe(0);
  return said;
}

test('killed at 30 random moments: always goes on, no torn checkpoint, none lost that was acknowledged', {
  timeout: 180_000,
}, async (context) => {
  needTool(context, 'script');
  expect(await soak('kill', 30, SEED)).toMatch(
    /^30 kills: \d+ starts from a checkpoint, [1-9]\d* checkpoints acknowledged, 0 lost/,
  );
});

test('unplugged and plugged in 50 times: all seen, every row accounted for, nothing left open', {
  timeout: 180_000,
}, async (context) => {
  needTool(context, 'script');
  expect(await soak('replug', 50, SEED)).toMatch(/^50 cycles: 50 times gone, 49 times back/);
});
