import { join } from 'node:path';
import { expect, test } from 'vitest';
import { demoConfigPath, loadConfig } from '../../src/daemon/index.js';
import { replayLog } from '../../src/recording/index.js';
import type { StreamReport, TaskNetwork } from '../../src/stream/index.js';
import '../../src/vitest/index.js';
import { SHIPPED_HASH } from '../support/shipped-log.js';

const config = loadConfig(demoConfigPath());
const log = join(config.file, '../sailing_wind.csv');
const { columns, task } = config;
const network: TaskNetwork = {
  layers: [{ kind: 'dense', units: 16, activation: 'tanh' }],
  optimizer: { kind: 'sgd', rate: 0.02 },
};

test.each(['simd', 'reference'] as const)(
  '%s: as shipped, the log is learned to 0.14 kn where the last value makes 0.796',
  async (executor) => {
    const { seed, executor: _, ...none } = config.network;
    const { result } = await replayLog(log, { stream: { columns, task, network: none, seed, executor } });
    expect(result).toMatchObject({ rows: 3617, scored: 3517, quarantined: 0, executor });
    expect((result.metrics as { mae: number }).mae).toBeLessThanOrEqual(0.14);
    expect(result).toReachSkill(0.83);
    expect(result.report.learner).toMatchObject({ kind: 'race' });
    const { interval } = result.report as Extract<StreamReport, { kind: 'regress' }>;
    for (const scores of interval!.targets) expect(Math.abs(scores.covered! - 0.9)).toBeLessThanOrEqual(0.02);
    // Golden: changes only when the arithmetic does.
    expect(result).toMatchHash(SHIPPED_HASH);
  },
);

test.each(['simd', 'reference'] as const)('%s: one network learns it to 0.33 kn', async (executor) => {
  const { result } = await replayLog(log, { stream: { columns, task, network, executor } });
  expect(result).toMatchObject({ rows: 3617, scored: 3517, quarantined: 0, executor });
  expect(result.metrics).toHaveProperty('mae');
  const { mae, skill } = result.metrics as { mae: number; skill: number };
  expect(mae).toBeLessThanOrEqual(0.33);
  expect((result.baseline as { mae: number }).mae).toBeCloseTo(0.796, 3);
  expect(skill).toBeCloseTo(1 - mae / (result.baseline as { mae: number }).mae, 12);
  // Golden: changes only when the arithmetic does.
  expect(result).toMatchHash('34c6f336d10cdb26');
});

test('a linear model from zero, which no seed touches, comes to the figure of the protocol', async () => {
  const linear = {
    layers: [],
    optimizer: { kind: 'sgd', rate: 0.01 },
    outputInitialiser: 'zeros',
    safety: false,
  } as const;
  const { result } = await replayLog(log, { stream: { columns, task, network: { ...linear, layers: [] } } });
  expect((result.metrics as { mae: number }).mae).toBeCloseTo(0.413, 3);
});
