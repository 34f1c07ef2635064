import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/built.ts'],
    setupFiles: ['test/support/seed.ts'],
    reporters: ['default', './test/support/report.ts'],
    expect: { requireAssertions: true },
    pool: 'forks',
    // Of two cores it would use one.
    maxWorkers: availableParallelism(),
    execArgv: ['--expose-gc'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
