import { describe, expect, it } from 'vitest';
import { createStream, type StreamOptions } from '../../src/stream/index.js';

const columns = [{ name: 'x' }, { name: 'c', kind: 'class', classes: 3 }] satisfies StreamOptions['columns'];
const regress = { kind: 'regress', features: ['c'], targets: ['x'] } satisfies StreamOptions['task'];
const classify = { kind: 'classify', features: ['x'], targets: ['c'] } satisfies StreamOptions['task'];
const shapes = (options: StreamOptions) =>
  createStream(options)
    .network.parameters()
    .map(({ shape }) => [...shape]);

describe("a task's network", () => {
  it('is a race where none is named, in whatever way', () => {
    for (const network of [undefined, {}, { layers: undefined }]) {
      expect(createStream({ columns, task: regress, network }).taskNetwork).toBe('race');
    }
  });

  it('has sixteen tanh units and the rate of its kind when one is named and no more is said', () => {
    const network = { shortcut: false };
    expect(createStream({ columns, task: regress, network }).taskNetwork).toMatchObject({
      layers: [{ kind: 'dense', units: 16, activation: 'tanh', bias: true, initialiser: 'xavier' }],
      optimizer: { kind: 'sgd', rate: 0.02 },
      outputInitialiser: 'xavier',
      shortcut: false,
      safety: true,
    });
    expect(createStream({ columns, task: classify, network }).taskNetwork).toMatchObject({ optimizer: { rate: 0.05 } });
    expect(shapes({ columns, task: classify, network })).toEqual([[16, 1], [16], [3, 16], [3]]);
    expect(shapes({ columns, task: regress, network })).toEqual([[16, 3], [16], [1, 16], [1]]);
  });

  it('is linear without hidden layers, and may start at zero', () => {
    const network = { layers: [], outputInitialiser: 'zeros' as const };
    const stream = createStream({ columns, task: classify, network });
    expect([...stream.network.parameters()[0].read()]).toEqual([0, 0, 0]);
  });

  it('tells a misspelt key, and a wrong layer by its place', () => {
    const make = (network: unknown) => () => createStream({ columns, task: classify, network: network as object });
    expect(make({ layer: [] })).toThrow(/network\.layer: found unknown key "layer", .* did you mean "layers"/);
    expect(make({ layers: [{ kind: 'dense', units: 0 }] })).toThrow(/network\.layers\[0\]\.units/);
  });
});
