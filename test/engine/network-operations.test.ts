import { describe, expect, test } from 'vitest';
import { createNetwork, loadNetwork, type Network, Random } from '../../src/engine/index.js';
import type { LayerSpec, NetworkSpec } from '../../src/spec/index.js';
import { randomRow, tanhNetwork } from '../support/networks.js';

const adam: NetworkSpec = { ...tanhNetwork('3-5-2'), optimizer: { kind: 'adam', rate: 0.02, accumulate: 2 } };

function learn(net: Network, steps: number, seed = 1): void {
  const random = new Random(seed);
  for (let i = 0; i < steps; i++) net.learn(randomRow(random, net.input.length), randomRow(random, net.target.length));
}

const valuesOf = (net: Network) =>
  Object.fromEntries(net.parameters().map((parameter) => [parameter.name, [...parameter.read()]]));

describe.each(['simd', 'reference'] as const)('%s: freezing by name', (executor) => {
  test('what is frozen stays, what is below it still learns, and a checkpoint remembers', () => {
    const net = createNetwork(tanhNetwork('3-5-4-2', 0.1), { executor });
    net.freeze('layers.1');
    expect(net.frozen()).toEqual(['layers.1']);
    const before = valuesOf(net);
    learn(net, 3);
    const after = valuesOf(net);
    for (const name of Object.keys(before)) {
      if (name.startsWith('layers.1.')) expect(after[name]).toEqual(before[name]);
      else expect(after[name]).not.toEqual(before[name]);
    }
    const copy = loadNetwork(net.save(), { executor });
    expect(copy.frozen()).toEqual(['layers.1']);
    net.freeze('layers.1', false);
    expect(net.frozen()).toEqual([]);
    expect(net.hash()).not.toBe(copy.hash());
    learn(net, 1);
    expect(valuesOf(net)['layers.1.weight']).not.toEqual(before['layers.1.weight']);
  });

  test('the shortcut has a name too', () => {
    const net = createNetwork({ ...tanhNetwork('3-5-2'), shortcut: true }, { executor });
    net.freeze('shortcut');
    const before = valuesOf(net)['shortcut.weight'];
    learn(net, 3);
    expect(valuesOf(net)['shortcut.weight']).toEqual(before);
  });

  test('a name that is none is refused, and the ones there are are told', () => {
    const net = createNetwork(tanhNetwork('3-5-2'), { executor });
    expect(() => net.freeze('layers.2')).toThrow(/layer: found "layers.2", expected one of layers.0, layers.1/);
  });
});

describe('clone', () => {
  test('is equal, goes on in the same bits in either executor, and shares nothing', () => {
    const net = createNetwork(adam, { seed: 3 });
    learn(net, 5); // in the middle of an accumulation
    net.freeze('layers.0');
    net.rate = 0.07;
    const hash = net.hash();
    for (const executor of ['simd', 'reference'] as const) {
      const copy = net.clone({ executor });
      expect(copy.hash()).toBe(hash);
      const twin = net.clone();
      learn(twin, 4, 2);
      learn(copy, 4, 2);
      expect(copy.hash()).toBe(twin.hash());
      expect(copy.rate).toBe(0.07);
      expect(copy.frozen()).toEqual(['layers.0']);
    }
    expect(net.hash()).toBe(hash);
  });
});

describe('merge', () => {
  test('is the weighted average of every parameter; steps and optimizer states stay the network’s own', () => {
    const nets = [1, 2, 3].map((seed) => createNetwork(adam, { seed }));
    nets.forEach((net, i) => {
      learn(net, 4 + 2 * i, i);
    });
    const [target, ...others] = nets as [Network, ...Network[]];
    const values = nets.map(valuesOf);
    const own = target.state().tensors.filter(({ name }) => name.startsWith('optimizer.'));
    target.merge(others, [1, 0, 3]);
    for (const [name, merged] of Object.entries(valuesOf(target))) {
      merged.forEach((value, i) => {
        expect(value).toBe(Math.fround(0.25 * values[0]![name]![i]! + 0.75 * values[2]![name]![i]!));
      });
    }
    expect(target.state().tensors.filter(({ name }) => name.startsWith('optimizer.'))).toEqual(own);
    expect(target.steps).toBe(4);
    expect(others.map(valuesOf)).toEqual(values.slice(1));
  });

  test('of two networks is the same from either side', () => {
    const [a, b] = [4, 5].map((seed) => createNetwork(tanhNetwork('3-5-2'), { seed })) as [Network, Network];
    const copy = a.clone();
    a.merge([b]);
    b.merge([copy]);
    expect(valuesOf(a)).toEqual(valuesOf(b));
  });

  test('other shapes and weights that are none are refused, naming them', () => {
    const net = createNetwork(tanhNetwork('3-5-2'));
    const other = createNetwork(tanhNetwork('3-6-2'));
    const hash = net.hash();
    expect(() => net.merge([other])).toThrow(/merge: .*layers.0.weight.*found 6, expected 5/);
    expect(() => net.merge([net.clone()], [1])).toThrow(/weights: found \[1\], expected 2 numbers ≥ 0/);
    expect(() => net.merge([net.clone()], [0, 0])).toThrow(/one of them above 0/);
    expect(() => net.merge([net.clone()], [1, -1])).toThrow(/≥ 0/);
    expect(net.hash()).toBe(hash);
  });
});

describe.each(['simd', 'reference'] as const)('%s: rates', (executor) => {
  test('may change while running, that of biases apart, and hold from the next step on', () => {
    const net = createNetwork(tanhNetwork('2-1', 0.1), { executor });
    const moved = () => {
      const before = valuesOf(net);
      const gradients = net.gradients([1, 2], [3]);
      net.learn([1, 2], [3]);
      const after = valuesOf(net);
      return gradients.map(({ name, values }) => (before[name]![0]! - after[name]![0]!) / values[0]!);
    };
    for (const [rate, biasRate] of [
      [0.1, 0.1],
      [0.01, 0.05],
      [0, 0.02],
      [0.03, 0],
    ] as const) {
      net.rate = rate;
      net.biasRate = biasRate;
      const [ofWeights, ofBiases] = moved();
      expect(ofWeights).toBeCloseTo(rate, 5);
      expect(ofBiases).toBeCloseTo(biasRate, 5);
    }
    for (const wrong of [-1, Number.NaN, Number.POSITIVE_INFINITY]) {
      expect(() => {
        net.rate = wrong;
      }).toThrow(/rate: found .*, expected a finite number ≥ 0/);
    }
  });

  test('a row counts as much as its weight says, in the loss and in what is learned', () => {
    const one = createNetwork(tanhNetwork('2-4-1', 0.01), { executor });
    const half = one.clone({ executor });
    half.rowWeights[0] = 0.5;
    const [whole, weighted] = [one, half].map((net) => net.gradients([1, -2], [3]));
    expect(half.learn([1, -2], [3])).toBeCloseTo(0.5 * one.learn([1, -2], [3]), 6);
    weighted!.forEach(({ values }, p) => {
      values.forEach((value, i) => {
        expect(value).toBeCloseTo(0.5 * whole![p]!.values[i]!, 6);
      });
    });
    half.rowWeights[0] = 0;
    const hash = valuesOf(half);
    half.learn([5, 5], [5]);
    expect(valuesOf(half)).toEqual(hash);
  });
});

describe.each(['simd', 'reference'] as const)('%s: dropout', (executor) => {
  const layers: LayerSpec[] = [
    { kind: 'dropout', rate: 0.25 },
    { kind: 'dense', units: 1, initialiser: 'zeros' },
  ];
  const spec: NetworkSpec = { inputs: 1000, layers, loss: 'squaredError', optimizer: { kind: 'sgd', rate: 1 } };

  test('drops about its share of units while learning, scales the rest, and nothing when predicting', () => {
    const net = createNetwork(spec, { seed: 7, executor });
    const row = new Float32Array(1000).fill(1);
    net.learn(row, [1]); // w ← 0 + 1·factor
    const [weight] = net.parameters();
    const factors = [...weight!.read()];
    const kept = factors.filter((factor) => factor !== 0);
    for (const factor of kept) expect(factor).toBeCloseTo(1 / 0.75, 6);
    expect(kept.length / 1000).toBeGreaterThan(0.7);
    expect(kept.length / 1000).toBeLessThan(0.8);
    weight!.write(row);
    net.parameters()[1]!.write([0]);
    expect(net.predict(row)[0]).toBe(1000);
  });

  test('draws by its seed, which is part of the hash and of a checkpoint', () => {
    const [a, b, c] = [7, 7, 8].map((seed) => createNetwork(spec, { seed, executor })) as [Network, Network, Network];
    expect(c.hash()).not.toBe(a.hash()); // equal weights, other draws to come
    learn(a, 3);
    learn(b, 1);
    const copy = loadNetwork(b.save(), { executor });
    const random = new Random(1);
    randomRow(random, 1000);
    randomRow(random, 1);
    for (let i = 0; i < 2; i++) copy.learn(randomRow(random, 1000), randomRow(random, 1));
    expect(copy.hash()).toBe(a.hash());
  });
});
