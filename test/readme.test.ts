import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createNetwork } from '../src/index.js';

const readme = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');

test('README: the example prints what its comment says', () => {
  const code = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
  const printed: string[] = [];
  const body = code.replace(/^import .*$/m, '');
  new Function('createNetwork', 'console', body)(createNetwork, {
    log: (...words: string[]) => printed.push(words.join(' ')),
  });
  expect(code).toContain(`// ${printed[0]}`);
  expect(printed[1]).toMatch(/^[0-9a-f]{16}$/);
});

test('README: the commands it names are in package.json', () => {
  const { scripts } = JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'));
  for (const [, name] of readme.matchAll(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty(name);
  expect(readme).toContain('    npm ci && npm start\n');
  expect(readme).toContain('    npm ci && npm test\n');
});
