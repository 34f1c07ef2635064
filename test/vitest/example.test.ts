// @slow an example project with a vitest of its own

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { demoConfigPath } from '../../src/daemon/index.js';
import { SHIPPED_HASH } from '../support/shipped-log.js';

// The example of docs/recordings.md, as its reader has it: a test file of its own that imports edgegrad/vitest.

const root = join(import.meta.dirname, '../..');

test('the example of the page on recordings passes, and writes its golden file on request only', {
  timeout: 120_000,
}, () => {
  const page = readFileSync(join(root, 'docs/recordings.md'), 'utf8');
  const [, example] = /```ts\n([\s\S]*?edgegrad\/vitest[\s\S]*?)```/.exec(page) ?? [];
  // Within the package, whose name then means itself.
  const folder = join(root, 'build/example');
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'wind.test.ts'), example);
  writeFileSync(join(folder, 'vitest.config.js'), 'export default { test: { include: ["*.test.ts"] } };\n');
  const node = (...words: string[]) => spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });
  const log = join(demoConfigPath(), '../sailing_wind.csv');
  expect(node(join(root, 'dist/cli.js'), 'convert', log, 'wind.mcap', '--config', demoConfigPath()).status).toBe(0);

  const vitest = join(root, 'node_modules/vitest/vitest.mjs');
  const updated = node(vitest, 'run', '--update');
  expect(updated.stdout + updated.stderr).toMatch(/1 passed/);
  expect(readFileSync(join(folder, 'golden/wind.hash'), 'utf8')).toBe(`${SHIPPED_HASH}\n`);
  writeFileSync(join(folder, 'golden/wind.hash'), '0000000000000000\n');
  const compared = node(vitest, 'run');
  expect(compared.status).toBe(1);
  expect(compared.stdout + compared.stderr).toContain(`found ${SHIPPED_HASH}`);
  expect(existsSync(join(folder, 'golden/wind.hash'))).toBe(true);
});
