import { describe, expect, test } from 'vitest';
import { createNetwork, Random } from '../../src/engine/index.js';
import { forward64, matrixOf, parametersOf } from '../../src/oracle/index.js';
import type { NetworkSpec } from '../../src/spec/index.js';
import { randomRow, tanhNetwork } from '../support/networks.js';
import { STEP_ABSOLUTE } from '../tolerances.js';

// What textbooks print wrong, each slip computed beside the right form: the engine must agree with one and not the
// other. Matrices are plain nested arrays, rows first.

type Matrix = number[][];
const multiply = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, j) => row.reduce((s, v, k) => s + v * b[k][j], 0)));
const transpose = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]));
const shapeTo = (flat: ArrayLike<number>, columns: number): Matrix =>
  Array.from({ length: flat.length / columns }, (_, i) =>
    Array.from({ length: columns }, (_, j) => flat[i * columns + j]),
  );

const furthest = (a: Matrix, b: Matrix): number =>
  Math.max(...a.flatMap((row, i) => row.map((v, j) => Math.abs(v - b[i][j]))));

const square: NetworkSpec = {
  inputs: 4,
  layers: [
    { kind: 'dense', units: 4, activation: 'tanh' },
    { kind: 'dense', units: 4, activation: 'tanh' },
    { kind: 'dense', units: 4, activation: 'identity' },
  ],
  loss: 'squaredError',
  optimizer: { kind: 'sgd', rate: 0.1 },
};

/** Everything about one row through `square` in float64: activations, deltas by the right formulas. */
function backpropagation(examples = 1) {
  const random = new Random(21);
  const net = createNetwork(square, { seed: 8, examples });
  const rows = Array.from({ length: examples }, () => randomRow(random, 4));
  const targets = rows.map(() => randomRow(random, 4));
  const weights = [0, 1, 2].map((l) => matrixOf(parametersOf(net), `layers.${l}.weight`));
  const columns = rows.map((row, k) => {
    const { as } = forward64(net.plan.network, parametersOf(net), row);
    const d3 = as[3].map((a, i) => a - targets[k][i]);
    const slope = (a: number[]) => a.map((v) => 1 - v * v);
    const back = (w: Matrix, d: number[], a: number[]) =>
      multiply(
        transpose(w),
        d.map((v) => [v]),
      ).map(([v], i) => v! * slope(a)[i]);
    const d2 = back(weights[2], d3, as[2]);
    const d1 = back(weights[1], d2, as[1]);
    return { as, d1, d2, d3 };
  });
  const gradients = net.gradients(rows.flat(), targets.flat());
  const gradient = (name: string): Matrix => {
    const { values, shape } = gradients.find((one) => one.name === name)!;
    return shapeTo(values, shape[1] ?? 1);
  };
  return { net, weights, columns, gradient };
}

const outer = (d: readonly number[], a: readonly number[]): Matrix => d.map((v) => a.map((u) => v * u));

describe('slips', () => {
  test('∂ℓ/∂a uses the weights of the layer it feeds, not its own', () => {
    const { weights, columns, gradient } = backpropagation();
    const { as, d1, d2 } = columns[0];
    const wrong = multiply(
      transpose(weights[0]),
      d2.map((v) => [v]),
    ).map(([v], i) => v! * (1 - as[1][i] ** 2));
    expect(furthest(gradient('layers.0.weight'), outer(d1, as[0]))).toBeLessThan(STEP_ABSOLUTE);
    expect(furthest(outer(wrong, as[0]), outer(d1, as[0]))).toBeGreaterThan(0.01);
  });

  test('∂ℓ/∂a uses those weights transposed', () => {
    const { weights, columns, gradient } = backpropagation();
    const { as, d1, d2 } = columns[0];
    const wrong = multiply(
      weights[1],
      d2.map((v) => [v]),
    ).map(([v], i) => v! * (1 - as[1][i] ** 2));
    expect(furthest(gradient('layers.0.weight'), outer(d1, as[0]))).toBeLessThan(STEP_ABSOLUTE);
    expect(furthest(outer(wrong, as[0]), outer(d1, as[0]))).toBeGreaterThan(0.01);
  });

  test('1/m stands in the bias gradient as in the weight gradient, and in neither twice', () => {
    const m = 5;
    const { columns, gradient } = backpropagation(m);
    const sumW = columns.reduce<Matrix>(
      (s, { d2, as }) => outer(d2, as[1]).map((row, i) => row.map((v, j) => v + (s[i]?.[j] ?? 0))),
      [],
    );
    const sumB = columns.reduce<Matrix>((s, { d2 }) => d2.map((v, i) => [v + (s[i]?.[0] ?? 0)]), []);
    const over = (a: Matrix, by: number) => a.map((row) => row.map((v) => v / by));
    expect(furthest(gradient('layers.1.weight'), over(sumW, m))).toBeLessThan(STEP_ABSOLUTE);
    expect(furthest(gradient('layers.1.bias'), over(sumB, m))).toBeLessThan(STEP_ABSOLUTE);
    expect(furthest(sumB, over(sumB, m))).toBeGreaterThan(0.01); // forgotten in db
    expect(furthest(over(sumW, m * m), over(sumW, m))).toBeGreaterThan(0.001); // applied twice
  });

  test("∂J/∂W picks the previous layer's activation, not the layer's own", () => {
    const { columns, gradient } = backpropagation();
    const { as, d2 } = columns[0];
    expect(furthest(gradient('layers.1.weight'), outer(d2, as[1]))).toBeLessThan(STEP_ABSOLUTE);
    expect(furthest(outer(d2, as[2]), outer(d2, as[1]))).toBeGreaterThan(0.01);
  });

  test('∂ℓ/∂a sees the weights before the update', () => {
    const { net, weights, columns } = backpropagation();
    const { as, d1, d2, d3 } = columns[0];
    const first = weights[0].map((row) => [...row]);
    const random = new Random(21);
    net.learn(randomRow(random, 4), randomRow(random, 4));
    const expected = first.map((row, i) => row.map((w, j) => w - 0.1 * d1[i] * as[0][j]));
    const updated = weights[1].map((row, i) => row.map((w, j) => w - 0.1 * d2[i] * as[1][j]));
    const late = multiply(
      transpose(updated),
      d2.map((v) => [v]),
    ).map(([v], i) => v! * (1 - as[1][i] ** 2));
    const wrong = first.map((row, i) => row.map((w, j) => w - 0.1 * late[i] * as[0][j]));
    expect(d3.length).toBe(4);
    expect(furthest(matrixOf(parametersOf(net), 'layers.0.weight'), expected)).toBeLessThan(STEP_ABSOLUTE);
    expect(furthest(wrong, expected)).toBeGreaterThan(10 * STEP_ABSOLUTE);
  });

  test('a g that mixes units is pulled back by its whole Jacobian, not by its diagonal', () => {
    const spec: NetworkSpec = {
      inputs: 3,
      layers: [{ kind: 'dense', units: 3, activation: 'softmax', bias: false }],
      loss: 'squaredError',
      optimizer: { kind: 'sgd', rate: 0.1 },
    };
    const net = createNetwork(spec, { seed: 5 });
    const x = [0.5, -1, 2];
    const y = [0.2, 0.9, -0.4];
    const { as } = forward64(net.plan.network, parametersOf(net), x);
    const a = as[1];
    const da = a.map((v, i) => v - y[i]);
    const jacobian = a.map((ai, i) => a.map((aj, j) => (i === j ? ai : 0) - ai * aj));
    const right = multiply(
      transpose(jacobian),
      da.map((v) => [v]),
    ).map(([v]) => v!);
    const diagonal = da.map((v, i) => v * jacobian[i][i]);
    const weight = shapeTo(net.gradients(x, y)[0].values, 3);
    expect(furthest(weight, outer(right, x))).toBeLessThan(STEP_ABSOLUTE);
    expect(furthest(outer(diagonal, x), outer(right, x))).toBeGreaterThan(0.01);
  });
});

test('row-vector convention: Z = XW + b on design matrices is our Z = WX + b transposed, forward and backward', () => {
  const m = 6;
  const random = new Random(33);
  const net = createNetwork(
    {
      inputs: 5,
      layers: [{ kind: 'dense', units: 3, activation: 'identity' }],
      loss: 'squaredError',
      optimizer: { kind: 'sgd', rate: 0.1 },
    },
    { examples: m },
  );
  const X = Array.from({ length: m }, () => randomRow(random, 5)); // one example a row
  const Y = X.map(() => randomRow(random, 3));
  const parameters = parametersOf(net);
  const W = transpose(matrixOf(parameters, 'layers.0.weight')); // [in, out]
  const bias0 = parameters.get('layers.0.bias')?.values ?? [];

  const Z = multiply(X, W).map((row) => row.map((v, j) => v + bias0[j]));
  net.predict(X.flat()); // the table goes in as it lies in memory
  expect(furthest(shapeTo(net.output, 3), Z)).toBeLessThan(STEP_ABSOLUTE);

  const delta = Z.map((row, k) => row.map((v, j) => v - Y[k][j]));
  const dW = multiply(transpose(X), delta).map((row) => row.map((v) => v / m)); // (1/m) Xᵀδ, [in, out]
  const [weight, bias] = net.gradients(X.flat(), Y.flat());
  expect(furthest(shapeTo(weight!.values, 5), transpose(dW))).toBeLessThan(STEP_ABSOLUTE);
  const db = transpose(delta).map((column) => [column.reduce((s, v) => s + v, 0) / m]);
  expect(furthest(shapeTo(bias!.values, 1), db)).toBeLessThan(STEP_ABSOLUTE);
});

test('columns never mix: an example predicts the same whatever stands beside it', () => {
  const random = new Random(2);
  const spec = tanhNetwork('5-9-3');
  const alone = createNetwork(spec);
  const beside = createNetwork(spec, { examples: 7 });
  const rows = Array.from({ length: 7 }, () => randomRow(random, 5));
  beside.predict(rows.flat());
  rows.forEach((row, k) => {
    expect([...alone.predict(row)]).toEqual([...beside.output.subarray(3 * k, 3 * k + 3)]);
  });
});
