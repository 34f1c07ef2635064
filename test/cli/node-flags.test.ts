import { describe, expect, it, vi } from 'vitest';

const flags: string[] = [];
vi.mock('node:v8', () => ({ setFlagsFromString: (flag: string) => flags.push(flag) }));
const { keepSmall } = await import('../../src/cli/keep-small.js');

describe('V8 flags of a running process', () => {
  it('are set with the versions of V8 that were tried, and leave out the one that ends Node 26', () => {
    keepSmall('14.6.202.34-node.40');
    expect(flags).toContain('--wasm-lazy-compilation');
    expect(flags).not.toContain('--no-liftoff');
  });

  it('are left alone with a version of V8 that was not tried', () => {
    flags.length = 0;
    keepSmall('99.1.0-node.1');
    expect(flags).toEqual([]);
  });
});
