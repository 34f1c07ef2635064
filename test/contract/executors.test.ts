import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createNetwork, loadNetwork, Random } from '../../src/engine/index.js';
import { layout as L } from '../../src/plan/index.js';
import { randomChain, randomNetwork, randomRow, randomTarget, tanhNetwork } from '../support/networks.js';

// The battery every executor passes: after any number of steps on any network, the same bits.

test('executors: simd and reference leave equal hashes after every step of any network', { timeout: 3_600_000 }, () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(1, 1, 1, 2, 3, 5), fc.constantFrom(0.5, 1, 1, 30, 1e18), (seed, m, scale) => {
      const random = new Random(seed);
      const spec = randomNetwork(random);
      const options = { seed, examples: m };
      const simd = createNetwork(spec, { ...options, executor: 'simd' });
      const reference = createNetwork(spec, { ...options, executor: 'reference' });
      const outputs = simd.target.length / m; // one for each group of quantiles
      expect(reference.hash()).toBe(simd.hash());
      for (let step = 0; step < 12; step++) {
        const row = Array.from({ length: m }, () => randomRow(random, spec.inputs, scale)).flat();
        const target = Array.from({ length: m }, () => randomTarget(random, spec.loss, outputs)).flat();
        expect([...reference.predict(row)]).toEqual([...simd.predict(row)]);
        expect(reference.learn(row, target)).toBe(simd.learn(row, target));
        expect(reference.hash()).toBe(simd.hash());
      }
      expect(reference.refusals).toEqual(simd.refusals);
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 400) },
  );
});

test('executors: an activation too large for float32 is refused by both for the same reason, hidden or not', () => {
  for (const activation of ['identity', 'tanh', 'gelu', 'sigmoid'] as const) {
    const nets = (['simd', 'reference'] as const).map((executor) => {
      const net = createNetwork(
        {
          inputs: 2,
          layers: [
            { kind: 'dense', units: 3, activation: 'relu' },
            { kind: 'dense', units: 2, activation },
          ],
          loss: 'huber',
          optimizer: { kind: 'sgd', rate: 0.1 },
        },
        { executor, examples: 2 },
      );
      net.parameters()[0].write([3e38, 3e38, 1, 1, 1, 1]);
      const hash = net.hash();
      expect(net.learn([2, 2, 0, 0], [0, 0, 0, 0])).toBe(Number.NaN);
      expect(net.hash()).toBe(hash);
      return net;
    });
    expect(nets.map((net) => net.refusals.loss)).toEqual([1, 1]);
  }
});

test('executors: a step on the row just predicted leaves what any step does, and refuses what it refuses', () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(1, 1, 1, 3), fc.constantFrom(1, 1, 30, 1e18), (seed, m, scale) => {
      const random = new Random(seed);
      const spec = randomNetwork(random);
      const nets = (['simd', 'simd', 'reference'] as const).map((executor) =>
        createNetwork(spec, { seed, examples: m, executor }),
      );
      const outputs = nets[0].target.length / m;
      for (let step = 0; step < 8; step++) {
        const row = Array.from({ length: m }, () => randomRow(random, spec.inputs, scale)).flat();
        if (step === 5) row[0] = Number.NaN;
        const target = Array.from({ length: m }, () => randomTarget(random, spec.loss, outputs)).flat();
        const expected = nets[0].learn(row, target);
        for (const net of nets.slice(1)) {
          net.predict(row);
          net.target.set(target);
          expect(net.stepForwarded()).toBe(!Number.isNaN(expected));
          expect(net.loss[0]).toBe(expected);
          expect(net.hash()).toBe(nets[0].hash());
          expect(net.refusals).toEqual(nets[0].refusals);
        }
      }
    }),
    { numRuns: Number(process.env.FUZZ_RUNS ?? 200) },
  );
});

test('executors: gradients are the same bits', () => {
  fc.assert(
    fc.property(fc.nat(), fc.constantFrom(1, 2, 4), (seed, m) => {
      const random = new Random(seed);
      const spec = randomNetwork(random);
      const nets = (['simd', 'reference'] as const).map((executor) =>
        createNetwork(spec, { seed, examples: m, executor }),
      );
      const row = Array.from({ length: m }, () => randomRow(random, spec.inputs)).flat();
      const target = Array.from({ length: m }, () => randomTarget(random, spec.loss, nets[0].target.length / m)).flat();
      const [a, b] = nets.map((net) => net.gradients(row, target));
      expect(b).toEqual(a);
    }),
    { numRuns: 100 },
  );
});

test.each(['8-16-4', '32-64-32-8', '128-256-128-10', '784-256-10', '6-64-64-6'])(
  'executors: %s, 300 steps, equal hashes',
  (widths) => {
    const random = new Random(1);
    const simd = createNetwork(tanhNetwork(widths), { executor: 'simd' });
    const reference = createNetwork(tanhNetwork(widths), { executor: 'reference' });
    for (let i = 0; i < (widths.startsWith('784') ? 40 : 300); i++) {
      const row = randomRow(random, simd.input.length);
      const target = randomRow(random, simd.target.length);
      simd.learn(row, target);
      reference.learn(row, target);
    }
    expect(reference.hash()).toBe(simd.hash());
  },
);

test('executors: an update that waits is never seen to: looking, writing, freezing and refusing between steps', () => {
  const random = new Random(12);
  const spec = { ...tanhNetwork('6-9-3', 0.05), shortcut: true };
  const nets = (['simd', 'reference'] as const).map((executor) => createNetwork(spec, { executor }));
  for (let i = 0; i < 200; i++) {
    const row = randomRow(random, 6);
    const target = randomRow(random, 3);
    const choice = random.next() % 8;
    const seen = nets.map((net) => {
      net.learn(row, target);
      if (choice === 0) return net.hash();
      if (choice === 1) return [...net.predict(row)];
      if (choice === 2) return net.learn(row, [Number.NaN, 0, 0]);
      if (choice === 3) net.freeze('layers.0', i % 3 === 0);
      if (choice === 4) net.parameters()[0].write(new Float32Array(54).fill(i / 1000));
      if (choice === 5) return [...net.parameters()[0].read()];
      if (choice === 6) return net.gradients(row, target);
      if (choice === 7) net.rate = 0.01 + (i % 5) / 50;
      return undefined;
    });
    expect(seen[1]).toEqual(seen[0]);
  }
  expect(nets[1].hash()).toBe(nets[0].hash());
});

describe.each(['simd', 'reference'] as const)('%s', (executor) => {
  test('stepMany does what learn does on each row, across chunks of resident rows', () => {
    for (const [widths, m] of [
      ['8-16-4', 1],
      ['784-32-10', 1],
      ['5-9-3', 4],
    ] as const) {
      const random = new Random(2);
      const one = createNetwork(tanhNetwork(widths), { executor, examples: m });
      const many = createNetwork(tanhNetwork(widths), { executor, examples: m });
      const count = 20 * m;
      const nIn = one.input.length / m;
      const nOut = one.target.length / m;
      const rows = new Float32Array(randomRow(random, nIn * count));
      const targets = new Float32Array(randomRow(random, nOut * count));
      let total = 0;
      for (let i = 0; i < count; i += m) {
        total += one.learn(rows.subarray(i * nIn, (i + m) * nIn), targets.subarray(i * nOut, (i + m) * nOut));
      }
      expect(many.stepMany(rows, targets, count)).toBeCloseTo((total * m) / count, 12);
      expect(many.hash()).toBe(one.hash());
      expect(many.steps).toBe(20);
    }
  });

  test('a checkpoint taken in the middle goes on as if nothing had happened, in either executor', () => {
    const random = new Random(4);
    const spec = randomNetwork(random);
    const net = createNetwork(spec, { executor });
    const rows = Array.from({ length: 30 }, () => randomRow(random, spec.inputs));
    const targets = rows.map(() => randomTarget(random, spec.loss, net.target.length));
    for (let i = 0; i < 15; i++) net.learn(rows[i], targets[i]);
    const saved = net.save();
    const copies = (['simd', 'reference'] as const).map((kind) => loadNetwork(saved, { executor: kind }));
    for (let i = 15; i < 30; i++) for (const each of [net, ...copies]) each.learn(rows[i], targets[i]);
    for (const copy of copies) {
      expect(copy.hash()).toBe(net.hash());
      expect(copy.steps).toBe(30);
    }
  });

  test('predicting and looking change nothing', () => {
    const random = new Random(6);
    const net = createNetwork(tanhNetwork('5-7-2'), { executor });
    const hash = net.hash();
    net.predict(randomRow(random, 5));
    net.gradients(randomRow(random, 5), randomRow(random, 2));
    net.save();
    expect(net.hash()).toBe(hash);
  });

  test('any steps on subnormal and huge values leave the same finite weights as the other executor', () => {
    const other = executor === 'simd' ? 'reference' : 'simd';
    const random = new Random(8);
    const spec = tanhNetwork('4-6-3', 0.1);
    const a = createNetwork(spec, { executor });
    const b = createNetwork(spec, { executor: other });
    const scales = [1e-45, 1e-40, 1e-38, 1e-30, 1e-10, 1, 1e10, 1e30, 3e38];
    for (let i = 0; i < 400; i++) {
      const row = randomRow(random, 4, scales[random.next() % scales.length]).map((v) =>
        Math.max(-3.4e38, Math.min(3.4e38, v)),
      );
      const target = randomRow(random, 3, scales[random.next() % 6]);
      a.learn(row, target);
      b.learn(row, target);
      expect(b.hash()).toBe(a.hash());
    }
    for (const parameter of a.parameters()) expect(parameter.read().every(Number.isFinite)).toBe(true);
  });
});

test('executors: a chain of few outputs: weighted, frozen, not finite, too large to prove, whatever comes between', () => {
  const random = new Random(21);
  for (let run = 0; run < 60; run++) {
    const spec = randomChain(random, 12);
    const top = `layers.${spec.layers.length - 1}`;
    const nets = (['simd', 'reference'] as const).map((executor) => createNetwork(spec, { seed: run, executor }));
    for (let i = 0; i < 40; i++) {
      const scale = [1, 1, 1, 1e20, 1e38][random.next() % 5];
      const row = randomRow(random, spec.inputs, scale).map((v) => Math.max(-3.4e38, Math.min(3.4e38, v)));
      const target = randomRow(random, nets[0].target.length, [1, 1, 1e9, 1e30][random.next() % 4]);
      const choice = random.next() % 10;
      const position = random.next();
      const seen = nets.map((net) => {
        if (choice === 0) net.rowWeights[0] = [0, 0.5, 1, 3][i % 4];
        if (choice === 1) net.rowWeights[0] = 1;
        if (choice === 2) net.freeze(i % 2 ? top : 'layers.0', position % 3 === 0);
        if (choice === 3) row[position % row.length] = [Number.NaN, Number.POSITIVE_INFINITY][i % 2];
        if (choice === 4) target[position % target.length] = Number.NaN;
        const loss = net.learn(row, target);
        // What is known of magnitudes decides what later steps may skip.
        const bound = Number.isNaN(loss) ? 0 : net.region('state')[L.S_PARAMETER_BOUND];
        return { loss, bound, output: [...net.output], refusals: net.refusals, hash: net.hash() };
      });
      expect(seen[1]).toEqual(seen[0]);
    }
  }
});

test('executors: rates that change while an update waits do not change that update', () => {
  const [simd, reference] = (['simd', 'reference'] as const).map((executor) =>
    createNetwork(tanhNetwork('6-7-3'), { executor }),
  );
  const random = new Random(5);
  for (let i = 0; i < 60; i++) {
    const row = randomRow(random, 6);
    for (const net of [simd, reference]) {
      net.rate = 0.01 * (i % 4);
      net.biasRate = 0.02 * (i % 3);
    }
    expect(simd.learn(row, [1, 0, -1])).toBe(reference.learn(row, [1, 0, -1]));
  }
  expect(simd.hash()).toBe(reference.hash());
});
