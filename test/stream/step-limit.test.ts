import { expect, test } from 'vitest';
import { createNetwork } from '../../src/index.js';
import { StepLimit } from '../../src/stream/step-limit.js';

const LARGEST_INPUTS = [0.1, 1, 3, 10, 1e3, 1e6];
/** Rounding of a step in float32. */
const ROUNDING = 1e-3;

test('step limit: no step of a linear network leaves a larger error of its own row than it found', () => {
  let shortened = 0;
  for (const x of LARGEST_INPUTS) {
    const network = createNetwork(
      {
        inputs: 1,
        layers: [{ kind: 'dense', units: 1 }],
        loss: 'squaredError',
        optimizer: { kind: 'sgd', rate: 0.3 },
      },
      { seed: 1, executor: 'reference' },
    );
    const limit = new StepLimit(network, 'regress');
    network.input[0] = x;
    network.target[0] = 1;
    const before = Math.abs(network.predict([x])[0] - 1);
    if (limit.shorten()) shortened++;
    network.step();
    const after = Math.abs(network.predict([x])[0] - 1);
    expect(after, `x = ${x}`).toBeLessThanOrEqual(before * (1 + ROUNDING));
    // Nor is it shorter than it has to be: where it is cut, twice the error is taken away.
    if (0.3 * (x * x + 1) > 2) expect(after, `x = ${x}`).toBeGreaterThanOrEqual(before * (1 - ROUNDING));
  }
  expect(shortened).toBe(4);
});
