import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import * as bridge from '../../src/bridge/index.js';

const root = join(import.meta.dirname, '../..');

/** A built file and all it imports. */
function graph(file: string, seen = new Map<string, string>()): Map<string, string> {
  if (seen.has(file)) return seen;
  const code = readFileSync(file, 'utf8');
  seen.set(file, code);
  for (const [, name] of code.matchAll(/(?:from|import)\s*\(?\s*'(\.[^']*)'/g)) graph(join(dirname(file), name), seen);
  return seen;
}

const entry = join(root, 'dist/bridge.js');

test('edgegrad/bridge as it is built needs no Node and no package', () => {
  for (const [file, code] of graph(entry)) {
    expect(code, file).not.toMatch(/'node:|\bBuffer\b|\bprocess\.|\brequire\(/);
    expect([...code.matchAll(/^(?:import|export) .*from '([^.][^']*)'/gm)].map(([, name]) => name)).toEqual([]);
  }
});

const page = readFileSync(join(root, 'docs/wire.md'), 'utf8');

test('the page about the wire names what there is', () => {
  const code = /```ts\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
  const [, imported] = /import \{ (.*) \} from 'edgegrad\/bridge'/.exec(code) ?? [];
  for (const name of imported.split(', ')) expect(bridge).toHaveProperty(name);
  for (const [, name] of page.matchAll(/^\| `(\w+)` \|/gm)) expect(bridge).toHaveProperty(name);
});
