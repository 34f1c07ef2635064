import { describe, expect, test } from 'vitest';
import { createNetwork, type ExecutorKind, Random } from '../../src/engine/index.js';
import type { Activation, Loss, NetworkSpec } from '../../src/spec/index.js';
import { cost64, forward64, parametersOf } from '../support/float64.js';
import { ACTIVATIONS, LOSSES, randomRow, randomTarget } from '../support/networks.js';
import { GRADIENT_FLOOR, GRADIENT_RELATIVE } from '../tolerances.js';

const STEP = 1e-5; // of the central difference, in float64

/** Hidden activation × output activation × loss that may stand together. */
function combinations(): { hidden: Activation; output: Activation; loss: Loss }[] {
  return ACTIVATIONS.flatMap((hidden) =>
    LOSSES.flatMap((loss) =>
      ACTIVATIONS.filter(
        (output) => loss === 'squaredError' || output === (loss === 'crossEntropy' ? 'softmax' : 'sigmoid'),
      ).map((output) => ({ hidden, output, loss })),
    ),
  );
}

function specFor(hidden: Activation, output: Activation, loss: Loss, bias: boolean): NetworkSpec {
  return {
    inputs: 5,
    layers: [
      { kind: 'dense', units: 7, activation: hidden, bias },
      { kind: 'dense', units: 6, activation: 'tanh', bias: true },
      { kind: 'dense', units: 3, activation: output, bias },
    ],
    loss,
    optimizer: { kind: 'sgd', rate: 0.1 },
  };
}

/** Rows on which no relu stands near its kink, where the difference quotient is no derivative. */
function rowsFor(net: ReturnType<typeof createNetwork>, random: Random, m: number): number[][] {
  const rows: number[][] = [];
  while (rows.length < m) {
    const row = randomRow(random, net.plan.network.inputs);
    const { zs } = forward64(net.plan.network, parametersOf(net), row);
    const nearKink = net.plan.network.layers.some(
      (layer, l) => /relu|elu/i.test(layer.activation) && zs[l].some((z) => Math.abs(z) < 1e-2),
    );
    if (!nearKink) rows.push(row);
  }
  return rows;
}

describe.each<ExecutorKind>(['simd', 'reference'])('%s: gradients equal central differences', (executor) => {
  describe.each([1, 3, 5])('m = %i', (m) => {
    test.each(combinations())('$hidden hidden, $output output, $loss', ({ hidden, output, loss }) => {
      for (const bias of [true, false]) {
        const random = new Random(17 + m);
        const net = createNetwork(specFor(hidden, output, loss, bias), { seed: 3, executor, examples: m });
        for (const { name, shape, write } of net.parameters()) {
          if (name.endsWith('bias')) write(randomRow(random, shape[0], 0.3));
        }
        const rows = rowsFor(net, random, m);
        const targets = rows.map(() => randomTarget(random, loss, 3));
        const before = net.hash();
        const gradients = net.gradients(rows.flat(), targets.flat());
        expect(net.hash()).toBe(before);

        const parameters = parametersOf(net);
        let sum = 0;
        for (const { name, shape, values } of gradients) {
          const layer = Number(name.split('.')[1]);
          const columns = shape[1];
          values.forEach((gradient, k) => {
            const row =
              columns === undefined ? parameters.biases[layer] : parameters.weights[layer][Math.floor(k / columns)];
            const i = columns === undefined ? k : k % columns;
            const original = row[i];
            row[i] = original + STEP;
            const up = cost64(net.plan.network, parameters, rows, targets);
            row[i] = original - STEP;
            const down = cost64(net.plan.network, parameters, rows, targets);
            row[i] = original;
            const expected = (up - down) / (2 * STEP);
            const error = Math.abs(gradient - expected) / Math.max(Math.abs(expected), GRADIENT_FLOOR);
            if (error > GRADIENT_RELATIVE) expect.fail(`∂J/∂${name}[${k}]: ${gradient}, differences give ${expected}`);
            sum += Math.abs(expected);
          });
        }
        expect(sum).toBeGreaterThan(0.01); // an all-zero gradient would agree with anything
      }
    });
  });
});

describe.each<ExecutorKind>(['simd', 'reference'])('%s: a step', (executor) => {
  test.each(combinations())('moves every parameter by −rate · gradient: $hidden, $output, $loss', (c) => {
    for (const m of [1, 4]) {
      const random = new Random(5);
      const net = createNetwork(specFor(c.hidden, c.output, c.loss, true), { seed: 9, executor, examples: m });
      const rows = Array.from({ length: m }, () => randomRow(random, 5)).flat();
      const targets = Array.from({ length: m }, () => randomTarget(random, c.loss, 3)).flat();
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
  const spec = specFor('tanh', 'softmax', 'crossEntropy', true);
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
