import { describe, expect, test } from 'vitest';
import { createNetwork, type ExecutorKind, Random } from '../../src/engine/index.js';
import { checkGradients, GRADIENT_TOLERANCE } from '../../src/oracle/index.js';
import type { Activation, LossSpec, NetworkSpec } from '../../src/spec/index.js';

import { ACTIVATIONS, LOSSES, randomRow, randomTarget, targetsOf, wantedActivation } from '../support/networks.js';

interface Case {
  name: string;
  spec: NetworkSpec;
}

const optimizer = { kind: 'sgd', rate: 0.1 } as const;

/** Every hidden activation under squared error, every output activation × loss that may stand together, every layer kind. */
function cases(): Case[] {
  const three = (hidden: Activation, output: Activation, loss: LossSpec, bias: boolean): NetworkSpec => ({
    inputs: 5,
    layers: [
      { kind: 'dense', units: 7, activation: hidden, bias },
      { kind: 'dense', units: 6, activation: 'tanh', bias: true },
      { kind: 'dense', units: 3, activation: output, bias },
    ],
    loss,
    optimizer,
  });
  const norm = (activation: Activation): NetworkSpec => ({
    inputs: 5,
    layers: [
      { kind: 'layerNorm' },
      { kind: 'dense', units: 7 },
      { kind: 'layerNorm', activation },
      { kind: 'dense', units: 2 },
    ],
    loss: 'squaredError',
    optimizer,
  });
  const squared = { kind: 'squaredError' } as const;
  return [
    ...ACTIVATIONS.map((g) => ({ name: `${g} hidden`, spec: three(g, 'identity', squared, true) })),
    ...ACTIVATIONS.map((g) => ({ name: `${g} hidden, no bias`, spec: three(g, 'identity', squared, false) })),
    ...LOSSES.flatMap((loss) =>
      ACTIVATIONS.filter((g) => (wantedActivation(loss) ?? g) === g).map((g) => ({
        name: `${g} output, ${loss.kind}`,
        spec: three('tanh', g, loss, true),
      })),
    ),
    {
      name: 'class weights',
      spec: three('tanh', 'softmax', { kind: 'crossEntropy', classWeights: [1, 2, 0.5] }, true),
    },
    {
      name: 'weights of probabilities',
      spec: three('tanh', 'sigmoid', { kind: 'binaryCrossEntropy', classWeights: [3, 1, 0] }, true),
    },
    ...(['identity', 'tanh', 'gelu', 'softmax'] as const).map((g) => ({ name: `layerNorm ${g}`, spec: norm(g) })),
    { name: 'shortcut', spec: { ...three('tanh', 'identity', squared, true), shortcut: true } },
    {
      name: 'shortcut beside a single softmax layer',
      spec: {
        inputs: 4,
        layers: [{ kind: 'dense', units: 3, activation: 'softmax' }],
        loss: 'crossEntropy',
        optimizer,
        shortcut: true,
      },
    },
    {
      name: 'dropout',
      spec: {
        inputs: 6,
        layers: [
          { kind: 'dropout', rate: 0.2 },
          { kind: 'dense', units: 9, activation: 'tanh' },
          { kind: 'dropout', rate: 0.5 },
          { kind: 'dense', units: 2 },
        ],
        loss: 'squaredError',
        optimizer,
      },
    },
  ];
}

describe.each<ExecutorKind>(['simd', 'reference'])('%s: gradients equal central differences', (executor) => {
  describe.each([1, 3, 5])('m = %i', (m) => {
    test.each(cases())('$name', ({ spec }) => {
      const { parameters, total } = checkGradients(spec, { seed: 17 + m, executor, examples: m });
      for (const { name, shape, checked, worst } of parameters) {
        expect(checked).toBe(shape.reduce((n, side) => n * side, 1));
        expect(worst.error, `∂J/∂${name}: ${JSON.stringify(worst)}`).toBeLessThanOrEqual(GRADIENT_TOLERANCE);
      }
      expect(total).toBeGreaterThan(0.01); // an all-zero gradient would agree with anything
    });
  });
});

describe.each<ExecutorKind>(['simd', 'reference'])('%s: a step', (executor) => {
  test.each(cases())('moves every parameter by −rate · gradient: $name', ({ spec }) => {
    for (const m of [1, 4]) {
      const random = new Random(5);
      const net = createNetwork(spec, { seed: 9, executor, examples: m });
      const rows = randomRow(random, net.input.length);
      const n = targetsOf(net.plan.network);
      const targets = Array.from({ length: m }, () => randomTarget(random, net.plan.network.loss, n)).flat();
      const gradients = net.gradients(rows, targets);
      const before = net.parameters().map((parameter) => parameter.read());
      net.learn(rows, targets);
      net.parameters().forEach((parameter, p) => {
        parameter.read().forEach((after, k) => {
          const expected = before[p][k] - 0.1 * gradients[p].values[k];
          expect(Math.abs(after - expected)).toBeLessThan(1e-6);
        });
      });
    }
  });
});

test('gradients: m columns give the mean of the m single-column gradients', () => {
  const random = new Random(11);
  const { spec } = cases().find(({ name }) => name === 'class weights') as Case;
  const rows = Array.from({ length: 6 }, () => randomRow(random, 5));
  const targets = rows.map(() => randomTarget(random, 'crossEntropy', 3));
  const together = createNetwork(spec, { examples: 6 }).gradients(rows.flat(), targets.flat());
  const single = createNetwork(spec);
  const apart = rows.map((row, k) => single.gradients(row, targets[k]));
  together.forEach(({ values }, p) => {
    values.forEach((value, i) => {
      const mean = apart.reduce((s, gradients) => s + gradients[p].values[i], 0) / 6;
      expect(Math.abs(value - mean)).toBeLessThan(1e-6);
    });
  });
});
