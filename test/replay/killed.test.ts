// @slow processes are killed again and again

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { demoConfigPath, loadConfig } from '../../src/daemon/index.js';
import { replayLog } from '../../src/recording/index.js';
import { temporaryDirectory } from '../support/pty.js';

test('a process killed again and again at any moment leaves a recording that comes to every state it tells of', async () => {
  const directory = await temporaryDirectory();
  const config = loadConfig(demoConfigPath());
  const program = join(import.meta.dirname, '../support/recording-process.js');
  const log = join(config.file, '../sailing_wind.csv');
  const lives = 8;
  for (let life = 0; life < lives; life++) {
    const child = spawn(process.execPath, [program, directory, JSON.stringify(config), log], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    await once(child.stdout, 'data');
    await sleep(20 * life);
    child.kill('SIGKILL');
    await ended;
  }
  const files = readdirSync(directory).filter((file) => file.endsWith('.mcap'));
  expect(files.length).toBeGreaterThanOrEqual(lives);
  const recordings = await temporaryDirectory();
  for (const file of files) copyFileSync(join(directory, file), join(recordings, file));
  const { result } = await replayLog(recordings, {});
  const { comparison, files: health } = result.recording!;
  expect(comparison).toMatchObject({ notCompared: 0, notes: [] });
  expect(comparison.firstDifference).toBeUndefined();
  expect(comparison.compared).toBeGreaterThan(lives);
  expect(comparison.equal).toBe(comparison.compared);
  expect(health.reduce((sum, { missing }) => sum + missing, 0)).toBe(0);
});
