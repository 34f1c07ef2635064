import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createNetwork, loadNetwork, Random } from '../../src/engine/index.js';
import type { LayerSpec, NetworkSpec } from '../../src/spec/index.js';
import { randomRow, tanhNetwork } from '../support/networks.js';

describe('network', () => {
  test('learns y = 2x − 1 to four digits', () => {
    const net = createNetwork(tanhNetwork('1-1', 0.1));
    for (let i = 0; i < 1000; i++) {
      const x = (i % 20) / 10 - 1;
      net.learn([x], [2 * x - 1]);
    }
    expect(net.predict([0.5])[0]).toBeCloseTo(0, 4);
    expect(net.steps).toBe(1000);
  });

  test('the same seed gives the same weights, another seed others', () => {
    const spec = tanhNetwork('4-6-2');
    expect(createNetwork(spec, { seed: 7 }).hash()).toBe(createNetwork(spec, { seed: 7 }).hash());
    expect(createNetwork(spec, { seed: 7 }).hash()).not.toBe(createNetwork(spec, { seed: 8 }).hash());
  });

  test('xavier and he stay within their limits and fill them; zeros are zeros', () => {
    for (const [initialiser, limit] of [
      ['xavier', Math.sqrt(6 / (30 + 50))],
      ['he', Math.sqrt(6 / 30)],
    ] as const) {
      const net = createNetwork({ ...tanhNetwork('30-50'), layers: [{ kind: 'dense', units: 50, initialiser }] });
      const values = net.parameters()[0].read();
      const largest = Math.max(...values.map(Math.abs));
      expect(largest).toBeLessThanOrEqual(Math.fround(limit));
      expect(largest).toBeGreaterThan(0.98 * limit);
      const mean = values.reduce((s, v) => s + v, 0) / values.length;
      expect(Math.abs(mean)).toBeLessThan((4 * limit) / Math.sqrt(3 * values.length));
    }
    const zeros = createNetwork({ ...tanhNetwork('3-2'), layers: [{ kind: 'dense', units: 2, initialiser: 'zeros' }] });
    expect([...zeros.parameters()[0].read()]).toEqual([0, 0, 0, 0, 0, 0]);
  });

  test('parameters read and write in logical row-major order under PyTorch names', () => {
    const net = createNetwork(tanhNetwork('3-2'));
    const [weight, bias] = net.parameters();
    expect([weight!.name, weight!.shape, bias!.name, bias!.shape]).toEqual([
      'layers.0.weight',
      [2, 3],
      'layers.0.bias',
      [2],
    ]);
    weight!.write([1, 2, 3, 4, 5, 6]);
    bias!.write([10, 20]);
    expect([...weight!.read()]).toEqual([1, 2, 3, 4, 5, 6]);
    expect([...net.predict([1, 0, 0])]).toEqual([11, 24]);
    expect([...net.predict([0, 1, 1])]).toEqual([15, 31]);
    expect(() => weight!.write([1, 2])).toThrow(/layers.0.weight: found 2 values, expected 6/);
    expect(() => bias!.write([1, Number.NaN])).toThrow(/finite/);
  });

  test.each(['simd', 'reference'] as const)(
    '%s: tryStep does what step does, leaves the loss behind and says whether the step was taken',
    (executor) => {
      const spec: NetworkSpec = {
        inputs: 2,
        layers: [{ kind: 'dense', units: 1 }],
        loss: 'squaredError',
        optimizer: { kind: 'sgd', rate: 0.1 },
      };
      const [a, b] = [createNetwork(spec, { executor }), createNetwork(spec, { executor })];
      expect(b.loss[0]).toBeNaN();
      for (const rows of [
        [1, 2, 3],
        [0.5, -1, 1],
        [Number.NaN, 1, 1],
        [1, 1, 0],
      ]) {
        for (const net of [a, b]) {
          net.input.set(rows.slice(0, 2));
          net.target[0] = rows[2];
        }
        const loss = a.step();
        expect(b.tryStep()).toBe(!Number.isNaN(loss));
        expect(b.loss[0]).toBe(loss);
        expect(a.loss[0]).toBe(loss);
      }
      expect(b.hash()).toBe(a.hash());
      expect(b.steps).toBe(3);
    },
  );

  test.each(['simd', 'reference'] as const)(
    '%s: a step that meets something not finite changes nothing and counts why',
    (executor) => {
      const net = createNetwork(tanhNetwork('3-4-2', 0.5), { executor });
      const huge = createNetwork(tanhNetwork('3-4-2', 0.5), { executor });
      net.learn([1, 2, 3], [1, 1]);
      const hash = net.hash();
      expect(net.learn([Number.NaN, 0, 0], [0, 0])).toBeNaN();
      expect(net.learn([0, Number.NEGATIVE_INFINITY, 0], [0, 0])).toBeNaN();
      expect(net.learn([0, 0, 0], [Number.NaN, 0])).toBeNaN();
      expect(net.learn([0, 0, 0], [3e38, 3e38])).toBeNaN();
      expect(net.hash()).toBe(hash);
      expect(net.steps).toBe(1);
      expect(net.refusals).toEqual({ input: 2, loss: 2, delta: 0, update: 0 });
      expect(net.learn([1, 2, 3], [1, 1])).toBeGreaterThan(0);

      // A delta that overflows on the way down: weights of 1e30 under a loss that is still finite.
      const [, , weight] = huge.parameters();
      weight!.write(new Float32Array(8).fill(1e30));
      huge.parameters()[0].write(new Float32Array(12));
      const before = huge.hash();
      expect(huge.learn([0, 0, 0], [1e18, 1e18])).toBeNaN();
      expect(huge.refusals).toEqual({ input: 0, loss: 0, delta: 1, update: 0 });
      expect(huge.hash()).toBe(before);
    },
  );

  test.each(['simd', 'reference'] as const)('%s: an update that would overflow a weight is refused', (executor) => {
    const net = createNetwork(
      { ...tanhNetwork('1-1', 1e30), layers: [{ kind: 'dense', units: 1, initialiser: 'zeros' }] },
      { executor },
    );
    const hash = net.hash();
    expect(net.learn([1e10], [1e3])).toBeNaN();
    expect(net.refusals.update).toBe(1);
    expect(net.hash()).toBe(hash);
  });

  test.each(['simd', 'reference'] as const)(
    '%s: so is one whose rate times input overflows, however small the delta',
    (executor) => {
      for (const layers of [
        [{ kind: 'dense', units: 2, initialiser: 'zeros' }],
        [
          { kind: 'dense', units: 4, activation: 'tanh', initialiser: 'zeros' },
          { kind: 'dense', units: 2 },
        ],
      ] satisfies LayerSpec[][]) {
        const net = createNetwork({ ...tanhNetwork('3-2', 10), layers }, { executor });
        const hash = net.hash();
        expect(net.learn([1e38, -1e38, 3e38], [1e-38, 1e-38])).toBeNaN();
        expect(net.refusals.update).toBe(1);
        expect(net.hash()).toBe(hash);
      }
    },
  );

  test('a prediction from a row that is not finite is not finite, and is forgotten with the next row', () => {
    const net = createNetwork(tanhNetwork('2-3-1'));
    const good = net.predict([1, 2])[0];
    expect(net.predict([Number.NaN, 2])[0]).toBeNaN();
    expect(net.predict([1, 2])[0]).toBe(good);
  });

  test('columns of m > 1 enter and leave as plain rows, whatever their width', () => {
    for (const widths of ['4-4', '5-3', '1-1', '7-6-9']) {
      const random = new Random(3);
      const one = createNetwork(tanhNetwork(widths));
      const net = createNetwork(tanhNetwork(widths), { examples: 3 });
      const rows = randomRow(random, net.input.length);
      expect(net.input.length).toBe(3 * one.input.length);
      net.predict(rows);
      for (let k = 0; k < 3; k++) {
        const n = one.input.length;
        const o = one.output.length;
        expect([...one.predict(rows.slice(k * n, (k + 1) * n))]).toEqual([...net.output.subarray(k * o, (k + 1) * o)]);
      }
    }
  });

  test('wrong arguments are told by name', () => {
    const net = createNetwork(tanhNetwork('2-1'));
    expect(() => createNetwork(tanhNetwork('2-1'), { executor: 'simt' as 'simd' })).toThrow(/executor: found "simt"/);
    expect(() => createNetwork(tanhNetwork('2-1'), { seed: -1 })).toThrow(/seed: found -1/);
    expect(() => createNetwork(tanhNetwork('2-1'), { examples: 0 })).toThrow(/examples: found 0/);
    expect(() => net.stepMany(new Float32Array(3), new Float32Array(2), 2)).toThrow(
      /rows: found 3 values, expected 2 × 2/,
    );
    expect(() => net.stepMany(new Float32Array(4), new Float32Array(2), 1.5)).toThrow(/count/);
    expect(() => net.region('nothing')).toThrow(/PLAN_NO_REGION/);
    expect(() => net.predict([1])).toThrow(/row: found 1 values, expected 2/);
    expect(() => net.learn([1, 2], [1, 2])).toThrow(/target: found 2 values, expected 1/);
    expect(() => net.gradients([Number.NaN, 1], [1])).toThrow(/not finite/);
  });

  test('reserved regions lie in the same arena and are left alone by steps', () => {
    const net = createNetwork(tanhNetwork('3-4-2'), { reserve: { row: 5 } });
    const row = net.region('row');
    expect(row.length).toBe(5);
    expect(row.buffer).toBe(net.input.buffer);
    row.set([1, 2, 3, 4, 5]);
    net.learn([1, 2, 3], [1, 1]);
    expect([...row]).toEqual([1, 2, 3, 4, 5]);
  });
});

test('auto falls back to the reference where the machine has no SIMD, and asking for simd there says why', () => {
  const bundle = join(import.meta.dirname, '../../dist/index.js');
  const program = `
    import { createNetwork } from ${JSON.stringify(bundle)};
    const spec = { inputs: 1, layers: [{ kind: 'dense', units: 1 }], loss: 'squaredError', optimizer: { kind: 'sgd', rate: 0.1 } };
    console.log(createNetwork(spec).executor);
    try { createNetwork(spec, { executor: 'simd' }); } catch (error) { console.log(error.message); }`;
  // V8 validates no SIMD without SSE 4.1; on other machines the flag does nothing.
  const node = ['--no-enable-sse4-1', '--input-type=module', '-e', program];
  const { stdout } = spawnSync(process.execPath, node, { encoding: 'utf8' });
  if (process.arch === 'x64') {
    expect(stdout).toMatch(/^reference\nENGINE_NO_SIMD: executor: found no WebAssembly SIMD here/);
  } else {
    expect(stdout).toMatch(/^(simd|reference)\n/);
  }
});

describe('checkpoints', () => {
  const net = createNetwork(tanhNetwork('3-5-2'));
  net.learn([1, 2, 3], [1, -1]);
  const saved = net.save();

  test('loading gives the same hash, steps and declaration', () => {
    const copy = loadNetwork(saved);
    expect(copy.hash()).toBe(net.hash());
    expect(copy.steps).toBe(1);
    expect(copy.plan.network).toEqual(net.plan.network);
    expect([...copy.save()]).toEqual([...saved]);
  });

  test('a flipped bit anywhere is refused, with a reason', () => {
    for (let i = 0; i < saved.length; i++) {
      const damaged = saved.slice();
      damaged[i] ^= 1 << (i % 8);
      expect(() => loadNetwork(damaged), `byte ${i}`).toThrow(/CHECKPOINT_/);
    }
  });

  test('a cut file is refused at every length', () => {
    for (let n = 0; n < saved.length; n++) expect(() => loadNetwork(saved.slice(0, n))).toThrow(/CHECKPOINT_/);
  });

  test("another network's checkpoint is refused, naming the difference", () => {
    const other = createNetwork(tanhNetwork('3-6-2'));
    expect(() => other.restore({ ...other.state(), tensors: new Map(), metadata: net.state().metadata })).toThrow(
      /network.layers\[0\].units 5, expected 6/,
    );
  });
});
