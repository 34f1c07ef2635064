import { describe, expect, test } from 'vitest';
import { createNetwork, type ExecutorKind, type Network, Random } from '../../src/engine/index.js';
import type { Activation, LossSpec, NetworkSpec } from '../../src/spec/index.js';
import { cost64, forward64, parametersOf } from '../support/float64.js';
import { ACTIVATIONS, LOSSES, randomRow, randomTarget, targetsOf, wantedActivation } from '../support/networks.js';
import { GRADIENT_FLOOR, GRADIENT_RELATIVE } from '../tolerances.js';

const STEP = 1e-5; // of the central difference, in float64

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

/** Whether a row comes near a kink, where the difference quotient is no derivative. */
function isNearKink(net: Network, row: readonly number[], target: readonly number[]): boolean {
  const { layers, loss } = net.plan.network;
  const { zs, as } = forward64(net.plan.network, parametersOf(net), row);
  const residuals = as[as.length - 1].map((a, i) => a - target[Math.floor((i * target.length) / net.output.length)]);
  const edge = loss.kind === 'huber' ? (loss.kappa ?? 1) : 0;
  const isSmooth = !['absoluteError', 'huber', 'quantile'].includes(loss.kind);
  return (
    layers.some(
      (layer, l) => layer.kind !== 'dropout' && /relu/i.test(layer.activation) && zs[l].some((z) => Math.abs(z) < 1e-2),
    ) ||
    (!isSmooth && residuals.some((r) => Math.abs(Math.abs(r) - edge) < 1e-2))
  );
}

describe.each<ExecutorKind>(['simd', 'reference'])('%s: gradients equal central differences', (executor) => {
  describe.each([1, 3, 5])('m = %i', (m) => {
    test.each(cases())('$name', ({ name: title, spec }) => {
      const random = new Random(17 + m);
      const net = createNetwork(spec, { seed: 3, executor, examples: m });
      for (const { name, shape, write } of net.parameters()) {
        if (name.endsWith('bias')) write(randomRow(random, shape[0], 0.3));
        else if (shape.length === 1) write(randomRow(random, shape[0], 0.3).map((v) => v + 1));
      }
      const { network } = net.plan;
      const weights = Array.from({ length: m }, (_, k) => 1 + k / 4);
      net.rowWeights.set(weights);
      const rows: number[][] = [];
      const targets: number[][] = [];
      while (rows.length < m) {
        const row = randomRow(random, network.inputs);
        const target = randomTarget(random, network.loss, targetsOf(network));
        if (title === 'dropout' || !isNearKink(net, row, target)) rows.push(row) && targets.push(target);
      }
      const before = net.hash();
      const gradients = net.gradients(rows.flat(), targets.flat());
      expect(net.hash()).toBe(before);

      // The draws of the step that comes next, which is the one whose gradient this is.
      let factors: Map<number, number[]>[] | undefined;
      if (title === 'dropout') {
        const twin = net.clone({ examples: m });
        twin.learn(rows.flat(), targets.flat());
        factors = rows.map(
          (_, k) =>
            new Map(
              [0, 2].map((l) => {
                const region = twin.plan.region(`factors${l + 1}`);
                const stride = region.floats / m;
                const all = new Float32Array(twin.input.buffer, 4 * region.offset, region.floats);
                return [l, Array.from(all.subarray(k * stride, k * stride + region.shape[0]))];
              }),
            ),
        );
      }

      const parameters = parametersOf(net);
      const cost = () => cost64(network, parameters, rows, targets, { weights, factors });
      let sum = 0;
      for (const { name, values } of gradients) {
        const original = parameters.get(name)?.values ?? [];
        values.forEach((gradient, k) => {
          const value = original[k];
          original[k] = value + STEP;
          const up = cost();
          original[k] = value - STEP;
          const down = cost();
          original[k] = value;
          const expected = (up - down) / (2 * STEP);
          const error = Math.abs(gradient - expected) / Math.max(Math.abs(expected), GRADIENT_FLOOR);
          if (error > GRADIENT_RELATIVE) expect.fail(`∂J/∂${name}[${k}]: ${gradient}, differences give ${expected}`);
          sum += Math.abs(expected);
        });
      }
      expect(sum).toBeGreaterThan(0.01); // an all-zero gradient would agree with anything
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
