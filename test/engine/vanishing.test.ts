import { expect, test } from 'vitest';
import { createNetwork } from '../../src/index.js';

// Optimizer states that decay become zero below 2⁻¹⁰⁰, so that no processor's rounding of the smallest numbers shows, and
// not before: until then they are halved exactly.

test.each(['simd', 'reference'] as const)(
  '%s: a momentum that decays is kept down to 2⁻¹⁰⁰, and is zero below',
  (executor) => {
    const network = createNetwork(
      {
        inputs: 1,
        layers: [{ kind: 'dense', units: 1, initialiser: 'zeros' }],
        loss: 'squaredError',
        optimizer: { kind: 'momentum', rate: 2 ** -126, momentum: 0.5 },
      },
      { seed: 1, executor },
    );
    const momentum = () => {
      const tensors = network.state().tensors.filter(({ name }) => /^optimizer\..*weight$/.test(name));
      expect(tensors).toHaveLength(1);
      return Math.abs(tensors[0].data[0]);
    };
    network.learn([1], [1]);
    let expected = momentum();
    expect(expected).toBe(1);
    for (let halvings = 1; halvings <= 110; halvings++) {
      network.learn([0], [network.predict([0])[0]]); // no error: no gradient
      expected = halvings <= 100 ? expected / 2 : 0;
      expect(momentum(), `2^-${halvings}`).toBe(expected);
    }
  },
);
