import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { createNetwork, type ExecutorKind } from '../../src/engine/index.js';
import type { NetworkSpec } from '../../src/spec/index.js';
import { TRAJECTORY_ABSOLUTE } from '../tolerances.js';

interface Case {
  name: string;
  examples: number;
  network: NetworkSpec;
  rows: number[];
  targets: number[];
  start: number[][];
  losses: number[];
  end: number[][];
}

// Written by generate-torch.py.
const golden = JSON.parse(readFileSync(new URL('torch.json', import.meta.url), 'utf8')) as {
  torch: string;
  steps: number;
  cases: Case[];
};

describe.each<ExecutorKind>(['simd', 'reference'])(`%s follows PyTorch ${golden.torch} step by step`, (executor) => {
  test.each(golden.cases)('$name', ({ network, examples, rows, targets, start, losses, end }) => {
    const net = createNetwork(network, { executor, examples });
    const parameters = net.parameters();
    expect(parameters.length).toBe(start.length);
    parameters.forEach((parameter, p) => {
      parameter.write(start[p]);
    });
    const nIn = net.input.length;
    const nOut = net.target.length;
    losses.forEach((expected, s) => {
      const loss = net.learn(rows.slice(s * nIn, (s + 1) * nIn), targets.slice(s * nOut, (s + 1) * nOut));
      expect(Math.abs(loss - expected)).toBeLessThan(TRAJECTORY_ABSOLUTE * Math.max(1, Math.abs(expected)));
    });
    let moved = 0;
    parameters.forEach((parameter, p) => {
      parameter.read().forEach((value, k) => {
        if (Math.abs(value - end[p][k]) > TRAJECTORY_ABSOLUTE) {
          expect.fail(`${parameter.name}[${k}] is ${value}, PyTorch has ${end[p][k]}`);
        }
        moved += Math.abs(value - start[p][k]);
      });
    });
    expect(moved).toBeGreaterThan(0.1);
  });
});
