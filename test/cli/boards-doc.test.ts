import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { boardsPage } from '../../src/cli/init/boards-docs.js';
import { configOf } from '../../src/daemon/index.js';

const page = readFileSync(new URL('../../docs/boards.md', import.meta.url), 'utf8');

test('docs/boards.md is what init says and writes (npm run docs writes it)', () => {
  expect(page).toBe(boardsPage());
});

test('what it shows as written is a configuration, without a range that was only seen', () => {
  const written = [...page.matchAll(/```toml\n(.*?)```/gs)].map(([, text]) => text);
  expect(written.length).toBeGreaterThanOrEqual(10);
  for (const text of written) {
    const { columns, task } = configOf(text, 'docs/boards.md');
    expect(columns.length).toBeGreaterThan(task.targets.length);
    for (const { name, unit, range } of columns) {
      if (range !== undefined) expect([unit === '%' || /hum/i.test(name) || range[0] < -50]).toEqual([true]);
    }
  }
});
