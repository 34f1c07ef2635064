// @slow a simulated microcontroller runs at its own pace

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { AvrBoard } from '../support/avr-board.js';
import { needPty } from '../support/pty.js';
import { ARDUINO, buildFolder, FIRMWARE, need, run } from './tools.js';

// The machine code of an example, as it would be flashed to an Arduino Uno, run cycle by cycle; its UART on a
// pseudo-terminal, the daemon at the other end.

const HEX = join(FIRMWARE, 'examples/environment/environment.hex');
const CLI = join(import.meta.dirname, '../../dist/cli.js');

const CONFIG = (port: string) => `name = "room"
columns = [
  { name = "light", range = [0, 1] },
  { name = "temp_degC", unit = "degC", range = [-40, 125] },
]
task = { kind = "regress", features = ["light"], targets = ["temp_degC"], warmup = 15 }
network = { layers = [], optimizer = { kind = "sgd", rate = 0.2 } }
source = { port = "${port}", rowPeriodS = 0.1, output = true }
`;

/** Light comes and goes every 1.6 s, and the room is 20 °C in the dark, 40 °C in the light. */
const lightAt = (seconds: number) => (Math.floor(seconds / 1.6) % 2 === 0 ? 0.2 : 0.8);
const voltsOf = (channel: number, seconds: number) => {
  const light = lightAt(seconds);
  return channel === 1 ? 5 * light : (13.3 + 33.3 * light) / 100 + 0.5;
};

test('an Uno in software: its rows are learned from, none is lost or damaged, and predictions move its LED', {
  timeout: 180_000,
}, async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'edgegrad-avr-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  let board: AvrBoard | null = null;
  const pty = await needPty(context, { onReceive: (bytes) => board?.receive(bytes) });
  writeFileSync(join(folder, 'room.toml'), CONFIG(pty.path));
  const daemon = spawn(process.execPath, [CLI, 'run', 'room.toml'], {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void daemon.kill('SIGKILL'));
  let said = '';
  daemon.stderr.on('data', (bytes) => {
    said += bytes;
  });
  const closed = new Promise<number | null>((resolve) => daemon.once('close', resolve));
  await vi.waitFor(() => expect(said).toContain('at 115200'), 20_000);

  let line: number[] = [];
  const uno: AvrBoard = new AvrBoard(readFileSync(HEX, 'utf8'), {
    onByte: (byte) => {
      line.push(byte);
    },
    voltsOf: (channel) => voltsOf(channel, uno.seconds),
  });
  board = uno;
  const ledAt: [light: number, led: boolean][] = [];
  for (let ms = 0; ms < 8000; ms += 20) {
    await uno.run(0.02);
    if (line.length > 0) pty.write(Uint8Array.from(line));
    line = [];
    // In the middle of light and dark, when predictions have come back.
    if (ms % 1600 === 1200) ledAt.push([lightAt(uno.seconds), uno.led]);
  }
  await new Promise((resolve) => setTimeout(resolve, 300));
  daemon.kill('SIGTERM');
  expect(await closed, said).toBe(0);

  expect(said).toMatch(/device environment 1, boot \d+, speaks frames/);
  expect(said).toContain('rows are frames of temp_degC, light');
  expect(said).not.toMatch(/damaged|lost \d|restarts/);
  expect(said).toMatch(/gaps 0/);
  // One row a second at first; ten, once the host has asked for them.
  const rows = Number(/(\d+) rows in all/.exec(said)?.[1]);
  expect(rows).toBeGreaterThan(50);
  expect(rows).toBeLessThanOrEqual(81);
  // The warm-up is over: the LED shines where the prediction is above 30 °C, which is where there is light.
  const [, ...afterWarmUp] = ledAt.slice(1);
  expect(afterWarmUp.length).toBeGreaterThanOrEqual(2);
  expect(afterWarmUp.map(([, led]) => led)).toEqual(afterWarmUp.map(([light]) => light > 0.5));
  expect(new Set(afterWarmUp.map(([, led]) => led)).size).toBe(2);
});

test('the machine code in the repository is that of the sketch', { timeout: 300_000 }, async (context) => {
  need(context, 'cc', 'make', 'avr-gcc', `${ARDUINO}/cores/arduino/Arduino.h`);
  const { stdout } = spawnSync('avr-gcc', ['-dumpversion'], { encoding: 'utf8' });
  if (stdout.trim() !== '5.4.0') context.skip(`it was made by avr-gcc 5.4.0, here is ${stdout.trim()}`);
  const build = await buildFolder();
  onTestFinished(() => build.remove());
  run('make', ['examples', `BUILD=${build.folder}`]);
  expect(readFileSync(join(build.folder, 'examples/environment.hex'), 'utf8') === readFileSync(HEX, 'utf8')).toBe(true);
});
