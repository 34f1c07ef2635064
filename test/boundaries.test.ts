import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '..');

/** Rooms and what each may import, from the table of docs/design.md. */
function rooms(): Map<string, string[]> {
  const table = new Map<string, string[]>();
  for (const line of readFileSync(join(root, 'docs/design.md'), 'utf8').split('\n')) {
    const row = /^\| `src\/(\w+)` \|.*\| ([^|]*) \|$/.exec(line);
    if (row) table.set(row[1], row[2] === '–' ? [] : row[2].split(', '));
  }
  return table;
}

const table = rooms();
const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => `src/${file}`);

test('rooms: the table of the design names every folder of src, and no other', () => {
  const folders = new Set(files.map((file) => file.split('/')[1]).filter((name) => !name.includes('.')));
  expect([...table.keys()].sort()).toEqual([...folders].sort());
});

test('rooms: every import between rooms is one the table allows', () => {
  const forbidden: string[] = [];
  for (const file of files) {
    const [, room] = file.split('/') as [string, string];
    const allowed = table.get(room);
    if (allowed === undefined || allowed[0] === 'everything') continue; // the entry files of src itself
    for (const [, target] of readFileSync(join(root, file), 'utf8').matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)) {
      const [, other] = relative(root, resolve(root, dirname(file), target!)).split('/') as [string, string];
      if (other !== room && !allowed.includes(other)) forbidden.push(`${file} imports ${target}`);
    }
  }
  expect(forbidden).toEqual([]);
});

test('rooms: the codec and everything under it work without Node', () => {
  const guilty = files.filter(
    (file) =>
      /^src\/(bridge|spec|plan|reference)\//.test(file) &&
      /'node:|'serialport'/.test(readFileSync(join(root, file), 'utf8')),
  );
  expect(guilty).toEqual([]);
});
