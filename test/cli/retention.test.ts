import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { runCli } from '../support/cli.js';

// Memory and monitor through the whole way: configuration, daemon, checkpoint, recording, verification.

const folder = mkdtempSync(join(tmpdir(), 'edgegrad-retention-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const edgegrad = (args: string[], input?: string) => runCli(folder, args, undefined, input);

const CONFIG = `name = "room"
columns = [{ name = "x" }, { name = "c", kind = "class", classes = 2 }]
task = { kind = "classify", features = ["x"], targets = ["c"] }
network = { optimizer = { kind = "sgd", rate = 0.1 } }
memory = { rows = 20, replay = 5, budgetUs = 100000 }
monitor = { every = 4, rows = 40, interval = 100, drop = 0.2, rollback = true }
source = { port = "-" }
record = { directory = "recordings" }
`;
writeFileSync(join(folder, 'room.toml'), CONFIG);

/** Rows x,c of which c says whether x is above a half; from `turned` on it says the opposite. */
function rows(count: number, turned: number): string {
  const x = (i: number) => ((i * 61) % 100) / 100;
  return Array.from({ length: count }, (_, i) => `${x(i)},${Number(x(i) > 0.5 === i < turned)}\n`).join('');
}

test('a daemon remembers, says what was forgotten, puts it back, goes on after a restart; the recording verifies', async () => {
  const first = await edgegrad(['run', 'room.toml'], rows(3000, 2500));
  expect(first.code, first.err).toBe(0);
  expect(first.err).toMatch(
    /has forgotten: skill on the held-out rows is .*, the best state has .*; the best state was put back/,
  );
  const second = await edgegrad(['run', 'room.toml'], rows(500, 500));
  expect(second.err).toMatch(/goes on from .*room\.safetensors: 3000 rows/);
  const { code, out } = await edgegrad(['verify', 'recordings']);
  expect([code, out]).toEqual([0, expect.stringMatching(/recorded states: (\d+) of \1 equal/)]);
  const replayed = JSON.parse((await edgegrad(['replay', 'recordings', '--json'])).out).report;
  expect(replayed.memory).toMatchObject({ policy: 'balanced', capacity: 20, rows: 20, replay: 5 });
  expect(replayed.monitor.rolledBack).toBeGreaterThan(0);
});

test('check-config tells what is remembered, what that takes, and what a budget comes to on this machine', async () => {
  const { code, out } = await edgegrad(['check-config', 'room.toml']);
  expect(code).toBe(0);
  expect(out).toContain(
    'remembers      20 rows (balanced), 5 of 5, for 100000 µs a row, learned again after every row; 160 B',
  );
  expect(out).toMatch(
    /monitor {8}one row in 4 held out, 40 of them looked at every 100 labels; put back where 20 % is lost; [\d.]+ KiB/,
  );
  writeFileSync(
    join(folder, 'tight.toml'),
    CONFIG.replace('room', 'tight').replace('budgetUs = 100000', 'budgetUs = 0.001'),
  );
  expect((await edgegrad(['check-config', 'tight.toml'])).out).toContain('20 rows (balanced), 0 of 5');
});

test('a wrong key is refused by name', async () => {
  writeFileSync(join(folder, 'wrong.toml'), CONFIG.replace('replay = 5', 'replays = 5'));
  const { code, err } = await edgegrad(['check-config', 'wrong.toml']);
  expect([code, err]).toEqual([2, expect.stringContaining('memory.replays: found unknown key "replays"')]);
});
