import type { Plan } from '../plan/index.js';
import { widthsOf } from '../spec/index.js';
import { wrongArgument } from './errors.js';
import type { ParameterStore } from './parameter-store.js';
import { sizeOf } from './parameter-store.js';
import { Random } from './random.js';

/** Writes the first weights: seeded as each layer says, ones for layerNorm, zeros for biases and the shortcut. */
export function initialise({ network, parameters }: Plan, store: ParameterStore, seed: number): void {
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    throw wrongArgument('seed', String(seed), 'a whole number from 0 to 4294967295');
  }
  const random = new Random(seed);
  const widths = widthsOf(network);
  network.layers.forEach((layer, i) => {
    const weight = parameters.find(({ name }) => name === `layers.${i}.weight`);
    if (layer.kind === 'dropout' || weight === undefined) return;
    const values = new Float32Array(sizeOf(weight));
    if (layer.kind === 'layerNorm') {
      values.fill(1);
    } else {
      const [nOut, nIn] = [layer.units, widths[i]];
      const limit = { xavier: Math.sqrt(6 / (nIn + nOut)), he: Math.sqrt(6 / nIn), zeros: 0 }[layer.initialiser];
      if (limit > 0) for (let k = 0; k < values.length; k++) values[k] = (2 * random.uniform() - 1) * limit;
    }
    store.write(weight, values, 0);
  });
}
